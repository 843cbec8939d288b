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
func (k LimitKind) String() string {
	if k == Sliding {
		return "sliding"
	}
	return "fixed"
}

// MarshalText writes String.
func (k LimitKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads "fixed", "sliding" or nothing, which is fixed.
func (k *LimitKind) UnmarshalText(text []byte) error {
	switch string(text) {
	case "fixed", "":
		*k = Fixed
	case "sliding":
		*k = Sliding
	default:
		return fmt.Errorf("limit kind %q is neither fixed nor sliding", text)
	}
	return nil
}

// Limit is a rate limit that applies to each key separately. The zero Limit is no
// limit.
type Limit struct {
	Requests int           // admitted per window; 0 or less means no limit
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
	if w.Requests < 0 || w.Per < 0 || w.Requests > 0 && w.Per == 0 {
		return errors.New("limit: requests and per must be positive, or requests 0 for no limit")
	}
	*l = Limit{Requests: w.Requests, Per: w.Per.Std(), Kind: w.Kind}
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
func (l *limiter) of(group string) *limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.group[group]
	if w == nil {
		w = &limiter{}
		if l.group == nil {
			l.group = make(map[string]*limiter)
		}
		l.group[group] = w
	}
	return w
}

// take decides about one request under limit. now is read inside the lock, so
// that the ring is ordered. With peek nothing is consumed.
func (l *limiter) take(limit Limit, now func() time.Time, peek bool) quota {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit != limit { // changed meanwhile: a new window starts
		l.limit, l.count, l.times, l.next = limit, 0, nil, 0
	}
	t := now().UnixNano()
	if limit.Kind == Sliding {
		return l.slide(t, peek)
	}
	return l.fix(t, peek)
}

func (l *limiter) fix(t int64, peek bool) quota {
	per := int64(l.limit.Per)
	q := quota{limit: l.limit}
	if l.count == 0 || t-l.start >= per || t < l.start { // t < start: the clock was set back
		q.remaining, q.reset = l.limit.Requests-1, l.limit.Per
		if !peek {
			l.start, l.count = t, 1
		}
		return q
	}
	q.reset = time.Duration(l.start + per - t)
	if l.count >= l.limit.Requests {
		q.retryAfter = q.reset
		return q
	}
	q.remaining = l.limit.Requests - l.count - 1
	if !peek {
		l.count++
	}
	return q
}

func (l *limiter) slide(t int64, peek bool) quota {
	per, q := int64(l.limit.Per), quota{limit: l.limit}
	n := len(l.times)
	if n > 0 && l.times[(l.next+n-1)%n] > t { // the clock was set back
		l.times, l.next, n = nil, 0, 0
	}
	first := sort.Search(n, func(i int) bool { return t-l.times[(l.next+i)%n] < per }) // oldest still inside
	used, oldest := n-first, int64(0)
	if used > 0 {
		oldest = l.times[(l.next+first)%n]
	}
	if used >= l.limit.Requests {
		q.retryAfter = time.Duration(oldest + per - t)
		q.reset = q.retryAfter
		return q
	}
	q.remaining, q.reset = l.limit.Requests-used-1, l.limit.Per
	if used > 0 {
		q.reset = time.Duration(oldest + per - t)
	}
	if peek {
		return q
	}
	if len(l.times) < l.limit.Requests {
		l.times = append(l.times, t) // next stays 0: index 0 is the oldest
	} else {
		l.times[l.next] = t
		l.next = (l.next + 1) % len(l.times)
	}
	return q
}

// seconds rounds up, so that a client that waits that long is admitted.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}
