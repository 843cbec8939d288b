package redact

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// maxRun is longer than any credential. A longer run is a blob: it is hidden
// without being searched, unless it is data.
const maxRun = 4096

// span is a run of credential characters in a text.
type span struct {
	from, to int
	hide     bool
	joined   int // where it begins among the joined runs
}

// runs hides every run of credential characters that is a credential by
// itself, encoded, or together with its neighbours.
func (r *Redactor) runs(s string) string {
	var few [8]span
	all := few[:0]
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
			all = append(all, span{from: from, to: i, hide: i-from > maxRun && !r.data})
		}
	}
	joined := joinSpans(s, all)
	minted := r.minted(joined)
	found := false
	for i := range all {
		all[i].hide = all[i].hide || r.secret(s[all[i].from:all[i].to], minted)
		found = found || all[i].hide
	}
	if r.neighbours(joined, all, minted) || found {
		return hideSpans(s, all)
	}
	return s
}

// joinSpans returns the runs that are searched, one behind the other. What stands
// in one of them or across their borders stands there too, so one search tells
// whether any of the others can find something.
func joinSpans(s string, all []span) string {
	if len(all) == 1 && !all[0].hide {
		return s[all[0].from:all[0].to]
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := range all {
		if !all[i].hide {
			all[i].joined = b.Len()
			b.WriteString(s[all[i].from:all[i].to])
		}
	}
	return b.String()
}

// maxSplit is longer than what one part of a split credential contributes to it,
// as far as a mock made it. Longer credentials are compared whole.
const maxSplit = 256

// neighbours marks credentials that are split into two or three parts that
// follow each other. The parts have been searched: only what lies across the
// borders is new. minted is false if no credential of a mock can be there.
func (r *Redactor) neighbours(joined string, all []span, minted bool) bool {
	found := false
	for i := range all {
		for j := i; j < len(all) && j <= i+2 && !all[j].hide; j++ {
			if j == i {
				continue
			}
			first, last := all[i].to-all[i].from, all[j].to-all[j].from
			whole := joined[all[i].joined : all[j].joined+last]
			across := whole[max(0, first-maxSplit) : len(whole)-max(0, last-maxSplit)]
			r.work -= len(across)
			if r.work < 0 && r.data {
				return found
			}
			if r.work < 0 || r.storedRun(whole) || minted && r.minted(across) {
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
	var few [8]span
	all := few[:0]
	for i := 0; i < len(s); i++ {
		from := i
		for i < len(s) && (credChar(s[i]) || s[i] == '+' || s[i] == '/') {
			i++
		}
		for i < len(s) && s[i] == '=' {
			i++
		}
		if n := i - from; n < minPiece || n > maxRun && !r.data || !strings.ContainsAny(s[from:i], "+/") {
			continue
		}
		if a, b := r.wide(s[from:i]); b > 0 {
			all = append(all, span{from: from + a, to: from + b, hide: true})
		}
	}
	return hideSpans(s, all)
}

// maxSlashes is how many slashes of a run may separate a credential from the
// rest of a path.
const maxSlashes = 8

// wide returns where in a run a credential in base64 stands. A slash may belong
// to it or separate it from the rest of a path, so the substrings between any
// two slashes are tried, the longest first. What stands in a substring that was
// read already, at the same offset within four characters, is not read again.
func (r *Redactor) wide(run string) (from, to int) {
	starts, ends := []int{0}, []int{}
	for i := range len(run) {
		if run[i] == '/' && len(ends) < maxSlashes {
			starts, ends = append(starts, i+1), append(ends, i)
		}
	}
	ends = append(ends, len(run))
	var read [4]int // up to where, by offset
	for _, a := range starts {
		for _, b := range slices.Backward(ends) {
			if b-a < minPiece || b <= read[a%4] {
				break
			}
			plain := decodeBase64(run[a:b])
			if plain == "" {
				continue
			}
			if r.shows(plain) {
				return a, b
			}
			read[a%4] = b
		}
	}
	return 0, 0
}

func hideSpans(s string, all []span) string {
	if len(all) == 0 {
		return s
	}
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
// several times: each decoding is shorter. minted is false if it holds none that a
// mock made, plain.
func (r *Redactor) secret(run string, minted bool) bool {
	return r.storedRun(run) || minted && r.minted(run) ||
		len(run) >= minPiece && (r.shows(decodeBase64(run)) || r.shows(decodeHex(run)))
}

// shows reports whether a decoded text holds a credential.
func (r *Redactor) shows(plain string) bool { return len(plain) >= MinSecret && r.hide(plain) != plain }

// storedRun reports whether a run is a stored credential, with or without its
// padding.
func (r *Redactor) storedRun(run string) bool {
	bare := strings.TrimRight(run, "=")
	return r.stored(bare) || bare != run && r.stored(run)
}

// minted reports whether a credential that a mock made stands in a text.
func (r *Redactor) minted(text string) bool {
	from, to := r.known.Minted(text)
	return from < to
}

func (r *Redactor) stored(value string) bool { return len(value) >= MinSecret && r.known.Stored(value) }

// imported hides stored values that no mock made. They may consist of any
// characters, so every substring of their lengths is looked up.
func (r *Redactor) imported(s string) string {
	var all []span
	lengths := r.known.Lengths()
	for i := 0; i < len(s) && len(lengths) > 0; i++ {
		for _, n := range lengths {
			if i+n <= len(s) && r.known.Stored(s[i:i+n]) {
				all = append(all, span{from: i, to: i + n, hide: true})
				i += n - 1
				break
			}
		}
	}
	return hideSpans(s, all)
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
