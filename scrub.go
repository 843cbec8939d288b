package keyfit

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"unicode"
)

// scrubber takes known secrets out of text that a provider sent. A provider that echoes
// the key does so in whatever form its encoder gives: raw, percent-encoded, as a JSON or
// HTML escape, in another case. So each byte of a secret is matched in any of these.
//
// The zero scrubber changes nothing. It is made when an error is made, not per request.
type scrubber struct {
	secrets []string
}

// minScrub keeps a one-letter "key" of a test from eating every text.
const minScrub = 4

func newScrubber(creds []Credential) scrubber {
	var s scrubber
	for _, c := range creds {
		for _, half := range []string{c.ID.Reveal(), c.Key.Reveal()} {
			if len(half) >= minScrub {
				s.secrets = append(s.secrets, half, base64.StdEncoding.EncodeToString([]byte(half)))
			}
		}
	}
	return s
}

// reach is how far beyond a limit one must read so that a secret which begins before the
// limit is seen whole: "&#x3d;" is the longest form of a byte that is looked for.
func (s scrubber) reach() int {
	longest := 0
	for _, secret := range s.secrets {
		longest = max(longest, len(secret))
	}
	return longest * len("&#x3d;")
}

// text returns t without secrets.
func (s scrubber) text(t string) string { return s.cut(t, len(t)) }

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

func matchSecret(t string, i int, secret string) int {
	for k := range len(secret) {
		n := matchByte(t[i:], secret[k])
		if n == 0 {
			return 0
		}
		i += n
	}
	return i
}

// matchByte returns how many bytes of t, from its start, are a form of c; 0 for none.
func matchByte(t string, c byte) int {
	if t == "" {
		return 0
	}
	switch {
	case fold(t[0]) == fold(c):
		return 1
	case t[0] == '%' && isHex(t, 1, 3, c):
		return 3
	case len(t) > 1 && t[0] == '\\' && t[1] == c:
		return 2
	case len(t) > 5 && t[0] == '\\' && fold(t[1]) == 'u' && t[2] == '0' && t[3] == '0' && isHex(t, 4, 6, c):
		return 6
	case t[0] == '&':
		return matchEntity(t, c)
	}
	return 0
}

// matchEntity matches the HTML forms of c: numeric, or one of the five that encoders use.
func matchEntity(t string, c byte) int {
	end := strings.IndexByte(t[:min(len(t), 8)], ';')
	if end < 0 {
		return 0
	}
	name := t[1:end]
	numeric, isNumber := strings.CutPrefix(name, "#")
	if hex, ok := strings.CutPrefix(strings.ToLower(numeric), "x"); isNumber && ok {
		if n, ok := parseDigits(hex, 16); ok && n == int(c) {
			return end + 1
		}
		return 0
	}
	if n, ok := parseDigits(numeric, 10); isNumber && ok && n == int(c) {
		return end + 1
	}
	names := map[string]byte{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}
	if names[name] == c {
		return end + 1
	}
	return 0
}

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
// become spaces, and at most limit runes stay.
func oneLine(t string, limit int) string {
	t = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(t, " "))
	t = strings.Join(strings.Fields(t), " ")
	if runes := []rune(t); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return t
}
