package redact

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// maxRun is longer than any credential. A longer run is a blob: it is hidden
// without being searched.
const maxRun = 4096

// span is a run of credential characters in a text.
type span struct {
	from, to int
	hide     bool
}

// runs hides every run of credential characters that is a credential by
// itself, encoded, or together with its neighbours.
func (r *Redactor) runs(s string) string {
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
			hide := i-from > maxRun || r.secret(s[from:i])
			found = found || hide
			all = append(all, span{from, i, hide})
		}
	}
	if r.neighbours(s, all) || found {
		return hideSpans(s, all)
	}
	return s
}

// neighbours marks credentials that are split into two or three parts that
// follow each other.
func (r *Redactor) neighbours(s string, all []span) bool {
	found := false
	for i := range all {
		joined := make([]byte, 0, 128)
		for j := i; j < len(all) && j <= i+2 && !all[j].hide; j++ {
			joined = append(joined, s[all[j].from:all[j].to]...)
			if j > i && r.secretRun(string(joined)) {
				for k := i; k <= j; k++ {
					all[k].hide = true
				}
				found = true
			}
		}
	}
	return found
}

// wideRuns hides base64 that runs cannot see because '+' and '/' stand in it.
func (r *Redactor) wideRuns(s string) string {
	if !strings.ContainsAny(s, "+/") {
		return s
	}
	for i := 0; i < len(s); i++ {
		from := i
		for i < len(s) && (credChar(s[i]) || s[i] == '+' || s[i] == '/') {
			i++
		}
		for i < len(s) && s[i] == '=' {
			i++
		}
		if n := i - from; n < minPiece || n > maxRun || !strings.ContainsAny(s[from:i], "+/") {
			continue
		}
		if a, b := r.wide(s[from:i]); b > 0 {
			s = s[:from+a] + Mark + s[from+b:]
			i = from + a + len(Mark) - 1
		}
	}
	return s
}

// wide returns where in a run a credential in base64 stands. A slash may belong
// to it or separate it from the rest of a path, so the substrings between any
// two slashes are tried, the longest first.
func (r *Redactor) wide(run string) (from, to int) {
	starts, ends := []int{0}, []int{}
	for i := range len(run) {
		if run[i] == '/' && len(ends) < 8 {
			starts, ends = append(starts, i+1), append(ends, i)
		}
	}
	ends = append(ends, len(run))
	for _, a := range starts {
		for _, b := range slices.Backward(ends) {
			if b-a >= minPiece && r.shows(decodeBase64(run[a:b])) {
				return a, b
			}
		}
	}
	return 0, 0
}

func hideSpans(s string, all []span) string {
	var b strings.Builder
	last := 0
	for _, r := range all {
		if r.hide {
			b.WriteString(s[last:r.from])
			b.WriteString(Mark)
			last = r.to
		}
	}
	b.WriteString(s[last:])
	return b.String()
}

// secret reports whether a run holds a credential, plain or encoded once or
// several times: each decoding is shorter.
func (r *Redactor) secret(run string) bool {
	return r.secretRun(run) || len(run) >= minPiece && (r.shows(decodeBase64(run)) || r.shows(decodeHex(run)))
}

// shows reports whether a decoded text holds a credential.
func (r *Redactor) shows(plain string) bool { return len(plain) >= MinSecret && r.hide(plain) != plain }

// secretRun reports whether a run is a stored credential or holds one that a
// mock made, whatever stands before and after it.
func (r *Redactor) secretRun(run string) bool {
	if bare := strings.TrimRight(run, "="); r.stored(bare) || bare != run && r.stored(run) {
		return true
	}
	return r.known.Minted(run)
}

func (r *Redactor) stored(value string) bool { return len(value) >= MinSecret && r.known.Stored(value) }

// imported hides stored values that no mock made. They may consist of any
// characters, so every substring of their lengths is looked up.
func (r *Redactor) imported(s string) string {
	for _, n := range r.known.Lengths() {
		for i := 0; i+n <= len(s); i++ {
			if r.known.Stored(s[i : i+n]) {
				s = s[:i] + Mark + s[i+n:]
				i += len(Mark) - 1
			}
		}
	}
	return s
}

func credChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// decodeBase64 decodes any of the four kinds of base64. It returns "" if s is
// none or the result is no text. It tolerates some foreign bytes.
func decodeBase64(s string) string {
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	b, err := enc.DecodeString(s)
	if err != nil {
		return ""
	}
	odd := 0
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = ' '
			odd++
		}
	}
	if odd > len(b)/4 {
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
