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

// refusal is an error response. It does not wrap the error of the Vault client, which contains
// the server's texts: a server or proxy may echo the request.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func isForbidden(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.status == http.StatusForbidden
}

// The only texts of the servers that errors contain.
const (
	phraseDenied   = "permission denied"
	phraseNoMount  = "no handler for route"
	phraseAppRole  = "invalid role or secret id"
	phraseSealed   = "is sealed"
	phraseQuota    = "quota exceeded"
	phraseInactive = "node not active"
)

// phraseOf returns the known phrase in a server's error, or "".
func phraseOf(err error) string {
	refused, ok := errors.AsType[*api.ResponseError](err)
	if !ok {
		return ""
	}
	message := strings.ToLower(strings.Join(refused.Errors, " "))
	for _, phrase := range []string{phraseDenied, phraseNoMount, phraseAppRole, phraseSealed, phraseQuota, phraseInactive} {
		if strings.Contains(message, phrase) {
			return phrase
		}
	}
	return ""
}

// serverError returns the error of a failed read.
func (s *Source) serverError(ctx context.Context, err error) error {
	refused, ok := errors.AsType[*api.ResponseError](err)
	if !ok {
		return s.transportError(ctx, err)
	}
	advice := adviceFor(refused.StatusCode, phraseOf(err))
	if refused.StatusCode == http.StatusForbidden {
		advice = fmt.Sprintf("the token is invalid, or its policy does not allow reading %s/data/%s", s.cfg.Mount, s.cfg.Path)
	}
	return &refusal{refused.StatusCode, describeStatus(refused.StatusCode, phraseOf(err), advice)}
}

// loginError returns the error of a failed login.
func (s *Source) loginError(ctx context.Context, err error) error {
	refused, ok := errors.AsType[*api.ResponseError](err)
	if !ok {
		return fmt.Errorf("login: %w", s.transportError(ctx, err))
	}
	advice := adviceFor(refused.StatusCode, phraseOf(err))
	if refused.StatusCode == http.StatusBadRequest || refused.StatusCode == http.StatusForbidden {
		advice = "the role id or secret id is wrong, expired or used up, or the auth method is not mounted there"
	}
	// This is not a refusal, because another login would not help.
	return errors.New("login: " + describeStatus(refused.StatusCode, phraseOf(err), advice))
}

func describeStatus(status int, phrase, advice string) string {
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
		return "the server limits requests: read less often"
	case status == http.StatusNotFound:
		return "check the address, the namespace and the mount"
	case status >= http.StatusInternalServerError:
		return "the server is unavailable; the next read tries again"
	}
	return ""
}

// transportError returns the error of a request without a response. It omits the URL, because
// the error already names the secret.
func (s *Source) transportError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no response in time: %w", ctx.Err())
	}
	if errors.Is(err, errRedirected) {
		return errRedirected
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("the response is larger than the limit of %d bytes", tooLarge.Limit)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("the server is not reachable: %w", failed.Err)
	}
	switch s.cfg.Auth.(type) {
	case fixedToken, tokenFile, AppRole:
		return err // created by this package
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path
	}
	return fmt.Errorf("failed before a request was sent (%T)", err) // its text may contain anything
}
