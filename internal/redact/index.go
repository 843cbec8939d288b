package redact

import (
	"slices"
	"sync"
)

// Index finds out which of many secrets a text may hold, in a time that does not grow with
// their number: a program may have a key for each of its customers, and a text has one of them
// at most. A [Redactor] that [Redactor.Also] has given an Index takes those secrets out, too.
//
// The Index knows the last bytes of every form of a secret: the first ones are often those of
// many keys, as in sk_live_ and in the header of a JWT. A text is read at each place in
// all the ways that a [Redactor] reads it, as far as the bytes are those of a form. The zero
// Index is empty and ready for use; it is safe for concurrent use.
type Index struct {
	mu      sync.RWMutex
	known   map[uint64]struct{} // the beginnings of the windows
	ends    map[uint64][]hidden // the whole window of a form: the secrets that have it
	longest int                 // of the forms
}

// hidden is a secret behind a function, which no printer calls.
type hidden struct{ reveal func() string }

// window is how many bytes at the end of a form are compared. Seven bytes of base64 have 42
// bits, so a place that is no secret hardly ever looks like one.
const window = 7

// Add adds secrets that have at least [MinSecret] bytes.
func (x *Index) Add(secrets ...string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.add(secrets)
}

// Reset replaces all secrets.
func (x *Index) Reset(secrets []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.known, x.ends, x.longest = nil, nil, 0
	x.add(secrets)
}

// add is called under mu.
func (x *Index) add(secrets []string) {
	if x.known == nil {
		x.known, x.ends = make(map[uint64]struct{}), make(map[uint64][]hidden)
	}
	for _, secret := range secrets {
		if len(secret) < MinSecret {
			continue
		}
		shown, of := hidden{func() string { return secret }}, new(forms)
		of.add(secret)
		for _, form := range of.all {
			x.longest = max(x.longest, len(form))
			at := uint64(1) // tells a beginning from a longer one
			for _, c := range []byte(form[max(0, len(form)-window):]) {
				at = at<<8 | uint64(fold(c))
				x.known[at] = struct{}{}
			}
			if !slices.ContainsFunc(x.ends[at], func(h hidden) bool { return h.reveal() == secret }) {
				x.ends[at] = append(x.ends[at], shown)
			}
		}
	}
}

// In returns the secrets that a text may hold, and a few more by chance; nil for none.
func (x *Index) In(text string) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if len(x.known) == 0 {
		return nil
	}
	var found []string
	for i := range len(text) {
		found = x.from(text[i:], 1, found)
	}
	return found
}

// from follows the readings of t that continue the beginning at. mu is held.
func (x *Index) from(t string, at uint64, found []string) []string {
	for _, h := range x.ends[at] {
		if secret := h.reveal(); !slices.Contains(found, secret) {
			found = append(found, secret)
		}
	}
	if t == "" {
		return found
	}
	var bytes [16]byte
	var lengths [8]int
	readable := appendFirstBytes(bytes[:0], t)
	for i, c := range readable {
		next := at<<8 | uint64(fold(c))
		if _, ok := x.known[next]; !ok || slices.Contains(readable[:i], c) {
			continue
		}
		for _, n := range appendForms(lengths[:0], t, c) {
			found = x.from(t[n:], next, found)
		}
	}
	return found
}

// reach is [Redactor.Reach] for the secrets of the index.
func (x *Index) reach() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.longest * longestForm
}
