package keyfit_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// Rotations without overlap, fifty milliseconds apart: the provider ends the old
// key when it issues the new one, and the program hears of that ten milliseconds later. Of
// the calls that come in between, one asks and the others wait.
const (
	newsCallers         = 64
	newsEvery, newsLate = 50 * time.Millisecond, 10 * time.Millisecond
	newsPerRotation     = 200                                       // requests
	newsPace            = newsEvery * newsCallers / newsPerRotation // of one caller
)

// newsRotations is a hundred in a long run, and fifteen in a plain one.
func newsRotations() int {
	if longRun() {
		return 100
	}
	return 15
}

// Over real HTTP: what is refused depends on how many calls are under way when a key ends,
// and so on the machine; that no call is lost does not.
func TestLateNewsFailsNoCallOverHTTP(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithoutRateLimits(), mockserver.WithJournal(0, 0))
	liveWithLateNews(t, srv, nil, keyfit.Static, keyfit.HoldCalls(30*time.Second, 0))
}

// On a clock that no other program can hold up, the figures are those of the engine.
func TestLateNewsCostsOneWaitAndFewRefusals(t *testing.T) {
	t.Parallel()
	t.Run("with a long hold", func(t *testing.T) {
		t.Parallel()
		lateNewsOnAFakeClock(t, keyfit.Static, keyfit.HoldCalls(30*time.Second, 0))
	})
	t.Run("by default, from a source that can be asked", func(t *testing.T) {
		t.Parallel()
		lateNewsOnAFakeClock(t, func(first keyfit.Credential) keyfit.Source { return &ringSource{key: first.Key.Reveal()} })
	})
}

func lateNewsOnAFakeClock(t *testing.T, source func(keyfit.Credential) keyfit.Source, hold ...keyfit.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t, mockserver.WithoutRateLimits(), mockserver.WithJournal(0, 0))
		wire := srv.Transport()
		refused, p99 := liveWithLateNews(t, srv, roundTripFunc(func(req *http.Request) (*http.Response, error) {
			time.Sleep(150 * time.Microsecond) //nolint:forbidigo // fake time: the way there
			resp, err := wire.RoundTrip(req)
			time.Sleep(150 * time.Microsecond) //nolint:forbidigo // fake time: and back
			return resp, err
		}), source, hold...)
		if most := 3 * newsRotations(); refused > most || p99 > 15*time.Millisecond {
			t.Errorf("%d refusals and a p99 of %s, want %d and 15ms at most", refused, p99, most)
		}
	})
}

func liveWithLateNews(t *testing.T, srv *mockserver.Server, wire http.RoundTripper, source func(keyfit.Credential) keyfit.Source, opts ...keyfit.Option) (refused int, p99 time.Duration) {
	t.Helper()
	issued := srv.Keys().Issue(mockserver.MindKey)
	opts = append(opts, keyfit.WithSource(source(keyfit.APIKey(issued.Secret.Reveal()))))
	if wire == nil {
		opts = append(opts, keyfit.WithBaseURL(srv.BaseURL(mockserver.MindKey)))
	} else {
		opts = append(opts, keyfit.WithHTTPClient(&http.Client{Transport: wire}))
	}
	c, err := keyfit.New(keyfit.MindKey(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	var took [newsCallers][]time.Duration
	var failed sync.Once
	var working sync.WaitGroup
	for i := range newsCallers {
		working.Go(func() {
			<-time.After(newsPace * time.Duration(i) / newsCallers) // evenly, or all would call at once
			pace := time.NewTicker(newsPace)
			defer pace.Stop()
			for range newsRotations() * newsPerRotation / newsCallers {
				begin := time.Now()
				if _, err := keyfit.Get[struct{}](t.Context(), c, "/ping"); err != nil {
					failed.Do(func() { t.Errorf("a call was lost: %v", err) })
				}
				took[i] = append(took[i], time.Since(begin))
				<-pace.C
			}
		})
	}
	turn := time.NewTicker(newsEvery)
	defer turn.Stop()
	for range newsRotations() {
		<-turn.C
		next := srv.Keys().Issue(mockserver.MindKey)
		if err := srv.Keys().Revoke(issued.ID, "replaced"); err != nil {
			t.Fatal(err)
		}
		<-time.After(newsLate)
		if err := c.Keys().Rotate(t.Context(), keyfit.APIKey(next.Secret.Reveal())); err != nil {
			t.Fatal(err)
		}
		issued = next
	}
	working.Wait()

	all := slices.Concat(took[:]...)
	slices.Sort(all)
	p99, refused = all[len(all)*99/100], srv.Counts(mockserver.Match{Outcome: mockserver.Revoked}).Total
	t.Logf("%d calls, %d refusals at the server, p50 %s, p99 %s, max %s", len(all), refused, all[len(all)/2], p99, all[len(all)-1])
	if refused < newsRotations() {
		t.Errorf("only %d calls met a dead key: the test shows nothing", refused)
	}
	return refused, p99
}

// The provider answers calls, and does not answer probes: a refused call does not wait for
// the probe of the key that would save it.
func TestARefusedCallDoesNotWaitForAProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &ringSource{key: "probe-old"}
		stalled := keyfit.Verify(func(ctx context.Context, _ keyfit.Credential) error {
			<-ctx.Done()
			return ctx.Err()
		})
		ring, _ := newRing(t, src, stalled)
		wire := &ringWire{answer: accepts("probe-new")}
		c := ringClient(t, wire, ring)
		src.offer("probe-new", nil)
		go func() { _, _ = ring.Reload(t.Context()) }()
		synctest.Wait()
		begin := time.Now()
		if err := ringGet(t.Context(), c); err != nil || time.Since(begin) > time.Second {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		if diff := cmp.Diff([]string{"probe-old", "probe-new"}, wire.take()); diff != "" || currentKey(t, ring) != "probe-new" {
			t.Errorf("current is %s; on the wire (-want +got):\n%s", currentKey(t, ring), diff)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // fake time: the probe ends
		if currentKey(t, ring) != "probe-new" {
			t.Error("a late probe has undone what a call has proved")
		}
	})
}
