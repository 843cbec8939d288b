package mockserver

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/iiniit"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// authorityServer is surface.Authority over the keys of a namespace.
type authorityServer struct {
	o *OAuth
	v *vendor
}

func (a authorityServer) Client(id string) (surface.Client, bool) {
	a.o.mu.Lock()
	r := a.o.clients[id]
	a.o.mu.Unlock()
	if r == nil || r.alive(a.v, a.o.ns.clock.Now()).Outcome != OK {
		return surface.Client{}, false
	}
	return r.surfaceClient(), true
}

func (r *record) surfaceClient() surface.Client {
	g := r.spec.grant
	return surface.Client{ID: g.Client, Name: r.now().name, Redirects: g.Redirects, Scopes: r.now().scopes, Public: g.Public}
}

func (a authorityServer) Authenticate(id, secret string) (surface.Client, surface.Problem) {
	r := a.o.ns.srv.vault.find(hashCredential(secret))
	if r == nil || r.ns != a.o.ns || r.spec.kind != KindClient || r.spec.grant.Client != id {
		return surface.Client{}, a.unknown(secret, "client secret")
	}
	if r.spec.grant.Public { // nobody ever received that secret
		return surface.Client{}, surface.Problem{Outcome: string(UnknownKey), Why: r.id + " is a public client and has no secret"}
	}
	now := a.o.ns.clock.Now()
	if d := r.alive(a.v, now); d.Outcome != OK {
		return surface.Client{}, surface.Problem{Outcome: string(d.Outcome), Why: d.Why}
	}
	r.touch(now)
	return r.surfaceClient(), surface.Problem{}
}

// unknown distinguishes a mock-made value from one that may be a production
// credential.
func (a authorityServer) unknown(value, what string) surface.Problem {
	if a.v.oauth.made(value) || a.v.bearer.Made(value) || a.v.key.Made(value) || a.o.ns.srv.vault.find(hashCredential(value)) != nil {
		return surface.Problem{Outcome: string(UnknownKey), Why: "a well-formed mock value that is no " + what + " of this client and server"}
	}
	return surface.Problem{Outcome: string(NotAMockKey), Why: "no mock ever made this " + what + ": it may be a production one, so it was not recorded; register a client with OAuth().Register"}
}

func (a authorityServer) Consent() surface.Consent {
	a.o.mu.Lock()
	defer a.o.mu.Unlock()
	if len(a.o.consents) == 0 {
		return surface.Consent{User: "user001"}
	}
	c := a.o.consents[0]
	a.o.consents = a.o.consents[1:]
	return c
}

func (a authorityServer) NewFamily() string { return a.o.ns.srv.random.hex(8) }

func (a authorityServer) Issue(g surface.Grant) (string, surface.Granted) {
	issued, granted := a.make(g)
	a.o.ns.srv.file.FlushOrReport()
	return issued.Secret.Reveal(), granted
}

// make stores a credential and links it with the one that it replaces.
func (a authorityServer) make(g surface.Grant) (Issued, surface.Granted) {
	spec := keySpec{
		kind: KindBearer, user: g.User, scopes: g.Scopes, scoped: true, until: g.Until,
		grant: &OAuthGrant{Client: g.Client, Family: g.Family, Redirect: g.Redirect, Challenge: g.Challenge},
	}
	switch g.Use {
	case surface.Code:
		spec.kind, spec.life = KindCode, codeLife
	case surface.RefreshToken:
		spec.kind, spec.life = KindRefresh, refreshLife
	case surface.AccessToken:
	}
	k := a.o.ns.keys
	k.ops.RLock()
	issued := k.issue(a.v, spec, g.Replaces)
	granted := k.get(issued.ID).granted() // it exists until evict
	if old := k.get(g.Replaces); old != nil {
		old.change.Lock()
		l := *old.life.Load()
		l.replacedBy = issued.ID
		old.life.Store(&l)
		old.change.Unlock()
	}
	k.ops.RUnlock()
	a.o.evict()
	return issued, granted
}

func (a authorityServer) Find(value string) (surface.Granted, surface.Problem) {
	r := a.o.ns.srv.vault.find(hashCredential(value))
	if r == nil || r.ns != a.o.ns || r.vendor != a.v || r.spec.kind != KindCode && r.spec.kind != KindBearer && r.spec.kind != KindRefresh {
		return surface.Granted{}, a.unknown(value, "code or token")
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

func (a authorityServer) Spend(id string) bool {
	r := a.o.ns.keys.get(id)
	if r == nil {
		return false
	}
	a.o.ns.keys.ops.RLock()
	defer a.o.ns.keys.ops.RUnlock()
	r.change.Lock()
	defer r.change.Unlock()
	if r.life.Load().revoked != 0 {
		return false
	}
	now := a.o.ns.clock.Now()
	r.touch(now)
	r.revoke(now, "used")
	return true
}

func (a authorityServer) End(id, why string) { _ = a.o.ns.keys.Revoke(id, why) } // one that is gone has ended

func (a authorityServer) EndFamily(name, why string) {
	a.o.endFamily(name, why)
	a.o.ns.srv.file.FlushOrReport()
}

// joinClient lets the OAuth client of a request select the namespace, as a key
// does.
func (x *exchange) joinClient() {
	q := &x.req
	if q.Method != http.MethodPost && !strings.Contains(q.URL.RawQuery, "client_id=") {
		return
	}
	if q.URL.Path == iiniit.Resource {
		return
	}
	id := q.URL.Query().Get("client_id")
	if user, _, ok := q.BasicAuth(); ok {
		id, _ = url.QueryUnescape(user)
	}
	if id == "" && q.Body != nil && q.read() { // before the namespace and its journal are known
		id = iiniit.ClientID(q.body)
	}
	if id == "" {
		return
	}
	for _, n := range x.srv.Namespaces() {
		n.oauth.mu.Lock()
		known := n.oauth.clients[id] != nil
		n.oauth.mu.Unlock()
		if known {
			x.ns = n
			return
		}
	}
}
