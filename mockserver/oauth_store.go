package mockserver

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/authserver"
	"github.com/keyfit/keyfit/mockserver/internal/iiniit"
	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// Lifetimes of tokens and codes. RFC 6749 section 4.1.2 recommends at most
// ten minutes for a code.
const (
	accessLife  = time.Hour
	codeLife    = time.Minute
	refreshLife = 30 * day
)

// maxMinted bounds the codes and tokens of a namespace, because a client can
// request any number. The oldest are dropped.
const maxMinted = 10_000

// oauthRow is what the core knows about the authorization server of an API.
type oauthRow struct {
	client, code, refresh mockkey.Shape
	codeLife, refreshLife time.Duration
	serves                func(path string) bool // whether a path may be an endpoint's
	config                authserver.Config
}

// iiniitOAuth is iiniit's; the shapes are assumptions.
func iiniitOAuth() *oauthRow {
	return &oauthRow{
		mockkey.Base64URL("iiniit client secret", 32), mockkey.Base64URL("iiniit code", 28), mockkey.Base64URL("iiniit refresh", 36),
		codeLife, refreshLife, func(path string) bool { return path != iiniit.Resource }, iiniit.Authority(),
	}
}

func (or *oauthRow) of(k KeyKind) mockkey.Shape {
	switch k {
	case KindCode:
		return or.code
	case KindRefresh:
		return or.refresh
	default:
		return or.client
	}
}

func (or *oauthRow) all() []mockkey.Shape {
	return []mockkey.Shape{or.client, or.code, or.refresh}
}

func (or *oauthRow) made(value string) bool {
	return or.client.Made(value) || or.code.Made(value) || or.refresh.Made(value)
}

// oauthStore has the clients, codes and tokens of all authorization servers of a
// namespace.
type oauthStore struct {
	ns *Namespace

	mu       sync.Mutex
	clients  map[string]*record // the newest secret by client ID
	families map[string]*family
	minted   []*record // codes and tokens, oldest first
	consents map[*vendor][]surface.Consent
}

// answer queues what the user says.
func (o *oauthStore) answer(v *vendor, c surface.Consent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.consents == nil {
		o.consents = make(map[*vendor][]surface.Consent)
	}
	o.consents[v] = append(o.consents[v], c)
}

// reset drops the queued answers. Keys drops the credentials.
func (o *oauthStore) reset() {
	o.mu.Lock()
	o.consents = nil
	o.mu.Unlock()
}

// family is all credentials of one authorization.
type family struct {
	ended   string // the reason, once it was ended
	members []*record
}

// join adds a record that Keys filed. It is called under the lock of Keys.
func (o *oauthStore) join(r *record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	g := r.spec.grant
	if r.spec.kind == KindClient {
		if o.clients == nil {
			o.clients = make(map[string]*record)
		}
		if old := o.clients[g.Client]; old == nil || old.seq < r.seq {
			o.clients[g.Client] = r
		}
		return
	}
	o.minted = append(o.minted, r)
	if g.Family == "" {
		return
	}
	f := o.families[g.Family]
	if f == nil {
		f = &family{}
		if o.families == nil {
			o.families = make(map[string]*family)
		}
		o.families[g.Family] = f
	}
	f.members = append(f.members, r)
	if f.ended != "" {
		r.revoke(r.created, f.ended) // r is not shared yet
	}
}

// leave undoes join.
func (o *oauthStore) leave(r *record) {
	g := r.spec.grant
	if r.spec.kind == KindClient {
		o.restoreClient(r)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	same := func(m *record) bool { return m == r }
	o.minted = slices.DeleteFunc(o.minted, same)
	if f := o.families[g.Family]; f != nil {
		f.members = slices.DeleteFunc(f.members, same)
	}
}

// restoreClient lets a client have the secret that it had before r.
func (o *oauthStore) restoreClient(r *record) {
	id := r.spec.grant.Client
	var older *record
	o.ns.keys.mu.RLock()
	for _, k := range o.ns.keys.inOrder() {
		if k.spec.kind == KindClient && k.spec.grant.Client == id && k != r {
			older = k
		}
	}
	o.ns.keys.mu.RUnlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.clients[id] != r:
	case older == nil:
		delete(o.clients, id)
	default:
		o.clients[id] = older
	}
}

// rebuild replaces everything by restored keys. It is called under the lock of
// Keys.
func (o *oauthStore) rebuild(keys map[string]*record) {
	o.mu.Lock()
	o.clients, o.families, o.minted = nil, nil, nil
	o.mu.Unlock()
	for _, r := range inOrder(maps.Values(keys)) {
		if r.spec.grant != nil {
			o.join(r)
		}
	}
}

// evict drops the oldest codes and tokens beyond the bound.
func (o *oauthStore) evict() {
	o.mu.Lock()
	var out []*record
	for len(o.minted) > maxMinted {
		r := o.minted[0]
		o.minted = o.minted[1:]
		out = append(out, r)
		if f := o.families[r.spec.grant.Family]; f != nil {
			f.members = slices.DeleteFunc(f.members, func(m *record) bool { return m == r })
			if len(f.members) == 0 {
				delete(o.families, r.spec.grant.Family)
			}
		}
	}
	o.mu.Unlock()
	for _, r := range out {
		o.ns.keys.forget(r)
	}
}

// forget removes a record: its value becomes unknown.
func (k *Keys) forget(r *record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.byID, r.id)
	k.ns.srv.vault.drop(r)
	k.ns.srv.unsaved.key(r)
}

// endFamily revokes all credentials of a family, also those that are filed later.
func (o *oauthStore) endFamily(name, why string) {
	o.mu.Lock()
	f := o.families[name]
	var members []*record
	if f != nil {
		f.ended = why
		members = slices.Clone(f.members)
	}
	o.mu.Unlock()
	now := o.ns.clock.Now()
	for _, r := range members { // not under o.mu: a rotation locks in the other order
		r.change.Lock()
		r.revoke(now, why)
		r.change.Unlock()
	}
}

// grantFits checks that a restored key's grant belongs to its kind.
func (kst *KeyState) grantFits(v *vendor) error {
	switch kst.Kind {
	case KindClient, KindCode, KindRefresh:
		if v.oauth == nil {
			return errors.New(v.title + " has no authorization server")
		}
		if kst.Grant == nil || kst.Grant.Client == "" {
			return errors.New("grant names no client")
		}
	case KindBearer:
	default:
		if kst.Grant != nil {
			return errors.New("only OAuth credentials have a grant")
		}
	}
	return nil
}
