package limiter

import (
	"slices"
	"time"
)

// quota is what the headers of answers say of the window that is: so many requests are left
// in it until it ends. It says nothing of the next window.
type quota struct {
	Limit     // as it is said; Per names the quota, where a server tells of several
	left  int // beside those in flight, which may be counted in it already
	until time.Duration
	said  time.Duration

	counted bool // more was left before in the same window
}

const (
	maxQuotas = 4
	rounded   = 2 * time.Second // a shorter time in whole seconds says little
)

// quotas are what the server says, and how far it is believed. Rounding, or a bucket that is
// filled one by one, make an answer say "nothing is left for a second" where a request would
// pass after a few milliseconds: trials find that out, and each that passes makes the next one
// earlier. Where the word has proved worthless, it is not heard any more until a trial fails.
type quotas struct {
	list  []quota
	trust trust
	tryAt time.Duration // not before
}

// observe takes what the answer to the attempt says. Answers overtake each other: the least
// counts, unless the attempt was sent when that had already been said.
func (qs *quotas) observe(s *Quota, a *attempt, now time.Duration) {
	if s.Remaining < 0 || s.Reset <= 0 {
		return
	}
	said := quota{Limit: s.Limit, left: s.Remaining, until: now + min(s.Reset, longest), said: now}
	for i := range qs.list {
		if old := &qs.list[i]; old.Per == s.Per {
			if now < old.until {
				said.counted = old.counted || old.left > said.left
				if a.sent < old.said {
					said.left = min(said.left, old.left)
				}
			}
			*old = said
			return
		}
	}
	if len(qs.list) < maxQuotas {
		qs.list = append(qs.list, said)
	}
}

// passed takes a good answer after what it says was observed. A window that had ended when its
// request was sent, and of which it says nothing, is no more: the server tells of it only now
// and then, or on other routes.
func (qs *quotas) passed(a *attempt) {
	if len(qs.list) > 0 {
		qs.list = slices.DeleteFunc(qs.list, func(x quota) bool { return x.until <= a.sent })
	}
}

// next returns when a request is left again, and when it may be tried whether one is. When a
// window has ended, one request goes ahead, and its answer tells what is left of the new one.
func (qs *quotas) next(log *passLog, now time.Duration, out int, t *trips) (at, try time.Duration) {
	if qs.trust == distrusted {
		return 0, 0
	}
	for i := range qs.list {
		x := &qs.list[i]
		switch {
		case x.left > out:
		case now < x.until:
			at = max(at, x.until)
			if x.explained(log, now) {
				try = max(try, at)
			}
			try = max(try, qs.tryAt, x.said+max(qs.trust.part(x.until-x.said), t.times(2)))
		case out > 0:
			return never, never
		}
	}
	return at, try
}

// explained reports whether the server's word is what is expected: as many have passed in the
// window as it lets in, or it has counted them down. If not, the server keeps a bucket, or
// counts the requests of others.
func (x *quota) explained(log *passLog, now time.Duration) bool {
	if x.Requests > 0 && x.Per > 0 {
		return log.since(now-x.Per) >= x.Requests-x.Requests/8
	}
	return x.counted && x.until-x.said > rounded
}

// tried notes a trial: the next one of this window is as far away again.
func (qs *quotas) tried(now time.Duration) {
	for i := range qs.list {
		qs.tryAt = max(qs.tryAt, now+now-qs.list[i].said)
	}
}

// learn takes the end of a trial.
func (qs *quotas) learn(passed bool) {
	if passed {
		qs.trust.lower()
		qs.tryAt = 0
		return
	}
	qs.trust.raise()
}

// trust is how far the server's word on waiting is believed: so late comes the first trial.
type trust uint8

const (
	distrusted trust = 0 // trials after a 64th of the time
	quotaTrust trust = 4 // after a quarter
	trusted    trust = 6 // none before the end
)

// part returns after which part of d the first trial may be sent: never later than longestBlind.
func (tr trust) part(d time.Duration) time.Duration { return min(d>>(trusted-tr), longestBlind) }

const longestBlind = 30 * time.Second

func (tr *trust) raise() { *tr = min(*tr+1, trusted) }

func (tr *trust) lower() {
	if *tr > distrusted {
		*tr--
	}
}
