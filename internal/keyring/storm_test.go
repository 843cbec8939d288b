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

// storm is a random situation in which the provider refuses every key: a source, callers, and a
// ring. The keys that work come at its end, if at all.
type storm struct {
	seed    uint64
	source  string
	local   bool
	askTime time.Duration
	latency time.Duration
	callers int
	pause   time.Duration // of a caller between two calls
	streams int           // every how many-th caller has bodies that can be sent once; 0 is none
	watch   time.Duration // 0 is not at all
	probe   bool
	wait    time.Duration
	lasts   time.Duration
}

func (s storm) String() string {
	return fmt.Sprintf("seed %d: source %q, local %v, asked in %s, latency %s, %d callers every %s, streams %d, watch %s, probe %v, wait %s, %s",
		s.seed, s.source, s.local, s.askTime, s.latency, s.callers, s.pause, s.streams, s.watch, s.probe, s.wait, s.lasts)
}

func randomStorm(seed uint64) storm {
	r := rand.New(rand.NewPCG(seed, 13))
	among := func(ds ...time.Duration) time.Duration { return ds[r.IntN(len(ds))] }
	return storm{
		seed:    seed,
		source:  []string{"another key", "another key", "another key", "one of two", "one of forty", "the same key", "another version", "fails", "sometimes another key", "another pair"}[r.IntN(10)],
		local:   r.IntN(2) == 0,
		askTime: among(0, 0, time.Millisecond, 50*time.Millisecond, 3*time.Second),
		latency: among(time.Millisecond, 20*time.Millisecond, 400*time.Millisecond, 5*time.Second),
		callers: []int{1, 2, 8, 20}[r.IntN(4)],
		pause:   among(20*time.Millisecond, 300*time.Millisecond, 3*time.Second),
		streams: r.IntN(4),
		watch:   among(0, 0, time.Second, 10*time.Second),
		probe:   r.IntN(4) == 0,
		wait:    among(0, 0, 0, 10*time.Second),
		lasts:   30 * time.Second,
	}
}

// offers is what the source says the n-th time.
func (s storm) offers(n int) (Versions, error) {
	fp := func(i int) Versions { return Versions{Current: key(fmt.Sprintf("bad%d", i))} }
	switch s.source {
	case "one of two":
		return fp(n % 2), nil
	case "one of forty":
		return fp(n % 40), nil
	case "the same key":
		return fp(0), nil
	case "another version":
		v := fp(0)
		v.Current.Version = fmt.Sprint(n)
		return v, nil
	case "fails":
		return Versions{}, errRefused
	case "sometimes another key":
		return fp(n / 3), nil
	case "another pair":
		v := fp(n)
		v.Previous, v.Pending = key(fmt.Sprintf("old%d", n)), key(fmt.Sprintf("next%d", n))
		return v, nil
	default:
		return fp(n), nil
	}
}

// mostRequests is what calls may send while every key is refused: until the circuit opens, and
// the calls that are under way then, each with the keys that one call tries; then the trial
// requests, each with as many.
func (s storm) mostRequests() int { return tripAfter + (s.callers+s.mostTrials())*(1+maxReplays) }

// mostTrials is how many trial requests may be sent: one at a time, at growing intervals, for at
// most maxNewKeys keys at once, and again where a trial request stalls.
func (s storm) mostTrials() int {
	trials := maxNewKeys + 10 + int(s.lasts/trialLast)
	if s.latency > trialStall {
		trials += int(s.lasts / trialStall)
	}
	if s.wait > 0 { // the delays begin smaller
		trials += 10*maxNewKeys + int(s.lasts/newKeyEvery)
	}
	return trials
}

// mostQuestions is how often the source may be asked meanwhile. A place on this machine may be
// asked each half second, and is read several times if it has another key each time.
func (s storm) mostQuestions() int {
	const first = 20 // from the first delay to the last, with jitter
	most := first + int(s.lasts/(askRemoteLast/2))
	if s.local {
		most = maxReads / 2 * (first + int(s.lasts/(askLocalLast/2)))
	}
	if s.watch > 0 {
		most += maxReads * int(s.lasts/s.watch)
	}
	return most
}

// TestAStormOfRefusalsReachesNeitherTheProviderNorTheSource plays random situations in which the
// provider refuses everything, whatever the source offers. Then a key works: no call is refused
// any more, and the first one that is sent succeeds.
func TestAStormOfRefusalsReachesNeitherTheProviderNorTheSource(t *testing.T) {
	t.Parallel()
	seeds := uint64(20)
	if os.Getenv("KEYFIT_LONG") != "" {
		seeds = 1000
	}
	for seed := range seeds {
		s := randomStorm(seed)
		synctest.Test(t, func(t *testing.T) { s.play(t) })
	}
}

func (s storm) play(t *testing.T) {
	t.Helper()
	w := newWorld(t, func(cfg *Config) {
		cfg.Local, cfg.Wait, cfg.MaxWaiting = s.local, s.wait, 100
	})
	w.latency = s.latency
	n := 0
	w.ring.cfg.Ask = func(ctx context.Context, _ string) (v Versions, err error) {
		w.asked.Add(1)
		if err := sleep(ctx, s.askTime, nil, nil); err != nil {
			return Versions{}, err
		}
		w.set(func() {
			if n++; w.works["good"] {
				v = Versions{Current: key("good")}
			} else {
				v, err = s.offers(n)
			}
		})
		return v, err
	}
	if s.probe {
		w.ring.cfg.Probe = w.probe
	}
	w.accept()
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	if s.watch > 0 {
		all.Go(func() { _ = w.ring.Watch(ctx, s.watch) })
	}
	for i := range s.callers {
		all.Go(func() {
			for ctx.Err() == nil {
				_, _ = w.callWith(ctx, "/", s.streams == 0 || i%s.streams != 0)
				_ = sleep(ctx, s.pause, nil, nil)
			}
		})
	}
	pass(s.lasts)
	if got, most := int(w.sent.Load()), s.mostRequests(); got > most {
		t.Errorf("%s: %d requests, want at most %d", s, got, most)
	}
	if got, most := int(w.asked.Load()), s.mostQuestions(); got > most {
		t.Errorf("%s: the source was asked %d times, want at most %d", s, got, most)
	}
	s.recover(ctx, t, w)
	stop()
	all.Wait()
	pass(2 * maxQuestion) // for what is still under way
}

// recover makes a key work and has somebody bring it. If the source has not offered one bad
// key after the other, the first call finds it; else the next trial request does. From then on
// every call succeeds, those that are sent at the same time too.
func (s storm) recover(ctx context.Context, t *testing.T, w *world) {
	t.Helper()
	w.accept("good")
	w.offer("good")
	for range 3 { // a question that was under way does not know it yet
		_, _ = w.ring.Reload(ctx)
	}
	if s.wait == 0 && s.source != "the same key" && s.source != "another version" && s.source != "fails" {
		pass(trialLast + trialLast/8 + 2*trialStall + 2*s.latency + streamDelay)
	}
	var calls sync.WaitGroup
	for i := range 10 {
		calls.Go(func() {
			began := time.Now()
			if sent, err := w.callWith(ctx, "/", s.streams == 0 || i%s.streams != 0); err != nil {
				t.Errorf("%s: a call after the rotation: sent with %q, %v; %+v", s, sent, err, w.ring.Status())
			} else if took := time.Since(began); s.wait == 0 && took > 2*trialStall+2*s.latency {
				t.Errorf("%s: a call after the rotation took %s", s, took)
			}
		})
	}
	calls.Wait()
}
