package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/keyfit/keyfit"
)

// maxNewKey is far above any key and keeps a wrong file from filling memory.
const maxNewKey = 64 << 10

// newKey reads the new key, and says from where for a person.
func (r *rotateRun) newKey(ctx context.Context) (keyfit.Credential, string, error) {
	var lines []string
	var from string
	var err error
	switch {
	case r.set.fromStdin && r.ask == nil: // at a terminal - is asked for too: typing would be echoed
		from = "the standard input"
		lines, err = await(ctx, func() ([]string, error) { return readLines(r.in) })
	case r.set.keyFile != "":
		from = "--key-file" // its value may be the key itself, put there by mistake
		lines, err = readKeyFile(r.set.keyFile)
	default:
		from = "the terminal"
		lines, err = r.askKey(ctx)
	}
	if err != nil {
		return keyfit.Credential{}, "", err
	}
	want, halves := 1, "the key"
	if r.vendor.provider.EnvID != "" {
		want, halves = 2, r.vendor.variables()
	}
	if len(lines) != want {
		return keyfit.Credential{}, "", fmt.Errorf("%s has %d lines and not %d: want %s", from, len(lines), want, halves)
	}
	cred := keyfit.APIKey(lines[0])
	if want == 2 {
		cred = keyfit.KeyPair(lines[0], lines[1])
	}
	cred, err = keyfit.Static(cred).Credential(ctx) // which cleans and checks it
	if err != nil {
		if under := errors.Unwrap(err); under != nil {
			err = under
		}
		return keyfit.Credential{}, "", fmt.Errorf("the new key, from %s: %w", from, err)
	}
	cred.Place = from
	return cred, from, nil
}

// readLines reads all lines that are not empty.
func readLines(in io.Reader) ([]string, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxNewKey+1))
	if err != nil {
		return nil, fmt.Errorf("read the new key: %w", err)
	}
	if len(data) > maxNewKey {
		return nil, fmt.Errorf("the new key is larger than %d bytes, so it is not what was meant", maxNewKey)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

func readKeyFile(path string) ([]string, error) {
	f, err := os.Open(path) //nolint:gosec // the user's own file
	if err != nil {
		if pe, ok := errors.AsType[*os.PathError](err); ok {
			err = pe.Err
		}
		return nil, fmt.Errorf("--key-file: %w; it wants the path of a file with the key in it", err)
	}
	defer func() { _ = f.Close() }() // only read
	return readLines(f)
}

func (r *rotateRun) askKey(ctx context.Context) ([]string, error) {
	var lines []string
	for _, name := range r.target.names() {
		line, err := r.ask.secret(ctx, "New "+name+" (not shown): ")
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// ttyAsker asks a person at a terminal.
type ttyAsker struct {
	tty *os.File
	out io.Writer
}

// newAsker returns nil if the standard input is no terminal.
func newAsker(a *app) *ttyAsker {
	tty, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(fileDescriptor(tty)) {
		return nil
	}
	return &ttyAsker{tty: tty, out: a.err}
}

func fileDescriptor(f *os.File) int { return int(f.Fd()) }

// secret reads a line without echo. If ctx ends before, the terminal is as it was.
func (t *ttyAsker) secret(ctx context.Context, question string) (string, error) {
	_, _ = io.WriteString(t.out, question)
	fd := fileDescriptor(t.tty)
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("the terminal: %w", err)
	}
	line, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	_, _ = io.WriteString(t.out, "\n") // the person's own was not echoed
	if ctx.Err() != nil {
		_ = term.Restore(fd, before) // the reader is still in its call
	}
	if err != nil {
		return "", fmt.Errorf("read the new key: %w", err)
	}
	return string(line), nil
}

var errNotConfirmed = errors.New("not confirmed")

// yes returns errNotConfirmed unless the person agrees.
func (t *ttyAsker) yes(ctx context.Context, question string) error {
	_, _ = fmt.Fprintf(t.out, "%s [y/N] ", question)
	answer, err := await(ctx, func() (string, error) {
		var line []byte
		for one := make([]byte, 1); ; {
			if _, err := t.tty.Read(one); err != nil {
				return string(line), err
			}
			if one[0] == '\n' || len(line) > 80 {
				return string(line), nil
			}
			line = append(line, one[0])
		}
	})
	if err != nil {
		return errNotConfirmed
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errNotConfirmed
	}
	return nil
}

// await returns what f does, or the end of ctx. f may go on then: what reads a terminal
// cannot be called back, and the program is about to end.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
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
