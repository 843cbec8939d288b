package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit"
)

// The simulation of rotation: six minutes of fake time at 50 requests a second, with a
// deadline of 30 s each and a source that is polled every 5 s. A long run (see [longRun])
// plays each case with five seeds: the 90,000 requests a case of docs/rotation.md. A plain
// run plays each with one seed at 8 requests a second. The client is the real one; the
// wire, the provider behind it and the source are the model below.
const (
	simLength  = 6 * time.Minute
	simPatient = 30 * time.Second
	simPoll    = 5 * time.Second
	simLatency = 30 * time.Millisecond
)

// simSize returns how many seeds play a case, and the time between two requests.
func simSize() (seeds uint64, every time.Duration) {
	switch {
	case !longRun():
		return 1, time.Second / 8
	case raceDetector: // which is ten times as slow
		return 1, time.Second / 50
	}
	return 5, time.Second / 50
}

// simHold is how long calls wait for a key that works.
type simHold int

const (
	simOff simHold = iota
	simDefault
	simLong
	simHolds // their number
)

// simCase is one course of events. Times are since the start.
type simCase struct {
	name     string
	works    func(w *simWorld, key string, at time.Duration) bool // asked once for each request: each may meet another edge
	offers   func(w *simWorld, at time.Duration) (keyfit.Credential, error)
	trouble  func(w *simWorld, at time.Duration) (status int, err error) // what happens to a request on the way; 0 is nothing
	replicas int                                                         // 0 is one
	without  string                                                      // why calls are lost without holding; "" if none may be
	soon     bool                                                        // within the hold of the default a key works again
	never    bool                                                        // no key ever works again: all is lost, and few refusals are seen
}

// simWorld is one run of a case.
type simWorld struct {
	simCase
	mu      sync.Mutex
	chance  *rand.Rand
	begin   time.Time
	refused atomic.Int64
}

func (w *simWorld) at() time.Duration { return time.Since(w.begin) }

// random returns a number in [0,1), the same for the same seed and order of requests.
func (w *simWorld) random() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chance.Float64()
}

// RoundTrip is the wire and the provider.
func (w *simWorld) RoundTrip(req *http.Request) (*http.Response, error) {
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	}
	if err := simTravel(req.Context()); err != nil {
		return nil, err
	}
	if w.trouble != nil {
		switch status, err := w.trouble(w, w.at()); {
		case errors.Is(err, errSimStall):
			<-req.Context().Done()
			return nil, req.Context().Err()
		case err != nil:
			return nil, err
		case status != 0:
			if status == http.StatusUnauthorized {
				w.refused.Add(1)
			}
			return answer(status, "{}")
		}
	}
	works := w.works(w, req.Header.Get("X-Sim-Key"), w.at())
	if err := simTravel(req.Context()); err != nil {
		return nil, err
	}
	if !works {
		w.refused.Add(1)
		return answer(http.StatusUnauthorized, `{"error":"INVALID_API_KEY"}`)
	}
	return answer(http.StatusOK, "{}")
}

var (
	errSimStall = errors.New("nothing comes any more")
	errSimReset = errors.New("connection reset by peer")
	errSimDown  = errors.New("the secret store is down")
)

// simTravel is one way to the provider or back. In these simulations a call ends early by its
// deadline alone, and where that is later, a plain sleep is cheaper than a channel.
func simTravel(ctx context.Context) error {
	if end, ok := ctx.Deadline(); ok && time.Until(end) > simLatency/2 {
		time.Sleep(simLatency / 2)
		return nil
	}
	return simSleep(ctx, simLatency/2)
}

func simSleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Credential is the source.
func (w *simWorld) Credential(context.Context) (keyfit.Credential, error) { return w.offers(w, w.at()) }

// simResult is what came of a case.
type simResult struct{ requests, lost, refused int64 }

func (r *simResult) add(other simResult) {
	r.requests += other.requests
	r.lost += other.lost
	r.refused += other.refused
}

