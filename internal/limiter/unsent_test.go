package limiter

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What was never sent costs no room: as soon as that is known, another may go.
func TestLimiterGivesBackWhatWasNeverSent(t *testing.T) {
	t.Parallel()
	unsent := Outcome{Unsent: true}
	for _, tt := range []struct {
		name  string
		limit Limit
		out   time.Duration // how long until it is known
	}{
		{"at once", Limit{3, time.Minute}, 0},
		{"when it counts as arrived already", Limit{3, time.Minute}, 30 * sec},
		{"limit unknown", Limit{}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := New(Options{Published: tt.limit})
				mustEnter(t, k)(ok())
				var leaves []func(Outcome)
				for range 2 {
					leaves = append(leaves, mustEnter(t, k))
				}
				time.Sleep(tt.out)
				for _, leave := range leaves {
					leave(unsent)
					leave(refusedFor(time.Hour)) // a second time is harmless
				}
				start := time.Now()
				for range 2 {
					mustEnter(t, k)(ok())
				}
				for range 100 { // never sent: the window stays as it is
					if tt.limit.Requests == 0 {
						mustEnter(t, k)(unsent)
					}
				}
				if d := time.Since(start); d > 0 {
					t.Errorf("those after it waited %v, want not at all", d)
				}
				if tt.limit.Requests == 0 {
					return
				}
				mustEnter(t, k)(ok())
				if d, want := time.Since(start), tt.limit.Per-tt.out; d != want {
					t.Errorf("the fourth that was sent went after %v, want %v", d, want)
				}
			})
		})
	}
}

// If a trial request was never sent, the next request is the trial; its silence is no success.
func TestLimiterSendsAnotherPilotForOneThatWasNeverSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{})
		mustEnter(t, k)(refusedFor(sec))
		mustEnter(t, k)(Outcome{Unsent: true})
		leave := mustEnter(t, k)
		gone := make(chan struct{})
		go func() {
			mustEnter(t, k)(ok())
			close(gone)
		}()
		synctest.Wait()
		select {
		case <-gone:
			t.Error("a second request was sent beside the pilot")
		default:
		}
		leave(ok())
		<-gone
	})
}

// Where the window is full and others wait for it, the place of one that was never sent is
// theirs at once, and what they send counts as if it had been sent in its stead.
func TestLimiterGivesAPlaceInAFullWindowToThoseWhoWait(t *testing.T) {
	t.Parallel()
	published := Limit{4, time.Minute}
	for _, tt := range []struct {
		name  string
		limit Limit
		learn func(t *testing.T, k *Keyed) // that four (or sixteen) go in a minute; the first (or thirteen) of them have just gone
		out   time.Duration                // how long until it is known
	}{
		{"published", published, goOnce, 0},
		{"published, when they count as arrived already", published, goOnce, 20 * sec},
		{"after a pause", published, func(t *testing.T, k *Keyed) {
			t.Helper()
			mustEnter(t, k)(Outcome{Status: 503, Wait: 2 * time.Minute})
			mustEnter(t, k)(ok()) // the pilot
			time.Sleep(time.Minute)
			goOnce(t, k)
		}, 0},
		{"learned", Limit{}, learnSixteen, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := New(Options{Published: tt.limit})
				tt.learn(t, k)
				start := time.Now()
				var out []func(Outcome)
				for range 3 {
					out = append(out, mustEnter(t, k))
				}
				if d := time.Since(start); d > 0 {
					t.Fatalf("the window was not free: waited %v", d)
				}
				var went []time.Duration
				var mu sync.Mutex
				var done sync.WaitGroup
				for range 5 {
					done.Go(func() {
						leave := mustEnter(t, k)
						mu.Lock()
						went = append(went, time.Since(start))
						mu.Unlock()
						leave(ok())
					})
				}
				time.Sleep(tt.out)
				synctest.Wait()
				for _, leave := range out {
					leave(Outcome{Unsent: true})
				}
				done.Wait()
				want := []time.Duration{tt.out, tt.out, tt.out, time.Minute, time.Minute + tt.out}
				if tt.limit.Requests == 0 {
					want, went = want[:3], went[:3] // after that, more are tried
				}
				if diff := cmp.Diff(want, went); diff != "" {
					t.Errorf("those who waited went (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func goOnce(t *testing.T, k *Keyed) { t.Helper(); mustEnter(t, k)(ok()) }

// learnSixteen teaches a limit of sixteen a minute, of which thirteen have gone.
func learnSixteen(t *testing.T, k *Keyed) {
	t.Helper()
	for range 16 {
		goOnce(t, k)
	}
	mustEnter(t, k)(refusedFor(59 * sec))
	time.Sleep(59 * sec)
	for range 13 {
		goOnce(t, k)
	}
}
