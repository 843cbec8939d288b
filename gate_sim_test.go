package keyfit

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The simulated servers: each says whether a request that arrives at now is let in, and if
// not, how long until one would be.
type simLimiter interface {
	allow(now time.Duration) (ok bool, wait time.Duration)
}

// fixedWindow lets n in per window; the windows are aligned to offset.
type fixedWindow struct {
	n           int
	per, offset time.Duration
	window      time.Duration
	used        int
}

func (f *fixedWindow) allow(now time.Duration) (bool, time.Duration) {
	w := (now + f.offset) / f.per
	if w != f.window {
		f.window, f.used = w, 0
	}
	if f.used < f.n {
		f.used++
		return true, 0
	}
	return false, (w+1)*f.per - f.offset - now
}

// slidingWindow lets n in during every per.
type slidingWindow struct {
	n    int
	per  time.Duration
	sent []time.Duration
}

func (s *slidingWindow) allow(now time.Duration) (bool, time.Duration) {
	for len(s.sent) > 0 && s.sent[0] <= now-s.per {
		s.sent = s.sent[1:]
	}
	if len(s.sent) < s.n {
		s.sent = append(s.sent, now)
		return true, 0
	}
	return false, s.sent[len(s.sent)-s.n] + s.per - now
}

// tokenBucket holds burst tokens and gets n of them in every per.
type tokenBucket struct {
	n, burst int
	per      time.Duration
	tokens   float64
	last     time.Duration
	started  bool
}

func (b *tokenBucket) allow(now time.Duration) (bool, time.Duration) {
	if !b.started {
		b.started, b.tokens, b.last = true, float64(b.burst), now
	}
	rate := float64(b.n) / float64(b.per)
	b.tokens = min(float64(b.burst), b.tokens+float64(now-b.last)*rate)
	b.last = now
	if b.tokens >= 1 {
		b.tokens--
		return true, 0
	}
	return false, time.Duration((1-b.tokens)/rate) + 1
}

// The ways of a server to say how long to wait.
type simHint func(wait, now time.Duration) time.Duration

func hintExact(wait, _ time.Duration) time.Duration { return wait }

func hintCeil(wait, _ time.Duration) time.Duration {
	return (wait + time.Second - 1).Truncate(time.Second)
}

func hintOne(time.Duration, time.Duration) time.Duration { return time.Second }

// hintDate is an HTTP date against a Date header: both cut to whole seconds.
func hintDate(wait, now time.Duration) time.Duration {
	return (now + wait).Truncate(time.Second) - now.Truncate(time.Second)
}

// sim is one server and the callers before it.
type sim struct {
	limit   simLimiter
	hint    simHint
	headers func(now time.Duration) (l Limit, remaining int, reset time.Duration) // may be nil
	gate    Gate
	latency time.Duration                  // a round trip takes between half and one and a half of it
	way     func(*rand.Rand) time.Duration // how long one way takes, instead; may be nil

	mu       sync.Mutex
	start    time.Time
	rnd      *rand.Rand
	arrivals []arrival
	calls    []simCall
	failed   int
}

type arrival struct {
	at      time.Duration
	refused bool
}

type simCall struct{ begin, end time.Duration }

func newSim(limit simLimiter, hint simHint, gate Gate, seed uint64) *sim {
	return &sim{
		limit: limit, hint: hint, gate: gate, latency: 2 * time.Millisecond,
		start: time.Now(), rnd: rand.New(rand.NewPCG(seed, 1)),
	}
}

func (s *sim) now() time.Duration { return time.Since(s.start) }

func (s *sim) jitter() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.way != nil {
		return s.way(s.rnd)
	}
	return s.latency/4 + time.Duration(s.rnd.Int64N(int64(s.latency)/2+1))
}

