package mockserver

import (
	"fmt"
	"strings"
)

// show returns the state of the namespace.
func (n *Namespace) show() NamespaceState {
	out := n.showSettings()
	out.Keys = n.keys.show()
	for i, v := range n.srv.vendors {
		if data := n.showData(i); data != nil {
			if out.Data == nil {
				out.Data = make(map[Provider]DataState)
			}
			out.Data[v.provider] = data
		}
	}
	return out
}

// showSettings returns the state of the namespace without keys and data.
func (n *Namespace) showSettings() NamespaceState {
	out := NamespaceState{Name: n.title(), Clock: clockStateOf(n.clock.State())}
	for i, v := range n.srv.vendors {
		if st := &n.vendors[i]; st.changed.Load() {
			if out.Providers == nil {
				out.Providers = make(map[Provider]ProviderState)
			}
			out.Providers[v.provider] = ProviderState{*st.limit.Load(), *st.profile.Load()}
		}
	}
	for _, i := range n.Injections() {
		seen, hits := i.schedule.Counts()
		out.Faults = append(out.Faults, FaultState{i.ID, i.Match, i.Fault, i.When, seen, hits})
	}
	return out
}

// title returns the name as documents and the admin API write it.
func (n *Namespace) title() string {
	if n.name == "" {
		return DefaultNamespace
	}
	return n.name
}

// restore sets the namespace to st. Without hasData st is of a version that had no
// data.
func (n *Namespace) restore(st *NamespaceState, hasData bool) error {
	alive, err := n.revive(st)
	if err != nil {
		return err
	}
	if taken := n.keys.replace(alive.keys, alive.seq); taken != nil {
		return fmt.Errorf("%s: the key is known in another namespace", strings.TrimPrefix(taken.id, n.prefix()))
	}
	n.playing.stop()
	n.faults.replace(alive.faults, alive.faultSeq)
	for i, v := range n.srv.vendors {
		n.configure(i, &n.srv.opts)
		if p, ok := st.Providers[v.provider]; ok {
			n.vendors[i].limit.Store(&p.Limit)
			n.vendors[i].profile.Store(&p.Profile)
			n.vendors[i].changed.Store(true)
		}
		if hasData || alive.data[i] != nil {
			n.setRoutes(v, alive.data[i]) // nil is the initial data
		}
	}
	n.clock.Restore(st.Clock.state())
	return nil
}

// revived is the checked state of a namespace, ready to be put in place.
type revived struct {
	keys     map[string]*record
	seq      uint64
	faults   []*Injection
	faultSeq int
	data     map[int]*routes // by vendor.index
}

func (n *Namespace) revive(st *NamespaceState) (revived, error) {
	clockState := st.Clock.state()
	if err := clockState.Valid(); err != nil {
		return revived{}, err
	}
	out := revived{keys: make(map[string]*record, len(st.Keys))}
	sums := make(map[digest]string, len(st.Keys))
	for i := range st.Keys {
		k := &st.Keys[i]
		rec, err := n.keys.revive(k)
		if err != nil {
			return out, fmt.Errorf("keys[%d]: %w", i, err)
		}
		if out.keys[rec.id] != nil {
			return out, fmt.Errorf("keys[%d]: %s occurs twice", i, k.ID)
		}
		if other, taken := sums[rec.hash]; taken {
			return out, fmt.Errorf("keys[%d]: %s and %s are the same key", i, other, k.ID)
		}
		sums[rec.hash] = k.ID
		out.keys[rec.id] = rec
		out.seq = max(out.seq, rec.seq)
	}
	for i := range st.Keys {
		if p := st.Keys[i].Partner; p != "" {
			partner := out.keys[n.prefix()+p]
			if partner == nil || partner.spec.kind != KindToken {
				return out, fmt.Errorf("keys[%d]: partner %q is not a token of the document", i, p)
			}
			out.keys[n.prefix()+st.Keys[i].ID].partner = partner
		}
	}
	for p := range st.Providers {
		if n.srv.vendor(p) == nil {
			return out, fmt.Errorf("providers: %w: %q", ErrNoSuchVendor, p)
		}
		if err := st.Providers[p].Limit.valid(); err != nil {
			return out, fmt.Errorf("providers: %s: %w", p, err)
		}
	}
	for i, f := range st.Faults {
		number, ok := numbered(f.ID, "fault_")
		if !ok {
			return out, fmt.Errorf("faults[%d]: id %q is not of the form fault_1", i, f.ID)
		}
		if err := f.Fault.valid(); err != nil {
			return out, fmt.Errorf("faults[%d]: %w", i, err)
		}
		in := n.newInjection(f.Match, f.Fault, f.When, f.Seen, f.Hits)
		in.ID = f.ID
		out.faults = append(out.faults, in)
		out.faultSeq = max(out.faultSeq, int(number)) //nolint:gosec // numbered refuses what an int cannot hold
	}
	var err error
	out.data, err = n.reviveData(st.Data)
	return out, err
}
