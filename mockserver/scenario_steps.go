package mockserver

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// deed is what a step did.
type deed struct {
	keys       []string
	successors []string
	problems   []string
	undo       func(at time.Time) // nil: nothing to undo
}

func (d *deed) problem(err error) {
	if err != nil {
		d.problems = append(d.problems, strings.TrimPrefix(err.Error(), "mockserver: "))
	}
}

// execute executes a step at its time.
func (p *Playing) execute(st *Step, e beat) deed {
	switch {
	case st.Rotate != nil:
		return p.rotate(st.Rotate, e.at)
	case st.Revoke != nil:
		how := func(r *record, now time.Time) { r.revoke(now, st.Revoke.Reason) }
		return p.change("revoke", e.at, p.choose(e.at, st.Revoke.Provider, st.Revoke.Key, st.Revoke.Which), how)
	case st.Expire != nil:
		how := func(r *record, now time.Time) { r.shorten(now.Add(st.Expire.In.Std()), "") }
		return p.change("expire", e.at, p.choose(e.at, st.Expire.Provider, st.Expire.Key, st.Expire.Which), how)
	case st.Suspend != nil:
		return p.suspend(st.Suspend, e)
	case st.Enable != nil:
		return p.enable(st.Enable, e.at)
	case st.Limit != nil:
		return p.limit(st.Limit, e.step)
	case st.Storm != nil:
		return p.inject(st.Storm.Provider, FaultSpec{Fault: st.Storm.fault(), When: share(st.Storm.Share, e.step)}, st.lasts(), e.at)
	case st.Outage != nil:
		return p.inject(st.Outage.Provider, FaultSpec{Fault: st.Outage.fault(), When: share(st.Outage.Share, e.step)}, st.lasts(), e.at)
	default:
		return p.inject(st.Fault.Match.Provider, FaultSpec{st.Fault.Match, st.Fault.Fault, slices.Clone(st.Fault.When)}, st.lasts(), e.at)
	}
}

func share(part float64, step int) []When {
	if part == 0 || part == 1 {
		return nil
	}
	return []When{Probability(part, uint64(step)+1)} //nolint:gosec // a step has a small number
}

// about returns the providers that a step is about.
func (p *Playing) about(named Provider) []Provider {
	if named != "" {
		return []Provider{named}
	}
	return p.providers
}

// choose returns the keys that a step is about and that are neither expired nor revoked. A
// token of an OAuth grant and a user token are not chosen: their own servers renew them.
func (p *Playing) choose(now time.Time, named Provider, key string, which KeyChoice) []*record {
	var out []*record
	about, k := p.about(named), p.ns.keys
	k.mu.RLock()
	all := make([]*record, 0, len(k.byID))
	for _, r := range k.byID {
		all = append(all, r)
	}
	k.mu.RUnlock()
	for _, r := range inOrder(slices.Values(all)) {
		s, status := r.now(), r.status(now)
		switch {
		case !slices.Contains(about, r.vendor.provider), s.grant != nil,
			s.kind != KindKey && s.kind != KindPair && s.kind != KindBearer,
			status == StatusExpired, status == StatusRevoked,
			key != "" && key != s.name && key != r.id && r.ns.prefix()+key != r.id,
			which == KeysReplaced && r.life.Load().replacedBy == "",
			(which == KeysInUse || which == "") && r.life.Load().replacedBy != "" && key != r.id:
		default:
			out = append(out, r)
		}
	}
	return out
}

// rotate gives keys a successor and hands it over.
func (p *Playing) rotate(rs *RotateStep, at time.Time) deed {
	var d deed
	chosen := p.choose(at, rs.Provider, rs.Key, KeysInUse)
	for _, r := range chosen {
		overlap := rs.Overlap.Std()
		if r.spec.kind == KindPair && !r.vendor.own {
			overlap = 0 // one client key at a time
		}
		next, err := p.ns.keys.rotateAt(func() time.Time { return at }, r.id, overlap)
		if err != nil {
			d.problem(err)
			continue
		}
		d.keys, d.successors = append(d.keys, r.id), append(d.successors, next.ID)
		p.keep(next)
	}
	d.none(chosen, rs.Key)
	return d
}

// none notes that there was nothing to change.
func (d *deed) none(chosen []*record, key string) {
	if len(chosen) > 0 {
		return
	}
	what := "no such key is in use"
	if key != "" {
		what = "no key in use has the name or the ID " + quote(key)
	}
	d.problems = append(d.problems, what)
}

// change changes the lives of keys.
func (p *Playing) change(verb string, at time.Time, chosen []*record, how func(*record, time.Time)) deed {
	var d deed
	for _, r := range chosen {
		if err := p.ns.keys.endAt(at, r.id, verb, how); err != nil {
			d.problem(err)
			continue
		}
		d.keys = append(d.keys, r.id)
	}
	d.none(chosen, "")
	return d
}