// serve answers one request on the wire.
func (s *sim) serve() Outcome {
	time.Sleep(s.jitter())
	s.mu.Lock()
	now := s.now()
	ok, wait := s.limit.allow(now)
	s.arrivals = append(s.arrivals, arrival{now, !ok})
	o := Outcome{StatusCode: 200, Remaining: -1}
	if s.headers != nil {
		o.Limit, o.Remaining, o.Reset = s.headers(now)
	}
	s.mu.Unlock()
	time.Sleep(s.jitter())
	if !ok {
		o.StatusCode, o.Wait = 429, s.hint(wait, now)
		o.Refusal = &APIError{Provider: "sim", StatusCode: 429, Message: "too many requests"}
	}
	return o
}

// call makes one call as the retry layer does: at most 4 attempts, waits left to the gate,
// the place in the order kept once.
func (s *sim) call(ctx context.Context) error {
	begin := s.now()
	err := errors.New("4 attempts refused")
	for try := range 4 {
		e := Entry{Provider: "sim", MaxWait: time.Hour}
		if try == 1 {
			e.Since = s.start.Add(begin)
		}
		leave, err2 := s.gate.Enter(ctx, e)
		if err2 != nil {
			err = err2
			break
		}
		o := s.serve()
		if o.StatusCode == http.StatusTooManyRequests {
			s.mu.Lock()
			backoff := time.Duration(s.rnd.Int64N(int64(250*time.Millisecond) << try))
			s.mu.Unlock()
			o.Hint, o.Wait = o.Wait, max(o.Wait, backoff)
		}
		leave(o)
		if o.StatusCode == http.StatusOK {
			err = nil
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed++
	}
	s.calls = append(s.calls, simCall{begin, s.now()})
	return err
}

// run makes so many calls from so many callers.
func (s *sim) run(calls, callers int) {
	todo := make(chan struct{}, calls)
	for range calls {
		todo <- struct{}{}
	}
	close(todo)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range todo {
				_ = s.call(context.Background())
			}
		})
	}
	wg.Wait()
}

func (s *sim) refused() (n int) {
	for _, a := range s.arrivals {
		if a.refused {
			n++
		}
	}
	return n
}

// refusedLater counts the refusals after the first collision: those more than half a second after the first.
func (s *sim) refusedLater() (n int) {
	first := time.Duration(-1)
	for _, a := range s.arrivals {
		if !a.refused {
			continue
		}
		if first < 0 {
			first = a.at
		}
		if a.at > first+500*time.Millisecond {
			n++
		}
	}
	return n
}

// burst is the largest number of arrivals within d.
func (s *sim) burst(d time.Duration) (most int) {
	from := 0
	for i, a := range s.arrivals {
		if a.at < 500*time.Millisecond {
			continue // the first collision
		}
		for s.arrivals[from].at <= a.at-d {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func (s *sim) p99() time.Duration {
	d := make([]time.Duration, len(s.calls))
	for i, c := range s.calls {
		d[i] = c.end - c.begin
	}
	slices.Sort(d)
	return d[len(d)*99/100]
}

func (s *sim) last() time.Duration { return s.arrivals[len(s.arrivals)-1].at }

// runFor keeps so many callers busy for d.
func (s *sim) runFor(d time.Duration, callers int) {
	end := s.now() + d
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for s.now() < end {
				_ = s.call(context.Background())
			}
		})
	}
	wg.Wait()
}

// count returns how many passed and how many were refused between two times.
func (s *sim) count(from, to time.Duration) (passed, refused int) {
	for _, a := range s.arrivals {
		switch {
		case a.at < from || a.at >= to:
		case a.refused:
			refused++
		default:
			passed++
		}
	}
	return passed, refused
}

// changing becomes another limiter at a time.
type changing struct {
	at            time.Duration
	before, after simLimiter
}

func (c *changing) allow(now time.Duration) (bool, time.Duration) {
	if now < c.at {
		return c.before.allow(now)
	}
	return c.after.allow(now)
}

// closed lets nobody in.
type closed struct{}

func (closed) allow(time.Duration) (bool, time.Duration) { return false, time.Second }
