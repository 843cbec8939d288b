package mockserver

import (
	"log/slog"
	"net/http"
	"strings"
)

// entryOverhead is the rough size of an entry without its strings.
const entryOverhead = 512

// record writes the exchange into the journal, credentials hidden.
func (x *exchange) record() {
	red := newRedactor(x.srv, x.r, &x.creds)
	secret := x.diag.Outcome == NotAMockKey // then nothing but method, path and outcome
	path := strings.Clone(red.text(x.r.URL.Path))
	query, body := "", ""
	if !secret {
		query = red.query(x.r.URL.RawQuery)
		if n := min(len(x.body), maxJournalBody); n > 0 {
			body = red.text(string(x.body))
			body = body[:min(len(body), n)]
		}
	}
	method := red.text(x.r.Method)
	f := facts{x.v.provider, method, path, x.diag.KeyID, x.diag.Outcome, x.status}
	x.ns.journal.add(f, func(e *entry) {
		e.ex = Exchange{
			At: x.at, Decided: x.ns.clock.Now(), Provider: f.provider, Method: method, Path: path, Query: query,
			Body: body, Status: x.status, Outcome: x.diag.Outcome, Diagnosis: x.diag, KeyID: x.diag.KeyID,
			Fault: x.fault, Conn: x.conn,
		}
		e.size = entryOverhead + len(path) + len(query) + len(body) + len(x.diag.Why)
		if secret {
			return
		}
		for name, values := range x.r.Header {
			for _, v := range values {
				if !plainHeader(name) {
					v = redacted
				} else {
					v = red.text(v)
				}
				name := red.text(name)
				e.header = append(e.header, headerField{name, v})
				e.size += len(name) + len(v)
			}
		}
	})
}

// recordStray journals a request for a host of no vendor, without header and
// query: nobody knows what its credentials look like.
func (s *Server) recordStray(r *http.Request, d Diagnosis, status int) {
	red := newRedactor(s, r, &credentials{})
	f := facts{method: red.text(r.Method), path: red.text(r.URL.Path), outcome: d.Outcome, status: status}
	now := s.Clock().Now()
	s.journal.add(f, func(e *entry) {
		e.ex = Exchange{At: now, Decided: now, Method: f.method, Path: f.path, Status: status,
			Outcome: d.Outcome, Diagnosis: d, Conn: connNumber(r)}
		e.size = entryOverhead + len(f.path)
	})
}

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
	red := newRedactor(x.srv, x.r, &x.creds)
	l.LogAttrs(x.r.Context(), level, "mock request "+string(x.diag.Outcome),
		slog.String("provider", string(x.v.provider)), slog.String("method", red.text(x.r.Method)),
		slog.String("path", red.text(x.r.URL.Path)), slog.Int("status", x.status),
		slog.String("key", x.diag.KeyID), slog.String("why", x.diag.Why), slog.String("fault", x.fault))
}
