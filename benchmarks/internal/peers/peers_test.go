package peers_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

func serve(t *testing.T, h http.HandlerFunc) *servers.Server {
	t.Helper()
	s, err := servers.Start(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func everyPeer(t *testing.T, f func(t *testing.T, p peers.Peer)) {
	t.Helper()
	for _, p := range append(peers.All(), peers.KeyfitHTTPClient(), peers.KeyfitDo()) {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			f(t, p)
		})
	}
}

func TestEveryPeerPutsTheKeyInItsPlaceAndTheBodyBehindIt(t *testing.T) {
	t.Parallel()
	everyPeer(t, func(t *testing.T, p peers.Peer) {
		t.Helper()
		for place, find := range map[peers.Place]func(*http.Request) string{
			peers.InHeader:        func(r *http.Request) string { return r.Header.Get(peers.KeyHeader) },
			peers.InAuthorization: func(r *http.Request) string { return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") },
			peers.InQuery:         func(r *http.Request) string { return r.URL.Query().Get(peers.KeyParam) },
		} {
			var got atomic.Value
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got.Store(r.Method + " " + r.URL.Path + " " + find(r) + " " + string(body))
				servers.OK(w, r)
			})
			c, err := p.New(peers.Config{BaseURL: s.URL, Key: func() string { return "the-key-of-this-test" }, Place: place, Transport: &http.Transport{DisableKeepAlives: true}})
			if err != nil {
				t.Fatal(err)
			}
			if a := c.Call(t.Context(), http.MethodPost, "/things", []byte(`{"a":1}`)); !a.OK() {
				t.Fatalf("place %d: status %d, %v", place, a.Status, a.Err)
			}
			if diff := cmp.Diff(`POST /things the-key-of-this-test {"a":1}`, got.Load()); diff != "" {
				t.Errorf("place %d (-want +got):\n%s", place, diff)
			}
		}
	})
}

func TestEveryPeerTakesTheNewKeyAtItsNextCall(t *testing.T) {
	t.Parallel()
	everyPeer(t, func(t *testing.T, p peers.Peer) {
		t.Helper()
		server := servers.NewKeyed(peers.KeyHeader)
		s := serve(t, server.ServeHTTP)
		var known atomic.Value
		known.Store("key-of-generation-one")
		c, err := p.New(peers.Config{BaseURL: s.URL, Key: func() string { return known.Load().(string) }, Rotates: true, Transport: &http.Transport{DisableKeepAlives: true}})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"key-of-generation-one", "key-of-generation-two"} {
			server.Accept(key)
			known.Store(key)
			if r, ok := c.(peers.Rotator); ok {
				if err := r.Rotate(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
			if a := c.Call(t.Context(), http.MethodGet, "/things/1", nil); !a.OK() {
				t.Errorf("with %s: status %d, %v", key, a.Status, a.Err)
			}
		}
	})
}

// The fields of Peer must match the behaviour of the library.
func TestEveryPeerThatSaysSoTriesARefusedKeyAgain(t *testing.T) {
	t.Parallel()
	everyPeer(t, func(t *testing.T, p peers.Peer) {
		t.Helper()
		var known atomic.Value
		known.Store("key-of-generation-one")
		var asked atomic.Int64
		var rotate func()
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			if r.Header.Get(peers.KeyHeader) == "key-of-generation-two" {
				servers.OK(w, r)
				return
			}
			rotate() // the new key arrives at the time of the refusal
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"code":"INVALID_API_KEY"}`)
		})
		c, err := p.New(peers.Config{
			BaseURL: s.URL, Key: func() string { return known.Load().(string) },
			Rotates: true, Retry401: p.Retries401, Retries: peers.DefaultRetries, Transport: &http.Transport{DisableKeepAlives: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		rotate = func() {
			known.Store("key-of-generation-two")
			if r, ok := c.(peers.Rotator); ok {
				_ = r.Rotate(context.WithoutCancel(t.Context()), "key-of-generation-two")
			}
		}
		if a := c.Call(t.Context(), http.MethodGet, "/things/1", nil); a.OK() != p.Retries401 {
			t.Errorf("success is %t after %d requests (status %d, %v), and Retries401 is %t", a.OK(), asked.Load(), a.Status, a.Err, p.Retries401)
		}
	})
}

// The status of a refusal must reach the caller.
func TestEveryPeerShowsTheStatusOfARefusal(t *testing.T) {
	t.Parallel()
	everyPeer(t, func(t *testing.T, p peers.Peer) {
		t.Helper()
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"message":"there is none"}`)
		})
		c, err := p.New(peers.Config{BaseURL: s.URL, Key: func() string { return "the-key-of-this-test" }, Transport: &http.Transport{DisableKeepAlives: true}})
		if err != nil {
			t.Fatal(err)
		}
		if a := c.Call(t.Context(), http.MethodGet, "/things/1", nil); a.OK() || a.Status != http.StatusNotFound {
			t.Errorf("status %d, %v; want 404", a.Status, a.Err)
		}
	})
}
