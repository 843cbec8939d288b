package mockserver

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

const (
	maxBody       = 10 << 20 // of a request; the mock reads it whole
	maxPooledBody = 64 << 10 // a larger buffer is not kept for the next request
)

// exchange is one request on its way: route, identify, permit, admit, inject,
// answer, journal. It is the ResponseWriter that the route writes to, so the
// journal is written before the first byte of the answer. A request that takes
// time (a delay, a body to read) is journalled when it arrives, as pending.
type exchange struct {
	http.ResponseWriter
	srv     *Server
	ns      *Namespace
	v       *vendor
	r       *http.Request
	at      time.Time
	creds   credentials
	id      identity
	diag    Diagnosis
	quota   quota
	call    surface.Call
	deny    func(string)
	forbid  func(string)
	limit   func(time.Duration, string)
	explain func(outcome, why string)
	fault   string
	scope   string // what the route asks for, for the challenge of a refusal
	facts   facts
	body    []byte
	status  int
	conn    *connection
	red     redact.Redactor
	fields  []headerField // of the request, redacted
	said    said
	ticket  ticket

	literal   *literal // set when method and path stand literally in a route
	foreign   bool     // a key that no mock made was presented: record nothing of it
	described bool
	arrived   bool
	committed bool
	capture   *buffer // set while the route answers into a buffer
}

// serve runs one request of vendor v that came to namespace home.
func (s *Server) serve(v *vendor, home *Namespace, w http.ResponseWriter, r *http.Request) {
	x := s.pool.Get().(*exchange) //nolint:errcheck // the pool holds nothing else
	x.begin(s, v, w, r)
	x.creds = readCredentials(v, r)
	x.id = s.identify(&x.creds)
	x.ns = namespaceOf(v, x.id, home)
	if v.oauth != nil && x.id.key == nil {
		x.joinClient()
	}
	x.at = x.ns.clock.Now()
	x.diag = authenticate(v, &x.creds, x.id, x.at)
	x.foreign = x.diag.Outcome == NotAMockKey
	x.route()
	if !x.committed { // a handler that wrote nothing, or the router's own redirect
		x.WriteHeader(http.StatusOK)
	}
	x.end()
	s.pool.Put(x) // not after a panic: then it is left to the collector
}

// begin prepares a pooled exchange; end leaves nothing of the request in it.
func (x *exchange) begin(s *Server, v *vendor, w http.ResponseWriter, r *http.Request) {
	x.ResponseWriter, x.srv, x.v, x.r = w, s, v, r
	x.quota, x.fault, x.scope, x.status, x.conn = quota{}, "", "", 0, connectionOf(r)
	x.foreign, x.literal, x.described, x.arrived, x.committed = false, nil, false, false, false
}

func (x *exchange) end() {
	x.ResponseWriter, x.ns, x.r, x.call = nil, nil, nil, surface.Call{}
	x.creds, x.id, x.diag, x.facts = credentials{}, identity{}, Diagnosis{}, facts{}
	x.said, x.ticket, x.capture, x.conn = said{}, ticket{}, nil, nil
	x.red.Forget()
	clear(x.fields)
	x.fields, x.body = x.fields[:0], x.body[:0]
	if cap(x.body) > maxPooledBody {
		x.body = nil
	}
}

// route finds the operation and runs it. Most requests name a literal path;
// those are found without the router.
func (x *exchange) route() {
	rt := x.ns.router(x.v)
	r, folded := rt.folded(x.r)
	if r.URL.RawPath == "" {
		if l := rt.literal[literalRoute{r.Method, r.URL.Path}]; l != nil {
			x.r.Pattern = l.route.Pattern
			if !folded { // the journal shows what was sent
				x.literal = l
			}
			x.run(l.route)
			return
		}
	}
	rt.mux().ServeHTTP(x, r)
}

// namespaceOf lets the key choose the namespace; without a key of this vendor
// it is home.
func namespaceOf(v *vendor, id identity, home *Namespace) *Namespace {
	if id.key != nil && id.key.vendor == v {
		return id.key.ns
	}
	return home
}

// run continues once the route is known; nil is a path that no route has.
func (x *exchange) run(route *surface.Route) {
	x.judge(route)
	x.facts = facts{provider: x.v.provider, method: x.r.Method, path: x.r.URL.Path, keyID: x.diag.KeyID}
	late, ended := x.injectEarly(x.ns.faults.pick(&x.facts, x.conn.fresh(), x.ns.clock.Now))
	if ended {
		return
	}
	if x.diag.Outcome == OK && route != nil && !route.Need.Open && x.id.key != nil {
		x.admit(route.Need.Group)
	}
	switch {
	case x.diag.Refused():
		if !x.refuseAsPage(route) {
			x.refuse(x.diag.Outcome, x.quota)
		}
		return
	case route == nil:
		x.diag.Outcome, x.diag.Why = NotFound, "no such operation in this mock of "+x.v.title
		x.refuse(NotFound, quota{})
		return
	}
	if !x.readBody() {
		x.refuseWith(x.profile().tooLarge(), quota{})
		return
	}
	x.call.Request, x.call.Now, x.call.Data, x.call.Deny = x.r, x.at, x.body, x.deny
	p := x.profile()
	x.call.Enveloped, x.call.Variants, x.call.Forbid = p.Shape == Enveloped, surface.Variant(p.Variants), x.forbid
	x.call.Limit, x.call.Explain = x.limit, x.explain
	if len(late) > 0 {
		x.answerFaulted(route, late)
		return
	}
	route.Handle(x, &x.call)
}

