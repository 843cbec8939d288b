package keyfit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
)

// Limit is a published ceiling: at most Requests in every Per. The zero Limit means "not known".
type Limit struct {
	Requests int           `json:"requests"`
	Per      time.Duration `json:"per_ns"`
}

// Gate decides when an attempt may go out. It is asked once per attempt, retries and
// redirects included, and told of every answer, so that what one goroutine learns from a
// 429 holds for all of them.
//
// The gate of [NewGate] keeps four rules, for each provider and key on its own:
//
//   - Window. Of a limit that is known, published or learned, at most Requests go out in
//     every window of Per, wherever one lays that window: a sliding log, not a token bucket,
//     which would let 99 through where 50 are allowed. The whole burst is kept.
//   - Pause. When the server asks to wait (429, or 5xx with a hint), everybody waits until
//     the hint is over. Then one attempt goes ahead, and the others follow when it passed.
//   - Slots. While nothing is known of the limit, attempts go in rounds of 8, 16, 32, 32,
//     32, 64 and so on, each when the one before is back: an unlimited server is at its full
//     speed after a few round trips, a limited one is not stormed by 200 callers at once.
//   - Order. First in, first out. A first retry keeps the place of its call; a second goes
//     to the end, lest the same call find out each time that the server refuses still. A
//     probe goes before all others; a call goes before a batch, but of eight turns for which
//     both wait one is a batch's. Whoever gives up while waiting leaves no gap.
//
// A limit that is not known is learned from the answers' headers, or else from the first
// 429: what passed in the window before it is what passes at once from then on. Beyond
// that a single attempt is risked now and then, so a limit that was raised is found again
// within a few windows, and one that was lowered is met with a few refusals. Where a server
// fills a bucket that holds far less than it gets in a second, the flow behind the first
// burst is looked for in the same way, and is kept as a bucket then, not as a window.
//
// A wait that cannot end before the caller's deadline, or within its MaxWait, is refused
// immediately instead of being waited for in vain; never is a shorter wait tried.
//
// A Gate is safe for concurrent use. It starts no goroutine per attempt and holds no lock
// over I/O or over a callback; all who wait share one timer.
type Gate interface {
	// Enter blocks until the attempt may be sent, or refuses at once with a *RateLimitError
	// when that cannot be before the deadline or within MaxWait; or returns the context's error.
	// leave must be called exactly once, as soon as the answer's headers are there.
	Enter(ctx context.Context, e Entry) (leave func(Outcome), err error)
}

// Entry is what a Gate is told of an attempt that wants to go out.
type Entry struct {
	Provider string
	Key      string                                // fingerprint of a key given for one call; "" for the client's own keyring
	MaxWait  time.Duration                         // the longest single wait that the caller accepts; 0 means no bound but the context's
	Priority Priority                              // who goes first of those who wait; the zero value is an ordinary call
	Since    time.Time                             // when the call began, for a retry that keeps its place in the order; the zero time means now
	Waiting  func(why WaitReason, d time.Duration) // called at most once, before the first wait; may be nil; never under the gate's lock
}

// WaitReason says why an attempt waits.
type WaitReason string

// Reasons to wait.
const (
	WaitPause   WaitReason = "pause"   // the server asked everybody to wait
	WaitWindow  WaitReason = "window"  // the limit, published or learned, is used up
	WaitSlots   WaitReason = "slots"   // enough attempts are in flight
	WaitBackoff WaitReason = "backoff" // the retry layer's own backoff (not used by the gate)
)

// Outcome is what a Gate is told of an attempt that came back.
type Outcome struct {
	StatusCode int           // 0: no answer came
	Unsent     bool          // the attempt was never sent: its slot and its place in the window are given back, and it teaches nothing
	Wait       time.Duration // how long everybody is to stay away: max(own backoff, the server's hint); 0 if the server did not ask
	Hint       time.Duration // the server's hint alone, from which the limit is learned; 0 if it gave none, then Wait stands for it
	Limit      Limit         // what the answer's headers say of the limit; zero if nothing
	Remaining  int           // requests left in the window by the headers; -1 if not said
	Reset      time.Duration // until the window resets by the headers; 0 if not said
	Refusal    *APIError     // the 429 (or 503 with a hint), kept for those who will be refused in its name; else nil
}

