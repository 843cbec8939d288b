package mockserver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// show returns the state of the keys in the order of issue.
func (k *Keys) show() []KeyState {
	k.ops.Lock()
	defer k.ops.Unlock()
	k.mu.RLock()
	recs := k.inOrder()
	k.mu.RUnlock()
	out := make([]KeyState, 0, len(recs))
	for _, r := range recs {
		out = append(out, r.show())
	}
	return out
}

func (r *record) show() KeyState {
	l, s, bare := r.life.Load(), r.now(), func(id string) string { return strings.TrimPrefix(id, r.ns.prefix()) }
	st := KeyState{
		ID: bare(r.id), Provider: r.vendor.provider, Kind: s.kind, SHA256: hex.EncodeToString(r.hash[:]),
		Fingerprint: r.fingerprint.load().String(),
		Name:        s.name, Contact: s.contact, Scopes: s.scopes, Access: s.access, User: s.user,
		Attributes: s.attributes, Channels: s.channels, Lasting: r.spec.lasting, Grant: s.grant,
		Limit: s.limit, Life: Duration(s.life), Until: s.until,
		Created: r.created, Expires: fromNano(l.expires), LastUsed: fromNano(r.lastUsed.Load()),
		Revoked: fromNano(l.revoked), RevokeReason: l.reason,
		Replaces: bare(l.replaces), ReplacedBy: bare(l.replacedBy),
	}
	if r.partner != nil {
		st.Partner = bare(r.partner.id)
	}
	return st
}

// revive makes a record from its state.
func (k *Keys) revive(st *KeyState) (*record, error) {
	v := k.ns.srv.vendor(st.Provider)
	if v == nil {
		return nil, fmt.Errorf("%w: %q", ErrNoSuchVendor, st.Provider)
	}
	seq, ok := numbered(st.ID, "key_")
	if !ok {
		return nil, fmt.Errorf("id %q is not of the form key_000001", st.ID)
	}
	if !slices.Contains(keyKinds(), st.Kind) {
		return nil, fmt.Errorf("kind %q is none of key, pair, token, bearer, client, code, refresh", st.Kind)
	}
	if err := st.grantFits(v); err != nil {
		return nil, err
	}
	if err := st.valid(); err != nil {
		return nil, err
	}
	sum, err := hex.DecodeString(st.SHA256)
	if err != nil || len(sum) != sha256.Size {
		return nil, errors.New("sha256 is not 64 hexadecimal digits")
	}
	name, ok := parseFingerprint(st.Fingerprint)
	if !ok {
		return nil, errors.New("fingerprint is not 12 hexadecimal digits")
	}
	full := func(id string) string {
		if id == "" {
			return ""
		}
		return k.ns.prefix() + id
	}
	spec := keySpec{
		kind: st.Kind, name: st.Name, contact: st.Contact, scopes: st.Scopes, scoped: true,
		access: st.Access, user: st.User, life: st.Life.Std(), until: st.Until, limit: st.Limit,
		attributes: st.Attributes, channels: st.Channels, lasting: st.Lasting, grant: st.Grant,
	}
	r := k.record(v, spec, st.Created)
	r.seq, r.id, r.hash = seq, full(st.ID), digest(sum)
	r.fingerprint.store(name)
	r.lastUsed.Store(toNano(st.LastUsed))
	r.life.Store(&life{
		expires: toNano(st.Expires), revoked: toNano(st.Revoked), reason: st.RevokeReason,
		replaces: full(st.Replaces), replacedBy: full(st.ReplacedBy),
	})
	return r, nil
}

// valid returns an error for numbers and times that no key can have.
func (kst *KeyState) valid() error {
	spec := keySpec{life: kst.Life.Std(), until: kst.Until, limit: kst.Limit}
	if err := spec.valid(); err != nil {
		return err
	}
	for name, t := range map[string]time.Time{"created": kst.Created, "expires": kst.Expires, "lastUsed": kst.LastUsed, "revoked": kst.Revoked} {
		if err := validTime(t); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// numbered reads the number of an ID such as key_000001, up to 2^31.
func numbered(id, prefix string) (uint64, bool) {
	digits, ok := strings.CutPrefix(id, prefix)
	n, err := strconv.ParseUint(digits, 10, 31)
	return n, ok && err == nil && n > 0
}

// replace replaces all keys. If another namespace has the value of one of them, it
// returns that record and changes nothing.
func (k *Keys) replace(next map[string]*record, seq uint64) *record {
	k.ops.Lock()
	defer k.ops.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if next == nil {
		next = make(map[string]*record)
	}
	if taken := k.ns.srv.vault.swap(k.byID, next); taken != nil {
		return taken
	}
	k.byID, k.seq, k.tokens, k.order = next, seq, make(map[string][]*record), inOrder(maps.Values(next))
	k.ns.oauth.rebuild(next)
	for _, r := range next {
		if r.spec.kind == KindToken {
			k.tokens[r.spec.user] = append(k.tokens[r.spec.user], r)
		}
	}
	return nil
}
