package mockserver_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"slices"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// holed calls f with v once for every member, at any depth, that is missing and
// every element that is null. Where kinds is not nil, it calls f for the first of a kind
// only: of the holes whose paths differ in the indexes of elements alone.
func holed(v any, path string, kinds map[string]bool, f func()) {
	hole := func(path string) {
		if kinds == nil || !kinds[path] {
			f()
		}
		if kinds != nil {
			kinds[path] = true
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for name, old := range v {
			delete(v, name)
			hole(path + "." + name)
			v[name] = old
			holed(old, path+"."+name, kinds, f)
		}
	case []any:
		for i, old := range v {
			v[i] = nil
			hole(path + "[]")
			v[i] = old
			holed(old, path+"[]", kinds, f)
		}
	}
}

// What is accepted with a hole in it must not make a read of the provider fail:
// the surfaces were written for data of their own making, which is whole. With KEYFIT_LONG=1
// all holes of a kind are tried and not the first alone.
func TestIncompleteItemsAreRefusedOrServed(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("some thousand requests one after another hold no race")
	}
	for _, p := range mockserver.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
			if p == mockserver.IMKIT {
				chat(t, srv)
			}
			if p == mockserver.Imin { // one record of a kind is as good as fifty
				for collection, most := range map[string]int{"eventSeries": 1, "tasters": 0, "facilities": 1} {
					list, err := srv.Data(p, collection)
					if err == nil {
						err = srv.SetData(p, collection, list[:most])
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			h, key := srv.Handler(p), srv.Keys().Issue(p, mockserver.LimitTo(mockserver.Limit{})) // no connections: there are thousands of requests
			all, err := srv.Collections(p)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				list, err := srv.Data(p, c.Name)
				if err != nil || len(list) == 0 {
					continue
				}
				var item any
				if err := json.Unmarshal(list[0], &item); err != nil {
					t.Fatal(err)
				}
				kinds := make(map[string]bool)
				if os.Getenv("KEYFIT_LONG") != "" {
					kinds = nil
				}
				holed(item, "", kinds, func() {
					raw, err := json.Marshal(item)
					if err != nil {
						t.Fatal(err)
					}
					next := slices.Clone(list)
					next[0] = raw
					if srv.SetData(p, c.Name, next) != nil {
						return
					}
					for _, path := range probes(p) {
						// The answer is computed as for GET, but not read again for the journal.
						r, w := newRequest(t, p, "HEAD", path, ""), httptest.NewRecorder()
						key.Apply(r)
						if h.ServeHTTP(w, r); w.Code >= 500 {
							t.Fatalf("%s %s: %s: %d", c.Name, raw, path, w.Code)
						}
					}
				})
				if err := srv.SetData(p, c.Name, list); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
