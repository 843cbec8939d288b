package keyfit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// scribbler is a transport that changes what it is given, as it should not.
type scribbler struct{ strangers atomic.Int64 }

func (s *scribbler) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("X-Scribbled") != "" {
		s.strangers.Add(1)
	}
	req.Header.Set("X-Scribbled", req.URL.Path)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// Only net/http's own transport gets a header that requests have in common.
func TestATransportThatChangesItsRequestsChangesNoOther(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]func(*scribbler) keyfit.Option{
		"a transport of the caller's": func(s *scribbler) keyfit.Option { return keyfit.WithHTTPClient(&http.Client{Transport: s}) },
		"a middleware": func(s *scribbler) keyfit.Option {
			return keyfit.WithMiddleware(func(http.RoundTripper) http.RoundTripper { return s })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := new(scribbler)
			c, err := keyfit.New(keyfit.MindKey(), keyfit.WithKey("header-lorem-fitsum"), keyfit.WithoutDotEnv(), opt(s))
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					for range 50 {
						if _, err := keyfit.Get[struct{}](t.Context(), c, "/"+strconv.Itoa(i)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if n := s.strangers.Load(); n > 0 {
				t.Errorf("%d of 800 requests had what was written into another", n)
			}
		})
	}
}

// A transport may also write into the lines of a header: those of the scheme, of the client and of
// the call are each request's own.
func TestATransportThatWritesIntoLinesChangesNoOther(t *testing.T) {
	t.Parallel()
	key, pair := keyfit.APIKey("header-lorem-fitsum"), keyfit.KeyPair("header-id-lorem", "header-lorem-fitsum")
	tests := map[string]struct {
		scheme keyfit.Scheme
		cred   keyfit.Credential
	}{
		"header": {keyfit.Header("X-API-KEY"), key},
		"bearer": {keyfit.Bearer(), key},
		"pair":   {keyfit.Pair("X-ID", "X-KEY"), pair},
		"basic":  {keyfit.Basic("lorem"), key},
		"cookie": {keyfit.Cookie("session"), key},
		"query":  {keyfit.Query("api_key"), key},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen []http.Header
			writes := transportFunc(func(req *http.Request) (*http.Response, error) {
				seen = append(seen, req.Header.Clone())
				for _, lines := range req.Header {
					for i := range lines {
						lines[i] = "scribbled"
					}
				}
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
			})
			c, err := keyfit.New(keyfit.Provider{Name: "target", BaseURL: "https://api.example.com", Scheme: tt.scheme},
				keyfit.WithSource(keyfit.Static(tt.cred)), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: writes}))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				for _, opts := range [][]keyfit.CallOption{nil, {keyfit.WithHeader("X-Mine", "lorem")}} {
					if _, err := keyfit.Get[struct{}](t.Context(), c, "/", opts...); err != nil {
						t.Fatal(err)
					}
				}
			}
			if d := cmp.Diff(seen[:2], seen[2:]); d != "" {
				t.Errorf("what the second two requests had (-as the first two +got):\n%s", d)
			}
		})
	}
}

