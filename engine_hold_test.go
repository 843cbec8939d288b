package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// holdWire is a provider with a latency that answers by key and path, and counts.
type holdWire struct {
	latency time.Duration
	accepts func(key, path string) bool

	sent, refused atomic.Int64
	mu            sync.Mutex
	at            []time.Time // of each request
}

func (w *holdWire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
	}
	w.sent.Add(1)
	w.mu.Lock()
	w.at = append(w.at, time.Now())
	accepts := w.accepts
	w.mu.Unlock()
	if w.latency > 0 {
		if err := simSleep(req.Context(), w.latency); err != nil {
			return nil, err
		}
	}
	if accepts(req.Header.Get("X-API-KEY"), req.URL.Path) {
		return errorAnswer(http.StatusOK, "{}")(req)
	}
	w.refused.Add(1)
	return errorAnswer(http.StatusUnauthorized, `{"error":"INVALID_API_KEY","message":"no such key here"}`)(req)
}

func (w *holdWire) let(accepts func(key, path string) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepts = accepts
}

func holdKeys(keys ...string) func(string, string) bool {
	return func(key, _ string) bool { return slices.Contains(keys, key) }
}

// holdPause passes fake time.
func holdPause(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // fake time

func TestAHeldCallEndsForOneReasonAndSaysWhich(t *testing.T) {
	t.Parallel()
	const hold = 10 * time.Second
	tests := []struct {
		name    string
		ctx     func(context.Context) (context.Context, context.CancelFunc)
		holders int // beside it, as many as may be
		took    time.Duration
		note    string
		is, not []error
	}{
		{
			name: "its time", took: hold, note: "held for 10s, and no key worked",
			is: []error{keyfit.ErrNoUsableKey, keyfit.ErrUnauthorized}, not: []error{context.DeadlineExceeded, context.Canceled},
		},
		{
			name: "its deadline", took: 3 * time.Second, note: "held until its deadline, and no key worked",
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 3*time.Second)
			},
			is: []error{keyfit.ErrNoUsableKey, keyfit.ErrUnauthorized, context.DeadlineExceeded},
		},
		{
			name: "cancellation", took: 2 * time.Second,
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(2*time.Second, cancel)
				return ctx, cancel
			},
			is: []error{context.Canceled}, not: []error{keyfit.ErrNoUsableKey},
		},
		{
			name: "too many", holders: 3, note: "not held: 3 calls wait for a key already",
			is: []error{keyfit.ErrNoUsableKey, keyfit.ErrUnauthorized}, not: []error{context.DeadlineExceeded},
		},
	}
	for _, tt := range tests {
		for _, first := range []bool{true, false} { // the call that met the refusal, or one that came later
			t.Run(fmt.Sprintf("%s, met the refusal %v", tt.name, first), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("held-dead")), keyfit.HoldCalls(hold, tt.holders))
					c := ringClient(t, &holdWire{accepts: holdKeys()}, ring)
					others, stop := context.WithCancel(t.Context())
					var background sync.WaitGroup
					if !first || tt.holders > 0 {
						for range max(1, tt.holders) {
							background.Go(func() { _ = ringGet(others, c) })
						}
					}
					synctest.Wait()
					ctx, cancel := t.Context(), context.CancelFunc(func() {})
					if tt.ctx != nil {
						ctx, cancel = tt.ctx(ctx)
					}
					defer cancel()
					begin := time.Now()
					err := ringGet(ctx, c)
					if took := time.Since(begin); took < tt.took || took > tt.took+time.Millisecond {
						t.Errorf("took %s, want %s", took, tt.took)
					}
					for _, want := range tt.is {
						if !errors.Is(err, want) {
							t.Errorf("want an error that is %v, got %v", want, err)
						}
					}
					for _, not := range tt.not {
						if errors.Is(err, not) {
							t.Errorf("want an error that is not %v, got %v", not, err)
						}
					}
					if invalid, ok := errors.AsType[*keyfit.InvalidKeyError](err); tt.note != "" && (!ok || !invalid.Unusable || !strings.Contains(invalid.Note, tt.note) || invalid.Message != "no such key here") {
						t.Errorf("want an *InvalidKeyError with %q and the provider's words, got %v", tt.note, err)
					}
					stop()
					background.Wait()
				})
			})
		}
	}
}

