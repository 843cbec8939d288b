package limiter

import (
	"testing"
	"time"
)

// The plain situations that a limiter has to master: limits.md of the project's records has
// them as findings. Each row is what must hold.
func TestPlainSituations(t *testing.T) {
	t.Parallel()
	minute := func(n int) Limit { return Limit{n, time.Minute} }
	once := func(nth int) func(int) (time.Duration, bool) {
		return func(i int) (time.Duration, bool) { return sec, i == nth }
	}
	for _, tt := range []struct {
		name    string
		world   world
		percent float64 // of the oracle's, at least
		refused int     // at most
		worst   time.Duration
	}{
		{"a stray 429 on a published limit", world{
			server: &slidingWindow{n: 1000, per: time.Minute}, hint: hintCeil, published: minute(1000),
			arrivals: steady(3000, 100*ms), deadline: 10 * sec, latency: 20 * ms, stray: once(50),
		}, 100, 0, 1100 * ms},
		{"a stray 429 where no limit is known", world{
			server: &slidingWindow{n: 1000, per: time.Minute}, hint: hintCeil,
			arrivals: steady(3000, 100*ms), deadline: 10 * sec, latency: 20 * ms, stray: once(50),
		}, 100, 0, 1100 * ms},
		{"a stray 429, the limit known from headers", world{
			server: &fixedWindow{n: 1000, per: time.Minute}, hint: hintCeil, stated: true,
			arrivals: steady(3000, 100*ms), deadline: 10 * sec, latency: 20 * ms, stray: once(50),
		}, 100, 0, 1100 * ms},
		{"the first answer is a stray 429", world{
			server: &slidingWindow{n: 1000, per: time.Minute}, hint: hintCeil, published: minute(1000),
			arrivals: steady(1000, 100*ms), deadline: 10 * sec, latency: 20 * ms, stray: once(1),
		}, 100, 0, 1100 * ms},
		{"a fan-out of one and a half published windows", world{
			server: &slidingWindow{n: 1000, per: time.Minute}, published: minute(1000),
			arrivals: bursts(1500, 1, 0), deadline: 10 * time.Minute, latency: 20 * ms,
		}, 100, 0, 62 * sec},
		{"a batch of 5,000 on 1000 a minute", world{
			server: &slidingWindow{n: 1000, per: time.Minute}, published: minute(1000), batch: true,
			arrivals: bursts(5000, 1, 0), deadline: 10 * time.Minute, latency: 20 * ms,
		}, 100, 0, 5 * time.Minute},
		{"one 503 for a day", world{
			server: &slidingWindow{n: 1000, per: time.Minute}, published: minute(1000),
			arrivals: steady(1000, 100*ms), deadline: 20 * sec, latency: 20 * ms,
			fault: func(i int) (time.Duration, bool) { return 24 * time.Hour, i == 50 },
		}, 100, 0, 10100 * ms},
		{"overload of a published limit", world{
			server: &slidingWindow{n: 100, per: sec}, hint: hintCeil, published: Limit{100, sec},
			arrivals: steady(3000, 20*ms/3), deadline: 2 * sec, latency: 20 * ms,
		}, 97, 2, 2 * sec},
		{"overload of a published limit on a long way", world{
			server: &slidingWindow{n: 100, per: sec}, hint: hintCeil, published: Limit{100, sec},
			arrivals: steady(3000, 20*ms/3), deadline: 2 * sec, latency: 200 * ms,
		}, 88, 2, 2100 * ms},
		{"overload of a bucket that is not known", world{
			server: &tokenBucket{n: 100, burst: 10, per: sec}, hint: hintExact,
			arrivals: steady(4500, 20*ms/3), deadline: 2 * sec, latency: 50 * ms,
		}, 93, 110, 2100 * ms},
		{"published 100 in 10 s, kept as one every 100 ms", world{
			server: &tokenBucket{n: 10, burst: 1, per: sec}, hint: hintExact, published: Limit{100, 10 * sec},
			arrivals: bursts(60, 12, 10*sec), deadline: 20 * sec, latency: 20 * ms,
		}, 97, 60, 10 * sec},
		{"published 600 a minute, beside it 20 a second unsaid", world{
			server: &both{&slidingWindow{n: 600, per: time.Minute}, &slidingWindow{n: 20, per: sec}}, hint: hintCeil, published: minute(600),
			arrivals: bursts(100, 12, 10*sec), deadline: 10 * sec, latency: 20 * ms,
		}, 97, 60, 10 * sec},
		{"a storm", world{
			server: &fixedWindow{n: 100, per: sec}, hint: hintCeil,
			arrivals: bursts(1000, 1, 0), deadline: 20 * sec, latency: 2 * ms,
		}, 100, 40, 10 * sec},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.world.seed = 1
			ac := tt.world.play()
			t.Logf("%d of %d, %d refused, %d late, %d never sent, at the longest %v", ac.good, ac.best, ac.refused, ac.late, ac.unsent, ac.worst)
			if ac.percent() < tt.percent {
				t.Errorf("%.1f %% of what the oracle serves, want at least %v", ac.percent(), tt.percent)
			}
			if ac.refused > tt.refused {
				t.Errorf("%d refused, want at most %d", ac.refused, tt.refused)
			}
			if ac.worst > tt.worst {
				t.Errorf("a call took %v, want at most %v", ac.worst, tt.worst)
			}
		})
	}
}
