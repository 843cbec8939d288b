// Package keyinput reads keys that a person or a program gives: at a terminal without echo, on the
// standard input, from a file. No error repeats what was read, nor a path that may be a key.
package keyinput

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

// Prompter asks a person at a terminal.
type Prompter struct {
	tty *os.File
	out io.Writer
}

// NewPrompter returns nil if the standard input is not a terminal.
func NewPrompter(t *cli.Terminal) *Prompter {
	tty, ok := t.In.(*os.File)
	if !ok || !term.IsTerminal(fileDescriptor(tty)) {
		return nil
	}
	return &Prompter{tty: tty, out: t.Err}
}

func fileDescriptor(f *os.File) int { return int(f.Fd()) }

// Secret reads a line without echo. If ctx ends first, the echo is switched on again.
func (p *Prompter) Secret(ctx context.Context, question string) (string, error) {
	_, _ = io.WriteString(p.out, question)
	fd := fileDescriptor(p.tty)
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("the terminal: %w", err)
	}
	line, err := OrDone(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	_, _ = io.WriteString(p.out, "\n") // the person's own line end was not echoed
	if ctx.Err() != nil {
		_ = term.Restore(fd, before) // ReadPassword is still waiting and would restore it too late
	}
	if err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	return string(line), nil
}

// ErrNotConfirmed is the error of a question that was not answered with yes.
var ErrNotConfirmed = errors.New("not confirmed")

// Confirm returns ErrNotConfirmed unless the person answers yes.
func (p *Prompter) Confirm(ctx context.Context, question string) error {
	_, _ = fmt.Fprintf(p.out, "%s [y/N] ", question)
	answer, err := OrDone(ctx, p.readLine)
	if err != nil {
		return ErrNotConfirmed
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return ErrNotConfirmed
	}
	return nil
}

// readLine reads one byte at a time: a buffered reader would take what the next question is
// answered with.
func (p *Prompter) readLine() (string, error) {
	const maxAnswer = 80
	var line []byte
	for one := make([]byte, 1); ; {
		if _, err := p.tty.Read(one); err != nil {
			return string(line), err
		}
		if one[0] == '\n' || len(line) > maxAnswer {
			return string(line), nil
		}
		line = append(line, one[0])
	}
}

// OrDone returns what f returns, or ctx's error if ctx ends first. f may go on then: a read of
// a terminal cannot be cancelled, and the program is about to end.
func OrDone[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
