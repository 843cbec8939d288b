package mockserver

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// Errors of the key methods; they come wrapped with the key's ID.
var (
	ErrNoSuchKey    = errors.New("no such key: its id is wanted, such as key_000003, as in the list of keys")
	ErrKeyEnded     = errors.New("key is expired or revoked")
	ErrKeyReplaced  = errors.New("key is replaced already")
	ErrKeySuspended = errors.New("key is suspended; enable it first")
	ErrNoOverlap    = errors.New("vendor has one client key at a time: no overlap")
	ErrNoSuchVendor = errors.New("no such provider")
	ErrTokenInUse   = errors.New("token is in use")
	ErrKeyInUse     = errors.New("key is in use")
)

// Keys issues and keeps the keys of a namespace. Values are stored as SHA-256 and
// fingerprint only. Expired and revoked keys stay known, so that "expired",
// "revoked" and "unknown" differ in the diagnosis even if the vendor's response
// is the same. All methods are safe for concurrent use.
type Keys struct {
	ns     *Namespace
	ops    sync.RWMutex // read-locked by an operation, locked by a snapshot: no half rotation is ever saved
	mu     sync.RWMutex
	byID   map[string]*record
	order  []*record            // by number; forgotten ones are skipped, and dropped now and then
	tokens map[string][]*record // user tokens by user
	seq    uint64
	given  []*record // user tokens that clients requested, oldest first

	lastClass atomic.Pointer[class]
	lastLife  atomic.Pointer[life]
	slab      slab
}

// Issue makes a key. It panics when p is no provider or an option does not fit it (a
// client key outside IMKIT, a bearer token outside iiniit, a negative lifetime or
// limit); TryIssue returns an error instead.
func (k *Keys) Issue(p Provider, opts ...KeyOption) Issued {
	i, err := k.TryIssue(p, opts...)
	if err != nil {
		panic(err)
	}
	return i
}

// TryIssue is Issue with an error instead of a panic. With WithStateFile it
// also fails when the key could not be saved; so do Rotate, Revoke and Expire. What
// could not be saved is undone.
func (k *Keys) TryIssue(p Provider, opts ...KeyOption) (Issued, error) {
	v := k.ns.srv.vendor(p)
	if v == nil {
		return Issued{}, fmt.Errorf("mockserver: issue %q: %w", p, ErrNoSuchVendor)
	}
	spec := keySpec{kind: KindKey, access: v.access}
	for _, o := range opts {
		o(&spec)
	}
	if spec.kind == KindKey && !v.carries(credKey) {
		spec.kind = KindPair
	}
	if !spec.scoped && (v.own || spec.kind == KindKey || spec.kind == KindBearer) {
		spec.scopes = v.scopes
	}
	if spec.kind == KindPair && !v.carries(credClient) {
		return Issued{}, fmt.Errorf("mockserver: issue: client keys are IMKIT's, not %s's", v.title)
	}
	if spec.kind == KindBearer && v.bearer.IsZero() {
		return Issued{}, fmt.Errorf("mockserver: issue: %s takes no bearer token", v.title)
	}
	err := spec.valid()
	if err == nil {
		err = spec.check(v)
	}
	if err != nil {
		return Issued{}, fmt.Errorf("mockserver: issue: %w", err)
	}
	k.ops.RLock()
	issued, err := k.issueOrImport(v, spec)
	k.ops.RUnlock()
	if err != nil {
		return Issued{}, fmt.Errorf("mockserver: issue: %w", err)
	}
	if err := k.save(&undo{withdraw: []string{issued.ID}}); err != nil {
		return Issued{}, fmt.Errorf("mockserver: issue: %w", err)
	}
	return issued, nil
}

// issue stores a new record by spec, for a pair two of them.
func (k *Keys) issue(v *vendor, spec keySpec, replaces string) Issued {
	return k.issueAt(k.ns.clock.Now(), v, spec, replaces)
}

// issueAt is issue at a time, which a running clock may have passed.
func (k *Keys) issueAt(now time.Time, v *vendor, spec keySpec, replaces string) Issued {
	out := Issued{put: v.applier(spec.kind)}
	var pair partner
	if spec.kind == KindPair {
		tokenSpec := spec
		tokenSpec.kind = KindToken
		pair.token = k.store(now, v, tokenSpec, "", "", partner{}, &out.Token)
		pair.value = out.Token.Reveal()
	}
	rec := k.store(now, v, spec, replaces, "", pair, &out.Secret)
	out.Key = rec.key(now)
	return out
}

// partner is the user token of a pair, for the record of its client key; zero
// for any other record.
type partner struct {
	token *record
	value string
}

// store mints a value (unless given) and files its record.
func (k *Keys) store(now time.Time, v *vendor, spec keySpec, replaces, value string, pair partner, secret *Secret) *record {
	for {
		if value == "" {
			value = k.mint(v, spec, now)
		}
		rec := k.record(v, spec, now)
		rec.hash, rec.partner = sha256.Sum256([]byte(value)), pair.token
		if pair.token != nil {
			rec.fingerprint.store(fingerprintOf(value, pair.value))
		} else {
			rec.fingerprint.store(fingerprintOf("", value))
		}
		rec.life.Store(k.lifeOf(life{expires: toNano(spec.end(v, now)), replaces: replaces}))
		if !k.file(rec) {
			value = "" // drawn before: a seed is used in two namespaces; draw again
			continue
		}
		*secret = newSecret(value)
		return rec
	}
}