func TestABodyThatGoesOutOnceWaitsForATrialRequestAndIsNotReplayed(t *testing.T) {
	t.Parallel()
	stream := func(ctx context.Context, c *keyfit.Client) error {
		_, err := keyfit.Send[struct{}](ctx, c, http.MethodPost, "/upload", io.MultiReader(strings.NewReader("one")))
		return err
	}
	t.Run("refused, it says so", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			src := &ringSource{key: "stream-old"}
			ring, _ := newRing(t, src, keyfit.HoldCalls(time.Minute, 0))
			wire := &holdWire{accepts: holdKeys("stream-new")}
			c := ringClient(t, wire, ring)
			src.offer("stream-new", nil)
			err := stream(t.Context(), c)
			if invalid, ok := errors.AsType[*keyfit.InvalidKeyError](err); !ok || !invalid.NotReplayed || wire.sent.Load() != 1 {
				t.Errorf("want NotReplayed after one request, got %v after %d", err, wire.sent.Load())
			}
			synctest.Wait() // the source is asked because of it, so the next one goes through
			if err := stream(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("held, it leaves the asking to others", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("stream-old")), keyfit.HoldCalls(time.Minute, 0))
			wire := &holdWire{accepts: holdKeys("stream-new")}
			c := ringClient(t, wire, ring)
			var calls sync.WaitGroup
			calls.Go(func() {
				if err := ringGet(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			sent := wire.sent.Load()
			calls.Go(func() {
				if err := stream(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
			holdPause(5 * time.Second)
			gets := wire.sent.Load() - sent
			if err := ring.Rotate(t.Context(), keyfit.APIKey("stream-new")); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			calls.Wait()
			if got := wire.sent.Load() - sent - gets; got != 2 || time.Since(begin) > time.Second {
				t.Errorf("want the call and the stream sent once each at once, got %d requests in %s", got, time.Since(begin))
			}
		})
	})
	for _, hold := range []bool{false, true} {
		t.Run(fmt.Sprintf("a program of nothing else recovers, holding %v", hold), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var opts []keyfit.KeyringOption
				if hold {
					opts = append(opts, keyfit.HoldCalls(10*time.Second, 0))
				}
				ring, events := newRing(t, keyfit.Static(keyfit.APIKey("stream-key")), opts...)
				wire := &holdWire{accepts: holdKeys()}
				c := ringClient(t, wire, ring)
				for range 100 {
					_ = stream(t.Context(), c)
				}
				if got := wire.sent.Load(); count(events.take("stream-key"), "circuit.open 1 stream-key<") != 1 || got > 75 {
					t.Errorf("want an open circuit and few requests, got %d", got)
				}
				wire.let(holdKeys("stream-key"))
				recovered := false
				for range 40 {
					if recovered = stream(t.Context(), c) == nil; recovered {
						break
					}
					holdPause(time.Second)
				}
				if !recovered || ring.Status().Circuit.Open {
					t.Error("the provider takes the key again, and no call goes out")
				}
			})
		})
	}
	t.Run("it takes the key that was accepted last", func(t *testing.T) {
		t.Parallel()
		ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("stream-old")))
		c := ringClient(t, &holdWire{accepts: holdKeys("stream-old")}, ring)
		if err := ringGet(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := ring.Rotate(t.Context(), keyfit.APIKey("stream-new")); err != nil { // the provider is late
			t.Fatal(err)
		}
		if err := stream(t.Context(), c); err == nil {
			t.Error("the first one finds that out")
		}
		for range 3 {
			if err := stream(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
	})
}

// A hanging trial request must not keep a program from a key that works by now.
func TestATrialRequestThatHangsDoesNotKeepOthersFromTrying(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("hang-key")), keyfit.HoldCalls(time.Minute, 0))
		var n atomic.Int64
		c := ringClient(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
			switch n.Add(1) {
			case 1:
				return errorAnswer(http.StatusUnauthorized, "")(req)
			case 2:
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return errorAnswer(http.StatusOK, "{}")(req)
		}), ring)
		ctx, cancel := context.WithCancel(t.Context())
		var hanging sync.WaitGroup
		hanging.Go(func() { _ = ringGet(ctx, c) })
		holdPause(time.Second)
		begin := time.Now()
		if err := ringGet(t.Context(), c); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("the call waited %s for one that hangs", took)
		}
		cancel()
		hanging.Wait()
	})
}

