package keyring

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestFiveKeysOfTheSourceAreTriedBeforeTheirTime: it does not matter how fast they come.
func TestFiveKeysOfTheSourceAreTriedBeforeTheirTime(t *testing.T) {
	t.Parallel()
	for _, watch := range []time.Duration{50 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond, time.Second, 3 * time.Second} {
		t.Run(watch.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const lasts = time.Minute
				w := newWorld(t, nil)
				n := 0
				w.ring.cfg.Ask = func(context.Context, string) (v Versions, err error) {
					w.set(func() { n++; v.Current = key(fmt.Sprint("bad", n)) })
					return v, nil
				}
				w.accept()
				ctx, stop := context.WithCancel(t.Context())
				var all sync.WaitGroup
				all.Go(func() { _ = w.ring.Watch(ctx, watch) })
				all.Go(func() {
					for ctx.Err() == nil {
						_, _ = w.call(ctx, "/")
						pass(20 * time.Millisecond)
					}
				})
				pass(lasts)
				trials := maxNewKeys + 4*(1+maxNewKeys) + int(lasts/(trialLast-trialLast/8)) // 4 delays are shorter than the last one
				if got, most := int(w.sent.Load()), tripAfter+maxReplays+trials*(1+maxReplays); got > most {
					t.Errorf("%d requests in %s, want at most %d", got, lasts, most)
				}
				stop()
				all.Wait()
			})
		})
	}
}
