package keyring

import (
	"sync"
	"time"
)

// EventKind says what happened.
type EventKind string

// The kinds of events. The names are those of keyfit.KeyEventKind, which documents them.
const (
	KeyStaged          EventKind = "key.staged"
	KeyVerified        EventKind = "key.verified"
	KeyRejected        EventKind = "key.rejected"
	KeyPromoted        EventKind = "key.promoted"
	KeyRollback        EventKind = "key.rollback"
	KeyDemoted         EventKind = "key.demoted"
	KeyRefused         EventKind = "key.refused"
	KeyFallback        EventKind = "key.fallback"
	KeyScopeRegression EventKind = "key.scope_regression"
	KeyExpiring        EventKind = "key.expiring"
	KeyExpired         EventKind = "key.expired"
	KeyRotationDue     EventKind = "key.rotation_due"
	KeyRetired         EventKind = "key.retired"
	KeySafeToRevoke    EventKind = "key.safe_to_revoke"
	SourceStale        EventKind = "source.stale"
	CircuitOpened      EventKind = "circuit.open"
	CircuitClosed      EventKind = "circuit.closed"
	AuthMisconfigured  EventKind = "auth.misconfigured"
	KeyExposed         EventKind = "key.exposed"
)

// Event is one event of a ring.
type Event struct {
	Kind        EventKind
	Time        time.Time
	Generation  uint64    // of the key the event is about; 0 if it never became current
	Fingerprint string    // of that key
	Previous    string    // fingerprint of the other key involved; "" if none
	Reason      string    // one line
	Expires     time.Time // of the key, in KeyExpiring and KeyExpired
}

// maxReason is the length in runes of what a reason quotes.
const maxReason = 200

// outbox reports events in the order in which they were recorded. One goroutine at a time
// reports; others leave their events to it, so a slow listener delays none of them.
type outbox struct {
	report func(Event) // nil if there is no listener

	mu        sync.Mutex
	queue     []Event
	reporting bool
}

// record puts an event behind those that wait. Ring.mu is held.
func (o *outbox) record(e Event) {
	if o.report == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	e.Time = time.Now()
	o.queue = append(o.queue, e)
}

// deliver reports the events that wait. Ring.mu is not held.
func (o *outbox) deliver() {
	if o.report == nil || !o.begin() {
		return
	}
	ended := false
	defer func() {
		if !ended { // the listener panicked
			o.end()
		}
	}()
	for e, ok := o.next(); ok; e, ok = o.next() {
		o.report(e)
	}
	ended = true
}

func (o *outbox) begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.reporting || len(o.queue) == 0 {
		return false
	}
	o.reporting = true
	return true
}

func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reporting = false
}

// next returns the next event; without one it ends the reporting, in the same step, so that
// no event is recorded in between and left behind.
func (o *outbox) next() (e Event, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		o.queue, o.reporting = nil, false
		return Event{}, false
	}
	e = o.queue[0]
	o.queue = o.queue[1:]
	return e, true
}
