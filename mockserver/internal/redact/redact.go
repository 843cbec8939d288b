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
	maxIndex  = 32 << 10 // the pieces of one request
	maxLayers = 3        // how often a text may have been escaped
)

// Known is what the server knows about credentials beyond the present request.
// All methods must be safe for concurrent use.
type Known interface {
	// Stored reports whether value is a credential that the server keeps.
	Stored(value string) bool
	// Minted returns where in text a credential stands that a mock made; from ==
	// to if there is none.
	Minted(text string) (from, to int)
	// Lengths lists the lengths of the stored credentials that no mock made.
	// They may consist of any characters.
	Lengths() []int
	// Version changes whenever a credential is stored.
	Version() uint64
}

// Redactor hides the credentials of one request after another. Use Begin
// before each. It is not safe for concurrent use.
//
// A text takes time in proportion to its length, whatever stands in it: it is
// read a bounded number of times, and what is encoded in so many ways that
// reading it would take longer is hidden without being read (work).
type Redactor struct {
	known    Known
	whole    []string // hidden where they stand whole
	pieces   pieceIndex
	clean    cleanTexts
	repeated repeated
	data     bool // the text is data: what is not read is kept (JSON)
	work     int  // how many more bytes of the present text, and of what is encoded in it, may be read
}

// The work that a text of n bytes may take. Texts that people write take less
// than eight times their length.
func workFor(n int) int { return 64*n + 8<<10 }

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
	r.whole = r.whole[:0]
	r.pieces.reset()
}

// Credential takes a value that is meant to be a credential.
func (r *Redactor) Credential(value string) {
	if len(value) >= MinSecret {
		r.word(value[:min(len(value), maxWhole)])
		r.pieces.add(value[:min(len(value), maxPieces)])
	}
}

// word takes a value that may be anything.
func (r *Redactor) word(w string) {
	if len(w) >= MinSecret && len(r.whole) <= maxValues {
		r.whole = append(r.whole, w)
	}
}

// overwhelmed reports whether the request presented more values than anybody
// sends. Then everything is hidden.
func (r *Redactor) overwhelmed() bool { return len(r.whole) > maxValues || r.pieces.full }

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
// decoded text is returned, so that one can see what was hidden. A text that was
// escaped more than maxLayers times is hidden whole.
func (r *Redactor) Text(s string) string {
	switch {
	case len(s) < MinSecret:
		return s
	case r.overwhelmed():
		return Mark
	}
	r.work = workFor(len(s))
	out := r.hide(s)
	now := out
	for range maxLayers {
		plain := unescape(now)
		if plain == now {
			return out
		}
		if now = r.hide(plain); now != plain {
			out = now
		}
	}
	if !r.data && unescape(now) != now {
		return Mark
	}
	return out
}

// unread returns what stands for a text that would take too long to read. A journal
// may hide anything; data that is hidden is lost.
func (r *Redactor) unread(s string) string {
	if r.data {
		return s
	}
	return Mark
}

// hide hides what stands in s literally.
func (r *Redactor) hide(s string) string {
	if r.work -= len(s); r.work < 0 {
		return r.unread(s)
	}
	for _, v := range r.whole {
		if len(v) <= len(s) && strings.Contains(s, v) {
			s = strings.ReplaceAll(s, v, Mark)
		}
	}
	s = r.pieces.hide(s)
	if r.clean.has(s, r.known.Version()) {
		return s
	}
	out := r.imported(r.wideRuns(r.runs(s)))
	if out == s {
		r.clean.add(s)
	}
	return out
}
