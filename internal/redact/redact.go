// Package redact takes known secrets out of text, headers and errors.
//
// A server that echoes a key writes it the way its encoder does: raw, percent-encoded, as a
// JSON or HTML escape, one within another, in another case, in base64, as hexadecimal digits,
// in UTF-16. A [Redactor] therefore matches each byte of a secret in any of the first forms,
// the whole of it in the others as well, and puts [Mark] in its place.
//
// Redact first, shorten second: a key that has been cut off is still most of a key.
// [Redactor.Prefix] does both in that order, and [Redactor.Reach] says how much more than
// the limit has to be read for it.
//
// The zero Redactor knows no secret: text passes unchanged, and of a header only the cookies
// are taken out. A Redactor never changes, so copies and concurrent use are safe. Making one
// costs a few allocations for each secret; make it when something is to be shown, not for
// each request.
package redact

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Mark stands in place of a secret.
const Mark = "[redacted]"

// MinSecret is the length in bytes below which a secret is ignored: the one-letter "key" of
// a test would take every text with it.
const MinSecret = 4

// Redactor takes secrets out of text. The zero value knows none. A Redactor is small, because
// functions return it that every request passes through.
type Redactor struct {
	known *forms // nil for none
	also  *Index // of more secrets; nil for none
}

// forms are secrets in all their forms as a whole. They do not change once they are indexed.
type forms struct {
	all   []string
	first [256]int32 // by the first byte in lower case: one of the forms that begin with it, plus one
	next  []int32    // by form: another one that begins with the same byte, plus one
}

// Also returns a redactor that takes out the secrets of the index, too.
func (r Redactor) Also(x *Index) Redactor {
	r.also = x
	return r
}

// with returns a redactor that knows the secrets of the index that the text may hold.
func (r Redactor) with(text string) Redactor {
	found := r.also.In(text)
	r.also = nil
	if len(found) == 0 {
		return r
	}
	more := new(forms)
	if r.known != nil {
		more.all = slices.Clone(r.known.all)
	}
	for _, secret := range found {
		more.add(secret)
	}
	more.index()
	return Redactor{known: more}
}

// New returns a redactor of the secrets that have at least [MinSecret] bytes.
func New(secrets ...string) Redactor {
	known := new(forms)
	for _, secret := range secrets {
		if len(secret) >= MinSecret {
			known.add(secret)
		}
	}
	if len(known.all) == 0 {
		return Redactor{}
	}
	known.index()
	return Redactor{known: known}
}

// add adds a secret, its base64 in all four alphabets, alone and amid other data, its
// hexadecimal digits, and UTF-16 in either order of the bytes.
func (f *forms) add(secret string) {
	f.all = slices.Grow(f.all, 13)
	f.all = append(f.all, secret)
	f.addAmid(secret)
	coded := base64.StdEncoding.EncodeToString([]byte(secret))
	bare := strings.TrimRight(coded, "=")
	f.addBase64(bare)
	if bare != coded {
		f.addBase64(coded)
	}
	f.all = append(f.all, hex.EncodeToString([]byte(secret)), wide(secret))
}

// addBase64 adds a form in base64, in both alphabets if it has a character in which they differ.
func (f *forms) addBase64(form string) {
	if slices.Contains(f.all, form) {
		return
	}
	f.all = append(f.all, form)
	if strings.ContainsAny(form, "+/") {
		f.all = append(f.all, strings.ReplaceAll(strings.ReplaceAll(form, "+", "-"), "/", "_"))
	}
}

// wide returns what UTF-16 of either order has of a secret in ASCII: its bytes with a zero
// between two of them.
func wide(secret string) string {
	out := make([]byte, 0, 2*len(secret))
	for i := 0; i < len(secret); {
		if i > 0 {
			out = append(out, 0)
		}
		_, size := utf8.DecodeRuneInString(secret[i:])
		out = append(out, secret[i:i+size]...)
		i += size
	}
	return string(out)
}

// index sorts the forms by their first byte, so that a place of a text is compared only with
// those that can begin there.
func (f *forms) index() {
	f.next = make([]int32, len(f.all))
	for i, form := range f.all {
		first := &f.first[fold(form[0])]
		f.next[i], *first = *first, int32(i+1)
	}
}

// canBegin reports whether a form of a secret can begin with the byte: the first byte of
// one, or that of an escape.
func (f *forms) canBegin(c byte) bool {
	return f.first[fold(c)] != 0 || c == '%' || c == '\\' || c == '&' || c == '+'
}

// addAmid adds what base64 makes of a secret amid other data, as in Basic
// credentials and dumped headers: one text for each offset, in both alphabets. A character
// at either end that mixes the secret with its neighbour is left out.
func (f *forms) addAmid(secret string) {
	padded := append(make([]byte, 2, 2+len(secret)), secret...)
	for offset := range 3 {
		data := padded[2-offset:]
		from, to := (offset*8+5)/6, len(data)*8/6
		if form := base64.RawStdEncoding.EncodeToString(data)[from:to]; len(form) >= MinSecret {
			f.addBase64(form)
		}
	}
}

// Reach returns how many bytes beyond a limit have to be read so that a secret which begins
// before the limit is seen whole.
func (r Redactor) Reach() int {
	longest := 0
	if r.known != nil {
		for _, form := range r.known.all {
			longest = max(longest, len(form))
		}
	}
	if r.also != nil {
		return max(longest*longestForm, r.also.reach())
	}
	return longest * longestForm
}

// Text returns text without secrets.
func (r Redactor) Text(text string) string { return r.Prefix(text, len(text)) }

// Texts returns the texts without secrets.
func (r Redactor) Texts(texts []string) []string {
	clean := make([]string, 0, len(texts))
	for _, text := range texts {
		clean = append(clean, r.Text(text))
	}
	return clean
}

// Prefix returns the first limit bytes of text without secrets. A secret that lies across
// the limit is taken out whole: cutting first would leave a fragment of it. The result is
// longer than limit if [Mark] is longer than the secret.
func (r Redactor) Prefix(text string, limit int) string {
	limit = min(limit, len(text))
	if r.also != nil {
		r = r.with(text[:min(len(text), limit+r.also.reach())])
	}
	if r.known == nil {
		return text[:limit]
	}
	var out strings.Builder
	kept := 0 // everything before it is in out
	for i := 0; i < limit; {
		if !r.known.canBegin(text[i]) {
			i++
			continue
		}
		if end := r.known.match(text, i); end > i {
			out.WriteString(text[kept:i])
			out.WriteString(Mark)
			i, kept = end, end
			continue
		}
		i++
	}
	if kept == 0 {
		return text[:limit]
	}
	if kept < limit {
		out.WriteString(text[kept:limit])
	}
	return out.String()
}

// MaxHeader is how many bytes of a header [Redactor.Header] keeps, names included, and
// maxHeaderValue how many of one value. net/http may accept ten megabytes.
const (
	MaxHeader      = 128 << 10
	maxHeaderValue = 16 << 10
)

// Header returns a copy without secrets, and without cookies, which are credentials too. It
// keeps [MaxHeader] bytes, and 16 KiB of one value; names that come first in the alphabet
// are kept first.
func (r Redactor) Header(h http.Header) http.Header {
	out := make(http.Header, len(h))
	left := MaxHeader
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if name == "Set-Cookie" {
			continue
		}
		clean := r.Prefix(name, maxHeaderValue)
		for _, v := range h[name] {
			if left -= len(clean); left <= 0 {
				return out
			}
			v = r.Prefix(v, min(maxHeaderValue, left))
			left -= len(v)
			out[clean] = append(out[clean], v)
		}
	}
	return out
}
