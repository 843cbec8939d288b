package keyring

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// trialsForNewKeys is how many trial requests may be sent after the circuit opens if calls do not wait
// for a key: for each new key that is tried before its time, and at growing intervals.
func trialsForNewKeys(lasts time.Duration) int {
	// Four delays are shorter than the last one, and four, three, two and one with the first
	// new keys.
	return maxNewKeys + 4 + 4 + 3 + 2 + 1 + int(lasts/(trialLast-trialLast/8))
}

// TestASourceThatAlwaysHasAnotherKeyUndoesNoBackoff plays a circuit whose trial requests all fail
// while the source offers keys at random times.
func TestASourceThatAlwaysHasAnotherKeyUndoesNoBackoff(t *testing.T) {
	t.Parallel()
	seeds := uint64(200)
	if os.Getenv("KEYFIT_LONG") != "" {
		seeds = 2000
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 17))
		every := time.Duration(1+r.IntN(100)) * 100 * time.Millisecond
		latency := time.Duration(1+r.IntN(1500)) * time.Millisecond
		short, long := storm{lasts: 30 * time.Second}, 5*time.Minute
		if got, most := failedTrials(r, every, latency, short.lasts), short.mostTrials(); got > most { // there is no time for all
			t.Errorf("seed %d: a key each %s, latency %s: %d trial requests in %s, want at most %d", seed, every, latency, got, short.lasts, most)
		}
		if got, most := failedTrials(r, every, latency, long), trialsForNewKeys(long); got > most {
			t.Errorf("seed %d: a key each %s, latency %s: %d trial requests in %s, want at most %d", seed, every, latency, got, long, most)
		}
	}
}

// failedTrials returns how many trial requests are sent while all of them fail.
func failedTrials(r *rand.Rand, every, latency, lasts time.Duration) (n int) {
	now := at(0)
	c := newCircuit(1, nil, now)
	c.postpone(trialFirst, now)
	var out *Turn
	offered, ends := now.Add(time.Duration(r.Int64N(int64(every)))), time.Time{}
	for now.Sub(at(0)) < lasts {
		switch turn := (&Turn{call: Call{Replayable: true}}); {
		case !now.Before(offered):
			c.keyOffered(false, trialFirst, now)
			offered = now.Add(every/2 + time.Duration(r.Int64N(int64(every))))
		case out != nil && !now.Before(ends):
			out.trial, out = nil, nil
			c.trialFailed(trialRefused, trialFirst, now)
		case out == nil && c.tryTrial(turn, now):
			out, ends = turn, now.Add(latency)
			n++
		case out != nil:
			now = earlier(offered, ends)
		default:
			now = earlier(offered, c.retryAt)
		}
	}
	return n
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

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
				if got, most := int(w.sent.Load()), tripAfter+maxReplays+trialsForNewKeys(lasts)*(1+maxReplays); got > most {
					t.Errorf("%d requests in %s, want at most %d", got, lasts, most)
				}
				stop()
				all.Wait()
			})
		})
	}
}
