package limiter

import (
	"fmt"
	"testing"
	"time"
)

const (
	sec = time.Second
	ms  = time.Millisecond
)

var simHints = []struct {
	name string
	hint simHint
}{
	{"exact", hintExact},
	{"whole seconds", hintCeil},
	{"date", hintDate},
	{"always 1", hintOne},
}

// bar is what a scenario may cost at most.
type bar struct {
	time    float64       // the last arrival, times the ideal
	refused int           // in all
	later   int           // after the first collision
	burst   int           // arrivals within 50 ms after the first collision
	p99     time.Duration // of a call
	failed  int           // calls that were refused four times
}

func (b bar) check(t *testing.T, s *sim, ideal time.Duration) {
	t.Helper()
	x := float64(s.last()) / float64(ideal)
	t.Logf("time x%.4f, refused %d, later %d, burst %d, p99 %v", x, s.refused(), s.refusedLater(), s.burst(50*ms), s.p99().Round(ms))
	if s.failed > b.failed {
		t.Errorf("%d calls failed, want at most %d", s.failed, b.failed)
	}
	if x > b.time {
		t.Errorf("took %.4f times the ideal, want at most %v", x, b.time)
	}
	if got := s.refused(); got > b.refused {
		t.Errorf("%d refused, want at most %d", got, b.refused)
	}
	if got := s.refusedLater(); got > b.later {
		t.Errorf("%d refused after the first collision, want at most %d", got, b.later)
	}
	if got := s.burst(50 * ms); b.burst > 0 && got > b.burst {
		t.Errorf("%d arrivals within 50 ms, want at most %d", got, b.burst)
	}
	if got := s.p99(); b.p99 > 0 && got > b.p99 {
		t.Errorf("p99 %v, want at most %v", got, b.p99)
	}
}

// ofABucket is the bar where a full bucket of 100 is stormed. A hint that says 10 ms, or a date
// that says 0 s, lets the next request come before the bucket's rate is known, so that is
// learned from single refusals, and one call may be refused as often as it is sent.
func (b bar) ofABucket(hint string) bar {
	switch hint {
	case "exact":
		b.failed = 1
	case "date":
		b.refused, b.later = 120, 75
	}
	return b
}

