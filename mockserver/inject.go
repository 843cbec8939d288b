package mockserver

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/keyfit/keyfit/mockserver/internal/fault"
)

// Injection is a fault that was injected. It is safe for concurrent use.
type Injection struct {
	ID    string
	Match Match
	Fault Fault
	When  []When

	ns       *Namespace
	schedule *fault.Schedule
}

// Inject makes requests that match m fail, always or if every w allows it.
// Injections apply in order until one ends the request, so Latency and Status
// combine. It panics on what cannot be injected: a latency of 0, a status that is
// none, a Match by outcome; TryInject returns an error instead.
func (n *Namespace) Inject(m Match, f Fault, w ...When) *Injection {
	i, err := n.TryInject(m, f, w...)
	if err != nil {
		panic(err)
	}
	return i
}

// TryInject is Inject with an error instead of a panic.
func (n *Namespace) TryInject(m Match, f Fault, w ...When) (*Injection, error) {
	spec := FaultSpec{Match: m, Fault: f, When: w}
	if err := spec.ValidFor(n.srv.Providers()); err != nil {
		return nil, fmt.Errorf("mockserver: inject: %w", err)
	}
	i := n.newInjection(m, f, w, 0, 0)
	n.faults.add(i)
	n.changed()
	return i, nil
}

// Hint says why the fault may not do what one expects now: a delay on a clock that
// stands still. It is "" otherwise.
func (i *Injection) Hint() string {
	if f := i.Fault.definition(); f.Waits() && i.ns.clock.Frozen() {
		return "the clock is frozen: requests that the fault delays wait until it is advanced or runs"
	}
	return ""
}

// newInjection returns an injection that has seen and hit the given numbers of
// requests.
func (n *Namespace) newInjection(m Match, f Fault, w []When, seen, hits int) *Injection {
	when := make([]fault.When, 0, len(w))
	for _, one := range w {
		when = append(when, fault.When(one))
	}
	return &Injection{Match: m, Fault: f, When: w, ns: n, schedule: fault.NewSchedule(f.definition(), when, seen, hits)}
}

// Remove removes the injection. Removing twice is harmless.
func (i *Injection) Remove() {
	i.ns.faults.remove(i)
	i.ns.changed()
}

// Hits returns how many requests the fault was applied to.
func (i *Injection) Hits() int {
	_, hits := i.schedule.Counts()
	return hits
}

// Remaining returns how many requests the fault will still hit, or -1 if only
// Remove ends it.
func (i *Injection) Remaining() int { return i.schedule.Remaining() }

// Injections lists the injections in force, oldest first.
func (n *Namespace) Injections() []*Injection { return slices.Clone(n.faults.all()) }

// ClearFaults removes every injection.
func (n *Namespace) ClearFaults() {
	n.faults.replace(nil, 0)
	n.changed()
}

// faults are the injections of a namespace. A reader does one atomic load, which
// is all that a server without faults costs.
type faults struct {
	mu   sync.Mutex
	seq  int
	list atomic.Pointer[[]*Injection] // nil without injections; never modified
}

// all returns the injections; the slice must not be modified.
func (fs *faults) all() []*Injection {
	if l := fs.list.Load(); l != nil {
		return *l
	}
	return nil
}

// any reports whether there are injections.
func (fs *faults) any() bool { return fs.list.Load() != nil }

func (fs *faults) add(i *Injection) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.seq++
	i.ID = fmt.Sprintf("fault_%d", fs.seq)
	fs.set(append(slices.Clone(fs.all()), i))
}

func (fs *faults) remove(i *Injection) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.set(slices.DeleteFunc(slices.Clone(fs.all()), func(x *Injection) bool { return x == i }))
}

// replace sets the injections; the next number is above seq.
func (fs *faults) replace(next []*Injection, seq int) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.seq = max(fs.seq, seq)
	fs.set(next)
}

// set stores the list. The caller holds fs.mu.
func (fs *faults) set(next []*Injection) {
	if len(next) == 0 {
		fs.list.Store(nil)
		return
	}
	fs.list.Store(&next)
}

// faultsOf returns the faults that hit a request. How many requests a fault has seen is
// part of the state.
func (n *Namespace) faultsOf(f *facts, r *http.Request, fresh bool) []fault.Fault {
	l := n.faults.list.Load()
	if l == nil {
		return nil
	}
	var hit []fault.Fault
	at, seen := n.clock.Now(), false
	for _, i := range *l {
		if i.Match.request(f) && i.Match.findsRequest(r) {
			seen = true
			if x, ok := i.schedule.Next(at, fresh); ok {
				hit = append(hit, x)
			}
		}
	}
	if seen && n.srv.file != nil {
		n.changed()
	}
	return hit
}
