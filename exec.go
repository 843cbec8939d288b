package keyfit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
// RFC 3339 time or date, is when the key expires, and issued_at when the provider issued it.
// Other members are ignored, and null counts as absent. [ExecText] is for tools that print the
// key alone.
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

// parseExecOutput parses the output of a command. Its errors say what is wrong and quote
// nothing.
func parseExecOutput(output []byte) (Credential, error) {
	switch output = trimmed(output); {
	case len(output) == 0:
		return Credential{}, errors.New("printed nothing: want a JSON object with the member key")
	case output[0] != '{':
		return Credential{}, errors.New("did not print a JSON object: want one with the member key")
	}
	cred, _, err := parseKeyObject(output)
	if err != nil {
		return Credential{}, fmt.Errorf("printed %w", err)
	}
	return cred, nil
}
