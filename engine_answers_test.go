package keyfit_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// A new key lacks a permission that the previous one has: the call is replayed once with
// that, and somebody is told.
func TestALostPermissionIsReplayedWithThePreviousKey(t *testing.T) {
	t.Parallel()
	const rotated = "key.promoted 2 scope-new<scope-old"
	regression := []string{rotated, "key.scope_regression 2 scope-new<scope-old"}
	get := func(t *testing.T, c *keyfit.Client, path string) error {
		t.Helper()
		_, err := keyfit.Get[struct{}](t.Context(), c, path)
		return err
	}
	tests := []struct {
		name   string
		before string                   // a path that the previous key was good for
		after  time.Duration            // since the rotation
		old    func(n int) (status int) // what the old key gets after the rotation, n-th request
		call   func(t *testing.T, c *keyfit.Client) error
		sent   []string
		is     error
		events []string
	}{
		{
			name: "the same route", before: "/a", sent: []string{"scope-new", "scope-old"}, events: regression,
			call: func(t *testing.T, c *keyfit.Client) error { t.Helper(); return get(t, c, "/a") },
		},
		{
			name: "another route", before: "/b", sent: []string{"scope-new"}, is: keyfit.ErrForbidden, events: []string{rotated},
			call: func(t *testing.T, c *keyfit.Client) error { t.Helper(); return get(t, c, "/a") },
		},
		{
			name: "another method", before: "/a", sent: []string{"scope-new"}, is: keyfit.ErrForbidden, events: []string{rotated},
			call: func(t *testing.T, c *keyfit.Client) error {
				t.Helper()
				_, err := keyfit.Send[struct{}](t.Context(), c, http.MethodDelete, "/a", nil)
				return err
			},
		},
		{
			name: "a body that goes out once", before: "POST", sent: []string{"scope-new"}, is: keyfit.ErrForbidden, events: []string{rotated},
			call: func(t *testing.T, c *keyfit.Client) error {
				t.Helper()
				_, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/a", io.MultiReader(strings.NewReader("x")))
				return err
			},
		},
		{
			name: "when the key is no longer new", before: "/a", after: defaultGracePeriod, sent: []string{"scope-new"}, is: keyfit.ErrForbidden,
			call:   func(t *testing.T, c *keyfit.Client) error { t.Helper(); return get(t, c, "/a") },
			events: []string{rotated, "key.retired 1 scope-old<scope-new"},
		},
		{
			name: "the previous key may not either", before: "/a", sent: []string{"scope-new", "scope-old"}, is: keyfit.ErrForbidden, events: []string{rotated},
			old:  func(int) int { return http.StatusForbidden },
			call: func(t *testing.T, c *keyfit.Client) error { t.Helper(); return get(t, c, "/a") },
		},
		{
			name: "the previous key is dead", before: "/a", is: keyfit.ErrForbidden,
			sent: []string{"scope-new", "scope-old", "scope-new"}, events: []string{rotated, "key.refused 1 scope-old<"},
			old:  func(int) int { return http.StatusUnauthorized },
			call: func(t *testing.T, c *keyfit.Client) error { t.Helper(); return get(t, c, "/a") },
		},
		{
			name: "the replay meets a failure and is retried", before: "/a",
			sent: []string{"scope-new", "scope-old", "scope-new", "scope-old"}, events: regression,
			old: func(n int) int { return []int{http.StatusBadGateway, http.StatusOK}[min(n, 1)] },
			call: func(t *testing.T, c *keyfit.Client) error {
				t.Helper()
				return get(t, c, "/a")
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ring, events := newRing(t, keyfit.Static(keyfit.APIKey("scope-old")))
				n, rotation := 0, false
				wire := &ringWire{answer: func(key string) int {
					switch {
					case key == "scope-new":
						return http.StatusForbidden
					case !rotation || tt.old == nil:
						return http.StatusOK
					}
					n++
					return tt.old(n - 1)
				}}
				c := ringClient(t, wire, ring)
				method, path := http.MethodGet, tt.before
				if path == "POST" {
					method, path = http.MethodPost, "/a"
				}
				if _, err := keyfit.Send[struct{}](t.Context(), c, method, path, nil); err != nil {
					t.Fatal(err)
				}
				if err := ring.Rotate(t.Context(), keyfit.APIKey("scope-new")); err != nil {
					t.Fatal(err)
				}
				rotation = true
				time.Sleep(tt.after) //nolint:forbidigo // fake time
				synctest.Wait()
				wire.take()
				if err := tt.call(t, c); !errors.Is(err, tt.is) {
					t.Errorf("want %v, got %v", tt.is, err)
				}
				if diff := cmp.Diff(tt.sent, wire.take()); diff != "" {
					t.Errorf("on the wire (-want +got):\n%s", diff)
				}
				if got := ring.Status().Current.Generation; got != 2 {
					t.Errorf("a lost permission demoted the key: generation %d", got)
				}
				if diff := cmp.Diff(tt.events, events.take("scope-old", "scope-new")[1:]); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What an answer says of the key; see the table in docs/rotation.md.
func TestWhatAnAnswerSaysOfTheKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		status   int
		header   string // of WWW-Authenticate
		body     string
		replayed bool // with the previous key
		accepted bool // the key counts as accepted
		asked    int  // further questions to the source
		event    string
	}{
		{name: "a bad key", status: 401, body: `{"error":"INVALID_API_KEY"}`, replayed: true, asked: 1, event: "key.refused 2 says-new<"},
		{name: "a bare 401", status: 401, replayed: true, asked: 1, event: "key.refused 2 says-new<"},
		{name: "an OAuth token that ended", status: 401, header: `Bearer error="invalid_token"`, body: "{}", replayed: true, asked: 1, event: "key.refused 2 says-new<"},
		{name: "a scope that lacks", status: 403, header: `Bearer error="insufficient_scope"`, body: "{}", accepted: true},
		{name: "no key arrived", status: 401, body: `{"error":"MISSING_API_KEY"}`, asked: 1, event: "auth.misconfigured 2 says-new<"},
		{name: "a permission", status: 403, body: "{}", accepted: true},
		{name: "not found", status: 404, body: "{}", accepted: true},
		{name: "a bad request", status: 422, body: "{}", accepted: true},
		{name: "a limit", status: 429, body: `{"retryAfter":1}`},
		{name: "a limit in another status", status: 403, body: `{"error":"RATE_LIMIT_EXCEEDED"}`},
		{name: "a timeout of the provider", status: 408},
		{name: "a proxy that wants a key of its own", status: 407},
		{name: "a failure", status: 500, body: `{"error":"INVALID_API_KEY"}`},
		{name: "a gateway", status: 502},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				src := &ringSource{key: "says-old"}
				ring, events := newRing(t, src)
				if err := ring.Rotate(t.Context(), keyfit.APIKey("says-new")); err != nil {
					t.Fatal(err)
				}
				events.take()
				old := 0
				wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
					if req.Header.Get("X-API-KEY") == "says-old" {
						old++
						return errorAnswer(http.StatusOK, "{}")(req)
					}
					resp, err := errorAnswer(tt.status, tt.body)(req)
					if tt.header != "" {
						resp.Header.Set("WWW-Authenticate", tt.header)
					}
					return resp, err
				})
				c := ringClient(t, wire, ring)
				_, err := keyfit.Get[struct{}](t.Context(), c, "/p", keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
				if (err == nil) != tt.replayed || (old == 1) != tt.replayed {
					t.Errorf("replayed: want %v, got %d with the old key and %v", tt.replayed, old, err)
				}
				status := ring.Status()
				if got := status.Current; got.LastAccepted.IsZero() == tt.accepted || got.Generation != 2 {
					t.Errorf("accepted: want %v, got %+v", tt.accepted, got)
				}
				told := events.take("says-old", "says-new")
				if tt.event != "" && count(told, tt.event) != 1 || tt.event == "" && len(told) > 0 {
					t.Errorf("want the event %q, got %q", tt.event, told)
				}
				if want := 1 + tt.asked; src.questions() != want {
					t.Errorf("the source was asked %d times, want %d", src.questions(), want)
				}
			})
		})
	}
}
