package keyring

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestKeysThatNeverWorkedOpenTheCircuit: a source that always has another key replaces each one
// while calls with it are in flight. Their refusals count: what is sent does not grow with the
// number of callers and of keys.
func TestKeysThatNeverWorkedOpenTheCircuit(t *testing.T) {
	t.Parallel()
	for _, replayable := range []bool{true, false} {
		for _, callers := range []int{1, 8, 50} {
			t.Run(fmt.Sprintf("%d callers, replayable %v", callers, replayable), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, nil)
					n := 0
					w.ring.cfg.Ask = func(context.Context, string) (v Versions, err error) {
						w.set(func() { n++; v.Current = key(fmt.Sprint("bad", n)) })
						return v, nil
					}
					w.accept()
					w.latency = 100 * time.Millisecond
					ctx, stop := context.WithCancel(t.Context())
					var all sync.WaitGroup
					for i := range callers {
						all.Go(func() {
							pass(time.Duration(i) * time.Millisecond)
							for ctx.Err() == nil && w.ring.Load().CircuitClosed() {
								_, _ = w.callWith(ctx, "/", replayable)
								_ = sleep(ctx, 2*time.Second, nil, nil)
							}
						})
					}
					pass(2 * time.Minute)
					if w.ring.Load().CircuitClosed() {
						t.Error("the circuit is closed")
					}
					if got, most := int(w.sent.Load()), tripAfter+callers*(1+maxReplays); got > most {
						t.Errorf("%d requests until the circuit opened, want at most %d", got, most)
					}
					stop()
					all.Wait()
				})
			})
		}
	}
}

// TestAHerdThatIsRefusedLosesNothingOnceTheSourceHasAKeyThatWorks: many calls are in flight with
// a key that nobody has proved when it is refused. Their refusals open the circuit, and neither
// they nor the calls that come meanwhile are lost.
func TestAHerdThatIsRefusedLosesNothingOnceTheSourceHasAKeyThatWorks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		wait    time.Duration
		streams bool          // the calls that come meanwhile are sent once
		askTime time.Duration // of the source
		spread  time.Duration // between two calls of the herd
	}{
		{"at the same time", 0, false, 0, 0},
		{"one after the other", 0, false, 0, time.Millisecond},
		{"a slow source", 0, false, 300 * time.Millisecond, time.Millisecond},
		{"others are sent once", 0, true, 0, time.Millisecond},
		{"calls wait", 10 * time.Second, false, 0, time.Millisecond},
		{"calls wait, and others are sent once", 10 * time.Second, true, 0, time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(cfg *Config) { cfg.Wait, cfg.MaxWaiting = tt.wait, 1000 })
				w.latency = 100 * time.Millisecond
				w.accept("b")
				w.offer("b")
				w.set(func() { w.askTime = tt.askTime })
				var calls sync.WaitGroup
				call := func(replayable bool) {
					calls.Go(func() {
						if sent, err := w.callWith(t.Context(), "/", replayable); err != nil {
							t.Errorf("sent with %q: %v", sent, err)
						}
					})
				}
				for range 64 {
					call(true)
					pass(tt.spread)
				}
				for w.ring.Load().current.Fingerprint == "a" {
					pass(time.Millisecond)
				}
				for range 200 {
					call(!tt.streams)
					pass(time.Millisecond)
				}
				calls.Wait()
				if !w.ring.Load().CircuitClosed() {
					t.Error("the circuit is not closed")
				}
			})
		})
	}
}
