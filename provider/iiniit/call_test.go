package iiniit_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/provider/iiniit"
)

func TestACallOfATemplateHasARoute(t *testing.T) {
	t.Parallel()
	var got []string
	c, err := iiniit.New(keyfit.WithKey("lorem-fitsum"), keyfit.WithHTTPClient(&http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		got = append(got, r.Method+" "+r.URL.RequestURI())
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"a":1}`)), Request: r}, nil
	})}), keyfit.WithHooks(keyfit.Hooks{Call: func(_ context.Context, e keyfit.CallEvent) { got = append(got, e.Route) }}))
	if err != nil {
		t.Fatal(err)
	}
	value, err := iiniit.Call[map[string]int](t.Context(), c, http.MethodPut, "/things/{id}/x?deep=1", []string{"a/b 7"}, map[string]int{"n": 1})
	if err != nil || value["a"] != 1 {
		t.Errorf("%v, %v", value, err)
	}
	if _, err := iiniit.Call[struct{}](t.Context(), c, http.MethodGet, "/things/{id}", []string{"7"}, nil, keyfit.WithRoute("things")); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"PUT /things/a%2Fb%207/x?deep=1", "PUT /things/{id}/x", "GET /things/7", "things"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r, w := io.Pipe()
	if _, err := iiniit.Call[struct{}](t.Context(), c, http.MethodPost, "/things/{id}", nil, r); err == nil {
		t.Error("a template without its value is taken")
	}
	if _, err := io.WriteString(w, "x"); err == nil {
		t.Error("the body is still open")
	}
}
