package rotate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/swapfile"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/internal/envfile"
)

// target is the file with the key: a .env file, or one that holds the key alone.
type target struct {
	vendor  *vendors.Vendor
	keyOnly bool // the file holds the key alone
	file    *swapfile.File
	present keyfit.Credential // zero if there is none
	absent  error             // why there is none
}

func openTarget(ctx context.Context, v *vendors.Vendor, o *Options) (*target, error) {
	t := &target{vendor: v, keyOnly: o.file != ""}
	path, flag := o.dotenv, "--dotenv"
	if t.keyOnly {
		path, flag = o.file, "--file"
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, cli.Usagef("there is no file %q: a rotation changes an existing file; name it with %s", path, flag)
	}
	var err error
	if t.file, err = swapfile.Open(path); err != nil {
		return nil, err
	}
	if !t.keyOnly {
		if err := t.refuseReference(); err != nil {
			return nil, err
		}
	}
	t.present, t.absent = t.source(t.file.Path()).Credential(ctx)
	return t, nil
}

// refuseReference returns an error if the .env file only names the file that has the key.
func (t *target) refuseReference() error {
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
func (t *target) names() []string {
	p := t.vendor.Provider
	if p.EnvID == "" {
		return []string{p.EnvVar}
	}
	return []string{p.EnvID, p.EnvVar}
}

// readableFrom returns an error if a copy of the file in a directory could not be read back: a file
// that it names is meant from the directory of its own.
func (t *target) readableFrom(dir string) error {
	own := filepath.Dir(absolute(t.file.Path()))
	if t.keyOnly || own == dir {
		return nil
	}
	assignments, err := envfile.Parse(t.file.Content())
	if err != nil {
		return fmt.Errorf("%s: %w", t.file.Path(), err)
	}
	name := t.vendor.Provider.EnvVar + "_EXPIRES_FILE"
	if path, found := assignments.Lookup(name); found && path != "" && !filepath.IsAbs(path) {
		return fmt.Errorf("%s is a path from the directory of %s, and a copy elsewhere could not be read back: give a file in %s", name, t.file.Path(), own)
	}
	return nil
}

// place names the key for a person.
func (t *target) place() string {
	if t.keyOnly {
		return t.file.Path()
	}
	return strings.Join(t.names(), " and ") + " in " + t.file.Path()
}

// source reads the key from a file as the SDK does.
func (t *target) source(path string) keyfit.Source {
	p := t.vendor.Provider
	switch {
	case t.keyOnly:
		return keyfit.File(path)
	case p.EnvID != "":
		return keyfit.DotEnvPair(path, p.EnvID, p.EnvVar)
	}
	return keyfit.DotEnv(path, p.EnvVar)
}

// edit returns the file's content with the new key in it, and the lines of the key. expires is
// the new value of the date beside the key: "" says nothing about it, "none" takes it out.
func (t *target) edit(next keyfit.Credential, expires string) (content []byte, lines []int, err error) {
	if t.keyOnly && isJSON(t.file.Content()) {
		if content, err = editJSON(t.file.Content(), next, expires); err != nil {
			err = fmt.Errorf("%s: %w", t.file.Path(), err)
		}
		return content, nil, err
	}
	if t.keyOnly {
		content = []byte(next.Key.Reveal())
		// The line end stays as it is, if there is one.
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
	p := t.vendor.Provider
	if p.EnvID != "" {
		if err := set(p.EnvID, next.ID.Reveal()); err != nil {
			return nil, nil, err
		}
	}
	if err := set(p.EnvVar, next.Key.Reveal()); err != nil {
		return nil, nil, err
	}
	if err := t.refuseOldDates(expires); err != nil {
		return nil, nil, err
	}
	for name, value := range t.dates(next, expires) {
		if value == noExpiry {
			content, _, err = envfile.Remove(content, name)
		} else {
			err = set(name, value)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return content, lines, nil
}

// dates are the new values of the dates beside the key, in their order: "none" takes one out. An
// issue date is only known of a key that is put back.
func (t *target) dates(next keyfit.Credential, expires string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		if expires == "" {
			return
		}
		issued := noExpiry
		if !next.Issued.IsZero() {
			issued = next.Issued.UTC().Format(time.RFC3339Nano)
		}
		name := t.vendor.Provider.EnvVar
		_ = yield(name+"_EXPIRES_FILE", noExpiry) && yield(name+"_EXPIRES", expires) && yield(name+"_ISSUED", issued)
	}
}

// refuseOldDates returns an error if the file has a date of the old key, which would be taken for
// the new key's, and nothing says what becomes of it.
func (t *target) refuseOldDates(expires string) error {
	if expires != "" {
		return nil
	}
	assignments, err := envfile.Parse(t.file.Content())
	if err != nil {
		return fmt.Errorf("%s: %w", t.file.Path(), err)
	}
	for _, end := range []string{"_EXPIRES", "_EXPIRES_FILE", "_ISSUED"} {
		name := t.vendor.Provider.EnvVar + end
		if _, found := assignments.Lookup(name); found {
			return cli.Usagef("%s in %s is the old key's date: give the new one's by --expires, or --expires none to take the line out", name, t.file.Path())
		}
	}
	return nil
}

// swap replaces the file, once the SDK has read the new key from the temporary file that will
// take its place.
func (t *target) swap(content []byte, next keyfit.Credential) error {
	return t.file.Replace(content, func(path string) error {
		got, err := t.source(path).Credential(context.Background()) // a local file, and a swap must not be cut off
		if err != nil || got.Fingerprint() != next.Fingerprint() || !got.Expires.Equal(next.Expires) {
			return fmt.Errorf("%s: the new key would not be read back unchanged: edit the file by hand", t.file.Path())
		}
		return nil
	})
}
