package redact

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxMethod is longer than any method that exists.
const maxMethod = 32

// Header takes the credentials of a header that PlainHeader does not know as
// harmless.
func (r *Redactor) Header(name, value string) {
	if name == "Authorization" || r.secretName(name) {
		r.Credential(value)
		if scheme, rest, ok := strings.Cut(value, " "); ok {
			r.Credential(strings.TrimSpace(rest))
			if strings.EqualFold(scheme, "Basic") {
				user, password, _ := strings.Cut(decodeBase64(rest), ":")
				r.Credential(user)
				r.Credential(password)
			}
		}
		return
	}
	value = value[:min(len(value), maxWhole)]
	r.word(value)
	if !strings.ContainsAny(value, " ;=") {
		return
	}
	for w := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == ' ' || c == ';' || c == '=' }) {
		r.word(w)
	}
	if _, rest, ok := strings.Cut(value, " "); ok {
		r.word(rest)
	}
}

// Parameters takes the credentials of a query or a form.
func (r *Redactor) Parameters(raw string) {
	for pair := range strings.FieldsFuncSeq(raw, func(c rune) bool { return c == '&' || c == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		if n, err := url.QueryUnescape(name); err != nil || !r.secretName(n) {
			continue
		}
		if v, err := url.QueryUnescape(value); err == nil {
			r.Credential(v)
		}
		r.Credential(value)
	}
}

// Method returns the method in a string of its own, or Mark if it is no word.
func (r *Redactor) Method(m string) string {
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
		if letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-'; !letter || len(m) > maxMethod {
			return Mark
		}
	}
	return strings.Clone(r.Text(m))
}

// Path returns about limit bytes of a path, without credentials and in a
// string of its own: a part of the request line would keep all of it alive.
func (r *Redactor) Path(path string, limit int) string {
	return cut(strings.Clone(r.Text(r.matrix(head(path, limit)))), limit)
}

// Value returns about limit bytes of a harmless header's value, without
// credentials.
func (r *Redactor) Value(value string, limit int) string {
	return cut(r.Text(r.named(head(value, limit), maxDepth)), limit)
}

// Query returns about limit bytes of a query without credentials: as it was sent, or, where
// something is hidden, decoded and in the order of the names.
func (r *Redactor) Query(raw string, limit int) string {
	return cut(r.query(head(raw, limit)), limit)
}

func (r *Redactor) query(raw string) string {
	q, err := url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B")) // Optimove's samples have it inside values
	if err != nil {
		return Mark // what cannot be parsed may hide anything
	}
	sent, names := q.Encode(), slices.Sorted(maps.Keys(q))
	r.joined(q, names)
	out := make(url.Values, len(q))
	for _, name := range names {
		for _, v := range q[name] {
			if r.secretName(name) || r.hidesMember(v) {
				v = Mark
			} else {
				v = r.named(v, maxDepth)
			}
			out.Add(r.Text(name), r.Text(v))
		}
	}
	if out.Encode() == sent && !strings.ContainsFunc(raw, unprintable) && r.Text(raw) == raw {
		return raw // nothing is hidden, so it is shown as it was sent
	}
	return strings.ReplaceAll(out.Encode(), url.QueryEscape(Mark), Mark)
}

func unprintable(c rune) bool { return c <= ' ' || c > '~' }

// hidesMember reports whether a value holds a parameter with a credential's
// name behind a semicolon, which some read as a separator.
func (r *Redactor) hidesMember(v string) bool {
	_, rest, more := strings.Cut(v, ";")
	for more {
		var part string
		part, rest, more = strings.Cut(rest, ";")
		if name, _, ok := strings.Cut(part, "="); ok && r.secretName(name) {
			return true
		}
	}
	return false
}

// joined hides a credential that is split over two parameters.
func (r *Redactor) joined(q url.Values, names []string) {
	type place struct {
		values []string
		i      int
	}
	var all []place
	for _, name := range names {
		for i, v := range q[name] {
			if len(v) >= minPiece/2 && len(v) <= 256 && len(all) < 16 && r.Text(v) == v {
				all = append(all, place{q[name], i})
			}
		}
	}
	for i, a := range all {
		for j, b := range all {
			whole := a.values[a.i] + b.values[b.i]
			if i != j && (r.storedRun(whole) || r.minted(whole)) {
				a.values[a.i], b.values[b.i] = Mark, Mark
			}
		}
	}
}

// Body returns about limit bytes of a request body, without credentials. A
// form is read as a query; of any other type, and of what only claims to be a form,
// what stands under a credential's name is hidden too, whether the type says so or not.
func (r *Redactor) Body(raw []byte, contentType string, limit int) string {
	if compressed(raw) {
		return Mark // nobody could read it, and anybody could unpack it
	}
	s := head(wide16(string(raw[:min(len(raw), toRead(limit))])), limit)
	kind, params, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	form := kind == "application/x-www-form-urlencoded"
	if form {
		r.Parameters(s)
		if likeForm(s) {
			return cut(r.query(s), limit)
		}
	}
	if strings.HasPrefix(kind, "multipart/") || strings.Contains(strings.ToLower(s), "content-disposition:") {
		s = r.parts(s, boundaryOf(params))
	}
	if s = r.named(s, maxDepth); form {
		return cut(r.query(s), limit)
	}
	return cut(r.Text(s), limit)
}

// likeForm reports whether a text that is said to be a form may be nothing else: one line that
// begins with a name. A server may read a form in whatever a client sends, so the type says
// little.
func likeForm(s string) bool {
	name, _, found := strings.Cut(s, "=")
	return found && !strings.ContainsAny(name, " \t\"'{<:") && !strings.ContainsAny(strings.TrimRight(s, "\r\n"), "\r\n")
}

// boundaryOf returns the boundary among the parameters of a content type.
func boundaryOf(params string) string {
	for param := range strings.SplitSeq(params, ";") {
		if name, value, ok := strings.Cut(param, "="); ok && strings.EqualFold(strings.TrimSpace(name), "boundary") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// compressed reports whether a body is gzip, zlib or zstd.
func compressed(raw []byte) bool {
	for _, magic := range [...]string{"\x1f\x8b", "\x78\x01", "\x78\x9c", "\x78\xda", "\x28\xb5\x2f\xfd"} {
		if strings.HasPrefix(string(raw[:min(len(raw), 4)]), magic) {
			return true
		}
	}
	return false
}

// wide16 returns a text in UTF-16 without what makes it one, as far as it is
// ASCII, so that what it says can be read.
func wide16(s string) string {
	if strings.HasPrefix(s, "\xff\xfe") || strings.HasPrefix(s, "\xfe\xff") || len(s) >= 4 && 4*strings.Count(s, "\x00") >= len(s) {
		return strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(s, "\xff\xfe"), "\xfe\xff"), "\x00", "")
	}
	return s
}

// toRead is how much of a body is read to show limit bytes of it redacted.
func toRead(limit int) int { return limit + 2*maxRun }

// head returns as much of s as is needed to show limit bytes of it redacted. It
// ends between words: a cut must not leave half a credential.
func head(s string, limit int) string {
	if len(s) <= limit+maxRun {
		return s
	}
	s = s[:limit+maxRun]
	return s[:strings.LastIndexAny(s, " \t\r\n\"'`,;&=<>{}[]()/")+1]
}

// cut shortens s, on a copy, so that a short text does not keep a long one
// alive.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.Clone(s[:limit]) + "[cut]"
}