func TestHeldCallsTakeNoPlaceInTheGateAndAreNotSlowedByTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers = 200
		gate := &countingGate{}
		src := &engineSource{offer: offered(keyfit.APIKey("place-old"))}
		ring, _ := newRing(t, src, keyfit.HoldCalls(time.Minute, 0))
		acme := keyfit.Provider{Name: "acme", BaseURL: "https://api.example", Scheme: keyfit.Header("X-API-KEY")}
		c, err := keyfit.New(acme, keyfit.WithSource(ring), keyfit.WithGate(gate), keyfit.WithHTTPClient(&http.Client{Transport: &holdWire{accepts: holdKeys("place-new")}}))
		if err != nil {
			t.Fatal(err)
		}
		src.delay = 25 * time.Second // the store hangs: whoever waits for a key must not wait for that
		var calls sync.WaitGroup
		for range callers {
			calls.Go(func() {
				if err := ringGet(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		holdPause(1500 * time.Millisecond) // not at the moment when another one may try
		if status := ring.Status().Circuit; gate.inside.Load() != 0 || !status.Open || status.Holding < callers-2 {
			t.Errorf("%d calls are in the gate, and %d of %d held", gate.inside.Load(), status.Holding, callers)
		}
		if err := ring.Rotate(t.Context(), keyfit.APIKey("place-new")); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		calls.Wait()
		if took := time.Since(begin); took > trialStallBound {
			t.Errorf("after the rotation the calls took %s more", took)
		}
		holdPause(time.Minute)
	})
}

// trialStallBound is what a call may wait where the trial request itself is caught in something.
const trialStallBound = 3 * time.Second

type countingGate struct{ inside atomic.Int64 }

func (g *countingGate) Enter(context.Context, keyfit.Entry) (func(keyfit.Outcome), error) {
	g.inside.Add(1)
	return func(keyfit.Outcome) { g.inside.Add(-1) }, nil
}

// One endpoint answers 401 whatever the key, and all others work: the others must not feel
// it, though calls are held, and its own calls end.
func TestAnEndpointThatAlwaysRefusesSlowsDownNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const latency, hold, length = 20 * time.Millisecond, 10 * time.Second, 30 * time.Second
		wire := &holdWire{latency: latency, accepts: func(_, path string) bool { return path != "/broken" }}
		ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("lone-key")), keyfit.HoldCalls(hold, 0))
		c := ringClient(t, wire, ring)
		var calls sync.WaitGroup
		var mu sync.Mutex
		var took []time.Duration
		end := time.Now().Add(length)
		for n := 0; time.Now().Before(end); n++ {
			if n%50 == 0 { // one a second
				calls.Go(func() {
					begin := time.Now()
					_, err := keyfit.Get[struct{}](t.Context(), c, "/broken")
					if !errors.Is(err, keyfit.ErrUnauthorized) || time.Since(begin) > hold+time.Second {
						t.Errorf("the refused call ended after %s with %v", time.Since(begin), err)
					}
				})
			}
			calls.Go(func() {
				begin := time.Now()
				if _, err := keyfit.Get[struct{}](t.Context(), c, fmt.Sprintf("/good/%d", n%5)); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(begin))
			})
			holdPause(50 * time.Millisecond)
		}
		calls.Wait()
		slices.Sort(took)
		p99 := took[len(took)*99/100]
		t.Logf("%d other calls: p50 %s, p99 %s, max %s; %d refusals", len(took), took[len(took)/2], p99, took[len(took)-1], wire.refused.Load())
		if p99 > latency+time.Millisecond || took[len(took)-1] > 5*latency {
			t.Errorf("the others took %s at p99 and %s at most", p99, took[len(took)-1])
		}
	})
}

