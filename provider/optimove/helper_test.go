package optimove_test

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
	"github.com/keyfit/keyfit/provider/optimove"
)

// start is the time of the mock's clock. Its newest data is from day, whose campaigns have the
// IDs campaign1 to campaign3; the second one is a one-time campaign.
var (
	start = time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC)
	day   = optimove.Date{Year: 2027, Month: 1, Day: 14}
)

const (
	campaign1, campaign2, campaign3 = 208321, 208322, 208323
	canceled                        = 208333
)

// world is a mock of Optimove with a client that has a key.
type world struct {
	srv    *mockserver.Server
	client *optimove.Client
}

func newWorld(t *testing.T, variants mockserver.Variant, key ...mockserver.KeyOption) *world {
	t.Helper()
	srv := mockserver.New(t, mockserver.WithFrozenClock(start), mockserver.WithoutRateLimits(),
		mockserver.WithProfile(mockserver.Optimove, mockserver.Profile{Variants: variants}))
	return &world{srv, newClient(t, srv.Transport(), srv.Keys().Issue(mockserver.Optimove, key...).Secret.Reveal())}
}

// newClient returns a client without Optimove's limit of 50 calls in 10 seconds, so that
// tests do not wait.
func newClient(t *testing.T, rt http.RoundTripper, key string) *optimove.Client {
	t.Helper()
	client, err := optimove.New("api4.optimove.net", keyfit.WithKey(key), keyfit.WithHTTPClient(&http.Client{Transport: rt}),
		keyfit.WithLimit(keyfit.Limit{Requests: 100_000, Per: time.Second}), keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// script responds to each request with the next body, repeats the last one, and records the
// requests.
type script struct {
	mu     sync.Mutex
	bodies []string
	urls   []*url.URL
	sent   []string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := s.bodies[min(len(s.urls), len(s.bodies)-1)]
	s.urls = append(s.urls, r.URL)
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.sent = append(s.sent, string(b))
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

func scripted(t *testing.T, bodies ...string) (*optimove.Client, *script) {
	t.Helper()
	s := &script{bodies: bodies}
	return newClient(t, s, "key-of-a-test"), s
}
