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
	return execSource{form: "Exec", parse: parseExecOutput, name: name, args: func() []string { return args }, limits: execLimits()}
}

// ExecText returns a source that runs a command and reads the key from its output, which is the
// key and nothing else:
//
//	keyfit.ExecText("op", "read", "op://production/imkit/credential")
//	keyfit.ExecText("gpg", "--quiet", "--batch", "--decrypt", "imkit.gpg")
//	keyfit.ExecText("sops", "decrypt", "--extract", `["imkit"]`, "secrets.yaml")
//	keyfit.ExecText("sh", "-c", "pass show imkit | head -n 1") // the other lines of an entry are notes
//
// A byte order mark, white space and quotes around the key are removed, as for [Env]. Output of
// several lines, an assignment or JSON is an error, as is everything else that cannot be a key;
// the expiry of the key is not known. Everything else is as for [Exec]: no shell, 10 seconds, 64
// KiB, exit status 66 for no key, and errors without arguments and output.
func ExecText(name string, args ...string) Source {
	args = slices.Clone(args)
	return execSource{form: "ExecText", parse: parseExecText, name: name, args: func() []string { return args }, limits: execLimits()}
}

type execSource struct {
	form   string // the name of the function that made it
	parse  func(output []byte) (Credential, error)
	name   string
	args   func() []string // no printer calls it: an argument may be a token
	limits command.Limits
}

func (es execSource) place() string { return "command " + es.name }

// Format prints the program's name only, for every verb.
func (es execSource) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "keyfit."+es.form+"("+es.name+")")
}

func (es execSource) Credential(ctx context.Context) (Credential, error) {
	output, err := es.run(ctx)
	if err == nil {
		var cred Credential
		if cred, err = es.parse(output); err == nil {
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

// parseExecText parses the output of a command that prints the key alone. Its errors quote nothing.
func parseExecText(output []byte) (Credential, error) {
	output = trimmed(output)
	if len(output) == 0 {
		return Credential{}, errors.New("printed nothing: want the key")
	}
	key, err := cleanKey(string(output))
	if err != nil {
		hint := ""
		if output[0] == '{' {
			hint = ", or read the object with Exec"
		}
		return Credential{}, fmt.Errorf("printed what is no key: %w%s", err, hint)
	}
	return Credential{Key: NewSecret(key)}, nil
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
