package imin_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/imin"
)

// noon is the frozen time of the mocks, a Wednesday.
var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

func oxford(km float64) *imin.Radial {
	return &imin.Radial{Lat: 51.7520131, Lon: -1.2578499, Km: km}
}

// world is a client for imin's real hosts, which a mock replaces and which records requests.
type world struct {
	*imin.Client
	srv *mockserver.Server
	mu  sync.Mutex
	out []*http.Request
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{srv: mockserver.New(tb, mockserver.WithSeed(7), mockserver.WithFrozenClock(noon), mockserver.WithJournal(0, 0))} // nobody reads it
	w.Client = w.client(tb)
	return w
}

func (w *world) client(tb testing.TB, opts ...keyfit.Option) *imin.Client {
	tb.Helper()
	c, err := imin.New(append([]keyfit.Option{
		keyfit.WithKey(w.srv.Keys().Issue(mockserver.Imin).Secret.Reveal()), keyfit.WithoutDotEnv(),
		keyfit.WithHTTPClient(&http.Client{Transport: w.srv.Transport()}), keyfit.WithMiddleware(w.record),
		keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}),
	}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (w *world) record(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		w.mu.Lock()
		w.out = append(w.out, r)
		w.mu.Unlock()
		return next.RoundTrip(r)
	})
}

// sent returns the requests since the last call, in order.
func (w *world) sent() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.out
	w.out = nil
	return out
}

// canned returns a client whose requests to all hosts are answered by answer.
func canned(tb testing.TB, answer func(*http.Request) (status int, body string)) *imin.Client {
	tb.Helper()
	c, err := imin.New(keyfit.WithKey("0123456789abcdef0123456789abcdef"), keyfit.WithoutDotEnv(),
		keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}),
		keyfit.WithHTTPClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			status, body := answer(r)
			rec := recorder(status, body)
			rec.Request = r
			return rec, nil
		})}))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func collect[T any](tb testing.TB, seq func(func(T, error) bool)) []T {
	tb.Helper()
	var out []T
	for v, err := range seq {
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// firstOf returns the first value of a sequence.
func firstOf[T any](tb testing.TB, seq func(func(T, error) bool)) T {
	tb.Helper()
	for v, err := range seq {
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
	tb.Fatal("there is nothing")
	panic("unreachable")
}

func encode(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func mapped[T, U any](from []T, f func(T) U) []U {
	out := make([]U, len(from))
	for i, v := range from {
		out[i] = f(v)
	}
	return out
}

func unique[T comparable](from []T) []T {
	var out []T
	for _, v := range from {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func recorder(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}
