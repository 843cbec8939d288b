package mockserver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

// Part is a part of a namespace that Reset can keep.
type Part string

// The parts of a namespace.
const (
	KeepKeys     Part = "keys"     // as they are now, revoked ones too; their windows start anew
	KeepData     Part = "data"     // of every vendor
	KeepClock    Part = "clock"    //
	KeepLimits   Part = "limits"   // and profiles
	KeepFaults   Part = "faults"   //
	KeepRequests Part = "requests" // the journal with its counts, and callbacks
)

// Parts lists every part in a fixed order.
func Parts() []Part {
	return []Part{KeepKeys, KeepData, KeepClock, KeepLimits, KeepFaults, KeepRequests}
}

// Lasting makes a key that Reset leaves, for keys that a program is given once, at its
// start. After a Reset it is as it was issued: valid again if it was revoked or expired
// early, and without the successors that it was given. A successor is not lasting.
func Lasting() KeyOption { return func(s *keySpec) { s.lasting = true } }

// Reset returns the namespace to the state of a new one: no keys (but for those with
// Lasting), requests and faults, the vendors' initial data, and the limits, profiles and
// clock of the server's options. What is named stays as it is. It fails on an unknown
// part, and if the state file could not be written; then nothing has changed.
func (n *Namespace) Reset(keep ...Part) error {
	for _, p := range keep {
		if !slices.Contains(Parts(), p) {
			return fmt.Errorf("mockserver: reset: keep: unknown part %.300q; of %s", p, joinParts())
		}
	}
	kept := func(p Part) bool { return slices.Contains(keep, p) }
	n.playing.stop()
	before := n.memento()
	if kept(KeepKeys) {
		n.keys.renewWindows()
	} else {
		n.keys.replace(n.keys.lasting())
		n.oauth.reset()
	}
	if !kept(KeepFaults) {
		n.faults.replace(nil, 0)
	}
	for i := range n.vendors {
		if !kept(KeepLimits) {
			n.configure(i, &n.srv.opts)
		}
		if !kept(KeepData) {
			n.vendors[i].routes.Store(nil)
		}
	}
	if !kept(KeepClock) {
		n.clock.Restore(clock.State{FrozenAt: n.srv.opts.frozen})
	}
	if err := n.saveWhole(before); err != nil {
		return fmt.Errorf("mockserver: reset: %w", err)
	}
	if !kept(KeepRequests) {
		n.forgetCallbacks()
		n.journal.reset()
	}
	return nil
}

func joinParts() string {
	names := make([]string, 0, len(Parts()))
	for _, p := range Parts() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// renewWindows lets every key's window start anew.
func (k *Keys) renewWindows() {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, r := range k.byID {
		r.limiter.Store(nil)
	}
}

// lasting returns the keys with Lasting as they were issued, and their highest number.
func (k *Keys) lasting() (map[string]*record, uint64) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	out, seq := make(map[string]*record), uint64(0)
	for _, r := range k.byID {
		if !r.spec.lasting {
			continue
		}
		fresh := &record{class: r.class, seq: r.seq, hash: r.hash, id: r.id, created: r.created}
		fresh.fingerprint.store(r.fingerprint.load())
		fresh.life.Store(&life{expires: toNano(r.spec.end(r.vendor, r.created))})
		out[r.id] = fresh
		seq = max(seq, r.seq)
	}
	for id, fresh := range out {
		if p := k.byID[id].partner; p != nil {
			fresh.partner = out[p.id]
		}
	}
	return out, seq
}

type resetBody struct {
	Keep []Part `json:"keep" doc:"what stays as it is; the keys of the start stay in any case, as they were issued"`
}

func adminReset(c *adminCall) (any, error) {
	var in resetBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.ns.Reset(in.Keep...); err != nil {
		return nil, err
	}
	return viewNamespace(c.ns), nil
}
