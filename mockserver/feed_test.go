package mockserver_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// reader is a client of a stream that keeps what comes.
type reader struct {
	header http.Header
	mu     sync.Mutex
	text   bytes.Buffer
	done   func(text string) bool
	cancel func()
}

func (rd *reader) Header() http.Header { return rd.header }
func (*reader) WriteHeader(int)        {}
func (*reader) Flush()                 {}

func (rd *reader) Write(p []byte) (int, error) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	rd.text.Write(p)
	if rd.done(rd.text.String()) {
		rd.cancel()
	}
	return len(p), nil
}

// ids are the IDs of the events of a stream, in the order in which they came.
func (rd *reader) ids() (out []string) {
	for line := range strings.Lines(rd.text.String()) {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			out = append(out, strings.TrimSpace(id))
		}
	}
	return out
}

// Whenever a follower comes, and whatever it knows already, it gets each request once.
func TestEveryFollowerGetsEachRequestOnce(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithoutRateLimits())
	key := srv.Keys().Issue(mockserver.MindKey)
	request := func() {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://mindkey.localhost/ping", http.NoBody)
		key.Apply(r)
		srv.ServeHTTP(httptest.NewRecorder(), r)
	}
	const total, step = 200, 20
	followers := make(map[int]*reader)
	var wg sync.WaitGroup
	for i := range total {
		if i%step == 0 {
			ctx, cancel := context.WithCancel(t.Context())
			rd := &reader{header: http.Header{}, cancel: cancel, done: func(text string) bool { return strings.Contains(text, fmt.Sprintf("id: %d\n", total)) }}
			followers[i] = rd
			after := i / 2 // half of what was sent is known
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1/v1/namespaces/default/requests/stream?after=%d", after), http.NoBody)
			r.Header.Set("Authorization", "Bearer "+srv.AdminToken().Reveal())
			wg.Go(func() { srv.AdminHandler().ServeHTTP(rd, r) })
		}
		request()
	}
	wg.Wait()
	for i, rd := range followers {
		var want []string
		for id := i/2 + 1; id <= total; id++ {
			want = append(want, fmt.Sprint(id))
		}
		if d := cmp.Diff(want, rd.ids()); d != "" {
			t.Errorf("follower that came at %d (-want +got):\n%s", i, d)
		}
	}
}

// The cost of an event does not grow with the number of followers, but for the writing.
func TestAnEventIsEncodedOnceForAllFollowers(t *testing.T) { //nolint:paralleltest // it counts allocations
	srv := mockserver.New(t, mockserver.WithoutRateLimits())
	key := srv.Keys().Issue(mockserver.MindKey)
	r := httptest.NewRequest(http.MethodGet, "http://mindkey.localhost/ping", http.NoBody)
	key.Apply(r)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range 100 {
		s := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/v1/namespaces/default/requests/stream?after=0", http.NoBody)
		s.Header.Set("Authorization", "Bearer "+srv.AdminToken().Reveal())
		wg.Go(func() { srv.AdminHandler().ServeHTTP(&drain{http.Header{}}, s) })
	}
	h := srv.Handler(mockserver.MindKey)
	perRequest := 1e9
	for range 10 { // on a busy machine followers fall behind, and catch up one by one
		perRequest = min(perRequest, testing.AllocsPerRun(500, func() { h.ServeHTTP(&drain{make(http.Header, 4)}, r) }))
		if perRequest <= 60 {
			return
		}
	}
	// Encoded for each follower, it would be more than a thousand.
	t.Errorf("%.0f allocations for a request with 100 followers", perRequest)
}
