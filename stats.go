package keyfit

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/internal/histogram"
	"github.com/keyfit/keyfit/internal/problem"
)

// Stats counts what a client has done with its key since [New], and shows the state of its gate.
// Counters only grow, so the difference of two snapshots gives a rate. Nothing in it is
// secret.
type Stats struct {
	// Requests counts calls, and Retries the further attempts after a failure or a refusal
	// for the limit. Replays with another key and redirects count as neither.
	Requests uint64   `json:"requests"`
	Retries  uint64   `json:"retries"`
	Refusals Refusals `json:"refusals"`
	// Backoffs are the waits between two attempts that the server did not ask for. Waits
	// that the gate imposes are in Gate.Waits.
	Backoffs Waits `json:"backoffs"`
	// Holds are the waits of calls for a key that works; see [HoldCalls].
	Holds Waits `json:"holds"`
	// Gate is the state of the gate for the client's own key; zero if the gate has no method
	// Stats (see [GateStats]).
	Gate GateStats `json:"gate"`
}

// Refusals counts refused attempts by cause. The first five are responses of the provider,
// and a call may get several; the others are decisions of the client.
type Refusals struct {
	Limit       uint64 `json:"limit"`       // RATE_LIMIT_EXCEEDED, usually status 429
	MissingKey  uint64 `json:"missing_key"` // MISSING_API_KEY
	InvalidKey  uint64 `json:"invalid_key"` // INVALID_API_KEY
	Permission  uint64 `json:"permission"`  // INSUFFICIENT_PERMISSIONS
	Unavailable uint64 `json:"unavailable"` // status 500 and above
	Deadline    uint64 `json:"deadline"`    // refused by the gate: no room before the deadline
	MaxWait     uint64 `json:"max_wait"`    // refused by the gate: no room within MaxWait
	Budget      uint64 `json:"budget"`      // not tried again: the retry budget was spent
}

// Waits summarizes waits that are over. The quantiles cover all of them, to within 7 %.
type Waits struct {
	Count uint64        `json:"count"`
	Total time.Duration `json:"total_ns"`
	P50   time.Duration `json:"p50_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"`
}

// Stats returns a snapshot. It is cheap enough to be called every second, and safe for
// concurrent use. A client derived with [Client.With] shares the counters of the one it
// comes from, unless it has another key. What a call does with a key of its own is not included;
// see [Client.StatsByKey].
func (c *Client) Stats() Stats {
	s := c.tally.snapshot()
	if g, ok := c.gate.(interface {
		Stats(provider, key string) GateStats
	}); ok {
		s.Gate = g.Stats(c.provider.Name, "")
	}
	return s
}

// ResetLimits tells the gate to forget all that it has learned of the client's own account,
// pauses included: after the provider has lifted a block, for example, or when a pause is
// known to be wrong. Published limits stay, and so do calls that wait. It reports whether the
// gate can do that: a gate of another kind needs a method Reset(provider, key string).
func (c *Client) ResetLimits() bool {
	g, ok := c.gate.(interface{ Reset(provider, key string) })
	if ok {
		g.Reset(c.provider.Name, "")
	}
	return ok
}

// counters is what a client counts. A call without trouble only adds to requests.
type counters struct {
	requests atomic.Uint64
	limits   atomic.Bool // success responses of this provider state its limit

	retries, limit, missing, invalid, permission, unavailable, deadline, maxWait, budget atomic.Uint64

	mu       sync.Mutex
	backoffs histogram.Histogram
	holds    histogram.Histogram // for a key that works
}

// looksForLimits reports whether to search the success response of the nth call for a
// limit. A provider that states its limit does so again and again, so until a limit has
// been found it is enough to search the first 64 responses and then every eighth.
func (cnt *counters) looksForLimits(nth uint64) bool {
	return nth <= 64 || nth%8 == 0 || cnt.limits.Load()
}

func (cnt *counters) foundLimits() {
	if !cnt.limits.Load() {
		cnt.limits.Store(true)
	}
}

// refusedAs counts an error response.
func (cnt *counters) refusedAs(status int, kind problem.Kind) {
	switch kind {
	case problem.RateLimited:
		cnt.limit.Add(1)
	case problem.MissingKey:
		cnt.missing.Add(1)
	case problem.InvalidKey:
		cnt.invalid.Add(1)
	case problem.Permission:
		cnt.permission.Add(1)
	case problem.Other:
		if status >= http.StatusInternalServerError {
			cnt.unavailable.Add(1)
		}
	}
}

// refusalName is the JSON name of the field of [Refusals] in which refusedAs counts a response; ""
// if in none.
func refusalName(status int, kind problem.Kind) string {
	switch kind {
	case problem.RateLimited:
		return "limit"
	case problem.MissingKey:
		return "missing_key"
	case problem.InvalidKey:
		return "invalid_key"
	case problem.Permission:
		return "permission"
	case problem.Other:
		if status >= http.StatusInternalServerError {
			return "unavailable"
		}
	}
	return ""
}

// refusedByGate counts an attempt that a gate refused.
func (cnt *counters) refusedByGate(err error) {
	limited, ok := errors.AsType[*RateLimitError](err)
	switch {
	case !ok:
	case limited.Deadline:
		cnt.deadline.Add(1)
	default:
		cnt.maxWait.Add(1)
	}
}

// backedOff counts a wait between two attempts.
func (cnt *counters) backedOff(d time.Duration) {
	cnt.mu.Lock()
	cnt.backoffs.Add(d)
	cnt.mu.Unlock()
}

// held counts a wait for a key that works.
func (cnt *counters) held(d time.Duration) {
	cnt.mu.Lock()
	cnt.holds.Add(d)
	cnt.mu.Unlock()
}

func (cnt *counters) snapshot() Stats {
	cnt.mu.Lock()
	backoffs, holds := cnt.backoffs.Summary(), cnt.holds.Summary()
	cnt.mu.Unlock()
	return Stats{
		Requests: cnt.requests.Load(), Retries: cnt.retries.Load(), Backoffs: waitsOf(backoffs), Holds: waitsOf(holds),
		Refusals: Refusals{
			Limit: cnt.limit.Load(), MissingKey: cnt.missing.Load(), InvalidKey: cnt.invalid.Load(), Permission: cnt.permission.Load(),
			Unavailable: cnt.unavailable.Load(), Deadline: cnt.deadline.Load(), MaxWait: cnt.maxWait.Load(), Budget: cnt.budget.Load(),
		},
	}
}

// waitsOf converts a summary to the public type.
func waitsOf(s histogram.Summary) Waits {
	return Waits{Count: s.Count, Total: s.Total, P50: s.P50, P99: s.P99, Max: s.Max}
}
