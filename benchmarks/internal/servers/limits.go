package servers

import "time"

// Limiter decides on a request that arrives at now, counted from the first one: whether it
// is let in, and if not, how long until the next one would be. A refused request uses up
// nothing. It is called under the server's lock.
type Limiter interface {
	Allow(now time.Duration) (ok bool, wait time.Duration)
}

// FixedWindow lets N in per window. The windows follow each other from time zero on,
// whatever the traffic.
type FixedWindow struct {
	N   int
	Per time.Duration

	end  time.Duration // of the present window
	used int
}

// Allow implements Limiter.
func (f *FixedWindow) Allow(now time.Duration) (bool, time.Duration) {
	if now >= f.end {
		f.end, f.used = now-now%f.Per+f.Per, 0
	}
	if f.used < f.N {
		f.used++
		return true, 0
	}
	return false, f.end - now
}

// SlidingWindow lets N in during every Per, wherever one lays it.
type SlidingWindow struct {
	N   int
	Per time.Duration

	passed []time.Duration
}

// Allow implements Limiter.
func (s *SlidingWindow) Allow(now time.Duration) (bool, time.Duration) {
	for len(s.passed) > 0 && s.passed[0] <= now-s.Per {
		s.passed = s.passed[1:]
	}
	if len(s.passed) < s.N {
		s.passed = append(s.passed, now)
		return true, 0
	}
	return false, s.passed[0] + s.Per - now
}

// TokenBucket holds N tokens at most, is full at the start, and gets N more in every Per,
// one after the other.
type TokenBucket struct {
	N   int
	Per time.Duration

	spent float64 // tokens missing from the full bucket at the time of last
	last  time.Duration
}

// Allow implements Limiter.
func (b *TokenBucket) Allow(now time.Duration) (bool, time.Duration) {
	rate := float64(b.N) / float64(b.Per)
	b.spent = max(0, b.spent-float64(now-b.last)*rate)
	b.last = now
	if missing := b.spent + 1 - float64(b.N); missing > 0 {
		return false, time.Duration(missing/rate) + 1
	}
	b.spent++
	return true, 0
}
