// Package redact removes credentials from what a request says about itself,
// before anybody writes it down. It hides
//
//   - what the request presented as a credential, whole or in pieces;
//   - every run of characters that a mock made or that the server keeps,
//     whether or not this request presented it, also split into two or three
//     parts;
//   - both of them percent-encoded, with JSON escapes, in base64 or in hex;
//   - every value under a name that credentials have.
//
// It cannot recognize a foreign secret under a harmless name in a request that
// presents it nowhere.
package redact

import "strings"

// Mark stands where something was removed.
const Mark = "[redacted]"

// MinSecret is the length from which on a value is taken for a credential.
// Shorter ones would hide parts of ordinary text.
const MinSecret = 8

const (
	minPiece  = 12       // a common substring of this length is a piece of a credential
	maxPieces = 2 << 10  // of one credential
	maxWhole  = 16 << 10 // of one value; a header may have a megabyte
	maxValues = 100      // presented by one request
)

// Known is what the server knows about credentials beyond the present request.
// All methods must be safe for concurrent use.
type Known interface {
	// Stored reports whether value is a credential that the server keeps.
	Stored(value string) bool
	// Minted reports whether a credential that a mock made stands in text.
	Minted(text string) bool
	// Lengths lists the lengths of the stored credentials that no mock made.
	// They may consist of any characters.
	Lengths() []int
	// Version changes whenever a credential is stored.
	Version() uint64
}

// Redactor hides the credentials of one request after another. Use Begin
// before each. It is not safe for concurrent use.
type Redactor struct {
	known  Known
	whole  []string // hidden where they stand whole; too many of them hide everything
	pieces []string // hidden also in pieces
	clean  cleanTexts
}

// New returns a Redactor without a request: it hides what known knows.
func New(known Known) *Redactor { return &Redactor{known: known} }

// Begin forgets the request before and takes the credentials that the vendor's
// own places carried.
func (r *Redactor) Begin(known Known, credentials ...string) {
	r.known = known
	r.Forget()
	for _, value := range credentials {
		r.Credential(value)
	}
}

// Forget drops the values of the request, so that a Redactor in a pool holds
// none.
func (r *Redactor) Forget() {
	clear(r.whole)
	clear(r.pieces)
	r.whole, r.pieces = r.whole[:0], r.pieces[:0]
}

// Credential takes a value that is meant to be a credential.
func (r *Redactor) Credential(value string) {
	if len(value) >= MinSecret {
		r.whole = append(r.whole, value[:min(len(value), maxWhole)])
		r.pieces = append(r.pieces, value[:min(len(value), maxPieces)])
	}
}

// word takes a value that may be anything.
func (r *Redactor) word(w string) {
	if len(w) >= MinSecret {
		r.whole = append(r.whole, w)
	}
}

// cleanTexts remembers texts in which no credential of the server was found:
// most requests repeat the headers of the one before. It starts anew when a
// credential is stored.
type cleanTexts struct {
	texts   [8]string
	next    int
	version uint64 // of Known, when it was filled
}

const maxCleanText = 256

func (c *cleanTexts) has(s string, version uint64) bool {
	if c.version != version {
		*c = cleanTexts{version: version}
		return false
	}
	for i := range c.texts {
		if c.texts[i] == s {
			return true
		}
	}
	return false
}

func (c *cleanTexts) add(s string) {
	if len(s) <= maxCleanText {
		c.texts[c.next] = s
		c.next = (c.next + 1) % len(c.texts)
	}
}

// Text returns s without credentials. If s shows one only when decoded, the
// decoded text is returned, so that one can see what was hidden.
func (r *Redactor) Text(s string) string {
	switch {
	case len(s) < MinSecret:
		return s
	case len(r.whole) > maxValues:
		return Mark
	}
	out := r.hide(s)
	for now := out; ; { // text may be encoded several times; each turn makes it shorter
		plain := unescape(now)
		if plain == now {
			return out
		}
		if now = r.hide(plain); now != plain {
			out = now
		}
	}
}

// hide hides what stands in s literally.
func (r *Redactor) hide(s string) string {
	for _, v := range r.whole {
		if len(v) <= len(s) && strings.Contains(s, v) {
			s = strings.ReplaceAll(s, v, Mark)
		}
	}
	for _, v := range r.pieces {
		if len(s) >= minPiece && len(v) >= minPiece {
			s = hidePieces(s, v)
		}
	}
	if r.clean.has(s, r.known.Version()) {
		return s
	}
	out := r.imported(r.wideRuns(r.runs(s)))
	if out == s {
		r.clean.add(s)
	}
	return out
}

// hidePieces hides every substring of s that has minPiece characters or more in
// common with v. Such a substring holds a whole block of v, whatever its
// offset, if the blocks start no further apart than step.
func hidePieces(s, v string) string {
	const block = minPiece / 2
	const step = minPiece - block + 1
	for at := 0; at+block <= len(v); at += step {
		needle := v[at : at+block]
		for from := 0; ; {
			i := strings.Index(s[from:], needle)
			if i < 0 {
				break
			}
			i += from
			start, end := i, i+block
			for a := at; start > 0 && a > 0 && s[start-1] == v[a-1]; a-- {
				start--
			}
			for b := at + block; end < len(s) && b < len(v) && s[end] == v[b]; b++ {
				end++
			}
			if from = end; end-start >= minPiece {
				s = s[:start] + Mark + s[end:]
				from = start + len(Mark)
			}
		}
	}
	return s
}
