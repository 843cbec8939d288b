package mockserver

import (
	"log/slog"
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

const (
	// entryOverhead is an entry without its strings, with what the allocator
	// adds; fieldOverhead is the same of a header field.
	entryOverhead = 384
	fieldOverhead = 48
)

// arrive journals a request that will take time, as pending. Others are
// journalled when they are decided, which nobody can tell apart.
func (x *exchange) arrive() {
	if x.answer.phase != arriving {
		return
	}
	x.answer.phase = pending
	x.describe()
	x.answer.entry = x.ns.journal.open(x.facts(), x)
}

// decide journals and logs what became of the request, once and before the
// first byte of the answer leaves. status 0 is a reset connection.
func (x *exchange) decide(status int) {
	was := x.answer.phase
	if was == decided {
		return
	}
	x.settle(status)
	x.answer.phase, x.answer.status = decided, status
	x.describe()
	if len(x.req.body) > 0 && !x.judgement.foreign && x.ns.journal.keeps() {
		x.req.text.body = x.req.red.Body(x.req.body, x.req.bodyType(x.v), maxJournalBody)
	}
	x.answer.took = x.ns.clock.Now().Sub(x.req.at) // read before the journal's lock is held
	var last **cell
	if x.id.key != nil && x.id.key.ns == x.ns {
		last = &x.id.key.counted
	}
	if was == pending {
		x.ns.journal.decide(x.answer.entry, x.facts(), last, x)
	} else {
		x.answer.entry = x.ns.journal.add(x.facts(), last, x)
	}
	x.log()
}

// settle makes the outcome fit the status.
func (x *exchange) settle(status int) {
	if x.judgement.Outcome == OK && status == http.StatusNotFound {
		x.judgement.Outcome = NotFound
	}
}

// facts is what the journal counts the exchange by.
func (x *exchange) facts() facts {
	f := facts{x.v.provider, x.req.text.method, x.req.text.path, x.judgement.KeyID, x.judgement.Outcome, x.answer.status}
	if x.answer.phase != decided {
		f.outcome = Pending
	}
	return f
}

func (x *exchange) describe() {
	stored := x.id.key != nil && (x.id.credentials.token == "" || x.id.token != nil)
	x.req.describe(x.v, &x.srv.vault, &x.id, x.judgement.foreign, stored)
}

// redact is for texts that others write about the request.
func (x *exchange) redact(s string) string {
	x.describe()
	return x.req.red.Text(s)
}

// fill implements filler.
func (x *exchange) fill(e *entry) {
	q, j := &x.req, &x.judgement
	e.at, e.provider, e.conn = q.at, x.v.provider, q.conn.id()
	e.method, e.path, e.query, e.body = q.text.method, q.text.path, q.text.query, q.text.body
	e.keyID, e.fault, e.lasted = j.KeyID, j.fault, 0
	if x.answer.phase == decided {
		e.took, e.status = x.answer.took, x.answer.status
		e.diagnose(&j.Diagnosis)
	} else {
		e.took, e.status, e.outcome, e.diag = 0, 0, Pending, nil
	}
	e.header, e.replyHeader, e.reply = q.header, x.answer.header, x.answer.reply
	e.size = entryOverhead + len(e.path) + len(e.query) + len(e.body) + len(e.reply) + len(j.Why) + q.headerSize + x.answer.headerSize
}

// log reports refusals and faults. It is silent without WithLogger, except that
// a test is told of a key that no mock made.
func (x *exchange) log() {
	j := &x.judgement
	if j.Outcome == OK || j.Outcome == NotFound && j.Why == "" {
		return
	}
	if j.foreign {
		x.srv.alarm("mockserver: " + x.v.title + ": " + notAMockKey)
	}
	l := x.srv.opts.logger
	if l == nil {
		return
	}
	level := slog.LevelInfo
	if j.foreign {
		level = slog.LevelWarn
	}
	l.LogAttrs(x.req.Context(), level, "mock request "+string(j.Outcome),
		slog.String("provider", string(x.v.provider)), slog.String("method", x.req.text.method),
		slog.String("path", printable(x.req.text.path)), slog.Int("status", x.answer.status),
		slog.String("key", j.KeyID), slog.String("why", printable(j.Why)), slog.String("fault", j.fault))
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
	f := facts{method: red.Method(r.Method), path: sentPath(red, r.URL), outcome: d.Outcome, status: status}
	now := s.Clock().Now()
	s.journal.add(f, nil, stray{
		At: now, Decided: now, Method: f.method, Path: f.path, Status: status,
		Outcome: d.Outcome, Diagnosis: d, Conn: connectionOf(r).id(),
	})
}

// stray is an Exchange that needs no more work.
type stray Exchange

func (sy stray) fill(e *entry) {
	*e = entry{
		at: sy.At, provider: sy.Provider, method: sy.Method, path: sy.Path, keyID: sy.KeyID, conn: sy.Conn, status: sy.Status,
		size: entryOverhead + len(sy.Path) + len(sy.Diagnosis.Why),
	}
	e.diagnose(&sy.Diagnosis)
}