// A call is refused again and again while others are served and the key changes all the time,
// as where its requests are slow. It goes on for as long as it may be held: that the key
// changed is no reason to give up earlier.
func TestALoneCallIsNotGivenUpBecauseTheKeyChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const unlucky, hold = 5 * time.Second, 20 * time.Second
		begin := time.Now()
		wire := &holdWire{latency: time.Millisecond, accepts: func(_, path string) bool {
			return path != "/unlucky" || time.Since(begin) > unlucky
		}}
		ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("lone-key-0")), keyfit.HoldCalls(hold, 0))
		c := ringClient(t, wire, ring)
		over := make(chan struct{})
		var rest sync.WaitGroup
		rest.Go(func() {
			for n := 1; ; n++ {
				select {
				case <-over:
					return
				case <-time.After(10 * time.Millisecond):
				}
				if _, err := keyfit.Get[struct{}](t.Context(), c, "/lucky"); err != nil {
					t.Error(err)
				}
				if n%5 == 0 {
					if err := ring.Rotate(t.Context(), keyfit.APIKey(fmt.Sprintf("lone-key-%d", n))); err != nil {
						t.Error(err)
					}
				}
			}
		})
		_, err := keyfit.Get[struct{}](t.Context(), c, "/unlucky")
		if took := time.Since(begin); err != nil || took > unlucky+time.Second {
			t.Errorf("after %s: %v, want it to be served once it can be, after %s", took, err, unlucky)
		}
		close(over)
		rest.Wait()
	})
}

// A source that has another bad key whenever it is asked must not do away with the backoff.
func TestASourceWithANewBadKeyEachTimeIsNoAttack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		ring, _ := newRing(t, keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
			return keyfit.APIKey(fmt.Sprintf("fresh-%d", asked.Add(1))), nil
		}), keyfit.HoldCalls(30*time.Second, 0))
		wire := &holdWire{latency: time.Millisecond, accepts: holdKeys()}
		c := ringClient(t, wire, ring)
		var calls sync.WaitGroup
		for range 100 {
			calls.Go(func() {
				begin := time.Now()
				if err := ringGet(t.Context(), c); !errors.Is(err, keyfit.ErrNoUsableKey) || time.Since(begin) > 31*time.Second {
					t.Errorf("after %s: %v", time.Since(begin), err)
				}
			})
		}
		calls.Wait()
		t.Logf("%d requests, %d questions to the source", wire.sent.Load(), asked.Load())
		if wire.sent.Load() > 250 || asked.Load() > 100 {
			t.Errorf("%d requests and %d questions in 30 s", wire.sent.Load(), asked.Load())
		}
	})
}

// TestASourceWithANewBadKeyEachTimeIsNoAttackWithoutHolding: see also the simulation of
// internal/keyring.
func TestASourceWithANewBadKeyEachTimeIsNoAttackWithoutHolding(t *testing.T) {
	t.Parallel()
	for _, callers := range []int{1, 8, 20} {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int64
			ring, _ := newRing(t, keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
				return keyfit.APIKey(fmt.Sprintf("fresh-%d", asked.Add(1))), nil
			}))
			wire := &holdWire{latency: time.Millisecond, accepts: holdKeys()}
			c := ringClient(t, wire, ring)
			begin := time.Now()
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for time.Since(begin) < 10*time.Second {
						if err := ringGet(t.Context(), c); !errors.Is(err, keyfit.ErrUnauthorized) {
							t.Errorf("%v", err)
						}
						holdPause(50 * time.Millisecond)
					}
				})
			}
			all.Wait()
			if sent, most := wire.sent.Load(), int64(60+6*callers); sent > most || asked.Load() > 30 {
				t.Errorf("%d callers: %d requests and %d questions in ten seconds, want at most %d and 30", callers, sent, asked.Load(), most)
			}
		})
	}
}