// judge adds the route's needs to what authenticate said.
func (x *exchange) judge(route *surface.Route) {
	if route != nil && route.Need.Open {
		x.diag = Diagnosis{Outcome: OK, KeyID: x.diag.KeyID}
		return
	}
	if x.diag.Outcome != OK {
		return
	}
	x.call.Caller = x.id.key.caller()
	if x.id.token != nil {
		x.call.Caller.User = x.id.token.spec.user
	}
	if route != nil {
		x.scope = route.Need.Scope
		x.diag = permit(x.v, route.Need, &x.call.Caller)
	}
}

// admit asks the key's limit and stamps the last use. Only a request that
// would succeed otherwise gets here: refused ones consume nothing.
func (x *exchange) admit(group string) {
	if limit, window := x.ns.windowOf(x.id.key, group); !limit.none() {
		x.quota = window.take(*limit, x.ns.clock.Now, false)
		if x.quota.retryAfter > 0 {
			x.diag.Outcome, x.diag.RetryAfter = RateLimited, x.quota.retryAfter
			x.diag.Why = fmt.Sprintf("%s used its %d requests per %s; room again in %s",
				x.diag.KeyID, limit.Requests, limit.Per, x.quota.retryAfter)
			return
		}
	}
	x.id.key.touch(x.at)
	if x.id.token != nil {
		x.id.token.touch(x.at)
	}
}

func (x *exchange) profile() *Profile { return x.ns.vendors[x.v.index].profile.Load() }

// refuse writes the vendor's answer to an outcome.
func (x *exchange) refuse(o Outcome, q quota) { x.refuseWith(x.profile().answer(o, x.creds.blame), q) }

func (x *exchange) refuseWith(a Answer, q quota) {
	p := x.profile()
	contentType, body := p.render(a, seconds(q.retryAfter))
	if a.Status == http.StatusTooManyRequests {
		x.quota = q
	}
	if a.Challenge != "" {
		x.Header().Set("WWW-Authenticate", strings.ReplaceAll(a.Challenge, "{scope}", x.scope))
	}
	surface.Raw(x, a.Status, contentType, body)
}

// readBody reads the request body; false when it is too large.
func (x *exchange) readBody() bool {
	if x.r.Body == nil || x.r.Body == http.NoBody || len(x.body) > 0 {
		return len(x.body) <= maxBody
	}
	x.arrive() // the body may take its time
	return x.slurp()
}

// slurp is readBody for who must know the body before the namespace, and so
// the journal, is known.
func (x *exchange) slurp() bool {
	buf := bytes.NewBuffer(x.body)
	_, _ = buf.ReadFrom(io.LimitReader(x.r.Body, maxBody+1)) // a broken body is what was read of it
	x.body = buf.Bytes()
	x.r.Body = io.NopCloser(bytes.NewReader(x.body))
	return len(x.body) <= maxBody
}

// Header returns the header of the answer in the making.
func (x *exchange) Header() http.Header {
	if x.capture != nil {
		return x.capture.header
	}
	return x.ResponseWriter.Header()
}

// WriteHeader journals, adds the mock's headers and sends the status.
func (x *exchange) WriteHeader(status int) {
	if x.capture != nil {
		x.capture.status = status
		return
	}
	if x.committed {
		return
	}
	x.commit(status)
	h := x.ResponseWriter.Header()
	if p := x.profile(); p.Hints&^(HintBody|HintNone) != 0 {
		p.setHints(h, x.quota, x.ns.clock.Now(), status == http.StatusTooManyRequests)
	}
	if x.diag.Why != "" {
		h.Set("X-Mock-Diagnosis", headerText(x.diag.String()))
	}
	if x.ns.clock.Moved() { // Retry-After dates are read against it
		h.Set("Date", x.ns.clock.Now().Format(http.TimeFormat))
	}
	x.ResponseWriter.WriteHeader(status)
}

// headerText keeps a sentence inside ASCII, as header values should be.
func headerText(s string) string { return strings.ReplaceAll(s, "…", "...") }

// Write sends 200 first if nothing was sent.
func (x *exchange) Write(b []byte) (int, error) {
	if x.capture != nil {
		return x.capture.body.Write(b)
	}
	if !x.committed {
		x.WriteHeader(http.StatusOK)
	}
	return x.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// commit journals and logs the exchange, once. status 0 is a reset.
func (x *exchange) commit(status int) {
	if x.committed {
		return
	}
	x.committed, x.status = true, status
	if x.diag.Outcome == OK && status == http.StatusNotFound {
		x.diag.Outcome = NotFound
	}
	x.record()
	x.log()
}
