package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/hashicorp/vault/api"
)

// refusal is a status that is an error. It does not wrap the error of the Vault client: that
// holds the server's words, and a server, or a proxy before it, may repeat what it was sent.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func isForbidden(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.status == http.StatusForbidden
}

// What the servers say. Of their words only these are passed on.
const (
	phraseDenied   = "permission denied"
	phraseNoMount  = "no handler for route"
	phraseAppRole  = "invalid role or secret id"
	phraseSealed   = "is sealed"
	phraseQuota    = "quota exceeded"
	phraseInactive = "node not active"
)

// phraseOf returns the known phrase in what the server said, or "".
func phraseOf(err error) string {
	refused, ok := errors.AsType[*api.ResponseError](err)
	if !ok {
		return ""
	}
	said := strings.ToLower(strings.Join(refused.Errors, " "))
	for _, phrase := range []string{phraseDenied, phraseNoMount, phraseAppRole, phraseSealed, phraseQuota, phraseInactive} {
		if strings.Contains(said, phrase) {
			return phrase
		}
	}
	return ""
}

// serverError words a failed read.
func (s *Source) serverError(ctx context.Context, err error) error {
	refused, ok := errors.AsType[*api.ResponseError](err)
	if !ok {
		return s.transportError(ctx, err)
	}
	advice := adviceFor(refused.StatusCode, phraseOf(err))
	if refused.StatusCode == http.StatusForbidden {
		advice = fmt.Sprintf("the token is not valid, or its policy does not allow to read %s/data/%s", s.cfg.Mount, s.cfg.Path)
	}
	return &refusal{refused.StatusCode, sayStatus(refused.StatusCode, phraseOf(err), advice)}
}

// loginError words a failed login.
func (s *Source) loginError(ctx context.Context, err error) error {
	refused, ok := errors.AsType[*api.ResponseError](err)
	if !ok {
		return fmt.Errorf("login: %w", s.transportError(ctx, err))
	}
	advice := adviceFor(refused.StatusCode, phraseOf(err))
	if refused.StatusCode == http.StatusBadRequest || refused.StatusCode == http.StatusForbidden {
		advice = "role id or secret id is wrong, expired or used up, or the auth method is not mounted there"
	}
	// Not a refusal: another login would not help.
	return errors.New("login: " + sayStatus(refused.StatusCode, phraseOf(err), advice))
}

func sayStatus(status int, phrase, advice string) string {
	parts := []string{strconv.Itoa(status)}
	if text := http.StatusText(status); phrase == "" && text != "" {
		phrase = strings.ToLower(text)
	}
	if phrase != "" {
		parts = append(parts, phrase)
	}
	text := strings.Join(parts, ", ")
	if advice != "" {
		text += ": " + advice
	}
	return text
}

func adviceFor(status int, phrase string) string {
	switch {
	case phrase == phraseSealed:
		return "unseal the server"
	case phrase == phraseQuota, status == http.StatusTooManyRequests:
		return "the server limits requests; ask less often"
	case status == http.StatusNotFound:
		return "look at the address, the namespace and the mount"
	case status >= http.StatusInternalServerError:
		return "the server could not answer; it is asked again next time"
	}
	return ""
}

// transportError words what happened before there was an answer. The URL is left out: it is
// long, and Place says where.
func (s *Source) transportError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no answer in time: %w", ctx.Err())
	}
	if errors.Is(err, errRedirected) {
		return errRedirected
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("the answer is larger than %d bytes, so it is not what was meant", tooLarge.Limit)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("the server cannot be asked: %w", failed.Err)
	}
	switch s.cfg.Auth.(type) {
	case fixedToken, tokenFile, AppRole:
		return err // of our own making
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path
	}
	return fmt.Errorf("failed before the server was asked (%T)", err) // its words may hold anything
}
