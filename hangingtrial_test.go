package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit"
)

// trialWire refuses every key but those that work, and lets some requests after the first refusals
// hang until their context ends, or breaks their connection.
type trialWire struct {
	mu      sync.Mutex
	begin   time.Time
	works   map[string]bool
	after   time.Duration // requests before are answered at once
	hanging func(n int, key string) bool
	breaks  bool // the connection breaks instead
	seen    int  // requests since after
	sent    int
	late    time.Time // of the last request
}

func (w *trialWire) RoundTrip(req *http.Request) (*http.Response, error) {
	key := req.Header.Get("X-Api-Key")
	w.mu.Lock()
	w.sent++
	w.late = time.Now()
	hangs := false
	if time.Since(w.begin) >= w.after {
		w.seen++
		hangs = w.hanging != nil && w.hanging(w.seen, key)
	}
	works := w.works[key]
	w.mu.Unlock()
	if hangs && w.breaks {
		return nil, io.ErrUnexpectedEOF
	}
	if hangs {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	time.Sleep(5 * time.Millisecond) //nolint:forbidigo // fake time
	status, body := http.StatusOK, "{}"
	if !works {
		status, body = http.StatusUnauthorized, `{"error":"INVALID_API_KEY"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

// trialPlay is one scenario of 20 calls that begin together.
type trialPlay struct {
	keys     map[time.Duration]string // what the source offers, from when on
	good     string
	hanging  func(n int, key string) bool
	breaks   bool
	patience time.Duration
	attempt  time.Duration
	lost     int // calls at most
	sent     int // requests at most
}

// A trial request that hangs, or whose connection is lost, costs its own call and no other: a
// promoted key is tried at once, and the trial is doubled while others still have time.
func TestATrialThatHangsCostsOneCall(t *testing.T) {
	t.Parallel()
	nth := func(n int) func(int, string) bool { return func(seen int, _ string) bool { return seen == n } }
	for name, test := range map[string]trialPlay{
		"the old key's trial hangs":            {keys: map[time.Duration]string{300 * time.Millisecond: "new-1"}, good: "new-1", hanging: nth(1), patience: 1500 * time.Millisecond, lost: 1, sent: 70},
		"the new key's trial hangs":            {keys: map[time.Duration]string{300 * time.Millisecond: "new-1"}, good: "new-1", hanging: firstOfNew(), patience: 1500 * time.Millisecond, lost: 1, sent: 70},
		"both hang":                            {keys: map[time.Duration]string{300 * time.Millisecond: "new-1"}, good: "new-1", hanging: either(nth(1), firstOfNew()), patience: 1500 * time.Millisecond, lost: 2, sent: 70},
		"three keys come":                      {keys: map[time.Duration]string{300 * time.Millisecond: "bad-1", 600 * time.Millisecond: "bad-2", 900 * time.Millisecond: "new-1"}, good: "new-1", hanging: nth(1), patience: 4 * time.Second, lost: 1, sent: 90},
		"the old key's trial is lost":          {keys: map[time.Duration]string{300 * time.Millisecond: "new-1"}, good: "new-1", hanging: nth(1), breaks: true, patience: 1500 * time.Millisecond, lost: 1, sent: 70},
		"the new key's trial is lost":          {keys: map[time.Duration]string{300 * time.Millisecond: "new-1"}, good: "new-1", hanging: firstOfNew(), breaks: true, patience: 1500 * time.Millisecond, lost: 1, sent: 70},
		"a short patience":                     {keys: map[time.Duration]string{100 * time.Millisecond: "new-1"}, good: "new-1", hanging: firstOfNew(), patience: 500 * time.Millisecond, lost: 1, sent: 70},
		"a timeout of the attempts, hold only": {keys: map[time.Duration]string{300 * time.Millisecond: "new-1"}, good: "new-1", hanging: firstOfNew(), patience: 10 * time.Second, attempt: time.Second, lost: 1, sent: 70},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			playTrial(t, test)
		})
	}
}

// One request of any kind hangs or is lost, anywhere: it costs one call, if the source was asked
// while the others had time for it, ten requests long.
func TestAnyRequestThatHangsCostsOneCall(t *testing.T) {
	t.Parallel()
	seeds := uint64(40)
	if longRun() {
		seeds = 2000
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 29))
		patience := time.Duration(300+r.IntN(10_000)) * time.Millisecond
		at := time.Duration(10+r.IntN(int(patience/time.Millisecond/3))) * time.Millisecond
		which := 1 + r.IntN(5)
		play := trialPlay{
			keys: map[time.Duration]string{at: "new-1"}, good: "new-1", patience: patience,
			hanging: func(seen int, _ string) bool { return seen == which }, breaks: r.IntN(3) == 0, lost: 1, sent: 150,
		}
		if r.IntN(2) == 0 {
			play.attempt = patience / time.Duration(2+r.IntN(3))
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			playTrial(t, play)
		})
	}
}

func playTrial(t *testing.T, test trialPlay) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		w := &trialWire{begin: begin, works: map[string]bool{test.good: true}, after: 20 * time.Millisecond, hanging: test.hanging, breaks: test.breaks}
		var known time.Duration // when the source was asked that had the good key
		source := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
			offered, since := "old-0", time.Duration(0)
			for at, key := range test.keys {
				if time.Since(begin) >= at && at > since {
					offered, since = key, at
				}
			}
			if offered == test.good && known == 0 {
				known = time.Since(begin)
			}
			return keyfit.APIKey(offered), nil
		})
		p := keyfit.Provider{Name: "trial", BaseURL: "https://trial.example", Scheme: keyfit.Header("X-Api-Key")}
		opts := []keyfit.Option{keyfit.WithSource(source), keyfit.HoldCalls(time.Minute, 0), keyfit.WithGate(openGate{}), keyfit.WithHTTPClient(&http.Client{Transport: w}), keyfit.WithMaxAttempts(1)}
		if test.attempt > 0 {
			opts = append(opts, keyfit.WithTimeout(test.attempt))
		}
		c, err := keyfit.New(p, opts...)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var failed []error
		var slowest time.Duration
		var calls sync.WaitGroup
		for i := range 20 {
			calls.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), test.patience)
				defer cancel()
				_, err := keyfit.Get[struct{}](ctx, c, fmt.Sprintf("/x/%d", i))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed = append(failed, err)
				} else {
					slowest = max(slowest, time.Since(begin))
				}
			})
		}
		calls.Wait()
		t.Logf("%d lost, slowest %s, %d requests", len(failed), slowest, w.sent)
		if test.patience-known < 50*time.Millisecond {
			return // nobody had time for it
		}
		if len(failed) > test.lost || w.sent > test.sent {
			t.Errorf("%d calls of 20 are lost, want %d at most, with %d requests: %v", len(failed), test.lost, w.sent, errors.Join(failed...))
		}
	})
}

// firstOfNew hangs the first request with the new key.
func firstOfNew() func(int, string) bool {
	done := false
	return func(_ int, with string) bool {
		first := with == "new-1" && !done
		done = done || first
		return first
	}
}

func either(a, b func(int, string) bool) func(int, string) bool {
	return func(n int, key string) bool { return a(n, key) || b(n, key) }
}
