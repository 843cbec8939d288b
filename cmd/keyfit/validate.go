package main

import (
	"net/http"
	"sync/atomic"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/openapifile"
)

// requestChecks are those of --validate by provider. A reload replaces them while the mock runs.
type requestChecks struct {
	now atomic.Pointer[map[mockserver.Provider]mockserver.RequestCheck]
}

// of returns the check of a provider, as it is when a request comes.
func (rc *requestChecks) of(p mockserver.Provider) mockserver.RequestCheck {
	return func(operation string, r *http.Request) *mockserver.Misfit {
		if check := (*rc.now.Load())[p]; check != nil {
			return check(operation, r)
		}
		return nil
	}
}

// replace takes what next checks, and returns the checks that the mock knows.
func (rc *requestChecks) replace(next *requestChecks) *requestChecks {
	rc.now.Store(next.now.Load())
	return rc
}

// loadChecks adds the checks of keyfit's own providers to those of the files of --api.
func (s *settings) loadChecks(all map[mockserver.Provider]mockserver.RequestCheck) error {
	s.checks = new(requestChecks)
	s.checks.now.Store(&all)
	if !s.validate {
		return nil
	}
	for _, p := range s.played() {
		if _, own := all[p]; own {
			continue
		}
		doc, err := openapifile.Parse(string(p)+".json", mockserver.OpenAPI(p))
		if err != nil {
			return err //nolint:wrapcheck // the caller says for what
		}
		all[p] = doc.Check()
	}
	return nil
}
