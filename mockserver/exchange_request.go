package mockserver

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/iiniit"
	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

const (
	maxBody       = 10 << 20 // of a request; the mock reads it whole
	maxPooledBody = 64 << 10 // a larger buffer is not kept for the next request

	maxJournalBody  = 16 << 10
	maxJournalValue = 4 << 10 // of a query or a header's value
	maxJournalPath  = 8 << 10
	maxJournalHead  = 32 << 10 // of the values of all headers
)

// request is what arrived, and how the journal shows it.
type request struct {
	*http.Request
	at      time.Time // mock clock at receipt
	conn    *connection
	literal *literal // set when a route's pattern is this method and path literally
	text    requestText
	buffers
}

// buffers are what an exchange keeps from one request to the next.
type buffers struct {
	body        []byte        // as received, up to maxBody + 1
	fields      []headerField // redacted, once described
	replyFields []headerField // of the answer, redacted
	red         *redact.Redactor
}

// requestText is what a request says about itself, without credentials.
type requestText struct {
	described                 bool
	method, path, query, body string
}

// emptied returns the buffers with nothing in them.
func (b *buffers) emptied() buffers {
	b.red.Forget()
	clear(b.fields)
	clear(b.replyFields)
	out := buffers{body: b.body[:0], fields: b.fields[:0], replyFields: b.replyFields[:0], red: b.red}
	if cap(out.body) > maxPooledBody {
		out.body = nil
	}
	return out
}

// hasBody reports whether there is a body still to be read.
func (q *request) hasBody() bool {
	return q.Body != nil && q.Body != http.NoBody && len(q.body) == 0
}

// read reads the body; false if it is too large.
func (q *request) read() bool {
	buf := bytes.NewBuffer(q.body)
	_, _ = buf.ReadFrom(io.LimitReader(q.Body, maxBody+1)) // a body that breaks off is what was read of it
	q.body = buf.Bytes()
	q.Body = io.NopCloser(bytes.NewReader(q.body))
	return len(q.body) <= maxBody
}

// bodyType is the content type by which the journal reads the body. A request
// to an authorization server may be a form whatever its header says: iiniit's
// page shows one as JSON.
func (q *request) bodyType(v *vendor) string {
	if v.oauth != nil && q.URL.Path != iiniit.Resource && !iiniit.IsJSON(q.body) {
		return "application/x-www-form-urlencoded"
	}
	return q.Header.Get("Content-Type")
}

// describe redacts what the request says about itself, once. Of a request with
// a foreign key, one that no mock made, only method and path are kept.
func (q *request) describe(known *vault, c *credentials, foreign bool) {
	if q.text.described {
		return
	}
	q.text.described = true
	q.red.Begin(known, c.value, c.token)
	for name, values := range q.Header {
		plain := redact.PlainHeader(name)
		for _, v := range values {
			q.fields = append(q.fields, headerField{name, v})
			if !plain && (c.value == "" || !strings.HasSuffix(v, c.value)) && v != c.token {
				q.red.Header(name, v) // the vendor's own places are known already
			}
		}
	}
	if q.URL.RawQuery != "" {
		q.red.Parameters(q.URL.RawQuery)
	}
	if q.literal != nil {
		q.text.method, q.text.path = q.literal.method, q.literal.path
	} else {
		q.text.method = q.red.Method(q.Method)
		q.text.path = sentPath(q.red, q.URL)
	}
	if foreign {
		clear(q.fields)
		q.fields = q.fields[:0]
		return
	}
	if q.URL.RawQuery != "" {
		q.text.query = q.red.Query(q.URL.RawQuery, maxJournalValue)
	}
	left := maxJournalHead
	for i := range q.fields {
		f := &q.fields[i]
		if redact.PlainHeader(f.name) {
			f.value = q.red.Value(f.value, min(maxJournalValue, left))
			left = max(0, left-len(f.value))
			continue
		}
		f.name, f.value = q.red.HeaderName(f.name), redacted
	}
}

// sentPath returns a path as it was sent, without credentials: "/a%2Fb" is not "/a/b".
// One that hides a credential behind its escapes is written decoded.
func sentPath(red *redact.Redactor, u *url.URL) string {
	plain, sent := red.Path(u.Path, maxJournalPath), u.EscapedPath()
	if sent == u.Path || strings.Contains(plain, redact.Mark) {
		return plain
	}
	return red.Path(sent, maxJournalPath)
}

// readBody reads the request body, if there is one; false if it is too large.
func (x *exchange) readBody() bool {
	if !x.req.hasBody() {
		return len(x.req.body) <= maxBody
	}
	x.arrive() // the body may take its time
	return x.req.read()
}