const (
	maxLanes = 256              // above this many, lanes that nobody uses are dropped
	idleLane = 10 * time.Minute // how long a lane without traffic keeps its lessons then
)

// gate is the Gate of one process: a lane for each provider and key.
type gate struct {
	limit Limit
	clock clock.Clock          // of all lanes
	last  atomic.Pointer[lane] // the lane asked for last; nearly always the only one

	mu    sync.Mutex
	lanes map[laneID]*lane
}

type laneID struct{ provider, key string }

// NewGate returns a Gate for one process. The zero Limit means that the limit is not known
// and is to be learned; so does one whose Requests or Per is not positive. Of more than a
// million Requests, the gate keeps the same number in proportionally shorter windows.
func NewGate(l Limit) Gate {
	if l.Requests <= 0 || l.Per <= 0 {
		l = Limit{}
	}
	l.Requests, l.Per = fit(l.Requests, l.Per)
	return &gate{limit: l, clock: clock.Start(), lanes: make(map[laneID]*lane)}
}

func (g *gate) Enter(ctx context.Context, e Entry) (leave func(Outcome), err error) {
	t, err := g.enter(ctx, &e)
	if err != nil {
		return nil, err
	}
	return func(o Outcome) { t.leave(&o, g.clock.Now()) }, nil
}

// ticket is an attempt that was let through. With the gate of NewGate it spares the client
// the closure of Enter.
type ticket struct {
	lane  *lane
	place int32
	gen   uint32
	other func(Outcome) // leave of another gate
}

func enterGate(ctx context.Context, g Gate, e *Entry) (ticket, error) {
	if own, ok := g.(*gate); ok {
		return own.enter(ctx, e)
	}
	leave, err := g.Enter(ctx, *e)
	return ticket{other: leave}, err
}

// leave ends the attempt at a time of the gate's clock.
func (t *ticket) leave(o *Outcome, at time.Duration) {
	if t.other != nil {
		t.other(*o)
		return
	}
	t.lane.leave(t.place, t.gen, o, at)
}

func (g *gate) enter(ctx context.Context, e *Entry) (ticket, error) {
	if err := ctx.Err(); err != nil {
		return ticket{}, err
	}
	id := laneID{e.Provider, e.Key}
	for {
		l := g.last.Load()
		if l == nil || l.id != id {
			l = g.lane(id)
		}
		t, w, err := l.enter(ctx, e)
		switch {
		case err == errLaneDropped: //nolint:errorlint // never wrapped: it was swept just now, take a new one
			g.last.CompareAndSwap(l, nil)
		case w != nil:
			return l.wait(ctx, e, w)
		default:
			return t, err
		}
	}
}

// enterNow lets an attempt go at a time of the gate's clock, if it need not wait.
func (g *gate) enterNow(provider, key string, at time.Duration) (ticket, bool) {
	id := laneID{provider, key}
	l := g.last.Load()
	if l == nil || l.id != id {
		l = g.lane(id)
	}
	return l.enterNow(at)
}

// lane finds or makes the lane of id.
func (g *gate) lane(id laneID) *lane {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lanes[id]
	if l == nil || l.isDropped() {
		if len(g.lanes) >= maxLanes {
			g.sweep()
		}
		l = newLane(id, g.limit, g.clock)
		g.lanes[id] = l
	}
	g.last.Store(l)
	return l
}

// Stats returns the state of a lane; see [GateStats].
func (g *gate) Stats(provider, key string) GateStats {
	g.mu.Lock()
	l := g.lanes[laneID{provider, key}]
	g.mu.Unlock()
	if l == nil {
		return GateStats{}
	}
	return l.stats()
}

// sweep drops the lanes that nobody has used for a while: keys given for single calls
// must not pile up for the life of the program.
func (g *gate) sweep() {
	for id, l := range g.lanes {
		if l.drop(idleLane) {
			delete(g.lanes, id)
		}
	}
}
