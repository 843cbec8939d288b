package mockserver

import (
	"fmt"
	"slices"
)

// undo is what takes back an operation on keys that could not be saved: whoever asked
// for it is told that it failed, so it must not have an effect.
type undo struct {
	withdraw []string // IDs of new keys, whose values nobody has seen
	changed  []changedLife
}

type changedLife struct {
	r        *record
	old, now *life
}

// changing runs a change of a record's life. The caller holds r.change.
func (u *undo) changing(r *record, change func()) {
	old := r.life.Load()
	change()
	if now := r.life.Load(); now != old {
		u.changed = append(u.changed, changedLife{r, old, now})
	}
}

// save saves an operation, or takes it back.
func (k *Keys) save(u *undo) error {
	err := k.ns.srv.file.Flush()
	if err == nil {
		return nil
	}
	k.ops.RLock()
	defer k.ops.RUnlock()
	for _, c := range u.changed {
		c.r.change.Lock()
		if c.r.life.Load() == c.now { // else somebody changed it since, and knows
			c.r.set(c.old)
		}
		c.r.change.Unlock()
	}
	for _, id := range u.withdraw {
		k.withdraw(id)
	}
	return fmt.Errorf("nothing was changed: %w", err)
}

// withdraw forgets a new key, of a pair both records.
func (k *Keys) withdraw(id string) {
	rec := k.get(id)
	if rec == nil {
		return
	}
	for _, r := range []*record{rec, rec.partner} {
		if r == nil {
			continue
		}
		if r.spec.kind == KindToken {
			k.mu.Lock()
			k.tokens[r.spec.user] = slices.DeleteFunc(k.tokens[r.spec.user], func(t *record) bool { return t == r })
			k.mu.Unlock()
		}
		if r.spec.grant != nil {
			k.ns.oauth.leave(r)
		}
		k.forget(r)
	}
}
