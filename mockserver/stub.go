package mockserver

import (
	"net/http"
	"slices"
	"sync"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// stubs are the routes that Handle and AddRoute have added to the vendors' own.
type stubs struct {
	mu sync.Mutex
	of [][]surface.Route // by vendor.index; newest first
}

// get returns the routes added to a vendor. The list is never modified.
func (st *stubs) get(v *vendor) []surface.Route {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.of[v.index]
}

func (st *stubs) add(v *vendor, r surface.Route) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.of[v.index] = slices.Insert(slices.Clone(st.of[v.index]), 0, r)
}

// Handle lets h answer a pattern such as "GET /path/{id}" of p, in every namespace, behind
// p's keys and limit: h runs for a request that p would answer, and any valid key will do.
// It may be an operation that the mock lacks, or replace one. What h answers is journalled,
// and injected faults apply. The request's path values are those of the pattern.
//
// Handle panics on an unknown p and a pattern that is none; AddRoute returns an error, and
// takes a scope, an access type and a limit group.
func (s *Server) Handle(p Provider, pattern string, h http.Handler) {
	if err := s.AddRoute(p, Route{Pattern: pattern, Handler: h}); err != nil {
		panic("mockserver: " + err.Error())
	}
}

// AddRoute is Handle for a whole Route. A later route with the same pattern replaces an
// earlier one. It fails with a *DefinitionError, and with ErrNoSuchVendor for an unknown p.
func (s *Server) AddRoute(p Provider, r Route) error {
	v := s.vendor(p)
	if v == nil {
		return ErrNoSuchVendor
	}
	made, wrong := v.route(&r)
	if wrong != nil {
		return wrong
	}
	s.stubs.add(v, made)
	for _, n := range s.Namespaces() {
		n.renewRoutes(v)
	}
	return nil
}

// setRoutes replaces the routes of a vendor; nil are those of the start.
func (n *Namespace) setRoutes(v *vendor, rt *routes) {
	st := &n.vendors[v.index]
	st.build.Lock()
	defer st.build.Unlock()
	st.routes.Store(n.withStubs(v, rt))
}

// renewRoutes adds the latest stubs to a vendor's routes, which keep their data.
func (n *Namespace) renewRoutes(v *vendor) {
	st := &n.vendors[v.index]
	st.build.Lock()
	defer st.build.Unlock()
	st.routes.Store(n.withStubs(v, st.routes.Load()))
}

// withStubs returns the routes with all stubs of the server in front.
func (n *Namespace) withStubs(v *vendor, rt *routes) *routes {
	stubs := n.srv.stubs.get(v)
	if rt == nil || rt.stubs == len(stubs) {
		return rt
	}
	next := &routes{fold: rt.fold, data: rt.data, changed: rt.changed, loading: rt.loading, stubs: len(stubs)}
	next.file(slices.Concat(stubs, rt.all[rt.stubs:]))
	return next
}
