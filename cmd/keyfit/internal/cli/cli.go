// Package cli is what the commands of keyfit share: the terminal, the errors that set the exit
// code, and text for people.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
)

// Terminal is everything a command reads and writes besides its arguments. A test gives one
// of its own.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(string) (string, bool) // looks up an environment variable
	JSON     bool                        // write JSON for machines instead of text for people
	Typed    []string                    // the arguments; an error does not repeat one that looks like a key

	// Lookup returns the addresses of a host name; nil is the system's resolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Print writes v as indented JSON with --json, and otherwise calls people.
func (t *Terminal) Print(v any, people func(w io.Writer)) error {
	if !t.JSON {
		people(t.Out)
		return nil
	}
	e := json.NewEncoder(t.Out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// The exit codes. `keyfit run` passes on that of its command.
const (
	ExitOK      = 0
	ExitFailure = 1
	ExitUsage   = 2
)

// UsageError is a command line that cannot be understood. It ends the program with ExitUsage.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// Usagef returns a [UsageError].
func Usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// ExitError ends the program with a code and prints nothing.
type ExitError int

func (code ExitError) Error() string { return fmt.Sprintf("exit code %d", int(code)) }
