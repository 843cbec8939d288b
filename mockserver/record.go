package mockserver

import (
	"cmp"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// record is one stored credential: its SHA-256 and what is known about it. The
// fields above fingerprint never change after the record is stored. A record is
// small and has few pointers, so that a million keys cost the garbage collector
// little: common properties are in a shared class, rare ones are allocated when
// needed.
type record struct {
	*class
	seq     uint64
	hash    digest
	id      string
	created time.Time
	partner *record // of a pair's client key: the token issued with it

	fingerprint recordFingerprint

	life     atomic.Pointer[life]
	lastUsed atomic.Int64 // ns; 0 is never
	unsaved  atomic.Bool  // noted in Server.unsaved
	limiter  atomic.Pointer[limiter]
	change   sync.Mutex // serialises rotate, revoke, expire, edit
	counted  *cell      // guarded by the journal's lock

	// apart is the last header of a request in which nothing of the key's value was found.
	apart atomic.Pointer[headerField]
}

// class is the properties that records share if they were issued with the same
// ones. It never changes.
type class struct {
	ns     *Namespace
	vendor *vendor
	spec   keySpec
	kind   surface.Kind
}

// caller returns what a surface learns about the holder.
func (r *record) caller() surface.Caller {
	s := r.now()
	return surface.Caller{
		KeyID: r.id, Name: s.name, Kind: r.kind, Access: string(s.access),
		Scopes: s.scopes, User: s.user, Attributes: s.attributes, Channels: s.channels,
	}
}

// window returns the key's rate-limit window, made at its first request.
func (r *record) window() *limiter {
	if l := r.limiter.Load(); l != nil {
		return l
	}
	r.limiter.CompareAndSwap(nil, new(limiter))
	return r.limiter.Load()
}

// life is the part of a record that changes. It is replaced, never modified.
type life struct {
	expires    int64 // ns; 0 is never
	revoked    int64 // ns; 0 is not
	suspended  int64 // ns; 0 is not
	reason     string
	replaces   string
	replacedBy string
	edited     *keySpec // replaces the class's once the key was edited
}

// now returns the key's current properties: as issued, or as edited since.
func (r *record) now() *keySpec {
	if s := r.life.Load().edited; s != nil {
		return s
	}
	return &r.spec
}

func (r *record) status(now time.Time) KeyStatus {
	l, t := r.life.Load(), now.UnixNano()
	switch {
	case l.revoked != 0:
		return StatusRevoked
	case l.expires != 0 && t >= l.expires:
		return StatusExpired
	case l.suspended != 0:
		return StatusSuspended
	case l.expires == 0 && l.replacedBy == "":
		return StatusActive
	case l.replacedBy != "":
		return StatusRotating
	case l.expires-t <= int64(30*day):
		return StatusExpiring
	}
	return StatusActive
}

// touch stores the time of the last use, in the vendor's granularity.
func (r *record) touch(now time.Time) {
	t, last := now.UnixNano(), r.lastUsed.Load()
	if last == 0 || t < last || t-last >= int64(r.vendor.usedEvery) {
		r.lastUsed.Store(t)
		if r.ns.srv.file != nil && !r.unsaved.Load() {
			r.ns.srv.unsaved.key(r)
			r.ns.srv.file.Later()
		}
	}
}

// set replaces the life of a stored record. The caller holds r.change.
func (r *record) set(l *life) {
	r.life.Store(l)
	r.ns.srv.unsaved.key(r)
}

// key returns the public view at a time.
func (r *record) key(now time.Time) Key {
	l, s := r.life.Load(), r.now()
	k := Key{
		ID: r.id, Provider: r.vendor.provider, Kind: s.kind, Name: s.name,
		Fingerprint: r.fingerprint.load().String(),
		Status:      r.status(now),
		Scopes:      append([]string(nil), s.scopes...),
		Lasting:     r.spec.lasting,
		Access:      s.access, Contact: s.contact, User: s.user,
		Created: r.created, Expires: fromNano(l.expires), LastUsed: fromNano(r.lastUsed.Load()),
		Revoked: fromNano(l.revoked), RevokeReason: l.reason, Suspended: fromNano(l.suspended),
		Replaces: l.replaces, ReplacedBy: l.replacedBy,
	}
	if r.spec.grant != nil {
		k.Client = r.spec.grant.Client
	}
	if s.limit != nil {
		own := *s.limit
		k.Limit = &own
	}
	return k
}

func fromNano(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func toNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// inOrder returns records in the order of issue.
func inOrder(all iter.Seq[*record]) []*record {
	return slices.SortedFunc(all, func(a, b *record) int { return cmp.Compare(a.seq, b.seq) })
}
