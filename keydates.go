package keyfit

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/keyfit/keyfit/internal/rfc3339"
)

// dateAhead is how much earlier than its key a date may come: somebody writes the one file after
// the other.
const dateAhead = time.Minute

// datedKey is the key that the dates beside a key file belong to: a file is replaced without them.
// It knows the fingerprint alone, because printers can reach it.
type datedKey struct {
	mu      sync.Mutex
	key     string
	expires time.Time
	issued  time.Time
	changed time.Time // when the dates changed beside the same key; zero if they have not
}

// owns reports whether the dates are those of a key.
func (dk *datedKey) owns(key string, expires, issued time.Time) bool {
	if dk == nil {
		return true
	}
	dk.mu.Lock()
	defer dk.mu.Unlock()
	switch now := time.Now(); {
	case dk.key == "" || !dk.expires.Equal(expires) || !dk.issued.Equal(issued):
		dk.changed = time.Time{}
		if dk.key == key {
			dk.changed = now
		}
		dk.key, dk.expires, dk.issued = key, expires, issued
	case dk.key != key && !dk.changed.IsZero() && now.Sub(dk.changed) <= dateAhead:
		dk.key, dk.changed = key, time.Time{} // they came for this one, a moment earlier
	}
	return dk.key == key
}

// dates adds to a key the dates that variables give for it. What the place of the key itself says
// goes before them.
func (vs variableSource) dates(key Credential, lookup func(string) (string, bool), name string) (Credential, error) {
	expires, err := vs.expiry(lookup, name+"_EXPIRES")
	if err != nil {
		return Credential{}, err
	}
	issued, err := vs.date(lookup, name+"_ISSUED")
	if err != nil {
		return Credential{}, err
	}
	if _, viaFile := lookup(name + "_FILE"); viaFile && !vs.dated.owns(key.Fingerprint(), expires, issued) {
		return key, nil
	}
	if !key.Expires.IsZero() {
		return key, nil
	}
	key.Expires = expires
	if key.Issued.IsZero() {
		key.Issued = issued
	}
	return key, nil
}

// expiry reads NAME_EXPIRES, or the file that NAME_EXPIRES_FILE names.
func (vs variableSource) expiry(lookup func(string) (string, bool), name string) (time.Time, error) {
	_, direct := lookup(name)
	path, viaFile := lookup(name + "_FILE")
	place := vs.vars.place(name + "_FILE")
	switch {
	case !viaFile:
		return vs.date(lookup, name)
	case direct:
		return time.Time{}, &sourceError{vs.vars.place(name), fmt.Errorf("both %[1]s and %[1]s_FILE are set: unset one", name)}
	case path == "":
		return time.Time{}, &sourceError{place, errKeyEmpty}
	}
	content, err := vs.vars.readFile(path, maxDateFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("does not exist") // which is not the same as no key
	}
	if err != nil {
		return time.Time{}, &sourceError{place, fmt.Errorf("file %s: %w", path, err)}
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(content), byteOrderMark))
	if text == "" {
		return time.Time{}, nil // as an empty variable is none
	}
	at, err := parseDate(text)
	if err != nil {
		return time.Time{}, &sourceError{place, fmt.Errorf("file %s: %w", path, err)}
	}
	return at, nil
}

// date reads a date or time; the zero time if there is none.
func (vs variableSource) date(lookup func(string) (string, bool), name string) (time.Time, error) {
	raw, ok := lookup(name)
	raw = strings.TrimSpace(raw)
	if !ok || raw == "" {
		return time.Time{}, nil
	}
	t, err := parseDate(raw)
	if err != nil {
		return time.Time{}, &sourceError{vs.vars.place(name), err}
	}
	return t, nil
}

// parseDate reads a date beside a key. Its error does not repeat what it found.
func parseDate(raw string) (time.Time, error) {
	t, ok := rfc3339.Parse(raw)
	if !ok {
		return time.Time{}, errNoDate
	}
	return t, nil
}

// maxDateFile is above any date with white space around it.
const maxDateFile = 4 << 10
