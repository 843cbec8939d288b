package oapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/examples/oapi"
)

// acme is a small server of openapi.yaml behind a gateway. It accepts one key, and fails as the
// next entries of fails say before it serves.
type acme struct {
	mu    sync.Mutex
	key   string
	fails []int
	seen  []string
}

func (a *acme) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var in oapi.NewThing
	_ = json.NewDecoder(r.Body).Decode(&in)
	a.seen = append(a.seen, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), in.Name)))
	w.Header().Set("Content-Type", "application/json")
	path, inside := strings.CutPrefix(r.URL.Path, "/gw/acme")
	switch {
	case !inside:
		w.WriteHeader(http.StatusNotFound)
	case r.Header.Get("X-Acme-Key") != a.key:
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":"INVALID_API_KEY","message":"The API key is invalid"}`))
	case len(a.fails) > 0:
		status := a.fails[0]
		a.fails = a.fails[1:]
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"error":"E%d","message":"Lorem fitsum"}`, status)
	case r.Method == http.MethodPost:
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(oapi.Thing{Id: "t1", Name: in.Name})
	case path == "/things":
		_ = json.NewEncoder(w).Encode([]oapi.Thing{{Id: "t1", Name: "Lorem"}})
	default:
		_ = json.NewEncoder(w).Encode(oapi.Thing{Id: strings.TrimPrefix(path, "/things/"), Name: "Lorem"})
	}
}

// newClient returns the generated client and the keyfit.Client under it, and what the server has
// seen.
func newClient(t *testing.T, a *acme) (*oapi.ClientWithResponses, *keyfit.Client) {
	t.Helper()
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	c, err := keyfit.New(oapi.Acme(), keyfit.WithBaseURL(srv.URL+"/gw/acme"), keyfit.WithKey("first-lorem-fitsum"), keyfit.WithoutDotEnv(),
		keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 2, MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	generated, err := oapi.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return generated, c
}

func TestTheGeneratedClientHasKeyRetriesAndRotation(t *testing.T) {
	t.Parallel()
	server := &acme{key: "first-lorem-fitsum", fails: []int{http.StatusServiceUnavailable}}
	api, c := newClient(t, server)
	limit := 5
	list, err := api.ListThingsWithResponse(t.Context(), &oapi.ListThingsParams{Limit: &limit})
	if err != nil || list.JSON200 == nil || len(*list.JSON200) != 1 {
		t.Fatalf("%v %+v", err, list)
	}
	if err := c.Keys().Rotate(t.Context(), keyfit.APIKey("second-lorem-fitsum")); err != nil {
		t.Fatal(err)
	}
	made, err := api.CreateThingWithResponse(t.Context(), oapi.NewThing{Name: "Fitsum"}) // replayed with the previous key
	if err != nil || made.JSON201 == nil || made.JSON201.Name != "Fitsum" {
		t.Fatalf("%v %+v", err, made)
	}
	server.mu.Lock()
	server.key = "second-lorem-fitsum" // from here on
	server.mu.Unlock()
	got, err := api.GetThingWithResponse(t.Context(), "a/../b")
	if err == nil {
		t.Errorf("a path that may leave the gateway's was sent: %+v", got)
	}
	if got, err = api.GetThingWithResponse(t.Context(), "a b"); err != nil || got.JSON200 == nil || got.JSON200.Id != "a b" {
		t.Fatalf("%v %+v", err, got)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	want := []string{
		"GET /gw/acme/things?limit=5", "GET /gw/acme/things?limit=5",
		"POST /gw/acme/things Fitsum", "POST /gw/acme/things Fitsum",
		"GET /gw/acme/things/a%20b",
	}
	if diff := cmp.Diff(want, server.seen[:min(len(want), len(server.seen))]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARefusalOfTheGeneratedClientIsATypedError(t *testing.T) {
	t.Parallel()
	server := &acme{key: "first-lorem-fitsum", fails: []int{http.StatusForbidden, http.StatusNotFound}}
	api, _ := newClient(t, server)
	forbidden, err := api.ListThingsWithResponse(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var refused *keyfit.PermissionError
	if err := oapi.Check(forbidden.HTTPResponse); !errors.As(err, &refused) || refused.Code != "E403" || refused.Message != "Lorem fitsum" {
		t.Errorf("%v", err)
	}
	missing, err := api.GetThingWithResponse(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := oapi.Check(missing.HTTPResponse); !errors.Is(err, keyfit.ErrNotFound) {
		t.Errorf("%v", err)
	}
	server.mu.Lock()
	server.key = "another"
	server.mu.Unlock()
	invalid, err := api.ListThingsWithResponse(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := oapi.Check(invalid.HTTPResponse); !errors.Is(err, keyfit.ErrUnauthorized) || strings.Contains(err.Error(), "first-lorem") {
		t.Errorf("%v", err)
	}
}
