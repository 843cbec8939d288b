package mindkey_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/mindkey"
)

// start is the initial time of the mock's clock.
var start = time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC)

// world is a mock of MindKey with a client that has a key.
type world struct {
	srv    *mockserver.Server
	client *mindkey.Client
}

func newWorld(t *testing.T, key ...mockserver.KeyOption) *world {
	t.Helper()
	srv := mockserver.New(t, mockserver.WithFrozenClock(start))
	return &world{srv, newClient(t, srv.Transport(), srv.Keys().Issue(mockserver.MindKey, key...).Secret.Reveal())}
}

func newClient(t *testing.T, rt http.RoundTripper, key string) *mindkey.Client {
	t.Helper()
	client, err := mindkey.New(keyfit.WithKey(key), keyfit.WithBaseURL("https://connector.mindkey.com"),
		keyfit.WithHTTPClient(&http.Client{Transport: rt}))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// script responds to each request with the next body, repeats the last one, and records the
// URLs.
type script struct {
	mu     sync.Mutex
	bodies []string
	urls   []*url.URL
	accept []string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := s.bodies[min(len(s.urls), len(s.bodies)-1)]
	s.urls = append(s.urls, r.URL)
	s.accept = append(s.accept, r.Header.Get("Accept"))
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

func scripted(t *testing.T, bodies ...string) (*mindkey.Client, *script) {
	t.Helper()
	s := &script{bodies: bodies}
	return newClient(t, s, "key-of-a-test"), s
}

// nasty holds values that must be escaped correctly everywhere.
func nasty() []string {
	return []string{
		"O'Hara", "''", "' or 1 eq 1 or '", `"`, "a/b", "..", ".", "%2F", "%27", "a b", "a&$filter=b", "a;b", "(x)", "a,b",
		"line\r\nbreak", "tab\t", "Åse 世界", "#frag", "?q", "+", "\\", "$top", "null", "a=b",
	}
}