// run lives through a case once.
func (c simCase) run(t *testing.T, seed uint64, hold simHold) (result simResult) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &simWorld{simCase: c, chance: rand.New(rand.NewPCG(seed, 1)), begin: time.Now()}
		ctx, stop := context.WithCancel(t.Context())
		var background sync.WaitGroup
		clients := make([]*keyfit.Client, max(1, c.replicas))
		for i := range clients {
			clients[i] = simClient(t, w, hold)
			background.Go(func() { _ = clients[i].Keys().Watch(ctx, simPoll) })
		}
		var requests, lost atomic.Int64
		var once sync.Once
		call := func(ctx context.Context) {
			client := clients[requests.Add(1)%int64(len(clients))]
			at := w.at()
			if _, err := keyfit.Get[struct{}](ctx, client, "/thing"); err != nil {
				lost.Add(1)
				if !c.never && hold == simLong {
					once.Do(func() { t.Logf("seed %d, the first loss, at %s: %v", seed, at, err) })
				}
			}
		}
		callers := simCallers{call: call, next: make(chan context.Context)}
		_, every := simSize()
		tick := time.NewTicker(every)
		for w.at() < simLength {
			ctx, cancel := context.WithTimeout(t.Context(), simPatient) // the calls of one second share it
			defer cancel()
			for range time.Second / every {
				callers.start(ctx)
				<-tick.C
			}
		}
		callers.wait()
		stop()
		background.Wait()
		time.Sleep(time.Minute) // fake time: a question to the source or the provider may be under way
		result = simResult{requests.Load(), lost.Load(), w.refused.Load()}
	})
	return result
}

// simCallers makes calls beside each other. A goroutine that has made one makes the next: its
// stack has grown by then, which costs as much as the call.
type simCallers struct {
	call func(context.Context)
	next chan context.Context
	all  sync.WaitGroup
}

func (s *simCallers) start(ctx context.Context) {
	select {
	case s.next <- ctx:
	default:
		s.all.Go(func() {
			for ok := true; ok; ctx, ok = <-s.next {
				s.call(ctx)
			}
		})
	}
}

func (s *simCallers) wait() {
	close(s.next)
	s.all.Wait()
}

func simClient(t *testing.T, w *simWorld, hold simHold) *keyfit.Client {
	t.Helper()
	provider := keyfit.Provider{Name: "sim", BaseURL: "https://sim.example", Scheme: keyfit.Header("X-Sim-Key"), Probe: "/ping"}
	opts := []keyfit.Option{
		keyfit.WithSource(w), keyfit.WithHTTPClient(&http.Client{Transport: w}),
		keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 8, AttemptTimeout: 2 * time.Second}),
	}
	switch hold {
	case simOff:
		opts = append(opts, keyfit.WithoutHoldCalls())
	case simLong:
		opts = append(opts, keyfit.HoldCalls(simPatient, 0))
	case simDefault:
	}
	c, err := keyfit.New(provider, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Credential may be the zero value: a source that has nothing.
var _ keyfit.Source = (*simWorld)(nil)

func TestRotationLosesNoCallWhereAKeyWorksInTime(t *testing.T) { //nolint:tparallel // the table is printed when the cases are done
	t.Parallel()
	const refusedAtMost = 250 // where the key is never replaced
	cases := simCases()
	results := make([][simHolds]simResult, len(cases))
	t.Run("cases", func(t *testing.T) {
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				seeds, _ := simSize()
				for seed := range seeds {
					for hold := range simHolds {
						results[i][hold].add(c.run(t, seed, hold))
					}
				}
				off, standard, long := results[i][simOff], results[i][simDefault], results[i][simLong]
				if !c.never && long.lost != 0 {
					t.Errorf("with HoldCalls %d of %d calls were lost", long.lost, long.requests)
				}
				if !c.never && c.without == "" && off.lost+standard.lost != 0 {
					t.Errorf("without holding %d of %d calls were lost, by default %d", off.lost, off.requests, standard.lost)
				}
				if c.soon && standard.lost != 0 || standard.lost > off.lost+off.lost/20 {
					t.Errorf("by default %d of %d calls were lost, without holding %d", standard.lost, standard.requests, off.lost)
				}
				for hold, r := range results[i] {
					if c.never && (r.refused > refusedAtMost || r.lost == 0) {
						t.Errorf("%d: the provider saw %d refusals, and at most %d are allowed; %d calls lost", hold, r.refused, refusedAtMost, r.lost)
					}
				}
			})
		}
	})
	table := simTable(cases, results)
	t.Log("\n" + table)
	if path := os.Getenv("KEYFIT_SIM_TABLE"); path != "" {
		if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// simTable is the table of docs/rotation.md.
func simTable(cases []simCase, results [][simHolds]simResult) string {
	var b strings.Builder
	b.WriteString("| case | requests | off: lost | refusals | default: lost | refusals | `HoldCalls`: lost | refusals |\n| --- | --: | --: | --: | --: | --: | --: | --: |\n")
	for i, c := range cases {
		off, standard, long := results[i][simOff], results[i][simDefault], results[i][simLong]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | **%d** | %d | **%d** | %d |\n", c.name, off.requests, off.lost, off.refused, standard.lost, standard.refused, long.lost, long.refused)
	}
	return b.String()
}