func TestTheCircuitWithoutHoldingAsksRarelyAndFailsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring, events := newRing(t, keyfit.Static(keyfit.APIKey("circuit-key")))
		wire := &holdWire{accepts: holdKeys()}
		c := ringClient(t, wire, ring)
		for range 20 {
			if err := ringGet(t.Context(), c); !errors.Is(err, keyfit.ErrUnauthorized) || errors.Is(err, keyfit.ErrNoUsableKey) {
				t.Fatalf("a call that was refused: %v", err)
			}
		}
		if n := wire.sent.Load(); n != 20 || !ring.Status().Circuit.Open {
			t.Fatalf("want an open circuit after 20 refusals, got %d requests, %+v", n, ring.Status().Circuit)
		}
		opened := time.Now()
		err := ringGet(t.Context(), c)
		invalid, ok := errors.AsType[*keyfit.InvalidKeyError](err)
		if !ok || !invalid.Unusable || invalid.Message != "no such key here" || invalid.Attempts != 0 || time.Since(opened) != 0 {
			t.Errorf("want the provider's words at once, got %v", err)
		}

		// The canaries: after 1, 2, 4, 8 and from there 15 seconds, less an eighth at most.
		wire.mu.Lock()
		wire.at = nil
		wire.mu.Unlock()
		for range 700 {
			_ = ringGet(t.Context(), c)
			holdPause(100 * time.Millisecond)
		}
		last, space := opened, time.Second
		for i, at := range wire.at {
			if gap := at.Sub(last); gap < space*7/8-time.Millisecond || gap > space+200*time.Millisecond {
				t.Errorf("trial request %d came %s after the one before, want %s", i+1, gap, space)
			}
			last, space = at, min(2*space, 15*time.Second)
		}
		if len(wire.at) < 6 || len(wire.at) > 9 {
			t.Errorf("%d canaries in 70 s", len(wire.at))
		}

		// One success closes it, and so does another key.
		wire.let(holdKeys("circuit-key"))
		for range 200 {
			if ringGet(t.Context(), c) == nil {
				break
			}
			holdPause(100 * time.Millisecond)
		}
		if ring.Status().Circuit.Open {
			t.Error("a key was accepted, and the circuit is open")
		}
		wire.let(holdKeys())
		for range 25 {
			_ = ringGet(t.Context(), c)
		}
		if err := ring.Rotate(t.Context(), keyfit.APIKey("circuit-new")); err != nil || ring.Status().Circuit.Open {
			t.Errorf("another key is current, and the circuit is open: %v", err)
		}
		told := events.take("circuit-key", "circuit-new")
		if n := count(told, "circuit.open 1 circuit-key<"); n != 2 || count(told, "circuit.closed 1 circuit-key<") != 1 || count(told, "circuit.closed 2 circuit-new<") != 1 {
			t.Errorf("want it opened and closed twice, got %q", told)
		}
	})
}