func TestLimiterHoldsTheBars(t *testing.T) {
	t.Parallel()
	scenarios := []struct {
		name           string
		server         func() simServer
		known          Limit
		calls, callers int
		ideal          time.Duration
		bar            bar
		latency        time.Duration // 2 ms if not said
	}{
		{
			"herd of 200 at 20 per second", func() simServer { return &fixedWindow{n: 20, per: sec} },
			Limit{},
			200, 200, 9 * sec,
			bar{1.05, 30, 8, 22, 0, 0},
			0,
		},
		{
			"herd, sliding window", func() simServer { return &slidingWindow{n: 20, per: sec} },
			Limit{},
			200, 200, 9 * sec,
			bar{1.05, 30, 8, 22, 0, 0},
			0,
		},
		{
			"herd, token bucket", func() simServer { return &tokenBucket{n: 20, burst: 20, per: sec} },
			Limit{},
			200, 200, 9 * sec,
			bar{1.05, 30, 10, 22, 0, 0},
			0,
		},
		{
			"storm, fixed window", func() simServer { return &fixedWindow{n: 100, per: sec} },
			Limit{},
			1000, 64, 9 * sec,
			bar{1.01, 40, 8, 102, 1050 * ms, 0},
			0,
		},
		{
			"storm, loopback", func() simServer { return &fixedWindow{n: 100, per: sec} },
			Limit{},
			1000, 64, 9 * sec,
			bar{1.01, 40, 8, 102, 1050 * ms, 0},
			100 * time.Microsecond,
		},
		{
			"storm, sliding window, loopback", func() simServer { return &slidingWindow{n: 100, per: sec} },
			Limit{},
			1000, 64, 9 * sec,
			bar{1.01, 40, 8, 102, 1050 * ms, 0},
			100 * time.Microsecond,
		},
		{
			"storm, sliding window", func() simServer { return &slidingWindow{n: 100, per: sec} },
			Limit{},
			1000, 64, 9 * sec,
			bar{1.02, 40, 10, 102, 1050 * ms, 0},
			0,
		},
		{
			"storm, token bucket", func() simServer { return &tokenBucket{n: 100, burst: 100, per: sec} },
			Limit{},
			1000, 64, 9 * sec,
			bar{1.02, 40, 10, 106, 1050 * ms, 0}, // it refills during the burst
			0,
		},
		{
			"50 per 10 s, sliding, unknown", func() simServer { return &slidingWindow{n: 50, per: 10 * sec} },
			Limit{},
			500, 64, 90 * sec,
			bar{1.01, 40, 24, 52, 0, 0},
			0,
		},
		{
			"60 per minute by the clock, joined in the middle", func() simServer { return &fixedWindow{n: 60, per: time.Minute, offset: 20 * sec} },
			Limit{},
			300, 64, 220 * sec,
			bar{1.1, 90, 30, 62, 0, 0},
			0,
		},
		{
			"limit known, fixed window", func() simServer { return &fixedWindow{n: 100, per: sec} },
			Limit{100, sec},
			1000, 64, 9 * sec,
			bar{1.01, 0, 0, 0, 1050 * ms, 0},
			0,
		},
		{
			"limit known, sliding window", func() simServer { return &slidingWindow{n: 100, per: sec} },
			Limit{100, sec},
			1000, 64, 9 * sec,
			bar{1.01, 0, 0, 100, 1050 * ms, 0},
			0,
		},
	}
	for _, sc := range scenarios {
		for _, h := range simHints {
			for seed := range uint64(3) {
				t.Run(fmt.Sprintf("%s/%s/%d", sc.name, h.name, seed), func(t *testing.T) {
					t.Parallel()
					s := newSim(sc.server(), h.hint, sc.known, seed)
					if sc.latency > 0 {
						s.latency = sc.latency
					}
					s.run(sc.calls, sc.callers)
					b := sc.bar
					if _, isBucket := sc.server().(*tokenBucket); isBucket && sc.calls == 1000 {
						b = b.ofABucket(h.name)
					}
					b.check(t, s, sc.ideal)
				})
			}
		}
	}
}

func TestLimiterFollowsALimitThatChanges(t *testing.T) {
	t.Parallel()
	fixed := func(n int) simServer { return &fixedWindow{n: n, per: sec} }
	sliding := func(n int) simServer { return &slidingWindow{n: n, per: sec} }
	tests := []struct {
		name          string
		before, after simServer
		want          int // per second, from 5 windows after the change on
	}{
		{"raised, fixed", fixed(20), fixed(60), 60},
		{"raised, sliding", sliding(20), sliding(60), 60},
		{"raised tenfold", fixed(10), fixed(100), 100},
		{"lowered, fixed", fixed(100), fixed(30), 30},
		{"lowered, sliding", sliding(100), sliding(30), 30},
		{"lowered to one", fixed(50), fixed(1), 1},
	}
	for _, tt := range tests {
		for _, h := range simHints {
			t.Run(tt.name+"/"+h.name, func(t *testing.T) {
				t.Parallel()
				before, after := tt.before, tt.after
				at := 10500 * ms
				s := newSim(&changing{at, clone(before), clone(after)}, h.hint, Limit{}, 1)
				s.runFor(26*sec, 64)
				passed, refused := s.count(at+5*sec, at+15*sec)
				t.Logf("passed %d, refused %d", passed, refused)
				if passed < 9*tt.want || passed > 10*tt.want {
					t.Errorf("%d passed in 10 s, want %d", passed, 10*tt.want)
				}
				most := 15
				if h.name == "exact" {
					most = 40 // the pauses are shorter, and the new limit is met later: one flight
				}
				if refused > most {
					t.Errorf("%d refused in 10 s, want at most %d", refused, most)
				}
			})
		}
	}
}

