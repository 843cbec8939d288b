package mockserver

import (
	"net/http"
	"net/url"
	"strings"
)

// The journal allows what it knows to be harmless and hides the rest: a
// deny-list would miss the header that somebody invents tomorrow.

// plainHeader reports whether a request header's value may be journalled.
func plainHeader(canonical string) bool {
	switch canonical {
	case "Accept", "Accept-Encoding", "Accept-Language", "Content-Encoding", "Content-Length", "Content-Type",
		"Connection", "Expect", "Idempotency-Key", "If-Match", "If-None-Match", "Im-Client-Id", "Origin", "Range",
		"Traceparent", "User-Agent", "X-Request-Id", "X-Correlation-Id":
		return true
	}
	return false
}

// secretParam reports whether a query or form parameter carries credentials.
func secretParam(name string) bool {
	n := strings.ToLower(name)
	for _, part := range []string{"key", "token", "secret", "password", "code", "assertion", "signature", "auth", "credential"} {
		if strings.Contains(n, part) {
			return true
		}
	}
	return false
}

// redactor hides credentials in what a request says about itself: the values
// presented as credentials anywhere, and every run of characters that a mock
// made or that this server knows.
type redactor struct {
	srv       *Server
	presented []string
}

// collect remembers what r presented, in the vendor's places or others.
func (d *redactor) collect(s *Server, r *http.Request, c *credentials) {
	d.srv = s
	d.forget()
	d.add(c.value)
	d.add(c.token)
	for name, values := range r.Header {
		if plainHeader(name) {
			continue
		}
		for _, v := range values {
			d.add(v)
			if _, rest, ok := strings.Cut(v, " "); ok {
				d.add(strings.TrimSpace(rest))
			}
		}
	}
	if r.URL.RawQuery != "" {
		q, _ := url.ParseQuery(r.URL.RawQuery)
		for name, values := range q {
			if secretParam(name) {
				for _, v := range values {
					d.add(v)
				}
			}
		}
	}
}

// forget drops the values, so that a pooled redactor keeps none.
func (d *redactor) forget() {
	clear(d.presented)
	d.presented = d.presented[:0]
}

// add takes a value to hide. Short ones ("*/*", "1") are no credentials and
// would riddle the text.
func (d *redactor) add(value string) {
	if len(value) >= 8 {
		d.presented = append(d.presented, value)
	}
}

// text returns s without credentials.
func (d *redactor) text(s string) string {
	if len(s) < 8 {
		return s
	}
	for _, v := range d.presented {
		if strings.Contains(s, v) {
			s = strings.ReplaceAll(s, v, redacted)
		}
	}
	return d.runs(s)
}

// maxRun is longer than any credential; such a run is a blob, which the journal
// need not show and the checks below need not read.
const maxRun = 4096

// runs hides every run of credential characters that is a mock credential.
func (d *redactor) runs(s string) string {
	var b strings.Builder
	last := 0
	for i := 0; i < len(s); {
		if !credChar(s[i]) {
			i++
			continue
		}
		j := i
		for j < len(s) && credChar(s[j]) {
			j++
		}
		for j < len(s) && s[j] == '=' {
			j++
		}
		if j-i > maxRun || j-i >= 32 && d.known(s[i:j]) {
			b.WriteString(s[last:i])
			b.WriteString(redacted)
			last = j
		}
		i = j
	}
	if last == 0 {
		return s
	}
	b.WriteString(s[last:])
	return b.String()
}

// known reports whether a run is a credential: made by a mock, stored here, or
// either of these around a '.' or without the padding that does not belong.
func (d *redactor) known(run string) bool {
	bare := strings.TrimRight(run, "=")
	for _, s := range []string{run, bare, bare + "=", bare + "=="} {
		if d.srv.vault.find(hashCredential(s)) != nil || madeJWT(s) {
			return true
		}
		for _, v := range d.srv.vendors {
			if v.key.made(s) || v.bearer.bytes > 0 && v.bearer.made(s) {
				return true
			}
		}
	}
	if i := strings.IndexByte(run, '.'); i >= 0 {
		return len(run)-i > 32 && d.known(run[i+1:]) || i >= 32 && d.known(run[:i])
	}
	return false
}

func credChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// query returns the query in a stable order, credential parameters hidden.
func (d *redactor) query(raw string) string {
	if raw == "" {
		return ""
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		return redacted // what does not parse may hide anything
	}
	out := make(url.Values, len(q))
	for name, values := range q {
		for _, v := range values {
			if secretParam(name) {
				v = redacted
			}
			out.Add(d.text(name), d.text(v))
		}
	}
	return strings.ReplaceAll(out.Encode(), url.QueryEscape(redacted), redacted)
}
