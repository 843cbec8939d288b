package keyfit_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// Where the provider takes idempotency keys, a POST has one, the same in all attempts, and is
// tried again; a further call has another.
func TestAPostHasAnIdempotencyKeyWhereTheProviderTakesThem(t *testing.T) {
	t.Parallel()
	own := keyfit.WithIdempotencyKey("of-the-caller")
	for _, test := range []struct {
		name   string
		takes  bool
		method string
		opts   []keyfit.CallOption
		field  string   // of the provider; "" for Idempotency-Key
		want   []string // of each attempt: a name for the key, or "none"
	}{
		{"a POST", true, http.MethodPost, nil, "", []string{"1", "1", "2", "2"}},
		{"a PATCH", true, http.MethodPatch, nil, "", []string{"1", "1", "2", "2"}},
		{"a key of the caller", true, http.MethodPost, []keyfit.CallOption{own}, "", []string{"of-the-caller", "of-the-caller", "of-the-caller", "of-the-caller"}},
		{"a POST, with a header of the provider's own", true, http.MethodPost, nil, "X-Acme-Once", []string{"1", "1", "2", "2"}},
		{"a key of the caller, with a header of the provider's own", true, http.MethodPost, []keyfit.CallOption{own}, "X-Acme-Once", []string{"of-the-caller", "of-the-caller", "of-the-caller", "of-the-caller"}},
		{"a PUT", true, http.MethodPut, nil, "", []string{"none", "none", "none", "none"}},
		{"a GET", true, http.MethodGet, nil, "", []string{"none", "none", "none", "none"}},
		{"another provider", false, http.MethodPost, nil, "", []string{"none", "none"}},
		{"another provider, a key of the caller", false, http.MethodPost, []keyfit.CallOption{own}, "", []string{"of-the-caller", "of-the-caller", "of-the-caller", "of-the-caller"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			field, keys := "Idempotency-Key", []string(nil)
			if test.field != "" {
				field = test.field
			}
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				keys = append(keys, strings.Join(r.Header.Values(field), ","))
				if len(body) > 0 && string(body) != "data" {
					t.Errorf("the body is %q", body)
				}
				w.WriteHeader(http.StatusBadGateway)
			}))
			t.Cleanup(srv.Close)
			p := keyfit.Provider{Name: "acme", BaseURL: srv.URL, Scheme: keyfit.Header("X-Api-Key"), IdempotencyKeys: test.takes, IdempotencyHeader: test.field}
			c, err := keyfit.New(p, keyfit.WithKey("idem-lorem"), keyfit.WithoutDotEnv(), keyfit.WithRetry(rawPolicy(2)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := keyfit.Send[struct{}](t.Context(), c, test.method, "/x", []byte("data"), test.opts...); err == nil {
				t.Error("no error")
			}
			req, err := http.NewRequestWithContext(t.Context(), test.method, "/x", strings.NewReader("data"))
			if err != nil {
				t.Fatal(err)
			}
			if len(test.opts) > 0 {
				req.Header.Set(field, "of-the-caller")
			}
			before := req.Header.Clone()
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if diff := cmp.Diff(before, req.Header); diff != "" {
				t.Errorf("the caller's request has changed (-want +got):\n%s", diff)
			}
			uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
			names, got := map[string]string{"": "none"}, []string(nil)
			for _, key := range keys {
				if _, known := names[key]; !known {
					if names[key] = key; uuid.MatchString(key) {
						names[key] = string(rune('0' + len(names) - 1))
					}
				}
				got = append(got, names[key])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
