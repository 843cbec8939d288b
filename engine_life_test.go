package keyfit_test

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

const lifeDay = 24 * time.Hour

func expiring(key string, in time.Duration) keyfit.Credential {
	cred := keyfit.APIKey(key)
	cred.Expires = time.Now().Add(in)
	return cred
}

// days returns the events of some kinds, with the day on which each came.
func (e *ringEvents) days(begin time.Time, kinds ...keyfit.KeyEventKind) (days []int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.list {
		if slices.Contains(kinds, event.Kind) {
			days = append(days, int(event.Time.Sub(begin).Round(time.Hour)/lifeDay))
		}
	}
	return days
}

func TestTheEndOfAKeyIsAnnouncedOnceAtEachStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &engineSource{offer: offered(expiring("life-1", 40*lifeDay))}
		ring, events := newRing(t, src)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = ring.Watch(ctx, time.Hour) }()
		begin := time.Now()
		time.Sleep(50 * lifeDay) //nolint:forbidigo // fake time
		if diff := cmp.Diff([]int{10, 26, 33, 39}, events.days(begin, keyfit.KeyExpiring)); diff != "" {
			t.Errorf("expiring, by day (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{40}, events.days(begin, keyfit.KeyExpired)); diff != "" {
			t.Errorf("expired, by day (-want +got):\n%s", diff)
		}
		if got := currentKey(t, ring); got != "life-1" {
			t.Errorf("a key that ended by its date was taken away: %q", got)
		}

		// A rotation begins it anew; a key of ten days is announced once at the start.
		src.set(offered(expiring("life-2", 10*lifeDay)), nil)
		time.Sleep(12 * lifeDay) //nolint:forbidigo // fake time
		if diff := cmp.Diff([]int{10, 26, 33, 39, 50, 53, 59}, events.days(begin, keyfit.KeyExpiring)); diff != "" {
			t.Errorf("expiring, by day (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{40, 60}, events.days(begin, keyfit.KeyExpired)); diff != "" {
			t.Errorf("expired, by day (-want +got):\n%s", diff)
		}
	})
}

func TestAVerifiedCandidateTakesOverWhenTheKeyEnds(t *testing.T) {
	t.Parallel()
	for _, good := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var verdict error
			if !good {
				verdict = errRefusedKey(http.StatusBadGateway)
			}
			src := &engineSource{offer: keyfit.Versions{Current: expiring("end-1", lifeDay), Pending: keyfit.APIKey("end-2")}}
			ring, _ := newRing(t, src, keyfit.Verify(func(context.Context, keyfit.Credential) error { return verdict }))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { _ = ring.Watch(ctx, time.Minute) }()
			time.Sleep(lifeDay - time.Hour) //nolint:forbidigo // fake time
			if got := currentKey(t, ring); got != "end-1" {
				t.Errorf("verified %v: before its end: %s", good, got)
			}
			time.Sleep(2 * time.Hour) //nolint:forbidigo // fake time
			if got, want := currentKey(t, ring), map[bool]string{true: "end-2", false: "end-1"}[good]; got != want {
				t.Errorf("verified %v: after its end: want %s, got %s", good, want, got)
			}
		})
	}
}

// By our clock the key has ended; the provider takes it still, and not yet the new one.
func TestAWrongClockLosesNoCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &engineSource{offer: offered(expiring("clock-1", -time.Hour))}
		ring, _ := newRing(t, src)
		wire := &ringWire{answer: accepts("clock-1")}
		c := ringClient(t, wire, ring)
		if err := ringGet(t.Context(), c); err != nil {
			t.Error(err)
		}
		src.set(offered(expiring("clock-2", 365*lifeDay)), nil)
		if changed, err := ring.Reload(t.Context()); !changed || err != nil {
			t.Fatalf("got %v, %v", changed, err)
		}
		if err := ringGet(t.Context(), c); err != nil {
			t.Errorf("the key that works is not at hand, since its date is past: %v", err)
		}
		wire.answer = accepts("clock-2")
		time.Sleep(time.Minute) //nolint:forbidigo // fake time
		if err := ringGet(t.Context(), c); err != nil {
			t.Error(err)
		}
	})
}

