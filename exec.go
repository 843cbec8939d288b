package keyfit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/command"
)

// execNoKey is EX_NOINPUT of sysexits.h. A plain 1, 2 or 3 is what broken scripts end with,
// and a broken command must not pass for one that has no key.
const execNoKey = 66

// execLimits bounds one run. A question of the keyring itself ends after maxReload. The
// output is far above any key, and keeps a wrong command from filling memory.
func execLimits() command.Limits {
	return command.Limits{Timeout: 10 * time.Second, Linger: time.Second, Output: 64 << 10}
}

// Exec offers what a command prints: one JSON object, as in
//
//	{"key": "…", "id": "…", "version": 7, "not_after": "2027-01-31T12:00:00Z"}
//
// It is the way to any store that has a command of its own. key is required; id is the
// public half of a pair. version, text or a number, is the store's name for this key and
// not_after, an RFC 3339 time or date, its end. Other members are ignored, so that a tool
// may print more than that; null counts as absent.
//
// The command is run anew for each question, without a shell, with the environment of
// this process and no input. It has 10 seconds and 64 KiB, or less if the context ends
// before. Exit status 66 says that there is no key: the error wraps [ErrNoKey] and a
// [Chain] goes on. Every other failure (another status, no such program, an answer that is
// empty, cut short or malformed) is an error that does not.
//
// Errors name the program, its exit status and how much it wrote on the standard error,
// never the arguments, nor a word of what it printed: both may hold a key. Safe for
// concurrent use; runs are then concurrent too.
func Exec(name string, args ...string) Source {
	args = slices.Clone(args)
	return execSource{name: name, args: func() []string { return args }, limits: execLimits()}
}

type execSource struct {
	name   string
	args   func() []string // no printer calls it: an argument may be a token
	limits command.Limits
}

func (es execSource) place() string { return "command " + es.name }

// Format prints the program alone, for every verb.
func (es execSource) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "keyfit.Exec("+es.name+")")
}

func (es execSource) Credential(ctx context.Context) (Credential, error) {
	output, err := es.run(ctx)
	if err == nil {
		var cred Credential
		if cred, err = parseExecOutput(output); err == nil {
			cred.Place = es.place()
			return cred, nil
		}
	}
	return Credential{}, &sourceError{es.place(), err}
}

// run returns what the command printed, if it ended well.
func (es execSource) run(ctx context.Context) ([]byte, error) {
	output, err := command.Run(ctx, es.limits, es.name, es.args()...)
	if ended, ok := errors.AsType[*command.ExitError](err); ok && ended.Status == execNoKey {
		return nil, fmt.Errorf("says by exit status %d that it has no key%s (%w)", execNoKey, command.NotesText(ended.Notes), ErrNoKey)
	}
	return output, err
}

// execOutput is what a command prints. Members are raw, since the decoder's own errors
// quote values.
type execOutput struct {
	Key      json.RawMessage `json:"key"`
	ID       json.RawMessage `json:"id"`
	Version  json.RawMessage `json:"version"`
	NotAfter json.RawMessage `json:"not_after"`
}

// parseExecOutput reads a command's answer. Its errors say what is wrong with it and
// repeat nothing of it.
func parseExecOutput(output []byte) (Credential, error) {
	output = bytes.TrimSpace(bytes.TrimPrefix(output, []byte(byteOrderMark)))
	switch {
	case len(output) == 0:
		return Credential{}, errors.New("printed nothing: want a JSON object with the member key")
	case output[0] != '{':
		return Credential{}, errors.New("did not print a JSON object: want one with the member key")
	}
	var doc execOutput
	if err := json.Unmarshal(output, &doc); err != nil {
		if bad, ok := errors.AsType[*json.SyntaxError](err); ok && bad.Offset < int64(len(output)) {
			return Credential{}, fmt.Errorf("printed what is no JSON object, from byte %d of %d on", bad.Offset, len(output))
		}
		return Credential{}, errors.New("printed a JSON object that is cut short")
	}
	var cred Credential
	var err error
	if cred.Key, err = execSecret("key", doc.Key); err != nil {
		return Credential{}, err
	}
	if len(doc.ID) > 0 && string(doc.ID) != "null" {
		if cred.ID, err = execSecret("id", doc.ID); err != nil {
			return Credential{}, err
		}
	}
	if cred.Version, err = execVersion(doc.Version); err != nil {
		return Credential{}, err
	}
	cred.Expires, err = execTime(doc.NotAfter)
	return cred, err
}

func execSecret(name string, raw json.RawMessage) (Secret, error) {
	var text *string
	if len(raw) > 0 && json.Unmarshal(raw, &text) != nil {
		return Secret{}, fmt.Errorf("printed a member %s that is not text", name)
	}
	if text == nil {
		return Secret{}, fmt.Errorf("printed no member %s", name)
	}
	clean, err := cleanKey(*text)
	if err != nil {
		return Secret{}, fmt.Errorf("member %s: %w", name, err)
	}
	return NewSecret(clean), nil
}

// execVersion takes text and numbers, these as they are written.
func execVersion(raw json.RawMessage) (string, error) {
	var text *string
	var number json.Number
	switch {
	case len(raw) == 0 || json.Unmarshal(raw, &text) == nil:
		if text == nil {
			return "", nil
		}
		return strings.TrimSpace(*text), nil
	case json.Unmarshal(raw, &number) == nil:
		return number.String(), nil
	}
	return "", errors.New("printed a member version that is neither text nor a number")
}

func execTime(raw json.RawMessage) (time.Time, error) {
	var text *string
	if len(raw) > 0 && json.Unmarshal(raw, &text) != nil {
		return time.Time{}, errors.New("printed a member not_after that is not text")
	}
	if text == nil || strings.TrimSpace(*text) == "" {
		return time.Time{}, nil
	}
	t, err := parseDate(*text)
	if err != nil {
		return time.Time{}, fmt.Errorf("printed a member not_after that is %w", err)
	}
	return t, nil
}
