package limiter

import "time"

// The simulated servers: each says whether a request that arrives at now is let in, and if
// not, how long until one would be.
type simServer interface {
	allow(now time.Duration) (ok bool, wait time.Duration)
	fresh() simServer // another one that has not been used
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
	return false, f.per - (now+f.offset)%f.per
}

// slidingWindow lets n in during every per.
type slidingWindow struct {
	n    int
	per  time.Duration
	sent []time.Duration
}

func (f *fixedWindow) fresh() simServer { return &fixedWindow{n: f.n, per: f.per, offset: f.offset} }

func (s *slidingWindow) fresh() simServer { return &slidingWindow{n: s.n, per: s.per} }

func (b *tokenBucket) fresh() simServer { return &tokenBucket{n: b.n, burst: b.burst, per: b.per} }

func (c *changing) fresh() simServer { return &changing{c.at, c.before.fresh(), c.after.fresh()} }

func (closed) fresh() simServer { return closed{} }

func (s *slidingWindow) allow(now time.Duration) (bool, time.Duration) {
	ok, wait := s.peek(now)
	if ok {
		s.sent = append(s.sent, now)
	}
	return ok, wait
}

func (s *slidingWindow) peek(now time.Duration) (bool, time.Duration) {
	for len(s.sent) > 0 && s.sent[0] <= now-s.per {
		s.sent = s.sent[1:]
	}
	if len(s.sent) < s.n {
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

// changing becomes another limiter at a time.
type changing struct {
	at            time.Duration
	before, after simServer
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
