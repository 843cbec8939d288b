package mockserver

import (
	"net/http"
	"net/url"
	"strings"
)

// redactor hides credentials in what a request says about itself:
//
//   - what the request presented as a credential, whole or in pieces;
//   - every run of characters that a mock made or that this server knows,
//     whether or not this request presented it, also in two or three parts;
//   - both of them percent-encoded, with JSON escapes, in base64 or in hex;
//   - every value that stands under the name of a credential.
//
// What it cannot know is a foreign secret under a harmless name in a request
// that presents it nowhere.
type redactor struct {
	srv    *Server
	whole  []string // hidden where they stand whole; too many of them hide everything
	pieces []string // hidden also in pieces
	clean  cleanTexts
}

// cleanTexts remembers texts in which no credential of this server was found:
// most requests repeat the headers of the one before. A new credential makes
// it start anew.
type cleanTexts struct {
	texts [8]string
	next  int
	keys  uint64 // credentials stored when it was filled
}

const maxCleanText = 256

func (c *cleanTexts) has(s string, keys uint64) bool {
	if c.keys != keys {
		*c = cleanTexts{keys: keys}
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

const (
	minSecret = 8        // shorter values are no credentials and would riddle the text
	minPiece  = 12       // a common stretch of this length is a piece of a credential
	maxPieces = 2 << 10  // of one credential
	maxWhole  = 16 << 10 // of one value; a header may have a megabyte
	maxValues = 100      // presented by one request
)

// begin takes the credential that the vendor's own places carried.
func (d *redactor) begin(s *Server, c *credentials) {
	d.srv = s
	d.forget()
	d.credential(c.value)
	d.credential(c.token)
}

// forget drops the values, so that a pooled redactor keeps none.
func (d *redactor) forget() {
	clear(d.whole)
	clear(d.pieces)
	d.whole, d.pieces = d.whole[:0], d.pieces[:0]
}

// credential takes a value that is meant to be one.
func (d *redactor) credential(value string) {
	if len(value) >= minSecret {
		d.whole = append(d.whole, value[:min(len(value), maxWhole)])
		d.pieces = append(d.pieces, value[:min(len(value), maxPieces)])
	}
}

// header takes a header that is not known to be harmless.
func (d *redactor) header(name, value string) {
	if name == "Authorization" || secretName(name) {
		d.credential(value)
		if scheme, rest, ok := strings.Cut(value, " "); ok {
			d.credential(strings.TrimSpace(rest))
			if strings.EqualFold(scheme, "Basic") {
				user, password, _ := strings.Cut(decodeBase64(rest), ":")
				d.credential(user)
				d.credential(password)
			}
		}
		return
	}
	value = value[:min(len(value), maxWhole)]
	d.word(value)
	if !strings.ContainsAny(value, " ;=") {
		return
	}
	for w := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ' ' || r == ';' || r == '=' }) {
		d.word(w)
	}
	if _, rest, ok := strings.Cut(value, " "); ok {
		d.word(rest)
	}
}

// word takes a value that may be anything.
func (d *redactor) word(w string) {
	if len(w) >= minSecret {
		d.whole = append(d.whole, w)
	}
}

// parameters takes the credentials of a query or form.
func (d *redactor) parameters(raw string) {
	for pair := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		if n, err := url.QueryUnescape(name); err != nil || !secretName(n) {
			continue
		}
		if v, err := url.QueryUnescape(value); err == nil {
			d.credential(v)
		}
		d.credential(value)
	}
}

// method returns the method in a string of its own.
func (d *redactor) method(m string) string {
	switch m {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodPost:
		return http.MethodPost
	case http.MethodPut:
		return http.MethodPut
	case http.MethodDelete:
		return http.MethodDelete
	case http.MethodPatch:
		return http.MethodPatch
	case http.MethodHead:
		return http.MethodHead
	}
	for _, c := range []byte(m) {
		if letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-'; !letter || len(m) > maxCellMethod {
			return redacted // no word
		}
	}
	return strings.Clone(d.text(m))
}

// text returns s without credentials. A text that shows one only when decoded
// is returned decoded, so that one can see what was hidden.
func (d *redactor) text(s string) string {
	switch {
	case len(s) < minSecret:
		return s
	case len(d.whole) > maxValues:
		return redacted
	}
	out := d.hide(s)
	for now := out; ; { // encoded twice is encoded too; each turn is shorter
		plain := unescape(now)
		if plain == now {
			return out
		}
		if now = d.hide(plain); now != plain {
			out = now
		}
	}
}

// hide hides what stands in s literally.
func (d *redactor) hide(s string) string {
	for _, v := range d.whole {
		if len(v) <= len(s) && strings.Contains(s, v) {
			s = strings.ReplaceAll(s, v, redacted)
		}
	}
	for _, v := range d.pieces {
		if len(s) >= minPiece && len(v) >= minPiece {
			s = hidePieces(s, v)
		}
	}
	if d.clean.has(s, d.srv.vault.stored.Load()) {
		return s
	}
	out := d.imported(d.wideRuns(d.runs(s)))
	if out == s {
		d.clean.add(s)
	}
	return out
}

// hidePieces hides every stretch of s that has minPiece characters or more in
// common with v. Such a stretch holds a whole block of v, however it lies, if
// the blocks start no further apart than step.
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
				s = s[:start] + redacted + s[end:]
				from = start + len(redacted)
			}
		}
	}
	return s
}

// query returns the query in a stable order, without credentials.
func (d *redactor) query(raw string) string {
	q, err := url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B")) // Optimove's samples have it inside values
	if err != nil {
		return redacted // what does not parse may hide anything
	}
	d.joined(q)
	out := make(url.Values, len(q))
	for name, values := range q {
		for _, v := range values {
			if secretName(name) || hidesMember(v) {
				v = redacted
			}
			out.Add(d.text(name), d.text(v))
		}
	}
	return strings.ReplaceAll(out.Encode(), url.QueryEscape(redacted), redacted)
}

// hidesMember reports whether a value holds a parameter of a credential's name
// behind a semicolon, which some read as a separator.
func hidesMember(v string) bool {
	_, rest, more := strings.Cut(v, ";")
	for more {
		var part string
		part, rest, more = strings.Cut(rest, ";")
		if name, _, ok := strings.Cut(part, "="); ok && secretName(name) {
			return true
		}
	}
	return false
}

// joined hides a credential that is cut in two over two parameters.
func (d *redactor) joined(q url.Values) {
	type place struct {
		values []string
		i      int
	}
	var all []place
	for _, values := range q {
		for i, v := range values {
			if len(v) >= minPiece/2 && len(v) <= 256 && len(all) < 16 && d.text(v) == v {
				all = append(all, place{values, i})
			}
		}
	}
	for i, a := range all {
		for j, b := range all {
			if i != j && d.known(a.values[a.i]+b.values[b.i]) {
				a.values[a.i], b.values[b.i] = redacted, redacted
			}
		}
	}
}

// body returns the beginning of a request body, without credentials.
func (d *redactor) body(raw []byte, contentType string) string {
	s := string(raw[:min(len(raw), maxJournalBody+2*maxRun)])
	s = head(s, maxJournalBody)
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		d.parameters(s)
		return cut(d.query(s), maxJournalBody)
	}
	return cut(d.text(hideMembers(s)), maxJournalBody)
}
