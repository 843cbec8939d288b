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

// execNoKey is EX_NOINPUT of sysexits.h. Broken scripts exit with a plain 1, 2 or 3, and
// must not be mistaken for a command that has no key.
const execNoKey = 66

// execLimits bounds one run. The keyring itself gives a source 30 seconds. The output limit
// is far above any key, and keeps a wrong command from filling memory.
func execLimits() command.Limits {
	return command.Limits{Timeout: 10 * time.Second, Linger: time.Second, Output: 64 << 10}
}

// Exec returns a source that runs a command and reads the key from its output, one JSON
// object:
//
//	{"key": "…", "id": "…", "version": 7, "not_after": "2027-01-31T12:00:00Z"}
//
// Use it for any store that has a command-line tool. key is required; id is the public half
// of a pair. version, a string or a number, is the store's name for this key; not_after, an
// RFC 3339 time or date, is when the key expires. Other members are ignored, and null
// counts as absent.
//
// Each time the source is asked, it runs the command once: without a shell, with the
// environment of this process, without input. The command may take 10 seconds and print 64
// KiB; the context can end it earlier. Exit status 66 means that there is no key: the error
// wraps [ErrNoKey], and a [Chain] continues. Any other failure (another status, a missing
// program, output that is empty, truncated or malformed) is an error that does not wrap
// ErrNoKey.
//
// Errors name the program, its exit status and how much it wrote on its standard error, but
// no argument and no output, because both may contain a key. The source is safe for
// concurrent use, and then runs the command concurrently.
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

// Format prints the program's name only, for every verb.
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

// run returns the output of the command if it succeeded.
func (es execSource) run(ctx context.Context) ([]byte, error) {
	output, err := command.Run(ctx, es.limits, es.name, es.args()...)
	if ended, ok := errors.AsType[*command.ExitError](err); ok && ended.Status == execNoKey {
		return nil, fmt.Errorf("reports by exit status %d that it has no key%s (%w)", execNoKey, command.NotesText(ended.Notes), ErrNoKey)
	}
	return output, err
}

// execOutput is the JSON object that a command prints. Members stay raw, because the
// decoder's own errors quote values.
type execOutput struct {
	Key      json.RawMessage `json:"key"`
	ID       json.RawMessage `json:"id"`
	Version  json.RawMessage `json:"version"`
	NotAfter json.RawMessage `json:"not_after"`
}

// parseExecOutput parses the output of a command. Its errors say what is wrong and quote
// nothing.
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
			return Credential{}, fmt.Errorf("printed invalid JSON at byte %d of %d", bad.Offset, len(output))
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

// execVersion accepts a string, or a number, which it returns as written.
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
