package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/swapfile"
	"github.com/keyfit/keyfit/internal/envfile"
)

// rotateTarget is the file with the key: a .env, or one that holds the key alone.
type rotateTarget struct {
	vendor  *vendor
	alone   bool
	file    *swapfile.File
	present keyfit.Credential // zero if there is none
	trouble error             // why there is none
}

func openTarget(ctx context.Context, v *vendor, s *rotateSettings) (*rotateTarget, error) {
	t := &rotateTarget{vendor: v, alone: s.file != ""}
	path, flag := s.dotenv, "--dotenv"
	if t.alone {
		path, flag = s.file, "--file"
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, usage("there is no file %q: a rotation changes one that is there; name it with %s", path, flag)
	}
	var err error
	if t.file, err = swapfile.Open(path); err != nil {
		return nil, err
	}
	if !t.alone {
		if err := t.refuseReference(); err != nil {
			return nil, err
		}
	}
	t.present, t.trouble = t.source(t.file.Path()).Credential(ctx)
	return t, nil
}

// refuseReference stops where the .env only says in which file the key is.
func (t *rotateTarget) refuseReference() error {
	assignments, err := envfile.Parse(t.file.Content())
	if err != nil {
		return fmt.Errorf("%s: %w", t.file.Path(), err)
	}
	for _, name := range t.names() {
		if _, found := assignments.Lookup(name + "_FILE"); found {
			return fmt.Errorf("%s_FILE in %s says that the key is in a file of its own: rotate that one with --file", name, t.file.Path())
		}
	}
	return nil
}

// names are the variables of the key: the public half of a pair first.
func (t *rotateTarget) names() []string {
	p := t.vendor.provider
	if p.EnvID == "" {
		return []string{p.EnvVar}
	}
	return []string{p.EnvID, p.EnvVar}
}

// place names the key for a person.
func (t *rotateTarget) place() string {
	if t.alone {
		return t.file.Path()
	}
	return strings.Join(t.names(), " and ") + " in " + t.file.Path()
}

// source reads the key from a file as the SDK does.
func (t *rotateTarget) source(path string) keyfit.Source {
	p := t.vendor.provider
	switch {
	case t.alone:
		return keyfit.File(path)
	case p.EnvID != "":
		return keyfit.DotEnvPair(path, p.EnvID, p.EnvVar)
	}
	return keyfit.DotEnv(path, p.EnvVar)
}

// edit is the file with the new key in it, and which lines are new.
func (t *rotateTarget) edit(next keyfit.Credential, expires string) (content []byte, lines []int, err error) {
	if t.alone {
		content = []byte(next.Key.Reveal())
		if end := bytes.TrimRight(t.file.Content(), "\r\n"); len(end) < len(t.file.Content()) {
			content = append(content, t.file.Content()[len(end):]...)
		}
		return content, nil, nil
	}
	content = t.file.Content()
	set := func(name, value string) error {
		var changed []int
		if content, changed, err = envfile.Set(content, name, value); err != nil {
			return fmt.Errorf("%s in %s: %w", name, t.file.Path(), err)
		}
		lines = append(lines, changed...)
		return nil
	}
	p := t.vendor.provider
	if p.EnvID != "" {
		if err := set(p.EnvID, next.ID.Reveal()); err != nil {
			return nil, nil, err
		}
	}
	if err := set(p.EnvVar, next.Key.Reveal()); err != nil {
		return nil, nil, err
	}
	name := p.EnvVar + "_EXPIRES"
	switch {
	case expires == noExpiry:
		content, _, err = envfile.Remove(content, name)
	case expires != "":
		err = set(name, expires)
	default:
		err = t.refuseOldDate(name)
	}
	if err != nil {
		return nil, nil, err
	}
	return content, lines, nil
}

// refuseOldDate stops before the old key's end is taken for the new one's.
func (t *rotateTarget) refuseOldDate(name string) error {
	assignments, err := envfile.Parse(t.file.Content())
	if err != nil {
		return fmt.Errorf("%s: %w", t.file.Path(), err)
	}
	if _, found := assignments.Lookup(name); found {
		return usage("%s in %s is the old key's end: give the new one's by --expires, or --expires none to take the line out", name, t.file.Path())
	}
	return nil
}

// swap replaces the file, once the SDK has read the new key from what will be it.
func (t *rotateTarget) swap(content []byte, next keyfit.Credential) error {
	return t.file.Replace(content, func(path string) error {
		got, err := t.source(path).Credential(context.Background()) // a local file; the swap is not to be cut off
		if err != nil || got.Fingerprint() != next.Fingerprint() || !got.Expires.Equal(next.Expires) {
			return fmt.Errorf("%s: the new key would not be read back as it is: edit the file by hand", t.file.Path())
		}
		return nil
	})
}

// mentions are the lines that still have the old key in them.
func (t *rotateTarget) mentions(content []byte) []int {
	return envfile.Mentions(content, t.present.Key.Reveal())
}

func describeLines(lines []int) string { return envfile.Describe(lines) }
