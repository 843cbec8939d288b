package servers

import "time"

// Limiter decides about a request at the time now, counted from the first one: whether it is
// allowed, and if not, how long until the next one would be. A refused request does not count.
// The server calls it under a lock.
type Limiter interface {
	Allow(now time.Duration) (ok bool, wait time.Duration)
}

// FixedWindow allows N requests per window. The windows follow each other from time zero,
// independent of the traffic.
type FixedWindow struct {
	N   int
	Per time.Duration

	end  time.Duration // end of the current window
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

// SlidingWindow allows N requests in any period of length Per.
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

// TokenBucket holds at most N tokens, starts full, and refills evenly with N tokens per Per.
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
