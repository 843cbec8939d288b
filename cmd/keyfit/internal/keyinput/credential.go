package keyinput

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyfit/keyfit"
)

// Credential returns the credential of one line, or of a pair on two: cleaned and checked as the
// SDK does. from names where the lines were read.
func Credential(ctx context.Context, from string, lines []string) (keyfit.Credential, error) {
	var cred keyfit.Credential
	switch len(lines) {
	case 1:
		cred = keyfit.APIKey(lines[0])
	case 2:
		cred = keyfit.KeyPair(lines[0], lines[1])
	default:
		return cred, fmt.Errorf("%s has %d lines instead of 1, the key, or 2, a pair", from, len(lines))
	}
	cred, err := keyfit.Static(cred).Credential(ctx)
	if err != nil {
		return keyfit.Credential{}, Unplaced(from, err)
	}
	return cred, nil
}

// Unplaced is an error of a source with another name for its place: the source's own may hold a
// path that is a key.
func Unplaced(from string, err error) error {
	if under := errors.Unwrap(err); under != nil {
		err = under
	}
	return fmt.Errorf("the key, from %s: %w", from, err)
}
