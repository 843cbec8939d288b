package mockserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

// LimitKind is how a limit's window moves.
type LimitKind uint8

const (
	// Fixed opens a window at the first request and admits Requests until Per has
	// passed; the next request opens a new window.
	Fixed LimitKind = iota
	// Sliding admits at most Requests in every interval of length Per.
	Sliding
)

// String is "fixed" or "sliding".
func (kind LimitKind) String() string {
	if kind == Sliding {
		return "sliding"
	}
	return "fixed"
}

// MarshalText writes String.
func (kind LimitKind) MarshalText() ([]byte, error) { return []byte(kind.String()), nil }

// UnmarshalText reads "fixed", "sliding" or nothing, which is fixed.
func (kind *LimitKind) UnmarshalText(text []byte) error {
	switch string(text) {
	case "fixed", "":
		*kind = Fixed
	case "sliding":
		*kind = Sliding
	default:
		return fmt.Errorf("limit kind %q is neither fixed nor sliding", text)
	}
	return nil
}

// Limit is a rate limit that applies to each key separately. The zero Limit is no
// limit.
type Limit struct {
	Requests int           // admitted per window; 0 means no limit
	Per      time.Duration // length of the window
	Kind     LimitKind     // default Fixed
}

func (l Limit) none() bool { return l.Requests <= 0 || l.Per <= 0 }

type wireLimit struct {
	Requests int       `json:"requests"`
	Per      Duration  `json:"per"`
	Kind     LimitKind `json:"kind"`
}

// MarshalJSON writes {"requests":50,"per":"10s","kind":"sliding"}.
func (l Limit) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireLimit{l.Requests, Duration(l.Per), l.Kind})
}

// UnmarshalJSON reads what MarshalJSON writes. Zero requests is no limit.
func (l *Limit) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var w wireLimit
	if err := strictjson.Decode(data, &w); err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	next := Limit{Requests: w.Requests, Per: w.Per.Std(), Kind: w.Kind}
	if err := next.valid(); err != nil {
		return err
	}
	*l = next
	return nil
}

// valid returns an error for numbers that make no limit.
func (l Limit) valid() error {
	if l.Requests < 0 || l.Per < 0 || l.Requests > 0 && l.Per == 0 {
		return errors.New("limit: requests and per must be positive, or requests 0 for no limit")
	}
	return nil
}

// quota is a limiter's decision about one request. retryAfter is zero if the
// request is admitted.
type quota struct {
	limit      Limit
	remaining  int
	reset      time.Duration // until the window has room again or a new one starts
	retryAfter time.Duration
}

// limiter is the window of one key. It has its own lock, so keys do not wait for
// each other. A refused request changes nothing, so a client that keeps sending
// is admitted as soon as one that waits.
type limiter struct {
	mu    sync.Mutex
	limit Limit
	start int64               // fixed: first request of the window, ns
	count int                 // fixed: admitted in the window
	times []int64             // sliding: ring of the last admitted times, ns
	group map[string]*limiter // windows of limit groups, made at first use
	next  int                 // sliding: index of the oldest once the ring is full
}

// of returns the window of a limit group.
func (lim *limiter) of(group string) *limiter {
	lim.mu.Lock()
	defer lim.mu.Unlock()
	w := lim.group[group]
	if w == nil {
		w = &limiter{}
		if lim.group == nil {
			lim.group = make(map[string]*limiter)
		}
		lim.group[group] = w
	}
	return w
}

// take decides about one request under limit. now is read inside the lock, so
// that the ring is ordered. With peek nothing is consumed.
func (lim *limiter) take(limit Limit, now func() time.Time, peek bool) quota {
	lim.mu.Lock()
	defer lim.mu.Unlock()
	return lim.decide(limit, now, peek)
}

// admit is take of a request that was received at a time, a moment ago. What is well inside a
// fixed window is so now too, and reading the clock once more takes longer than deciding.
func (lim *limiter) admit(limit *Limit, received time.Time, now func() time.Time) quota {
	lim.mu.Lock()
	defer lim.mu.Unlock()
	if t := received.UnixNano(); lim.limit == *limit && limit.Kind == Fixed &&
		lim.count > 0 && lim.count < limit.Requests && t >= lim.start && t-lim.start < int64(limit.Per) {
		return lim.fix(t, false)
	}
	return lim.decide(*limit, now, false)
}

// decide is take under the lock.
func (lim *limiter) decide(limit Limit, now func() time.Time, peek bool) quota {
	if lim.limit != limit { // changed meanwhile: a new window starts
		lim.limit, lim.count, lim.times, lim.next = limit, 0, nil, 0
	}
	t := now().UnixNano()
	if limit.Kind == Sliding {
		return lim.slide(t, peek)
	}
	return lim.fix(t, peek)
}

func (lim *limiter) fix(t int64, peek bool) quota {
	per := int64(lim.limit.Per)
	q := quota{limit: lim.limit}
	if lim.count == 0 || t-lim.start >= per || t < lim.start { // t < start: the clock was set back
		q.remaining, q.reset = lim.limit.Requests-1, lim.limit.Per
		if !peek {
			lim.start, lim.count = t, 1
		}
		return q
	}
	q.reset = time.Duration(lim.start + per - t)
	if lim.count >= lim.limit.Requests {
		q.retryAfter = q.reset
		return q
	}
	q.remaining = lim.limit.Requests - lim.count - 1
	if !peek {
		lim.count++
	}
	return q
}

func (lim *limiter) slide(t int64, peek bool) quota {
	per, q := int64(lim.limit.Per), quota{limit: lim.limit}
	n := len(lim.times)
	if n > 0 && lim.times[(lim.next+n-1)%n] > t { // the clock was set back
		lim.times, lim.next, n = nil, 0, 0
	}
	first := sort.Search(n, func(i int) bool { return t-lim.times[(lim.next+i)%n] < per }) // oldest still inside
	used, oldest := n-first, int64(0)
	if used > 0 {
		oldest = lim.times[(lim.next+first)%n]
	}
	if used >= lim.limit.Requests {
		q.retryAfter = time.Duration(oldest + per - t)
		q.reset = q.retryAfter
		return q
	}
	q.remaining, q.reset = lim.limit.Requests-used-1, lim.limit.Per
	if used > 0 {
		q.reset = time.Duration(oldest + per - t)
	}
	if peek {
		return q
	}
	if len(lim.times) < lim.limit.Requests {
		lim.times = append(lim.times, t) // next stays 0: index 0 is the oldest
	} else {
		lim.times[lim.next] = t
		lim.next = (lim.next + 1) % len(lim.times)
	}
	return q
}

// seconds rounds up, so that a client that waits that long is admitted.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}
