package keyfit

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// scrubber takes known secrets out of text that a provider sent. A provider that echoes
// the key does so in whatever form its encoder gives: raw, percent-encoded, as a JSON or
// HTML escape, one in another, in another case. So each byte of a secret is matched in any
// of these, and the secret's base64 as well.
//
// The zero scrubber changes nothing. It is made when an error is made, not per request.
type scrubber struct {
	secrets []string
	opens   [256]bool // whether a form of a secret can begin with this byte
}

// minScrub keeps a one-letter "key" of a test from eating every text.
const minScrub = 4

func newScrubber(creds []Credential) scrubber {
	var s scrubber
	for _, c := range creds {
		for _, half := range []string{c.ID.Reveal(), c.Key.Reveal()} {
			if len(half) >= minScrub {
				s.add(half)
			}
		}
	}
	return s
}

// add adds a secret and its base64 in all four alphabets, alone and amid other data.
func (s *scrubber) add(secret string) {
	s.secrets = append(append(s.secrets, secret), base64Forms(secret)...)
	for _, enc := range [...]*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		if coded := enc.EncodeToString([]byte(secret)); !slices.Contains(s.secrets, coded) {
			s.secrets = append(s.secrets, coded)
		}
	}
	for _, form := range s.secrets {
		for _, c := range [...]byte{fold(form[0]), unfold(form[0]), '%', '\\', '&'} {
			s.opens[c] = true
		}
	}
}

// base64Forms returns what base64 makes of a secret amid other data, as in Basic
// credentials and dumped headers: one text for each offset, in both alphabets. A character
// at either end that mixes the secret with its neighbour is left out.
func base64Forms(secret string) []string {
	var forms []string
	for offset := range 3 {
		padded := []byte(strings.Repeat("\x00", offset) + secret)
		from, to := (offset*8+5)/6, len(padded)*8/6
		for _, enc := range [...]*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if form := enc.EncodeToString(padded)[from:to]; len(form) >= minScrub && !slices.Contains(forms, form) {
				forms = append(forms, form)
			}
		}
	}
	return forms
}

// reach is how far beyond a limit one must read so that a secret which begins before the
// limit is seen whole.
func (s scrubber) reach() int {
	longest := 0
	for _, secret := range s.secrets {
		longest = max(longest, len(secret))
	}
	return longest * longestForm
}

// text returns t without secrets.
func (s scrubber) text(t string) string { return s.cut(t, len(t)) }

// all returns the texts without secrets.
func (s scrubber) all(texts []string) []string {
	clean := make([]string, 0, len(texts))
	for _, t := range texts {
		clean = append(clean, s.text(t))
	}
	return clean
}

// Redact returns text with the secrets taken out, in every form that [Keyring.Redact]
// knows. A secret of fewer than four bytes stays: it would take too much with it.
func Redact(text string, secrets ...Secret) string {
	creds := make([]Credential, 0, len(secrets))
	for _, s := range secrets {
		creds = append(creds, Credential{Key: s})
	}
	return newScrubber(creds).text(text)
}

// Redact returns text with every key taken out that the ring holds or held lately, raw or
// as an encoder may have written it: percent-encoded, as JSON or HTML escapes, in base64.
// It is for what a program shows of a raw answer, since a server may echo the key. Errors
// and events of this package need it not.
func (k *Keyring) Redact(text string) string { return newScrubber(k.live()).text(text) }

// cut returns what begins in the first limit bytes of t, without secrets. A secret that
// lies across the limit is taken out whole: cutting first would leave a fragment of it.
func (s scrubber) cut(t string, limit int) string {
	limit = min(limit, len(t))
	if len(s.secrets) == 0 {
		return t[:limit]
	}
	var out strings.Builder
	kept := 0
	for i := 0; i < limit; {
		if !s.opens[t[i]] {
			i++
			continue
		}
		if end := s.match(t, i); end > i {
			out.WriteString(t[kept:i])
			out.WriteString(redacted)
			i, kept = end, end
			continue
		}
		i++
	}
	if kept == 0 {
		return t[:limit]
	}
	if kept < limit {
		out.WriteString(t[kept:limit])
	}
	return out.String()
}

// match returns the end of the longest secret that begins at t[i], or 0.
func (s scrubber) match(t string, i int) int {
	longest := 0
	for _, secret := range s.secrets {
		longest = max(longest, matchSecret(t, i, secret))
	}
	return longest
}

// matchSecret returns the end of the longest reading of t[i:] as the secret, or 0. Where a
// secret holds %, & or \, a byte of the text can be read as itself or as the beginning of
// an escape, so all readings are followed side by side.
func matchSecret(t string, i int, secret string) int {
	var forms, next [8]int
	at := append(make([]int, 0, 8), i)
	for k := range len(secret) {
		reached := next[:0]
		for _, from := range at {
			for _, n := range appendForms(forms[:0], t[from:], secret[k]) {
				if !slices.Contains(reached, from+n) {
					reached = append(reached, from+n)
				}
			}
		}
		if len(reached) == 0 {
			return 0
		}
		at = append(at[:0], reached...)
	}
	return slices.Max(at)
}

// maxNesting is how often a text may have been escaped and still be read: JSON in JSON in
// JSON, a URL in a URL in a URL.
const maxNesting = 3

