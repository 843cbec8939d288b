package mockserver

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

const (
	// entryOverhead is an entry without its strings, with what the allocator
	// adds; fieldOverhead a header field.
	entryOverhead = 384
	fieldOverhead = 48

	maxJournalBody  = 16 << 10
	maxJournalValue = 4 << 10 // of a query or a header's value
	maxJournalPath  = 8 << 10
)

// said is what a request says about itself, credentials hidden.
type said struct{ method, path, query, body string }

// arrive journals a request that will take time, as pending. Others are
// journalled when they are decided, which nobody can tell apart.
func (x *exchange) arrive() {
	if x.arrived || x.committed {
		return
	}
	x.arrived = true
	x.describe()
	x.ticket = x.ns.journal.open(x.journalFacts(), x)
}

// record journals what became of the request.
func (x *exchange) record() {
	x.describe()
	if len(x.body) > 0 && !x.foreign {
		x.said.body = x.red.Body(x.body, x.bodyType(), maxJournalBody)
	}
	var last **lastCell
	if x.id.key != nil && x.id.key.ns == x.ns {
		last = &x.id.key.counted
	}
	if x.arrived {
		x.ns.journal.decide(x.ticket, x.journalFacts(), last, x)
		return
	}
	x.ns.journal.add(x.journalFacts(), last, x)
}

func (x *exchange) journalFacts() facts {
	f := facts{x.v.provider, x.said.method, x.said.path, x.diag.KeyID, x.diag.Outcome, x.status}
	if !x.committed {
		f.outcome = Pending
	}
	return f
}

// describe redacts what the request says about itself, once. Of a request with
// a key that no mock made, nothing but method and path is kept.
func (x *exchange) describe() {
	if x.described {
		return
	}
	x.described = true
	x.red.Begin(&x.srv.vault, x.creds.value, x.creds.token)
	for name, values := range x.r.Header {
		plain := redact.PlainHeader(name)
		for _, v := range values {
			x.fields = append(x.fields, headerField{name, v})
			if !plain && (x.creds.value == "" || !strings.HasSuffix(v, x.creds.value)) && v != x.creds.token {
				x.red.Header(name, v) // the vendor's own places are known already
			}
		}
	}
	if x.r.URL.RawQuery != "" {
		x.red.Parameters(x.r.URL.RawQuery)
	}
	if x.literal != nil {
		x.said.method, x.said.path = x.literal.method, x.literal.path
	} else {
		x.said.method = x.red.Method(x.r.Method)
		x.said.path = x.red.Path(x.r.URL.Path, maxJournalPath)
	}
	if x.foreign {
		clear(x.fields)
		x.fields = x.fields[:0]
		return
	}
	if x.r.URL.RawQuery != "" {
		x.said.query = x.red.Query(x.r.URL.RawQuery, maxJournalValue)
	}
	for i := range x.fields {
		f := &x.fields[i]
		if redact.PlainHeader(f.name) {
			f.value = x.red.Value(f.value, maxJournalValue)
			continue
		}
		f.name, f.value = x.red.HeaderName(f.name), redacted
	}
}

// redact is for texts that others write about the request.
func (x *exchange) redact(s string) string {
	x.describe()
	return x.red.Text(s)
}

// fill implements filler.
func (x *exchange) fill(e *entry) {
	e.at, e.provider, e.conn = x.at, x.v.provider, x.conn.id()
	e.method, e.path, e.query, e.body = x.said.method, x.said.path, x.said.query, x.said.body
	e.keyID, e.fault = x.diag.KeyID, x.fault
	if x.committed {
		e.took, e.status = x.ns.clock.Now().Sub(x.at), x.status
		e.say(&x.diag)
	} else {
		e.took, e.status, e.outcome, e.diag = 0, 0, Pending, nil
	}
	if over := len(e.header) - len(x.fields); over > 0 {
		clear(e.header[len(x.fields):])
	}
	e.header = append(e.header[:0], x.fields...)
	e.size = entryOverhead + len(x.said.path) + len(x.said.query) + len(x.said.body) + len(x.diag.Why) + fieldOverhead*cap(e.header)
	for i := range e.header {
		e.size += len(e.header[i].name) + len(e.header[i].value)
	}
}

// recordStray journals a request for a host of no vendor, without header and
// query: nobody knows what its credentials look like.
func (s *Server) recordStray(r *http.Request, d Diagnosis, status int) {
	red := redact.New(&s.vault)
	for name, values := range r.Header {
		for _, v := range values {
			if !redact.PlainHeader(name) {
				red.Header(name, v)
			}
		}
	}
	red.Parameters(r.URL.RawQuery)
	f := facts{method: red.Method(r.Method), path: red.Path(r.URL.Path, maxJournalPath), outcome: d.Outcome, status: status}
	now := s.Clock().Now()
	s.journal.add(f, nil, stray{
		At: now, Decided: now, Method: f.method, Path: f.path, Status: status,
		Outcome: d.Outcome, Diagnosis: d, Conn: connectionOf(r).id(),
	})
}

// stray is an Exchange that needs no more work.
type stray Exchange

func (s stray) fill(e *entry) {
	clear(e.header)
	*e = entry{
		at: s.At, provider: s.Provider, method: s.Method, path: s.Path, keyID: s.KeyID, conn: s.Conn, status: s.Status,
		header: e.header[:0], size: entryOverhead + len(s.Path) + len(s.Diagnosis.Why),
	}
	e.say(&s.Diagnosis)
}

// log tells about refusals and faults. It is silent without WithLogger, except
// that a test hears of a key that no mock made.
func (x *exchange) log() {
	if x.diag.Outcome == OK || x.diag.Outcome == NotFound && x.diag.Why == "" {
		return
	}
	if x.foreign {
		x.srv.alarm("mockserver: " + x.v.title + ": " + notAMockKey)
	}
	l := x.srv.opts.logger
	if l == nil {
		return
	}
	level := slog.LevelInfo
	if x.foreign {
		level = slog.LevelWarn
	}
	l.LogAttrs(x.r.Context(), level, "mock request "+string(x.diag.Outcome),
		slog.String("provider", string(x.v.provider)), slog.String("method", x.said.method),
		slog.String("path", x.said.path), slog.Int("status", x.status),
		slog.String("key", x.diag.KeyID), slog.String("why", x.diag.Why), slog.String("fault", x.fault))
}
