package mockserver

import (
	"log/slog"
	"net/http"
	"strings"
)

// entryOverhead is the rough size of an entry without its strings.
const entryOverhead = 512

// said is what a request says about itself, credentials hidden.
type said struct{ method, path, query, body string }

// record writes the exchange into the journal.
func (x *exchange) record() {
	x.red.collect(x.srv, x.r, &x.creds)
	x.said = said{method: x.red.text(x.r.Method), path: x.red.text(x.r.URL.Path)}
	if x.r.URL.RawQuery != "" {
		x.said.path = strings.Clone(x.said.path) // shares memory with the query
	}
	if x.diag.Outcome != NotAMockKey { // of that, nothing but method, path and outcome
		x.said.query = x.red.query(x.r.URL.RawQuery)
		if len(x.body) > 0 {
			body := x.red.text(string(x.body)) // the whole: a cut must not leave half a key
			x.said.body = body[:min(len(body), maxJournalBody)]
		}
	}
	x.ns.journal.add(facts{x.v.provider, x.said.method, x.said.path, x.diag.KeyID, x.diag.Outcome, x.status}, x)
}

// fill implements filler.
func (x *exchange) fill(e *entry) {
	e.ex = Exchange{
		At: x.at, Decided: x.ns.clock.Now(), Provider: x.v.provider,
		Method: x.said.method, Path: x.said.path, Query: x.said.query, Body: x.said.body,
		Status: x.status, Outcome: x.diag.Outcome, Diagnosis: x.diag, KeyID: x.diag.KeyID,
		Fault: x.fault, Conn: x.conn,
	}
	e.size = entryOverhead + len(x.said.path) + len(x.said.query) + len(x.said.body) + len(x.diag.Why)
	if x.diag.Outcome == NotAMockKey {
		return
	}
	for name, values := range x.r.Header {
		plain := plainHeader(name)
		if !plain {
			name = x.red.text(name)
		}
		for _, v := range values {
			if plain {
				v = x.red.text(v)
			} else {
				v = redacted
			}
			e.header = append(e.header, headerField{name, v})
			e.size += len(name) + len(v)
		}
	}
}

// recordStray journals a request for a host of no vendor, without header and
// query: nobody knows what its credentials look like.
func (s *Server) recordStray(r *http.Request, d Diagnosis, status int) {
	var red redactor
	red.collect(s, r, &credentials{})
	f := facts{method: red.text(r.Method), path: red.text(r.URL.Path), outcome: d.Outcome, status: status}
	now := s.Clock().Now()
	s.journal.add(f, stray{At: now, Decided: now, Method: f.method, Path: f.path, Status: status,
		Outcome: d.Outcome, Diagnosis: d, Conn: connNumber(r)})
}

// stray is an Exchange that needs no more work.
type stray Exchange

func (s stray) fill(e *entry) { e.ex, e.size = Exchange(s), entryOverhead+len(s.Path) }

// log tells about refusals and faults. It is silent without WithLogger, except
// that a test hears of a key that no mock made.
func (x *exchange) log() {
	if x.diag.Outcome == OK || x.diag.Outcome == NotFound && x.diag.Why == "" {
		return
	}
	if x.diag.Outcome == NotAMockKey {
		x.srv.alarm("mockserver: " + x.v.title + ": " + x.diag.Why)
	}
	l := x.srv.opts.logger
	if l == nil {
		return
	}
	level := slog.LevelInfo
	if x.diag.Outcome == NotAMockKey {
		level = slog.LevelWarn
	}
	l.LogAttrs(x.r.Context(), level, "mock request "+string(x.diag.Outcome),
		slog.String("provider", string(x.v.provider)), slog.String("method", x.said.method),
		slog.String("path", x.said.path), slog.Int("status", x.status),
		slog.String("key", x.diag.KeyID), slog.String("why", x.diag.Why), slog.String("fault", x.fault))
}