// record makes a record that is not stored yet. Consecutive records with the same
// properties share their class.
func (k *Keys) record(v *vendor, spec keySpec, now time.Time) *record {
	c := k.lastClass.Load()
	if c == nil || c.vendor != v || !c.spec.same(&spec) {
		c = &class{ns: k.ns, vendor: v, spec: spec, kind: surface.Key}
		switch spec.kind {
		case KindPair, KindToken:
			c.kind = surface.Pair
		case KindBearer:
			c.kind = surface.Bearer
		default:
		}
		k.lastClass.Store(c)
	}
	r := new(record)
	if spec.kind == KindKey {
		r = k.slab.record()
	}
	r.class, r.created = c, now
	return r
}

// same reports whether two specs are the same, slices and pointers included.
func (ks *keySpec) same(o *keySpec) bool {
	return sameSlice(ks.scopes, o.scopes) &&
		ks.kind == o.kind && ks.name == o.name && ks.contact == o.contact && ks.scoped == o.scoped && ks.access == o.access &&
		ks.user == o.user && ks.life == o.life && ks.until.Equal(o.until) && ks.limit == o.limit &&
		ks.lasting == o.lasting && ks.grant == o.grant && sameSlice(ks.attributes, o.attributes) && sameSlice(ks.channels, o.channels)
}

// sameSlice reports whether a and b are one slice.
func sameSlice[T any](a, b []T) bool {
	return len(a) == len(b) && (a == nil) == (b == nil) && (len(a) == 0 || &a[0] == &b[0])
}

// lifeOf returns a life for a record. Consecutive equal ones are shared, because
// a life is never modified.
func (k *Keys) lifeOf(l life) *life {
	if last := k.lastLife.Load(); last != nil && *last == l {
		return last
	}
	k.lastLife.Store(&l)
	return &l
}

// file gives rec an ID and stores it. It reports false if the value is in use.
func (k *Keys) file(rec *record) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	rec.seq = k.seq + 1
	rec.id = k.slab.id(k.ns.prefix(), rec.seq)
	if !k.ns.srv.vault.put(rec) {
		return false
	}
	k.seq = rec.seq
	k.byID[rec.id] = rec
	k.ns.srv.unsaved.key(rec)
	k.append(rec)
	if rec.spec.kind == KindToken {
		k.tokens[rec.spec.user] = append(k.tokens[rec.spec.user], rec)
	}
	if rec.spec.grant != nil {
		k.ns.oauth.join(rec)
	}
	return true
}

// end returns when a key made now expires: at its fixed expiry or after its
// lifetime, at most after the vendor's longest lifetime.
func (ks keySpec) end(v *vendor, now time.Time) time.Time {
	life := ks.life
	if life <= 0 {
		life = v.life
		switch ks.kind {
		case KindBearer:
			life = v.bearerLife
		case KindClient:
			life = 0
		default:
		}
	}
	end := ks.until
	if end.IsZero() && life > 0 {
		end = now.Add(life)
	}
	bound := ks.kind == KindKey || v.own && (ks.kind == KindPair || ks.kind == KindToken)
	if v.life > 0 && bound && (end.IsZero() || end.After(now.Add(v.life))) {
		end = now.Add(v.life)
	}
	return end
}

// mint draws a value in the vendor's shape.
func (k *Keys) mint(v *vendor, spec keySpec, now time.Time) string {
	if v.own && !ofOAuth(spec.kind) {
		shape := v.key
		if own, ok := v.prefixed[spec.access]; ok {
			shape = own
		}
		if spec.kind == KindToken {
			shape = v.second
		}
		return shape.Mint(k.ns.srv.random.fill)
	}
	switch spec.kind {
	case KindToken:
		return k.mintToken(spec.user)
	case KindPair:
		return mockkey.MintJWT(map[string]any{"apiKey": k.ns.srv.random.text(24), "createAt": now.UnixMilli(), "clientId": "keyfit-mock"})
	case KindBearer:
		return v.bearer.Mint(k.ns.srv.random.fill)
	case KindClient, KindCode, KindRefresh:
		return v.oauth.of(spec.kind).Mint(k.ns.srv.random.fill)
	default:
	}
	return v.key.Mint(k.ns.srv.random.fill)
}

// ofOAuth reports whether an authorization server mints a kind of credential.
func ofOAuth(kind KeyKind) bool {
	return kind == KindBearer || kind == KindClient || kind == KindCode || kind == KindRefresh
}

func (k *Keys) mintToken(user string) string {
	return mockkey.MintJWT(map[string]any{"sub": user, "jti": k.ns.srv.random.text(12)})
}

// Get returns a key by ID.
func (k *Keys) Get(id string) (Key, bool) {
	rec := k.get(id)
	if rec == nil {
		return Key{}, false
	}
	return rec.key(k.ns.clock.Now()), true
}

func (k *Keys) get(id string) *record {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.byID[id]
}

// KeyFilter selects keys; zero fields select all.
type KeyFilter struct {
	Provider    Provider
	Kind        KeyKind
	Status      KeyStatus
	Name        string
	UnusedSince time.Time // last used before this time, or never
}

// List returns the selected keys in the order of issue.
func (k *Keys) List(f KeyFilter) []Key {
	keys, _ := k.page(f, 0, math.MaxInt)
	return keys
}

// Verify returns the outcome that p would have for r now, and changes nothing: no
// quota is consumed, nothing is journalled, the last-used time stays.
func (k *Keys) Verify(p Provider, r *http.Request) Diagnosis {
	return k.ns.srv.verify(p, k.ns, r)
}
