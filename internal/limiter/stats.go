package limiter

import (
	"cmp"
	"time"

	"github.com/keyfit/keyfit/internal/histogram"
)

// Stats is the state of one account.
type Stats struct {
	Waiting     int           // requests in the queue
	InFlight    int           // requests that were let through and have not come back, overdue ones excepted
	Concurrency int           // the most that may be in flight now
	Limit       Limit         // the published limit, else the longest-lived learned one; zero if none is known
	Learned     bool          // Limit was learned
	Paused      time.Duration // how long everybody has to wait, if no trial passes before; 0 if nobody has
	NextTrial   time.Duration // when the next trial during the pause may be sent; 0 if nobody has to wait
	WaitsFor    Reason        // what the next request would wait for now; 0 for nothing
	Bounds      []Bound       // all that is kept
	Routes      []Route       // that are paused after a fault
	Groups      []Group       // of routes with a limit of their own that were used; none in the Stats of a group
	Waits       histogram.Summary
}

// Route is a route that is paused after a fault.
type Route struct {
	Name              string
	Paused, NextTrial time.Duration
}

// Group is the state of a group of routes.
type Group struct {
	Name string
	Stats
}

// Bound is one of the limits that are kept at the same time.
type Bound struct {
	Limit
	Source Source
	Used   int // passes within Per
}

// Source says where a bound comes from.
type Source uint8

// The sources.
const (
	Published Source = iota + 1 // known beforehand: kept exactly
	Headers                     // said by the last answer, for the window that is
	Refusals                    // learned from a state that was refused; doubted now and then
	Pace                        // learned from refusals again and again: a mean rate
)

// Stats returns the state of an account, and of its groups; the zero Stats if it was never used.
func (k *Keyed) Stats(key Key) Stats {
	k.mu.Lock()
	l, routed := k.limiters[key], k.routesOf(key.Provider, key.Account)
	var groups []*limiter
	if key.Group == "" {
		groups = k.groupsOf(key)
	}
	k.mu.Unlock()
	var s Stats
	if l != nil {
		s = l.stats()
	}
	for _, g := range groups {
		s.Groups = append(s.Groups, Group{g.key.Group, g.stats()})
	}
	for _, l := range routed {
		if r := l.stats(); r.Paused > 0 {
			s.Routes = append(s.Routes, Route{l.key.route, r.Paused, r.NextTrial})
		}
	}
	return s
}

func (l *limiter) stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := max(l.used, l.clock.Now())
	e := &l.engine
	s := Stats{
		Waiting: l.queue.n, InFlight: e.inFlight.n, Concurrency: e.flow.cap(),
		Paused: max(0, e.pause.end-now), Bounds: e.bounds(now), Waits: l.waits.summary(),
	}
	if s.Paused > 0 {
		at, _ := e.pause.next(0)
		s.NextTrial = max(0, at-now)
	}
	if at, why, _ := e.next(now); at > now {
		s.WaitsFor = why
	}
	if len(s.Bounds) > 0 {
		s.Limit, s.Learned = s.Bounds[0].Limit, s.Bounds[0].Source != Published
	}
	return s
}

// bounds lists what is kept, the most certain first.
func (e *engine) bounds(now time.Duration) (list []Bound) {
	if p := e.published; p.Requests > 0 {
		list = append(list, Bound{p, Published, e.inFlight.n + e.log.since(now-p.Per)})
	}
	for _, q := range e.quotas.list {
		if now < q.until {
			b := Bound{Limit{max(0, q.left), q.until - now}, Headers, 0}
			if q.Requests > 0 {
				b = Bound{Limit{q.Requests, cmp.Or(q.Per, q.until-q.said)}, Headers, max(0, q.Requests-q.left)}
			}
			list = append(list, b)
		}
	}
	if w := e.window; w.Requests > 0 {
		list = append(list, Bound{w.Limit, Refusals, w.used(&e.log, now)})
	}
	if r := e.pacer.rate; r > 0 {
		per := max(time.Second, time.Duration(1/r))
		list = append(list, Bound{Limit{max(1, int(r*float64(per))), per}, Pace, e.log.since(now - per)})
	}
	return list
}

// hasLearned reports whether anything but the published limit is kept.
func (e *engine) hasLearned() bool { return e.window.Requests > 0 || e.pacer.rate > 0 }

// forget drops all that was learned.
func (e *engine) forget() {
	e.pause, e.window, e.pacer = newPause(), window{}, pacer{}
	e.quotas = quotas{trust: quotaTrust}
	free := e.flow.free
	e.flow = newConcurrency(e.flow.max)
	e.flow.free = free
}

// expire lets the oldest attempt no longer count as in flight. It has certainly reached the
// server, so it is logged as passed.
func (e *engine) expire(now time.Duration) {
	a := e.inFlight.oldest()
	if a.kind == doubting {
		e.window.out = false
		a.kind = ordinary
	}
	a.logged = now
	e.log.insert(now)
	e.inFlight.expireOldest()
}
