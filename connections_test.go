package keyfit_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/keyfit/keyfit"
)

// poolLoad is callers that go on making calls, of which many fail in one way or another.
// go-retryablehttp closes the whole idle pool when a call fails without an answer, and then
// needs one connection per failure (hashicorp/go-retryablehttp#85).
type poolLoad struct {
	callers, calls int
	asked          atomic.Int32
	together       sync.WaitGroup
}

func newPoolLoad(callers, calls int) *poolLoad {
	l := &poolLoad{callers: callers, calls: calls}
	l.together.Add(callers)
	return l
}

func (l *poolLoad) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch n := l.asked.Add(1); {
	case r.URL.Path == "/first": // holds every caller, so that each has its connection
		l.together.Done()
		l.together.Wait()
	case n%16 == 1: // a call that fails without an answer
		http.Redirect(w, r, "http://elsewhere.example.com/", http.StatusFound)
	case n%4 == 0:
		http.Error(w, strings.Repeat("a large error ", 400), http.StatusInternalServerError)
	case n%4 == 2:
		http.Error(w, `{"message":"nothing here"}`, http.StatusNotFound)
	default:
		_, _ = io.WriteString(w, `{"ok":true}`)
	}
}

// run makes the calls, and returns how many of them failed.
func (l *poolLoad) run(t *testing.T, c *keyfit.Client) int {
	t.Helper()
	var failed, left atomic.Int32
	left.Store(int32(l.calls))
	var wg sync.WaitGroup
	for range l.callers {
		wg.Go(func() {
			if _, err := keyfit.Get[string](t.Context(), c, "/first"); err != nil {
				t.Error(err)
			}
			for left.Add(-1) >= 0 {
				var err error
				if _, err = keyfit.Get[struct{ OK bool }](t.Context(), c, "/"); err == nil {
					_, err = keyfit.Get[struct{}](t.Context(), c, "/") // whose body nobody reads
				}
				if _, typed := errors.AsType[*keyfit.APIError](err); err != nil && !typed && !errors.Is(err, keyfit.ErrCrossOrigin) {
					t.Error(err)
				} else if err != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if int(failed.Load()) < l.calls/4 {
		t.Errorf("only %d calls failed: the test shows nothing", failed.Load())
	}
	return int(failed.Load())
}

// The client's own pool, and net/http on both sides of pipes in memory. On synctest's clock
// no timeout of net/http passes while a goroutine has work to do, so the number is exact.
func TestPoolNeedsNoMoreConnectionsThanCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		load := newPoolLoad(16, 1000)
		dial, opened := poolServer(t, load), 0
		var mu sync.Mutex
		c := rawClient(t, "http://localhost", 2, keyfit.WithKey(rawOldKey), keyfit.WithGate(&rawGate{}))
		c.DialThrough(func(ctx context.Context, network, addr string) (net.Conn, error) {
			mu.Lock()
			opened++
			mu.Unlock()
			return dial(ctx, network, addr)
		})
		load.run(t, c)
		c.HTTPClient().CloseIdleConnections()
		if opened != load.callers {
			t.Errorf("%d callers opened %d connections", load.callers, opened)
		}
	})
}

// Over real sockets net/http itself gives a connection up whose write loop did not report
// back within 50 ms, as happens on a busy machine; what must not cost one is a failed call.
func TestAFailedCallCostsNoConnection(t *testing.T) {
	t.Parallel()
	load := newPoolLoad(16, 500)
	var opened atomic.Int32
	srv := httptest.NewUnstartedServer(load)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	c := rawClient(t, srv.URL, 2, keyfit.WithKey(rawOldKey), keyfit.WithGate(&rawGate{}))
	failed := load.run(t, c)
	if got := int(opened.Load()); got > load.callers+failed/4 {
		t.Errorf("%d callers opened %d connections for %d failed calls", load.callers, got, failed)
	}
}
