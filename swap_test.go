package keyfit_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// A thousand rotations under load, against a server that ends each old key when its overlap
// is over. The overlap is counted in swaps and each swap waits for calls, so that the speed of
// the machine decides nothing.
func TestAThousandSwapsUnderLoadFailNoCall(t *testing.T) {
	t.Parallel()
	const callers, swaps = 64, 1000
	callsEach := 3
	if longRun() {
		callsEach = 8
	}
	const turn, overlap = time.Second, 500 * time.Second // of the server's clock: a swap a second
	srv := mockserver.New(t, mockserver.WithoutRateLimits(), mockserver.WithJournal(0, 0), mockserver.WithFrozenClock(time.Now()))
	issued := srv.Keys().Issue(mockserver.MindKey)
	c, err := keyfit.New(keyfit.MindKey(), keyfit.WithKey(issued.Secret.Reveal()), keyfit.WithBaseURL(srv.BaseURL(mockserver.MindKey)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var calls, failed atomic.Int64
	var working sync.WaitGroup
	over := make(chan struct{}, callers)
	for range callers {
		working.Go(func() {
			for ctx.Err() == nil {
				calls.Add(1)
				if _, err := keyfit.Get[struct{}](t.Context(), c, "/ping"); err != nil {
					failed.Add(1)
					t.Error(err)
				}
				select {
				case over <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	for range swaps {
		next, err := srv.Keys().Rotate(issued.ID, overlap)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Keys().Rotate(t.Context(), keyfit.APIKey(next.Secret.Reveal()), keyfit.GracePeriod(500*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		issued = next
		srv.Clock().Advance(turn)
		for range callsEach {
			<-over
		}
	}
	stop()
	working.Wait()

	answered := srv.Counts(mockserver.Match{Provider: mockserver.MindKey})
	if failed.Load() != 0 || calls.Load() < swaps {
		t.Errorf("%d of %d calls failed", failed.Load(), calls.Load())
	}
	if answered.ByOutcome[mockserver.OK] < int(calls.Load()) {
		t.Errorf("%d calls, and the server accepted %v", calls.Load(), answered.ByOutcome)
	}
	if got := c.Keys().Status().Current.Generation; got != swaps+1 {
		t.Errorf("want generation %d, got %d", swaps+1, got)
	}
	ended := srv.Keys().List(mockserver.KeyFilter{Provider: mockserver.MindKey, Status: mockserver.StatusExpired})
	if len(ended) == 0 {
		t.Error("no key ended while the test ran: it shows nothing")
	}
}

// Without an overlap a call may leave with a key that is dead when it arrives: it comes back
// with the newer one.
func TestASwapWithoutOverlapFailsNoCall(t *testing.T) {
	t.Parallel()
	const callers, swaps = 16, 25
	srv := mockserver.New(t, mockserver.WithoutRateLimits(), mockserver.WithJournal(0, 0))
	issued := srv.Keys().Issue(mockserver.MindKey)
	c, err := keyfit.New(keyfit.MindKey(), keyfit.WithKey(issued.Secret.Reveal()), keyfit.WithBaseURL(srv.BaseURL(mockserver.MindKey)),
		keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	srv.Inject(mockserver.Match{}, mockserver.Latency(time.Millisecond)) // so that calls are under way when their key dies
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	var calls [callers]atomic.Int64
	for i := range calls {
		working.Go(func() {
			for ctx.Err() == nil {
				if _, err := keyfit.Send[struct{}](t.Context(), c, http.MethodGet, "/ping", nil); err != nil {
					t.Error(err)
				}
				calls[i].Add(1)
			}
		})
	}
	for range swaps {
		// The program learns of the new key first, then the old one dies.
		next := srv.Keys().Issue(mockserver.MindKey)
		if err := c.Keys().Rotate(t.Context(), keyfit.APIKey(next.Secret.Reveal()), keyfit.GracePeriod(0)); err != nil {
			t.Fatal(err)
		}
		if err := srv.Keys().Revoke(issued.ID, "replaced"); err != nil {
			t.Fatal(err)
		}
		issued = next
		var until [callers]int64
		for i := range calls {
			until[i] = calls[i].Load() + 2 // no call lives through more than two swaps
		}
		for i := range calls {
			for calls[i].Load() < until[i] && !t.Failed() {
				<-time.After(time.Millisecond)
			}
		}
	}
	stop()
	working.Wait()
	if refused := srv.Counts(mockserver.Match{Outcome: mockserver.Revoked}).Total; refused == 0 {
		t.Error("no call met a dead key: the test shows nothing")
	}
}