// A thousand calls wait for a key. When it comes they meet the provider's limit, which must
// not see them all at once.
func TestAThousandHoldersDoNotStampedeIntoTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const holders = 1000
		srv := mockserver.New(t, mockserver.WithLimit(mockserver.Optimove, mockserver.Limit{Requests: 50, Per: 10 * time.Second}), mockserver.WithJournal(0, 0))
		first := srv.Keys().Issue(mockserver.Optimove)
		c, err := keyfit.New(keyfit.Optimove("api4.optimove.net"), keyfit.WithKey(first.Secret.Reveal()),
			keyfit.WithHTTPClient(&http.Client{Transport: srv.Transport()}),
			keyfit.WithRetry(keyfit.RetryPolicy{MaxWait: time.Hour}),
			keyfit.HoldCalls(time.Minute, holders))
		if err != nil {
			t.Fatal(err)
		}
		if err := srv.Keys().Revoke(first.ID, "leaked"); err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for range holders { // fifty meet the dead key, and the others are in the gate by then
			calls.Go(func() {
				if _, err := keyfit.Get[struct{}](t.Context(), c, "/current/general/GetLastDataUpdate"); err != nil {
					t.Error(err)
				}
			})
		}
		holdPause(20 * time.Second)
		refused := srv.Counts(mockserver.Match{Outcome: mockserver.Revoked}).Total
		if status := c.Keys().Status().Circuit; status.Holding < holders-1 || refused > 70 {
			t.Errorf("%d of %d are held, and the provider saw %d refusals", status.Holding, holders, refused)
		}
		if err := c.Keys().Rotate(t.Context(), keyfit.APIKey(srv.Keys().Issue(mockserver.Optimove).Secret.Reveal())); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		calls.Wait()
		limited := srv.Counts(mockserver.Match{Outcome: mockserver.RateLimited}).Total
		t.Logf("%d refusals, %d limited, the last call after %s", refused, limited, time.Since(begin))
		if limited > 10 || time.Since(begin) > 230*time.Second {
			t.Errorf("%d requests beyond the limit, and the last call after %s", limited, time.Since(begin))
		}
	})
}

func TestAHeldCallIsCountedWhileItWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("count-key")), keyfit.HoldCalls(5*time.Second, 0))
		c := ringClient(t, &holdWire{accepts: holdKeys()}, ring)
		var calls sync.WaitGroup
		for range 7 {
			calls.Go(func() { _ = ringGet(t.Context(), c) })
		}
		holdPause(time.Second / 100)
		during := ring.Status().Circuit
		calls.Wait()
		after := ring.Status().Circuit
		if diff := cmp.Diff([]int{7, 0}, []int{during.Holding, after.Holding}); diff != "" {
			t.Errorf("holding (-want +got):\n%s", diff)
		}
	})
}

// Several calls fail with the provider's one refusal: each gets an error that it may change.
func TestCallsThatAreKeptBackDoNotShareTheirErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("shared-dead")))
		c := ringClient(t, &ringWire{answer: accepts("shared-other")}, ring)
		var last *keyfit.InvalidKeyError
		for range 25 { // the circuit opens
			if err := ringGet(t.Context(), c); !errors.As(err, &last) {
				t.Fatal(err)
			}
		}
		if !last.Unusable {
			t.Fatal("the circuit did not open: the test shows nothing")
		}
		if last.Header == nil {
			last.Header = http.Header{}
		}
		last.Header.Set("X-Mine", "changed")
		var next *keyfit.InvalidKeyError
		if err := ringGet(t.Context(), c); !errors.As(err, &next) || next.Header.Get("X-Mine") != "" {
			t.Errorf("what one caller changed is in the error of another: %v", err)
		}
	})
}

// Calls that were under way with a key when it was replaced are refused, and say nothing of
// the key that is current: a call that comes then goes out.
func TestLateRefusalsOfAReplacedKeyDoNotOpenTheCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring, events := newRing(t, keyfit.Static(keyfit.APIKey("late-old")))
		answer := &ringWire{answer: accepts("late-new")}
		c, err := ringClient(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
			<-time.After(time.Second) // fake time: the way there and back
			return answer.RoundTrip(req)
		}), ring).With(keyfit.WithLimit(keyfit.Limit{Requests: 1000, Per: time.Minute})) // all go at once
		if err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for range 30 {
			calls.Go(func() {
				if err := ringGet(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		<-time.After(time.Second / 2)
		if err := ring.Rotate(t.Context(), keyfit.APIKey("late-new")); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second) // all are refused by now, and none is accepted yet
		if err := ringGet(t.Context(), c); err != nil {
			t.Errorf("a call with a key that was never refused: %v", err)
		}
		calls.Wait()
		if told := events.take("late-old", "late-new"); slices.ContainsFunc(told, func(e string) bool { return strings.HasPrefix(e, "circuit.") }) {
			t.Errorf("the circuit opened: %v", told)
		}
	})
}