// Over real connections, with many callers, while the key changes: every request has the one
// key that is current, and the headers of its own call and no others.
func TestRequestsThatShareAHeaderDifferInAllElse(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	keys := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if got := r.Header.Values("X-Api-Key"); len(got) == 1 {
			keys[got[0]]++
		} else {
			t.Errorf("%s came with the keys %v", r.URL, got)
		}
		if d := cmp.Diff(r.URL.Query().Get("mine"), r.Header.Get("X-Mine")); d != "" {
			t.Errorf("header of %s (-own +seen):\n%s", r.URL, d)
		}
		if d := cmp.Diff(r.URL.Query().Get("accept"), r.Header.Get("Accept")); d != "" {
			t.Errorf("Accept of %s (-own +seen):\n%s", r.URL, d)
		}
	}))
	t.Cleanup(srv.Close)
	p := keyfit.Provider{Name: "target", BaseURL: srv.URL, Scheme: keyfit.Header("X-Api-Key")}
	c, err := keyfit.New(p, keyfit.WithKey("common-lorem-0"), keyfit.WithoutDotEnv())
	if err != nil {
		t.Fatal(err)
	}
	ctx, hc := t.Context(), c.HTTPClient()
	calls := []func(i int) error{
		func(int) error {
			_, err := keyfit.Get[string](ctx, c, "/", keyfit.Param("accept", "application/json"))
			return err
		},
		func(i int) error {
			_, err := keyfit.Get[string](ctx, c, "/", keyfit.Param("accept", "application/json"), keyfit.Param("mine", strconv.Itoa(i)), keyfit.WithHeader("X-Mine", strconv.Itoa(i)))
			return err
		},
		func(int) error {
			resp, err := hc.Get(srv.URL + "/")
			if err == nil {
				_ = resp.Body.Close()
			}
			return err
		},
	}
	const rounds, callers = 5, 16
	for round := range rounds {
		if round > 0 {
			if err := c.Keys().Rotate(ctx, keyfit.APIKey("common-lorem-"+strconv.Itoa(round))); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				for _, call := range calls {
					if err := call(i); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	want := map[string]int{}
	for round := range rounds {
		want["common-lorem-"+strconv.Itoa(round)] = callers * len(calls)
	}
	if text := fmt.Sprintf("%v %+v %#v %+v %#v", c, c, c, hc, hc); strings.Contains(text, "common-lorem") {
		t.Errorf("the client prints its key: %s", text)
	}
	if d := cmp.Diff(want, keys); d != "" {
		t.Errorf("requests with each key (-want +got):\n%s", d)
	}
}

// A scheme that writes to the URL, or that is the caller's own, is asked for each request:
// a shared header does not hold all that it does.
func TestEveryRequestCarriesTheKeyWhateverTheScheme(t *testing.T) {
	t.Parallel()
	const key = "header-lorem-fitsum"
	var signed atomic.Int64
	sign := schemeFunc(func(req *http.Request, cred keyfit.Credential) error {
		req.Header.Set("X-Signature", fmt.Sprint(cred.Key.Reveal(), " for ", req.URL.Path, " number ", signed.Add(1)))
		return nil
	})
	for name, test := range map[string]struct {
		scheme keyfit.Scheme
		cred   keyfit.Credential
		of     func(*http.Request) string
		want   []string
	}{
		"header": {
			keyfit.Header("X-Api-Key"), keyfit.APIKey(key),
			func(r *http.Request) string { return r.Header.Get("X-Api-Key") },
			[]string{key, key, key, key},
		},
		"authorization": {
			keyfit.Authorization("ApiKey"), keyfit.APIKey(key),
			func(r *http.Request) string { return r.Header.Get("Authorization") }, slices.Repeat([]string{"ApiKey " + key}, 4),
		},
		"query": {
			keyfit.Query("api_key"), keyfit.APIKey(key),
			func(r *http.Request) string { return r.URL.RawQuery }, slices.Repeat([]string{"api_key=" + key}, 4),
		},
		"pair": {
			keyfit.Pair("X-Id", "X-Key"), keyfit.KeyPair("id-lorem", key),
			func(r *http.Request) string { return r.Header.Get("X-Id") + " " + r.Header.Get("X-Key") }, slices.Repeat([]string{"id-lorem " + key}, 4),
		},
		"the caller's own": {
			sign, keyfit.APIKey(key),
			func(r *http.Request) string { return r.Header.Get("X-Signature") },
			[]string{key + " for /0 number 1", key + " for /1 number 2", key + " for /2 number 3", key + " for /3 number 4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, test.of(r)) }))
			t.Cleanup(srv.Close)
			c, err := keyfit.New(keyfit.Provider{Name: "target", BaseURL: srv.URL, Scheme: test.scheme},
				keyfit.WithSource(keyfit.Static(test.cred)), keyfit.WithoutDotEnv())
			if err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				if _, err := keyfit.Get[struct{}](t.Context(), c, "/"+strconv.Itoa(i)); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("keys of four requests (-want +got):\n%s", d)
			}
		})
	}
}

type schemeFunc func(*http.Request, keyfit.Credential) error

func (f schemeFunc) Apply(req *http.Request, cred keyfit.Credential) error { return f(req, cred) }
