package mockserver

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/authserver"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// authorityServer is surface.Authority over the keys of a namespace.
type authorityServer struct {
	o *oauthStore
	v *vendor
}

func (as authorityServer) Client(id string) (surface.Client, bool) {
	as.o.mu.Lock()
	r := as.o.clients[id]
	as.o.mu.Unlock()
	if r == nil || r.vendor != as.v || r.alive(as.v, as.o.ns.clock.Now()).Outcome != OK {
		return surface.Client{}, false
	}
	return r.surfaceClient(), true
}

func (r *record) surfaceClient() surface.Client {
	g := r.spec.grant
	return surface.Client{ID: g.Client, Name: r.now().name, Redirects: g.Redirects, Scopes: r.now().scopes, Public: g.Public}
}

func (as authorityServer) Authenticate(id, secret string) (surface.Client, surface.Problem) {
	r := as.o.ns.srv.vault.find(hashCredential(secret))
	if r == nil || r.ns != as.o.ns || r.vendor != as.v || r.spec.kind != KindClient || r.spec.grant.Client != id {
		return surface.Client{}, as.unknown(secret, "client secret")
	}
	if r.spec.grant.Public { // nobody ever received that secret
		return surface.Client{}, surface.Problem{Outcome: string(UnknownKey), Why: r.id + " is a public client and has no secret"}
	}
	now := as.o.ns.clock.Now()
	if d := r.alive(as.v, now); d.Outcome != OK {
		return surface.Client{}, surface.Problem{Outcome: string(d.Outcome), Why: d.Why}
	}
	r.touch(now)
	return r.surfaceClient(), surface.Problem{}
}

// unknown distinguishes a mock-made value from one that may be a production
// credential.
func (as authorityServer) unknown(value, what string) surface.Problem {
	if as.v.oauth.made(value) || as.v.bearer.Made(value) || as.v.madeKey(value) || as.o.ns.srv.vault.find(hashCredential(value)) != nil {
		return surface.Problem{Outcome: string(UnknownKey), Why: "a well-formed mock value that is no " + what + " of this client and server"}
	}
	return surface.Problem{Outcome: string(NotAMockKey), Why: "this " + what + " was not issued by a mock: it may be a production one, so it was not recorded; register a client with " + as.v.oauth.config.Handle + ".Register"}
}

func (as authorityServer) Consent() surface.Consent {
	as.o.mu.Lock()
	defer as.o.mu.Unlock()
	queued := as.o.consents[as.v]
	if len(queued) == 0 {
		return surface.Consent{User: "user001"}
	}
	as.o.consents[as.v] = queued[1:]
	return queued[0]
}

func (as authorityServer) NewFamily() string { return as.o.ns.srv.random.hex(8) }

func (as authorityServer) Issue(g surface.Grant) (string, surface.Granted) {
	issued, granted := as.make(g)
	as.o.ns.srv.file.FlushOrReport()
	return issued.Secret.Reveal(), granted
}

// make stores a credential and links it with the one that it replaces.
func (as authorityServer) make(g surface.Grant) (Issued, surface.Granted) {
	spec := keySpec{
		kind: KindBearer, access: as.v.access, user: g.User, scopes: g.Scopes, scoped: true, until: g.Until,
		grant: &OAuthGrant{Client: g.Client, Family: g.Family, Redirect: g.Redirect, Challenge: g.Challenge},
	}
	switch g.Use {
	case surface.Code:
		spec.kind, spec.life = KindCode, as.v.oauth.codeLife
	case surface.RefreshToken:
		spec.kind, spec.life = KindRefresh, as.v.oauth.refreshLife
	case surface.AccessToken:
	}
	k := as.o.ns.keys
	k.ops.RLock()
	issued := k.issue(as.v, spec, g.Replaces)
	granted := k.get(issued.ID).granted() // it exists until evict
	if old := k.get(g.Replaces); old != nil {
		old.change.Lock()
		l := *old.life.Load()
		l.replacedBy = issued.ID
		old.set(&l)
		old.change.Unlock()
	}
	k.ops.RUnlock()
	as.o.evict()
	return issued, granted
}

func (as authorityServer) Find(value string) (surface.Granted, surface.Problem) {
	r := as.o.ns.srv.vault.find(hashCredential(value))
	if r == nil || r.ns != as.o.ns || r.vendor != as.v || r.spec.kind != KindCode && r.spec.kind != KindBearer && r.spec.kind != KindRefresh {
		return surface.Granted{}, as.unknown(value, "code or token")
	}
	return r.granted(), surface.Problem{}
}

func (r *record) granted() surface.Granted {
	l := r.life.Load()
	out := surface.Granted{ID: r.id, Created: r.created, Expires: fromNano(l.expires), Ended: l.revoked != 0}
	out.User, out.Scopes, out.Until = r.spec.user, r.spec.scopes, r.spec.until
	switch r.spec.kind {
	case KindCode:
		out.Use = surface.Code
	case KindRefresh:
		out.Use = surface.RefreshToken
	default:
		out.Use = surface.AccessToken
	}
	if g := r.spec.grant; g != nil {
		out.Client, out.Family, out.Redirect, out.Challenge = g.Client, g.Family, g.Redirect, g.Challenge
	}
	return out
}

func (as authorityServer) Spend(id string) bool {
	r := as.o.ns.keys.get(id)
	if r == nil {
		return false
	}
	as.o.ns.keys.ops.RLock()
	defer as.o.ns.keys.ops.RUnlock()
	r.change.Lock()
	defer r.change.Unlock()
	if r.life.Load().revoked != 0 {
		return false
	}
	now := as.o.ns.clock.Now()
	r.touch(now)
	r.revoke(now, "used")
	return true
}

func (as authorityServer) End(id, why string) { _ = as.o.ns.keys.Revoke(id, why) } // one that is gone has ended

func (as authorityServer) EndFamily(name, why string) {
	as.o.endFamily(name, why)
	as.o.ns.srv.file.FlushOrReport()
}

// joinClient lets the OAuth client of a request select the namespace, as a key
// does.
func (x *exchange) joinClient() {
	q := &x.req
	if q.Method != http.MethodPost && !strings.Contains(q.URL.RawQuery, "client_id=") {
		return
	}
	if !x.v.oauth.serves(q.URL.Path) {
		return
	}
	id := q.URL.Query().Get("client_id")
	if user, _, ok := q.BasicAuth(); ok {
		id, _ = url.QueryUnescape(user)
	}
	if id == "" && q.Body != nil && q.read() { // before the namespace and its journal are known
		id = authserver.ClientID(q.body)
	}
	if id == "" {
		return
	}
	for _, n := range x.srv.Namespaces() {
		n.oauth.mu.Lock()
		client := n.oauth.clients[id]
		n.oauth.mu.Unlock()
		if client != nil && client.vendor == x.v {
			x.ns = n
			return
		}
	}
}
