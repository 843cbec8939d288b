package mockserver

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
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
		joined := make([]byte, 0, 128)
		for j := i; j < len(all) && j <= i+2 && !all[j].hide; j++ {
			joined = append(joined, s[all[j].from:all[j].to]...)
			if j > i && d.known(string(joined)) {
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
func (d *redactor) wideRuns(s string) string {
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
		if a, b := d.wide(s[from:i]); b > 0 {
			s = s[:from+a] + redacted + s[from+b:]
			i = from + a + len(redacted) - 1
		}
	}
	return s
}

// wide returns where in a run a credential in base64 stands. A slash may belong
// to it or part it from the rest of a path, so stretches between any two
// slashes are tried, the longest first.
func (d *redactor) wide(run string) (from, to int) {
	starts, ends := []int{0}, []int{}
	for i := range len(run) {
		if run[i] == '/' && len(ends) < 8 {
			starts, ends = append(starts, i+1), append(ends, i)
		}
	}
	ends = append(ends, len(run))
	for _, a := range starts {
		for _, b := range slices.Backward(ends) {
			if b-a >= minPiece && d.shows(decodeBase64(run[a:b])) {
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
			b.WriteString(redacted)
			last = r.to
		}
	}
	b.WriteString(s[last:])
	return b.String()
}

// secret reports whether a run holds a credential, as it is or encoded, once
// or several times: each decoding is shorter.
func (d *redactor) secret(run string) bool {
	return d.known(run) || len(run) >= minPiece && (d.shows(decodeBase64(run)) || d.shows(decodeHex(run)))
}

// shows reports whether a decoded text holds a credential.
func (d *redactor) shows(plain string) bool { return len(plain) >= minSecret && d.hide(plain) != plain }

// known reports whether a run is a stored credential or holds one that a mock
// made, whatever stands before and after it.
func (d *redactor) known(run string) bool {
	if bare := strings.TrimRight(run, "="); d.stored(bare) || bare != run && d.stored(run) {
		return true
	}
	for i := range d.srv.shapes {
		s := &d.srv.shapes[i]
		for from := 0; from+s.size <= len(run); from++ {
			if s.made(run[from:from+s.size] + s.pad) {
				return true
			}
		}
	}
	return holdsJWT(run)
}

func (d *redactor) stored(value string) bool {
	return len(value) >= minSecret && d.srv.vault.find(hashCredential(value)) != nil
}

// holdsJWT reports whether a JWT of a mock stands in run.
func holdsJWT(run string) bool {
	const signature = 43 // characters of 32 bytes
	for from := 0; ; {
		i := strings.Index(run[from:], "eyJ") // base64 of {"
		if i < 0 {
			return false
		}
		from += i
		rest := run[from:]
		for dot := range len(rest) - signature {
			if rest[dot] == '.' && madeJWT(rest[:dot+1+signature]) {
				return true
			}
		}
		from += len("eyJ")
	}
}

// imported hides values that no mock made but that were imported or assigned.
// They may hold any character, so every stretch of their lengths is looked up.
func (d *redactor) imported(s string) string {
	lengths := d.srv.vault.lengths.Load()
	if lengths == nil {
		return s
	}
	for _, n := range *lengths {
		for i := 0; i+n <= len(s); i++ {
			if d.srv.vault.find(hashCredential(s[i:i+n])) != nil {
				s = s[:i] + redacted + s[i+n:]
				i += len(redacted) - 1
			}
		}
	}
	return s
}

func credChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// decodeBase64 decodes any of the four kinds; "" when s is none or the result
// is no text. It allows for a little that does not belong to it at the end.
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
