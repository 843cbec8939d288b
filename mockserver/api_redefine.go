package mockserver

import (
	"reflect"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// ownPlay is the part of a description that can change while the server runs.
type ownPlay struct {
	limit   Limit
	profile Profile
	routes  []surface.Route
	misfit  int // status of an invalid_request, whatever a RequestCheck says; 0 is as it says
}

// play checks what can change, and makes it.
func (def *definition) play(v *vendor) *ownPlay {
	return &ownPlay{limit: def.Limit, profile: def.profile(), routes: def.routes(v), misfit: def.Refusals[InvalidRequest].Status}
}

// Redefine replaces Limit, Hints, ErrorBody, ErrorType, Refusals and Routes of APIs that
// WithAPI has defined, in every namespace. Keys, journal, faults and the routes of Handle and
// AddRoute stay. It changes all of the APIs or, if it fails, none: with a *DefinitionError for
// a mistake, and for another member that differs from the definition at the start.
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
		a.Limit, a.Hints, a.ErrorBody, a.ErrorType, a.Refusals, a.Routes = Limit{}, 0, "", "", nil, nil
	}
	old, now := reflect.ValueOf(was), reflect.ValueOf(is)
	for i := range old.NumField() {
		a, b := old.Field(i), now.Field(i)
		empty := a.Kind() == reflect.Slice && a.Len()+b.Len() == 0
		if !empty && !reflect.DeepEqual(a.Interface(), b.Interface()) { //nolint:forbidigo // no test: it asks for equality, not for a difference
			name, _, _ := strings.Cut(old.Type().Field(i).Tag.Get("json"), ",")
			return name
		}
	}
	return ""
}
