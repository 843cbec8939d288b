package mockserver

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// maxRun is longer than any credential; such a run is a blob, which the journal
// need not show and the checks below need not read.
const maxRun = 4096

// span is a run of credential characters in a text.
type span struct {
	from, to int
	hide     bool
}

// runs hides every run of credential characters that is a credential by
// itself, encoded, or together with its neighbours.
func (d *redactor) runs(s string) string {
	var few [8]span
	all := few[:0]
	found := false
	for i := 0; i < len(s); {
		if !credChar(s[i]) {
			i++
			continue
		}
		from := i
		for i < len(s) && credChar(s[i]) {
			i++
		}
		for i < len(s) && s[i] == '=' {
			i++
		}
		if i-from >= minPiece/2 {
			hide := i-from > maxRun || d.secret(s[from:i])
			found = found || hide
			all = append(all, span{from, i, hide})
		}
	}
	if d.neighbours(s, all) || found {
		return hideSpans(s, all)
	}
	return s
}

// neighbours marks credentials cut in two or three parts that follow each
// other.
func (d *redactor) neighbours(s string, all []span) bool {
	found := false
	for i := range all {
		joined := s[all[i].from:all[i].to]
		for j := i + 1; j < len(all) && j <= i+2; j++ {
			if joined += s[all[j].from:all[j].to]; len(joined) >= minMade && d.known(joined) {
				for k := i; k <= j; k++ {
					all[k].hide = true
				}
				found = true
			}
		}
	}
	return found
}

// words hides stored credentials that hold other characters than runs do.
func (d *redactor) words(s string) string {
	if len(s) < minSecret {
		return s
	}
	out := s
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(rawSeparators, r) }) {
		_, value, found := strings.Cut(w, "=")
		if d.stored(w) {
			out = strings.ReplaceAll(out, w, redacted)
		} else if found && d.stored(value) {
			out = strings.ReplaceAll(out, value, redacted)
		}
	}
	return out
}

func (d *redactor) stored(value string) bool {
	return len(value) >= minSecret && len(value) <= maxRun && d.srv.vault.find(hashCredential(value)) != nil
}

func hideSpans(s string, all []span) string {
	var b strings.Builder
	last := 0
	for _, r := range all {
		if r.hide {
			b.WriteString(s[last:r.from])
			b.WriteString(redacted)
			last = r.to
		}
	}
	b.WriteString(s[last:])
	return b.String()
}

// secret reports whether a run is a credential, as it is or encoded, once or
// several times: each decoding is shorter.
func (d *redactor) secret(run string) bool {
	return d.known(run) || len(run) >= minPiece && (d.shows(decodeBase64(run)) || d.shows(decodeHex(run)))
}

// shows reports whether a decoded text holds a credential.
func (d *redactor) shows(plain string) bool { return len(plain) >= minSecret && d.hide(plain) != plain }

// minMade is the length of the shortest credential that a mock makes.
const minMade = 32

// known reports whether a run is a credential: stored here, made by a mock, or
// either of these around a '.' or without the padding that does not belong.
func (d *redactor) known(run string) bool {
	if len(run) < minSecret {
		return false
	}
	bare := strings.TrimRight(run, "=")
	if d.stored(bare) || d.stored(run) {
		return true
	}
	if len(run) < minMade {
		return false
	}
	for _, pad := range []string{"", "=", "=="} {
		s := bare + pad
		if madeJWT(s) || d.stored(s) {
			return true
		}
		for _, v := range d.srv.vendors {
			if v.key.made(s) || v.bearer.bytes > 0 && v.bearer.made(s) || v.oauth != nil && v.oauth.made(s) {
				return true
			}
		}
	}
	if i := strings.IndexByte(run, '.'); i >= 0 {
		return len(run)-i > minMade && d.known(run[i+1:]) || i >= minMade && d.known(run[:i])
	}
	return false
}

func credChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// decodeBase64 decodes any of the four kinds; "" when s is none or the result
// is no text.
func decodeBase64(s string) string {
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	b, err := enc.DecodeString(s)
	if err != nil || !printable(b) {
		return ""
	}
	return string(b)
}

func decodeHex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil || !printable(b) {
		return ""
	}
	return string(b)
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}
