package servers

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Hint is the form of a server's wait hint.
type Hint int

// The hints.
const (
	HeaderAndBody Hint = iota // Retry-After in whole seconds, and retryAfter in the JSON body
	BodyOnly                  // retryAfter in the JSON body, in whole seconds
	DateOnly                  // Retry-After as an HTTP date
)

// Arrival is one request that reached a server.
type Arrival struct {
	At      time.Duration // since the first request, unless the handler documents another start
	Refused bool
}

// Limited is a handler with a limit that records every request.
type Limited struct {
	limit Limiter
	hint  Hint

	mu       sync.Mutex
	first    time.Time
	arrivals []Arrival
}

// NewLimited returns a handler that accepts the requests that l allows and refuses the others
// with 429 and the hint.
func NewLimited(l Limiter, h Hint) *Limited { return &Limited{limit: l, hint: h} }

func (l *Limited) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	ok, wait := l.arrive(now)
	if ok {
		OK(w, r)
		return
	}
	seconds := int64((wait + time.Second - 1) / time.Second)
	body := `{"code":"RATE_LIMIT_EXCEEDED","message":"Too many requests"}`
	switch l.hint {
	case HeaderAndBody:
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
		body = bodyHint(seconds)
	case BodyOnly:
		body = bodyHint(seconds)
	case DateOnly:
		// A date has no fraction of a second, so round up to the next second.
		at := now.Add(wait + time.Second - 1).Truncate(time.Second)
		w.Header().Set("Retry-After", at.UTC().Format(http.TimeFormat))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = fmt.Fprint(w, body)
}

func bodyHint(seconds int64) string {
	return fmt.Sprintf(`{"code":"RATE_LIMIT_EXCEEDED","message":"Too many requests","retryAfter":%d}`, seconds)
}

func (l *Limited) arrive(at time.Time) (ok bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first.IsZero() {
		l.first = at
		if l.hint == DateOnly {
			l.first = at.Truncate(time.Second) // a server that sends dates has windows on whole seconds
		}
	}
	now := max(0, at.Sub(l.first)) // a later request may get the lock first
	ok, wait = l.limit.Allow(now)
	l.arrivals = append(l.arrivals, Arrival{At: now, Refused: !ok})
	return ok, wait
}

// Arrivals returns the requests so far, in the order of the decisions.
func (l *Limited) Arrivals() []Arrival {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Arrival(nil), l.arrivals...)
}