// forGood marks a suspension that no end of a step ends.
const forGood = -1

// suspend suspends keys. A key that several steps suspend is enabled when the last of them
// ends.
func (p *Playing) suspend(ss *SuspendStep, e beat) deed {
	chosen := p.choose(e.at, ss.Provider, ss.Key, ss.Which)
	by := e.step
	if ss.For == 0 {
		by = forGood
	}
	p.mu.Lock()
	for _, r := range chosen {
		if p.holds[r.id] == nil {
			p.holds[r.id] = make(map[int]bool)
			if r.life.Load().suspended != 0 { // by somebody else
				p.holds[r.id][forGood] = true
			}
		}
		p.holds[r.id][by] = true
	}
	p.mu.Unlock()
	d := p.change("suspend", e.at, chosen, (*record).suspend)
	d.undo = func(at time.Time) { p.release(e.step, at, chosen) }
	return d
}

// release ends the suspension by a step.
func (p *Playing) release(step int, at time.Time, chosen []*record) {
	for _, r := range chosen {
		p.mu.Lock()
		held := p.holds[r.id]
		mine := held[step]
		delete(held, step)
		free := mine && len(held) == 0
		if free {
			delete(p.holds, r.id)
		}
		p.mu.Unlock()
		if free {
			_ = p.ns.keys.endAt(at, r.id, "enable", (*record).enable) // it may have been deleted meanwhile
		}
	}
}

// enable enables suspended keys, whatever suspended them.
func (p *Playing) enable(es *EnableStep, at time.Time) deed {
	chosen := slices.DeleteFunc(p.choose(at, es.Provider, es.Key, KeysAll), func(r *record) bool { return r.life.Load().suspended == 0 })
	p.mu.Lock()
	for _, r := range chosen {
		delete(p.holds, r.id)
	}
	p.mu.Unlock()
	d := p.change("enable", at, chosen, (*record).enable)
	if len(chosen) == 0 {
		d.problems = []string{"no key is suspended"}
	}
	return d
}

// limitLayers are the limits that steps have set for one vendor, above what it was.
type limitLayers struct {
	base    *Limit
	changed bool // base was not the vendor's own
	layers  []limitLayer
}

type limitLayer struct {
	step  int
	limit *Limit
}

// top is the limit in force.
func (ll *limitLayers) top() *Limit {
	if n := len(ll.layers); n > 0 {
		return ll.layers[n-1].limit
	}
	return ll.base
}

// limit sets a limit on top of those in force.
func (p *Playing) limit(ls *LimitStep, step int) deed {
	about := p.about(ls.Provider)
	undo := make([]func(), 0, len(about))
	for _, name := range about {
		v := p.ns.srv.vendor(name)
		st, limit := &p.ns.vendors[v.index], ls.limit()
		p.mu.Lock()
		ll := p.limits[v.index]
		if now := st.limit.Load(); ll == nil || ll.top() != now { // somebody else has set it
			ll = &limitLayers{base: now, changed: st.changed.Load()}
			p.limits[v.index] = ll
		}
		ll.layers = append(ll.layers, limitLayer{step, &limit})
		st.limit.Store(&limit)
		st.changed.Store(true)
		p.mu.Unlock()
		undo = append(undo, func() { p.unlimit(st, ll, step) })
	}
	p.ns.changed()
	return deed{undo: func(time.Time) {
		for _, f := range undo {
			f()
		}
		p.ns.changed()
	}}
}

// unlimit takes the limit of a step away. One that somebody else has set stays.
func (p *Playing) unlimit(st *vendorState, ll *limitLayers, step int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := ll.top()
	ll.layers = slices.DeleteFunc(ll.layers, func(l limitLayer) bool { return l.step == step })
	if next := ll.top(); next != was && st.limit.CompareAndSwap(was, next) && len(ll.layers) == 0 {
		st.changed.Store(ll.changed)
	}
}

// inject injects a fault into each provider that a step is about.
func (p *Playing) inject(named Provider, spec FaultSpec, lasts time.Duration, at time.Time) deed {
	var d deed
	about := p.about(named)
	if named == "" && len(about) == len(p.ns.srv.vendors) {
		about = []Provider{""}
	}
	if lasts > 0 {
		spec.When = append(spec.When, Between(at, at.Add(lasts)))
	}
	var made []*Injection
	for _, name := range about {
		if len(p.ns.Injections()) >= maxInjections {
			d.problem(fmt.Errorf("%d faults are injected already", maxInjections))
			break
		}
		spec.Match.Provider = name
		i, err := p.ns.TryInject(spec.Match, spec.Fault, spec.When...)
		if err != nil {
			d.problem(err)
			continue
		}
		made = append(made, i)
	}
	d.undo = func(time.Time) {
		for _, i := range made {
			i.Remove()
		}
	}
	return d
}
