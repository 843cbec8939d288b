package rotate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/keyfit/keyfit"
)

// maxNewKey is far above any key and keeps a wrong file from filling memory.
const maxNewKey = 64 << 10

// readNewKey reads the new key, and says for a person where it came from.
func (r *rotation) readNewKey(ctx context.Context) (cred keyfit.Credential, from string, err error) {
	var lines []string
	switch {
	case r.opts.FromStdin && r.ask == nil: // at a terminal, - asks without echo too
		from = "the standard input"
		lines, err = orDone(ctx, func() ([]string, error) { return readLines(r.In) })
	case r.opts.keyFile != "" && r.opts.keyFile != "-":
		from = "--key-file" // without its value, which may be the key itself, given by mistake
		lines, err = readKeyFile(r.opts.keyFile)
	default:
		from = "the terminal"
		lines, err = r.askNewKey(ctx)
	}
	if err != nil {
		return keyfit.Credential{}, "", err
	}
	cred = keyfit.Credential{}
	switch isPair := r.vendor.Provider.EnvID != ""; {
	case isPair && len(lines) != 2:
		return cred, "", fmt.Errorf("%s has %d lines instead of 2: %s", from, len(lines), r.vendor.Variables())
	case isPair:
		cred = keyfit.KeyPair(lines[0], lines[1])
	case len(lines) != 1:
		return cred, "", fmt.Errorf("%s has %d lines instead of 1: the key", from, len(lines))
	default:
		cred = keyfit.APIKey(lines[0])
	}
	cred, err = keyfit.Static(cred).Credential(ctx) // which cleans and checks it
	if err != nil {
		if under := errors.Unwrap(err); under != nil {
			err = under // without the place, which is named here
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
			err = pe.Err // without the path
		}
		return nil, fmt.Errorf("--key-file: %w; it takes the path of a file with the key in it", err)
	}
	defer func() { _ = f.Close() }() // only read
	return readLines(f)
}

func (r *rotation) askNewKey(ctx context.Context) ([]string, error) {
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
