package mockserver_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// TestAnyAPIHasWhatTheFiveHave asks random APIs for what the five are known to do: hints of
// near and of wrong methods, suspension, CORS, exports without a key, counters.
func TestAnyAPIHasWhatTheFiveHave(t *testing.T) {
	t.Parallel()
	overRandomAPIs(t, func(t *testing.T, _ *rand.Rand, a mockserver.API) {
		t.Helper()
		srv := mockserver.New(t, mockserver.WithAPI(a), mockserver.WithoutRateLimits(), mockserver.WithCORS("https://app.example"))
		key := srv.Keys().Issue(a.Name)
		for _, tt := range []struct{ method, path, why string }{
			{"GET", "/thing/1", "/things/{id}"},
			{"GET", "/Things/1", "/things/{id}"},
			{"GET", "//things/1", "/things/"},
			{"DELETE", "/things/1", "GET"},
			{"PUT", "/things", "POST"},
		} {
			r := newRequest(t, a.Name, tt.method, tt.path, "")
			key.Apply(r)
			got := call(t, srv.Transport(), r)
			all := srv.Requests(mockserver.Match{Provider: a.Name})
			if why := all[len(all)-1].Diagnosis.Why; got.status < 400 || !strings.Contains(why, tt.why) {
				t.Errorf("%s %s: %d, %q", tt.method, tt.path, got.status, why)
			}
		}
		use := func() int {
			r := thing(t, &a)
			r.Header.Set("Origin", "https://app.example")
			key.Apply(r)
			got := call(t, srv.Transport(), r)
			if got.header.Get("Access-Control-Allow-Origin") != "https://app.example" {
				t.Errorf("no CORS in %v", got.header)
			}
			return got.status
		}
		before := use()
		if err := srv.Keys().Suspend(key.ID); err != nil {
			t.Fatal(err)
		}
		during := use()
		if err := srv.Keys().Enable(key.ID); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(before, during == 200, use()); got != "200 false 200" {
			t.Errorf("before, during and after a suspension: %s", got)
		}
		admin := func(path string) string {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost"+path, http.NoBody)
			r.Header.Set("Authorization", "Bearer "+srv.AdminToken().Reveal())
			w := httptest.NewRecorder()
			srv.AdminHandler().ServeHTTP(w, r)
			if w.Code != 200 {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
			if secret := key.Secret.Reveal(); strings.Contains(w.Body.String(), secret) {
				t.Errorf("%s shows the key", path)
			}
			return w.Body.String()
		}
		if har := admin("/v1/namespaces/default/requests/export?format=har"); !json.Valid([]byte(har)) || strings.Count(har, `"startedDateTime"`) != 8 {
			t.Errorf("an archive of 8 requests: %.300s", har)
		}
		if curl := admin("/v1/namespaces/default/requests/export?format=curl"); strings.Count(curl, "curl ") != 8 {
			t.Errorf("8 commands: %s", curl)
		}
		if counts := admin("/metrics"); !strings.Contains(counts, fmt.Sprintf(`provider="%s",outcome="suspended"`, a.Name)) {
			t.Errorf("no counter of %s", a.Name)
		}
		if doc := admin("/openapi/" + string(a.Name)); !json.Valid([]byte(doc)) || !strings.Contains(doc, `"/things/{id}"`) {
			t.Errorf("document: %.300s", doc)
		}
	})
}