// clone makes a fresh limiter of the same kind: those of a table are shared by its tests.
func clone(l simServer) simServer {
	switch l := l.(type) {
	case *fixedWindow:
		return &fixedWindow{n: l.n, per: l.per, offset: l.offset}
	case *slidingWindow:
		return &slidingWindow{n: l.n, per: l.per}
	case *changing:
		return &changing{l.at, clone(l.before), clone(l.after)}
	}
	return l
}

func TestLimiterRecoversFromAnOutage(t *testing.T) {
	t.Parallel()
	for _, h := range simHints {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			down, up := 5*sec, 65*sec
			server := &changing{up, &changing{down, &fixedWindow{n: 50, per: sec}, closed{}}, &fixedWindow{n: 50, per: sec}}
			s := newSim(server, h.hint, Limit{}, 1)
			s.runFor(120*sec, 64)
			if _, refused := s.count(down+sec, up); refused > 60 {
				t.Errorf("%d refused in the outage of a minute, want at most 60", refused)
			}
			if passed, _ := s.count(up+30*sec, up+50*sec); passed < 900 {
				t.Errorf("%d passed in 20 s after the outage, want about 1000", passed)
			}
		})
	}
}

// Another program takes its share of the limit when it likes, a third of it, and the way
// there may be long. Asserted is the sum of a few runs.
func TestLimiterSharesALimit(t *testing.T) {
	t.Parallel()
	const runs = 4
	for _, tt := range []struct {
		latency time.Duration
		want    int // a second, at least
	}{{2 * ms, 65}, {20 * ms, 55}, {50 * ms, 55}} {
		for _, h := range simHints {
			t.Run(fmt.Sprintf("%v/%s", tt.latency, h.name), func(t *testing.T) {
				t.Parallel()
				var passed, refused, failed int
				for seed := range uint64(runs) {
					s := newSim(&fixedWindow{n: 100, per: sec}, h.hint, Limit{}, seed+1)
					s.latency = tt.latency
					s.rival(func() time.Duration { // 30 ms in the mean
						return time.Duration(60 * float64(ms) * float64(s.jitter()) / float64(tt.latency))
					})
					s.runFor(30*sec, 64)
					p, r := s.count(5*sec, 30*sec)
					passed, refused, failed = passed+p, refused+r, failed+s.failed
				}
				t.Logf("passed %d, refused %d", passed, refused)
				if passed < runs*25*tt.want {
					t.Errorf("%d passed in %d s, want at least %d a second", passed, runs*25, tt.want)
				}
				if refused > passed/10 {
					t.Errorf("%d of %d refused, want at most one in ten", refused, refused+passed)
				}
				if failed > 0 {
					t.Errorf("%d calls failed", failed)
				}
			})
		}
	}
}

// Headers tell the limit before anyone runs into it.
func TestLimiterLearnsFromHeaders(t *testing.T) {
	t.Parallel()
	server := &fixedWindow{n: 100, per: sec}
	s := newSim(server, hintCeil, Limit{}, 1)
	s.headers = func(now time.Duration) (Limit, int, time.Duration) {
		return Limit{100, sec}, 100 - server.used, sec - now%sec
	}
	s.run(1000, 64)
	bar{1.01, 0, 0, 102, 1050 * ms, 0}.check(t, s, 9*sec)
}

func TestUnlimitedServerIsSlowOnlyAtFirst(t *testing.T) {
	t.Parallel()
	s := newSim(&fixedWindow{n: 1 << 30, per: time.Hour}, hintExact, Limit{}, 1)
	s.run(64, 64)
	// 8, 16, 32, and the rest with the fourth.
	if got, most := s.last(), 4*3*ms; got > most {
		t.Errorf("64 callers were through after %v, want at most %v", got, most)
	}
	from := len(s.arrivals)
	s.run(6400, 64)
	trips := s.arrivals[len(s.arrivals)-1].at - s.arrivals[from].at
	if most := 110 * 2 * ms; trips > most { // 100 round trips of 2 ms on average
		t.Errorf("6400 calls took %v, want at most %v: the limiter must cost nothing then", trips, most)
	}
}
