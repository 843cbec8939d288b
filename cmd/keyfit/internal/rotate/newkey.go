package rotate

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keyinput"
)

// readNewKey reads the new key, and says for a person where it came from.
func (r *rotation) readNewKey(ctx context.Context) (cred keyfit.Credential, from string, err error) {
	if r.opts.rollback != "" {
		return r.readBackup(ctx)
	}
	var lines []string
	switch {
	case r.opts.FromStdin && r.ask == nil: // at a terminal, - asks without echo too
		from = "the standard input"
		lines, err = keyinput.OrDone(ctx, func() ([]string, error) { return keyinput.Lines(r.In) })
	case r.opts.keyFile != "" && r.opts.keyFile != "-":
		from = "--key-file" // without its value, which may be the key itself, given by mistake
		lines, err = keyinput.FileLines("--key-file", r.opts.keyFile)
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

func (r *rotation) askNewKey(ctx context.Context) ([]string, error) {
	var lines []string
	for _, name := range r.target.names() {
		line, err := r.ask.Secret(ctx, "New "+name+" (not shown): ")
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}
