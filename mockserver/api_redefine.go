package mockserver

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// ownPlay is the part of a description that can change while the server runs.
type ownPlay struct {
	limit    Limit
	profile  Profile
	refusing map[Outcome]http.Header // that refusals add
	misfit   int                     // status of an invalid_request, whatever a RequestCheck says; 0 is as it says
	header   http.Header             // of every answer
	routes   []surface.Route
	again    func([]surface.Route) []surface.Route // gives the routes of a namespace the memory of idempotency
}

// play checks what can change, and makes it.
func (def *definition) play(v *vendor) *ownPlay {
	op := &ownPlay{limit: def.Limit, misfit: def.Refusals[InvalidRequest].Status, header: headerOf(def.Header)}
	op.profile, op.refusing = def.profile()
	op.routes, op.again = def.routes(v), def.idempotency(v)
	return op
}

// surface is that of one namespace.
func (op *ownPlay) surface() surface.Surface { return surface.Surface{Routes: op.again(op.routes)} }

// refusing returns the headers that an API of one's own adds to a refusal.
func (v *vendor) refusing(o Outcome) http.Header {
	if !v.own {
		return nil
	}
	return v.now.Load().refusing[o]
}

// Redefine replaces Limit, Header, Idempotency, Hints, ErrorBody, ErrorType, Refusals and Routes
// of APIs that WithAPI has defined, in every namespace. Keys, journal, faults, request checks and
// the routes of Handle and AddRoute stay; first answers that Idempotency has kept are forgotten.
// It changes all of the APIs or, if it fails, none: with a *DefinitionError for a mistake, and
// for another member that differs from the definition at the start.
func (s *Server) Redefine(apis ...API) error {
	next := make([]*ownPlay, len(apis))
	for i := range apis {
		a := &apis[i]
		v := s.vendor(a.Name)
		if v == nil || !v.own {
			return &DefinitionError{a.Name, "name", "the server does not play such an API; a new one needs a restart"}
		}
		if err := a.Valid(); err != nil {
			return err
		}
		if member := fixedMember(v.defined, *a); member != "" {
			return &DefinitionError{a.Name, member, "it cannot change while the mock runs; restart it"}
		}
		next[i] = (&definition{API: *a}).play(v)
	}
	s.mu.Lock()
	for i, play := range next {
		v := s.vendor(apis[i].Name)
		v.now.Store(play)
		for _, n := range s.namespaces {
			n.configure(v.index, &s.opts)
			n.setRoutes(v, nil)
			s.unsaved.setting(n)
		}
	}
	s.mu.Unlock()
	s.file.Later()
	return nil
}

// fixedMember names the first member that cannot change and does; "" if there is none.
func fixedMember(was, is API) string {
	for _, a := range []*API{&was, &is} {
		a.Limit, a.Header, a.Idempotency, a.Routes = Limit{}, nil, Idempotency{}, nil
		a.Hints, a.ErrorBody, a.ErrorType, a.Refusals = 0, "", "", nil
	}
	old, now := reflect.ValueOf(was), reflect.ValueOf(is)
	for i := range old.NumField() {
		a, b := old.Field(i), now.Field(i)
		empty := (a.Kind() == reflect.Slice || a.Kind() == reflect.Map) && a.Len()+b.Len() == 0
		if !empty && !reflect.DeepEqual(a.Interface(), b.Interface()) { //nolint:forbidigo // no test: it asks for equality, not for a difference
			name, _, _ := strings.Cut(old.Type().Field(i).Tag.Get("json"), ",")
			return name
		}
	}
	return ""
}
