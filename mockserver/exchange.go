package mockserver

import (
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/fault"
	"github.com/keyfit/keyfit/mockserver/internal/redact"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// exchange is one request on its way through the mock:
//
//	identify   whose credential is it, and so, whose namespace
//	route      which operation does it name
//	judge      may the caller use it; injected faults; the limit
//	answer     the operation's answer, or a refusal
//
// It is the ResponseWriter that the operation writes to: the journal is written
// before the first byte of the answer leaves. A request that takes time (a
// delay, a body to read) is journalled on arrival, as pending.
//
// Exchanges are pooled. A new field needs no care: a request starts from an
// empty exchange, which keeps nothing but the buffers.
type exchange struct {
	srv *Server
	ns  *Namespace
	v   *vendor

	req       request
	id        identity
	judgement judgement
	answer    answer

	call surface.Call // what the operation is given
}

// newExchange makes an exchange for the pool.
func newExchange() *exchange {
	return &exchange{req: request{buffers: &buffers{red: new(redact.Redactor)}}}
}

// empty forgets everything but the buffers.
func (x *exchange) empty() {
	kept := x.req.buffers
	kept.empty()
	*x = exchange{}
	x.req.buffers = kept
}

// serve runs one request to vendor v that came to namespace home.
func (s *Server) serve(v *vendor, home *Namespace, w http.ResponseWriter, r *http.Request) {
	if s.opts.cors != nil && s.cors(w, r) {
		return
	}
	x := s.pool.Get().(*exchange) //nolint:errcheck // the pool holds nothing else
	x.srv, x.v = s, v
	x.req.Request, x.req.conn = r, connectionOf(r)
	x.answer.w = w
	x.identify(home)
	x.route()
	x.begin(nil) // a handler that wrote no body
	x.empty()
	s.pool.Put(x) // not after a panic: the exchange is left to the collector then
}

// identify finds who the request comes from, and so, which namespace decides.
func (x *exchange) identify(home *Namespace) {
	x.id = x.srv.identify(x.v, x.req.Request)
	x.ns = x.id.namespace(x.v, home)
	if x.v.oauth != nil && x.id.key == nil {
		x.joinClient()
	}
	x.ns.playing.catchUp(x.ns.clock)
	x.req.at = x.ns.clock.Now()
	x.judgement.Diagnosis = x.id.authenticate(x.v, x.req.at)
	x.judgement.foreign = x.judgement.Outcome == NotAMockKey
}

// route finds the operation and runs it. Most requests name a literal path;
// those are found without the router.
func (x *exchange) route() {
	rt := x.ns.router(x.v)
	r, folded := rt.folded(x.req.Request)
	if r.URL.RawPath == "" {
		if l := x.literalOf(rt, r); l != nil {
			if !folded { // the journal shows what was sent
				x.req.literal = l
			}
			x.run(l.route)
			return
		}
	}
	x.run(rt.router().find(r))
}

// literalOf returns the route that a request names literally, nil if there is none. Most
// requests name that of the one before.
func (x *exchange) literalOf(rt *routes, r *http.Request) *literal {
	if last := x.req.last; last.of == rt && last.literal.path == r.URL.Path && last.literal.method == r.Method {
		return last.literal
	}
	l := rt.literal[literalRoute{r.Method, r.URL.Path}]
	if l != nil {
		x.req.last = lastLiteral{rt, l}
	}
	return l
}

// run continues once the route is known; nil is a path that no route has.
func (x *exchange) run(route *surface.Route) {
	x.judge(route)
	fresh := x.req.conn.fresh()
	var late []fault.Fault
	if x.ns.faults.any() {
		hit := facts{provider: x.v.provider, method: x.req.Method, path: x.req.URL.EscapedPath(), keyID: x.judgement.KeyID}
		var ended bool
		if late, ended = x.injectEarly(x.ns.faultsOf(&hit, x.req.Request, fresh)); ended {
			return
		}
	}
	misfit := x.misfit(route)
	if x.judgement.Outcome == OK && route != nil && !route.Need.Open && x.id.key != nil {
		x.admit(route.Need.Group)
	}
	switch {
	case misfit != nil:
		x.refuseMisfit(misfit)
	case x.judgement.Refused():
		x.refuse(route)
	case route == nil:
		x.judgement.refuse(NotFound, x.v.notFound(x.ns.router(x.v), x.req.Request))
		x.refuseAs(NotFound, quota{})
	case !x.readBody():
		x.refuseWith(x.profile().tooLarge(), quota{})
	case len(late) > 0:
		x.answerFaulted(route, late)
	case x.srv.opts.stateSync && x.srv.file != nil && x.req.Method != http.MethodGet && x.req.Method != http.MethodHead:
		x.answerSaved(route)
	default:
		x.handle(route)
	}
}

// handle lets the operation answer.
func (x *exchange) handle(route *surface.Route) {
	p := x.profile()
	x.call.Request, x.call.Now, x.call.Data = x.req.Request, x.req.at, x.req.body
	x.call.Enveloped, x.call.Variants = p.Shape == Enveloped, surface.Variant(p.Variants)
	x.call.PageSize = p.PageSize
	x.call.Refuser = refuser{x}
	route.Handle(x, &x.call)
}

func (x *exchange) profile() *Profile { return x.ns.vendors[x.v.index].profile.Load() }