// appendForms appends how many bytes of t, from its start, are a form of c: itself, or an
// escape of JSON, JavaScript, URLs or HTML.
func appendForms(lengths []int, t string, c byte) []int {
	if t == "" {
		return lengths
	}
	if fold(t[0]) == fold(c) || t[0] == '+' && c == ' ' {
		lengths = append(lengths, 1)
	}
	switch t[0] {
	case '%':
		lengths = appendNested(lengths, t, "25", func(rest string) int {
			if isHex(rest, 0, 2, c) {
				return 2
			}
			return 0
		})
	case '\\':
		lengths = appendBackslashed(lengths, t, c)
	case '&':
		lengths = appendNested(lengths, t, "amp;", func(rest string) int { return matchEntity(rest, c) })
	}
	return lengths
}

// appendNested is for the escapes whose first character is escaped by more of the same: the
// % of %3d by 25, the & of &#61; by amp;. self matches what follows the last of them.
func appendNested(lengths []int, t, more string, self func(rest string) int) []int {
	n := 1
	for range maxNesting {
		if end := self(t[n:]); end > 0 {
			lengths = append(lengths, n+end)
		}
		if !strings.HasPrefix(t[n:], more) {
			break
		}
		n += len(more)
	}
	return lengths
}

func appendBackslashed(lengths []int, t string, c byte) []int {
	n := 1
	for n < 1<<maxNesting && n < len(t) && t[n] == '\\' {
		n++
	}
	switch {
	case c == '\\':
		for doubled := 2; doubled <= n; doubled *= 2 {
			lengths = append(lengths, doubled)
		}
	case n < len(t) && t[n] == c:
		lengths = append(lengths, n+1)
	}
	if strings.HasPrefix(t[n:], "u0026") { // encoders of JSON write the & of an entity so
		open, first := n+len("u002"), len(lengths)
		lengths = appendNested(lengths, t[open:], "amp;", func(rest string) int { return matchEntity(rest, c) })
		for i := range lengths[first:] {
			lengths[first+i] += open
		}
	}
	if strings.HasPrefix(t[n:], "u00") || strings.HasPrefix(t[n:], "U00") {
		if isHex(t, n+3, n+5, c) {
			lengths = append(lengths, n+5)
		}
	} else if strings.HasPrefix(t[n:], "x") && isHex(t, n+1, n+3, c) {
		lengths = append(lengths, n+3)
	}
	return lengths
}

// matchEntity returns the length of an HTML form of c without its ampersand: a number, or
// one of the five names that encoders use. It is 0 if t does not begin with one.
func matchEntity(t string, c byte) int {
	name, _, closed := strings.Cut(t[:min(len(t), maxEntity)], ";")
	if !closed {
		return 0
	}
	if number, ok := strings.CutPrefix(name, "#"); ok {
		base := 10
		if hex := strings.TrimLeft(number, "xX"); hex != number {
			number, base = hex, 16
		}
		if n, ok := parseDigits(number, base); ok && n == int(c) {
			return len(name) + 1
		}
		return 0
	}
	for _, known := range [...]struct {
		name string
		c    byte
	}{{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}} {
		if known.name == name && known.c == c {
			return len(name) + 1
		}
	}
	return 0
}

// maxEntity is the length of the longest number that is read: "#x0003d;".
const maxEntity = 8

// longestForm is the longest form of one byte: an ampersand, escaped again and again, and
// an entity.
const longestForm = 1<<maxNesting + len("u0026") + (maxNesting-1)*len("amp;") + maxEntity

func isHex(t string, from, to int, c byte) bool {
	if len(t) < to {
		return false
	}
	n, ok := parseDigits(t[from:to], 16)
	return ok && n == int(c)
}

func parseDigits(t string, base int) (n int, ok bool) {
	for i := range len(t) {
		d := strings.IndexByte("0123456789abcdef", fold(t[i]))
		if d < 0 || d >= base {
			return 0, false
		}
		n = n*base + d
	}
	return n, t != ""
}

func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func unfold(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}

// header returns a copy without secrets, and without cookies, which are credentials too.
func (s scrubber) header(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		if name == "Set-Cookie" {
			continue
		}
		for _, v := range values {
			out[s.text(name)] = append(out[s.text(name)], s.text(v))
		}
	}
	return out
}

// error returns err if its text holds no secret; otherwise an error with a clean text
// that still answers to errors.Is, and no longer to Unwrap, since what is underneath
// would print the secret.
func (s scrubber) error(err error) error {
	if err == nil {
		return nil
	}
	if clean := s.text(err.Error()); clean != err.Error() {
		return scrubbedError{text: clean, is: func(target error) bool { return errors.Is(err, target) }}
	}
	return err
}

// scrubbedError keeps the original behind a function, which no printer calls.
type scrubbedError struct {
	text string
	is   func(error) bool
}

func (e scrubbedError) Error() string        { return e.text }
func (e scrubbedError) Is(target error) bool { return e.is(target) }

// Timeout makes a scrubbed deadline error a timeout of net.Error, as the original was.
func (e scrubbedError) Timeout() bool { return e.is(context.DeadlineExceeded) }

// Temporary completes net.Error.
func (e scrubbedError) Temporary() bool { return false }

// oneLine makes provider text fit for one line of a log: control and format characters
// become spaces, runs of space one, and at most limit runes stay. The text may be a whole
// error body, of which no more than that is read.
func oneLine(t string, limit int) string {
	var out strings.Builder
	kept, space := 0, false
	for _, r := range t {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar {
			space = kept > 0
			continue
		}
		if space && kept < limit {
			out.WriteByte(' ')
			kept++
		}
		space = false
		if kept >= limit {
			return out.String() + "…"
		}
		out.WriteRune(r)
		kept++
	}
	return out.String()
}