func TestAKeyIsSafeToRevokeWhenNobodyNeedsItAnyMore(t *testing.T) {
	t.Parallel()
	const quiet = defaultDrainTime
	get := func(t *testing.T, c *keyfit.Client) {
		t.Helper()
		if err := ringGet(t.Context(), c); err != nil {
			t.Error(err)
		}
	}
	rotate := func(t *testing.T, ring *keyfit.Keyring, key string) {
		t.Helper()
		if err := ring.Rotate(t.Context(), keyfit.APIKey(key)); err != nil {
			t.Error(err)
		}
	}
	type world struct {
		ring *keyfit.Keyring
		c    *keyfit.Client
		wire *ringWire
		slow chan struct{} // a request with the key "slow" ends when it is closed
	}
	tests := []struct {
		name string
		do   func(t *testing.T, w *world)
		safe []string // in the status at the end
		told int      // events
	}{
		{"its successor was accepted, and it was quiet", func(t *testing.T, w *world) {
			t.Helper()
			get(t, w.c)
			rotate(t, w.ring, "safe-2")
			get(t, w.c)
			pause(quiet + time.Second)
		}, []string{"safe-1"}, 1},
		{"not yet quiet", func(t *testing.T, w *world) {
			t.Helper()
			rotate(t, w.ring, "safe-2")
			get(t, w.c)
			pause(quiet - time.Second)
		}, nil, 0},
		{"its successor was never accepted", func(t *testing.T, w *world) {
			t.Helper()
			rotate(t, w.ring, "safe-2")
			pause(10 * quiet)
		}, nil, 0},
		{"its successor was a mistake, and the one after that was accepted", func(t *testing.T, w *world) {
			t.Helper()
			rotate(t, w.ring, "safe-mistyped")
			rotate(t, w.ring, "safe-2")
			get(t, w.c)
			pause(2 * quiet)
		}, []string{"safe-1", "safe-mistyped"}, 2},
		{"an attempt is under way with it", func(t *testing.T, w *world) {
			t.Helper()
			var calls sync.WaitGroup
			calls.Go(func() { _, _ = keyfit.Get[struct{}](t.Context(), w.c, "/slow") })
			synctest.Wait()
			rotate(t, w.ring, "safe-2")
			get(t, w.c)
			pause(3 * quiet)
			if got := w.ring.Status().SafeToRevoke; got != nil {
				t.Errorf("in flight, and safe: %v", got)
			}
			close(w.slow)
			calls.Wait()
			pause(2 * quiet)
		}, []string{"safe-1"}, 1},
		{"it is used again", func(t *testing.T, w *world) {
			t.Helper()
			rotate(t, w.ring, "safe-2")
			get(t, w.c)
			pause(2 * quiet)
			if got := w.ring.Status().SafeToRevoke; len(got) != 1 {
				t.Errorf("quiet, and not safe: %v", got)
			}
			w.wire.answer = accepts("safe-1")
			get(t, w.c)
		}, nil, 1},
		{"it is current again", func(t *testing.T, w *world) {
			t.Helper()
			rotate(t, w.ring, "safe-2")
			get(t, w.c)
			pause(2 * quiet)
			rotate(t, w.ring, "safe-1")
			get(t, w.c)
		}, nil, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ring, events := newRing(t, keyfit.Static(keyfit.APIKey("safe-1")))
				w := &world{ring: ring, wire: &ringWire{answer: accepts("safe-1", "safe-2")}, slow: make(chan struct{})}
				w.c = ringClient(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
					if req.URL.Path == "/slow" {
						<-w.slow
					}
					return w.wire.RoundTrip(req)
				}), ring)
				tt.do(t, w)
				synctest.Wait()
				var safe []string
				for _, fp := range ring.Status().SafeToRevoke {
					for _, name := range []string{"safe-1", "safe-2", "safe-mistyped"} {
						if keyfit.APIKey(name).Fingerprint() == fp {
							safe = append(safe, name)
						}
					}
				}
				if diff := cmp.Diff(tt.safe, safe); diff != "" {
					t.Errorf("safe to revoke (-want +got):\n%s", diff)
				}
				told := 0
				for _, e := range events.take("safe-1", "safe-2") {
					if strings.HasPrefix(e, string(keyfit.KeySafeToRevoke)) {
						told++
					}
				}
				if told != tt.told {
					t.Errorf("want %d events, got %d", tt.told, told)
				}
			})
		})
	}
}

// A ring that nobody holds any more looks after its replaced keys for an hour at most, and
// then lets go of itself. That synctest.Test returns shows that no goroutine is left.
func TestADroppedRingIsFreed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dropped weak.Pointer[keyfit.Keyring]
		func() {
			ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("drop-1")))
			if err := ring.Rotate(t.Context(), keyfit.APIKey("drop-2")); err != nil { // never accepted, so never quiet
				t.Fatal(err)
			}
			dropped = weak.Make(ring)
		}()
		runtime.GC()
		if dropped.Value() == nil {
			t.Error("freed at once: nothing looks after the previous key")
		}
		time.Sleep(2 * time.Hour) //nolint:forbidigo // fake time
		runtime.GC()
		if dropped.Value() != nil {
			t.Error("two hours later the ring is still there")
		}
	})
}

// What the source wants back must not be revoked.
func TestAKeyThatTheSourceOffersAgainIsNotSafeToRevoke(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &ringSource{key: "back-1"}
		ring, _ := newRing(t, src, keyfit.Verify(func(context.Context, keyfit.Credential) error { return errRefusedKey(http.StatusBadGateway) }))
		src.offer("back-2", nil)
		if err := ringGet(t.Context(), ringClient(t, &ringWire{answer: accepts("back-2")}, ring)); err != nil { // refuses the old key
			t.Fatal(err)
		}
		pause(defaultDrainTime + time.Second)
		old := keyfit.APIKey("back-1").Fingerprint()
		if diff := cmp.Diff([]string{old}, ring.Status().SafeToRevoke); diff != "" {
			t.Errorf("safe to revoke (-want +got):\n%s", diff)
		}
		src.offer("back-1", nil)
		if _, err := ring.Reload(t.Context()); err == nil {
			t.Fatal("a probe that failed is an error of Reload")
		}
		if status := ring.Status(); status.SafeToRevoke != nil || fingerprintOf(status.Staged) != old {
			t.Errorf("want the key staged and not safe, got %+v", status)
		}
	})
}

// The end of a key is announced without Watch too: nothing else is sure to run.
func TestTheEndOfAKeyIsAnnouncedWithoutWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring, events := newRing(t, &engineSource{offer: offered(expiring("life-1", 40*lifeDay))})
		begin := time.Now()
		time.Sleep(20 * lifeDay) //nolint:forbidigo // fake time
		if err := ring.Rotate(t.Context(), expiring("life-2", 10*lifeDay)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * lifeDay) //nolint:forbidigo // fake time
		if diff := cmp.Diff([]int{10, 20, 23, 29}, events.days(begin, keyfit.KeyExpiring)); diff != "" {
			t.Errorf("expiring, by day (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{30}, events.days(begin, keyfit.KeyExpired)); diff != "" {
			t.Errorf("expired, by day (-want +got):\n%s", diff)
		}
		runtime.KeepAlive(ring)
	})
}
