package mockserver

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/authserver"
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
	header  []headerField // as the journal shows it; shared with its entries
	*buffers

	headerSize int // of header
}

// buffers are what an exchange keeps from one request to the next.
type buffers struct {
	body        []byte        // as received, up to maxBody + 1
	fields      []headerField // redacted, while they are described
	replyFields []headerField // of the answer
	red         *redact.Redactor
	sent        headerMemory
	answered    headerMemory
	last        lastLiteral
}

// lastLiteral is a literal route of a vendor's routes.
type lastLiteral struct {
	of      *routes // nil is none
	literal *literal
}

// requestText is what a request says about itself, without credentials.
type requestText struct {
	described                 bool
	method, path, query, body string
}

// empty forgets what is in the buffers.
func (b *buffers) empty() {
	b.red.Forget()
	clear(b.fields)
	clear(b.replyFields)
	b.body, b.fields, b.replyFields = b.body[:0], b.fields[:0], b.replyFields[:0]
	if cap(b.body) > maxPooledBody {
		b.body = nil
	}
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

// coding explains the refusal of a body that is compressed; "" for any other.
func (q *request) coding() string {
	coding := strings.ToLower(strings.TrimSpace(q.Header.Get("Content-Encoding")))
	switch coding {
	case "", "identity":
		return ""
	case "gzip", "x-gzip", "deflate", "br", "zstd", "compress":
	default:
		coding = "an unknown coding"
	}
	return "the body was read as it was sent, and its Content-Encoding is " + coding + "; no vendor documents that it takes compressed bodies"
}

// bodyType is the content type by which the journal reads the body. A request
// to an authorization server may be a form whatever its header says: iiniit's
// page shows one as JSON.
func (q *request) bodyType(v *vendor) string {
	if v.oauth != nil && v.oauth.serves(q.URL.Path) && !authserver.IsJSON(q.body) {
		return "application/x-www-form-urlencoded"
	}
	return q.Header.Get("Content-Type")
}

// describe redacts what the request says about itself, once. Of a request with
// a foreign key, one that no mock made, only method and path are kept. stored is
// that the server keeps each of the credentials, so that it knows them encoded too.
func (q *request) describe(v *vendor, known *vault, id *identity, foreign, stored bool) {
	c := &id.credentials
	if q.text.described {
		return
	}
	q.text.described = true
	q.red.Begin(known, c.value, c.token)
	stored = stored && !foreign && q.URL.RawQuery == ""
	version := known.Version()
	if stored && q.recalls(known, c, version) && q.apart(id) {
		q.header, q.headerSize = q.sent.fields, q.sent.size
		q.describeLine()
		return
	}
	q.collect(v, c)
	q.describeLine()
	if foreign {
		return
	}
	q.redactFields()
	q.header = shared(q.fields)
	q.headerSize = sizeOf(q.header)
	if stored && q.sent.keep(q.Header, q.header, redact.PlainHeader, c, version) {
		kept := q.sent
		known.sent.Store(&kept)
	}
}

// recalls reports whether the header is the one before, of this exchange or of another one.
func (q *request) recalls(known *vault, c *credentials, version uint64) bool {
	if q.sent.version == version && q.sent.repeats(q.Header, c) {
		return true
	}
	if m := known.sent.Load(); m != nil && m.version == version && m.repeats(q.Header, c) {
		q.sent = *m // so that exchanges share their fields
		return true
	}
	return false
}

// apart reports whether nothing that the request presented stands in the remembered fields.
// A key knows the fields for which that was found.
func (q *request) apart(id *identity) bool {
	single := id.credentials.token == ""
	if single && id.key.apart.Load() == &q.sent.fields[0] {
		return true
	}
	if !q.sent.free(q.red) {
		return false
	}
	if single {
		id.key.apart.Store(&q.sent.fields[0])
	}
	return true
}

// collect takes the header and the query, and tells the redactor what may be a credential in them.
func (q *request) collect(v *vendor, c *credentials) {
	for name, values := range q.Header {
		plain := redact.PlainHeader(name)
		for _, v := range values {
			q.fields = append(q.fields, headerField{name, v})
			if !plain && !c.has(v) {
				q.red.Header(name, v) // the vendor's own places are known already
			}
		}
	}
	if q.URL.RawQuery != "" {
		q.red.Parameters(q.URL.RawQuery)
	}
	q.collectPlaces(v)
}

// collectPlaces takes what stands in the parameters and cookies in which the vendor reads
// keys: several are refused, and none of them may be shown.
func (q *request) collectPlaces(v *vendor) {
	for i := range v.carriers {
		if place := &v.carriers[i]; place.query != "" || place.cookie != "" {
			for _, value := range place.values(q.Request) {
				q.red.Credential(value)
			}
		}
	}
}

// describeLine redacts method and path.
func (q *request) describeLine() {
	if q.literal != nil {
		q.text.method, q.text.path = q.literal.method, q.literal.path
	} else {
		q.text.method = q.red.Method(q.Method)
		q.text.path = sentPath(q.red, q.URL)
	}
}

// redactFields redacts the query and the header.
func (q *request) redactFields() {
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
