package limiter

import "time"

// trips estimates how long an answer takes, as TCP does.
type trips struct {
	mean, dev float64
	least     time.Duration
}

// add takes a round trip, or how long an attempt had been out when it was given up: it would
// have taken longer, and without it only the short ones would count.
func (tp *trips) add(d time.Duration, lost bool) {
	x := float64(d)
	if lost {
		x = max(1.5*x, tp.mean)
	}
	if tp.mean == 0 {
		tp.least = d
		tp.mean, tp.dev = x, x/4
		return
	}
	if !lost {
		tp.least += min(0, d-tp.least) + max(0, d-tp.least)/256
	}
	tp.dev += (max(x-tp.mean, tp.mean-x) - tp.dev) / 8
	tp.mean += (x - tp.mean) / 8
}

// times returns a multiple of the mean.
func (tp *trips) times(f float64) time.Duration { return time.Duration(f * tp.mean) }

// spread returns a multiple of the mean deviation.
func (tp *trips) spread(f float64) time.Duration { return time.Duration(f * tp.dev) }

// most is how long an answer may well take.
func (tp *trips) most() time.Duration { return time.Duration(tp.mean + 2*tp.dev) }
