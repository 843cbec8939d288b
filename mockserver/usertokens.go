package mockserver

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

// userTokens is surface.Tokens over the keys of a namespace.
type userTokens struct {
	keys   *Keys
	vendor *vendor
}

// Issue implements surface.Tokens.
func (u userTokens) Issue(user string, life time.Duration) (string, time.Time) {
	spec := keySpec{kind: KindToken, user: user, life: max(life, 0)}
	var secret Secret
	u.keys.ops.RLock()
	rec := u.keys.store(u.keys.ns.clock.Now(), u.vendor, spec, "", "", partner{}, &secret)
	u.keys.bound(rec)
	u.keys.ops.RUnlock()
	return secret.Reveal(), fromNano(rec.life.Load().expires)
}

// Assign implements surface.Tokens.
func (u userTokens) Assign(user, token string, expires time.Time) error {
	_, err := u.assign(user, token, expires)
	return err
}

// Replace implements surface.Tokens.
func (u userTokens) Replace(user, token string, expires time.Time) error {
	rec, err := u.assign(user, token, expires)
	if err == nil {
		u.revoke(user, func(r *record) bool { return r != rec })
	}
	return err
}

// assign stores the token, or moves the expiry of one that the user has. A revoked
// token stays revoked ("cannot be restored", page "Revoke Token").
func (u userTokens) assign(user, token string, expires time.Time) (*record, error) {
	rec := u.keys.record(u.vendor, keySpec{kind: KindToken, user: user, until: expires}, u.keys.ns.clock.Now())
	rec.hash = sha256.Sum256([]byte(token))
	rec.fingerprint.store(fingerprintOf("", token))
	u.keys.ns.srv.vault.lengthen(len(token))
	rec.life.Store(&life{expires: toNano(expires)})
	u.keys.ops.RLock()
	defer u.keys.ops.RUnlock()
	if u.keys.file(rec) {
		u.keys.bound(rec)
		return rec, nil
	}
	inUse := fmt.Errorf("mockserver: assign token: %w", ErrTokenInUse)
	old := u.keys.ns.srv.vault.find(rec.hash)
	if old == nil || old.ns != u.keys.ns || old.vendor != u.vendor || old.spec.kind != KindToken || old.spec.user != user {
		return nil, inUse
	}
	old.change.Lock()
	defer old.change.Unlock()
	l := *old.life.Load()
	if l.revoked != 0 {
		return nil, inUse
	}
	l.expires = toNano(expires)
	old.set(&l)
	return old, nil
}

// Revoke implements surface.Tokens.
func (u userTokens) Revoke(user, token string) int {
	hash := sha256.Sum256([]byte(token))
	return u.revoke(user, func(r *record) bool { return token == "" || r.hash == hash })
}

// Save implements surface.Tokens.
func (u userTokens) Save() { u.keys.ns.srv.file.FlushOrReport() }

// revoke revokes the user's tokens that which selects and returns their number.
func (u userTokens) revoke(user string, which func(*record) bool) int {
	u.keys.mu.RLock()
	recs := append([]*record(nil), u.keys.tokens[user]...)
	u.keys.mu.RUnlock()
	now, n := u.keys.ns.clock.Now(), 0
	for _, r := range recs {
		if which(r) && r.life.Load().revoked == 0 {
			r.change.Lock()
			r.revoke(now, "revoked by the API")
			r.change.Unlock()
			n++
		}
	}
	return n
}

// maxGivenTokens bounds the tokens that a vendor's own operations issue in a
// namespace, because a client can request any number. The oldest is dropped.
const maxGivenTokens = 10_000

// bound adds rec to the tokens that clients requested, and drops the oldest beyond
// maxGivenTokens.
func (k *Keys) bound(rec *record) {
	var old *record
	k.mu.Lock()
	k.given = append(k.given, rec)
	if len(k.given) > maxGivenTokens {
		old, k.given[0] = k.given[0], nil
		k.given = k.given[1:]
		if k.byID[old.id] != old { // a restored state took its place
			old = nil
		}
	}
	if old != nil {
		user := old.spec.user
		k.tokens[user] = slices.DeleteFunc(k.tokens[user], func(r *record) bool { return r == old })
		if len(k.tokens[user]) == 0 {
			delete(k.tokens, user)
		}
	}
	k.mu.Unlock()
	if old != nil {
		k.forget(old)
	}
}
