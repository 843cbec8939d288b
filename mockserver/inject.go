package mockserver

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// faults holds the injections of a namespace. Readers take one atomic load; a
// server without faults pays nothing else.
type faults struct {
	mu   sync.Mutex
	seq  int
	list atomic.Pointer[[]*Injection]
}

// Inject makes requests that match m go wrong, always or when every w allows
// it. Injections apply in order; the first that ends the request wins, so
// Latency and Status combine.
func (n *Namespace) Inject(m Match, f Fault, w ...When) *Injection {
	i := newInjection(n, m, f, w)
	n.faults.add(i)
	n.srv.file.Later()
	return i
}

func newInjection(n *Namespace, m Match, f Fault, w []When) *Injection {
	i := &Injection{Match: m, Fault: f, When: w, ns: n, random: make([]*rand.Rand, len(w))}
	for j := range w {
		if w[j].Probability != nil {
			i.random[j] = seeded(w[j].Seed)
		}
	}
	if f.Kind == FaultJitter {
		i.jitter = seeded(f.Seed)
	}
	return i
}

// seeded is a source that a seed repeats; it protects nothing.
func seeded(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)) //nolint:gosec // see above
}

// Injections lists the injections in force, oldest first.
func (n *Namespace) Injections() []*Injection {
	if l := n.faults.list.Load(); l != nil {
		return slices.Clone(*l)
	}
	return nil
}

// ClearFaults removes every injection.
func (n *Namespace) ClearFaults() {
	n.faults.mu.Lock()
	n.faults.list.Store(nil)
	n.faults.mu.Unlock()
	n.srv.file.Later()
}

func (f *faults) add(i *Injection) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	i.ID = fmt.Sprintf("fault_%d", f.seq)
	var next []*Injection
	if l := f.list.Load(); l != nil {
		next = slices.Clone(*l)
	}
	next = append(next, i)
	f.list.Store(&next)
}

func (f *faults) remove(i *Injection) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.list.Load()
	if l == nil {
		return
	}
	next := slices.DeleteFunc(slices.Clone(*l), func(x *Injection) bool { return x == i })
	if len(next) == 0 {
		f.list.Store(nil)
		return
	}
	f.list.Store(&next)
}

// pick returns the faults that hit a request.
func (f *faults) pick(facts *facts, fresh bool, now func() time.Time) []Fault {
	l := f.list.Load()
	if l == nil {
		return nil
	}
	var hit []Fault
	at := now()
	for _, i := range *l {
		if i.Match.request(facts) {
			if x, ok := i.hit(at, fresh); ok {
				hit = append(hit, x)
			}
		}
	}
	return hit
}
