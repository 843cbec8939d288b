package mockserver

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/authserver"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// Errors of Register and Issue; they come wrapped.
var (
	ErrRedirectURI = errors.New("redirect URI must be absolute, without fragment and wildcard")
	ErrScope       = errors.New("scope is not allowed")
	ErrNoClient    = errors.New("no such OAuth client")
	ErrNoAuthority = errors.New("provider has no authorization server")
)

// OAuth controls an authorization server in one namespace: its clients, the user's
// answers, its tokens. iiniit's is at BaseURL(Iiniit) under /auth/login,
// /oauth/authorize, /oauth/token, /oauth/revoke, /oauth/introspect and
// /.well-known/oauth-authorization-server; an API of one's own says where its is.
//
//	client, err := srv.OAuth().Register(mockserver.OAuthClient{RedirectURIs: []string{"http://localhost/cb"}})
//	srv.OAuth().DenyNext()                               // the user refuses the next request
//	srv.OAuth().ExpireAll(mockserver.KindBearer)         // forces a refresh
//
// Clients, codes and tokens are keys like others: Keys lists, revokes and
// expires them, Keys.Rotate rotates a client's secret, and the journal redacts
// them. All methods are safe for concurrent use.
type OAuth struct {
	ns *Namespace
	v  *vendor // nil: none
}

// OAuth returns the controls of iiniit's authorization server.
func (n *Namespace) OAuth() *OAuth { return n.OAuthOf(Iiniit) }

// OAuthOf returns the controls of the authorization server of an API of one's own
// (API.OAuth). Of a provider without one Register and Issue fail with ErrNoAuthority,
// and the other methods do nothing.
func (n *Namespace) OAuthOf(p Provider) *OAuth {
	v := n.srv.vendor(p)
	if v == nil || v.oauth == nil {
		v = nil
	}
	return &OAuth{n, v}
}

// OAuthClient is a client application. Register fills ID, KeyID and Created.
type OAuthClient struct {
	ID           string    `json:"id"`
	KeyID        string    `json:"keyId"` // among the keys, for Rotate and Revoke
	Name         string    `json:"name,omitempty"`
	RedirectURIs []string  `json:"redirectUris,omitempty"` // exact matches, no wildcards
	Scopes       []string  `json:"scopes"`                 // default: iiniit's read:user, all of an API of one's own
	Public       bool      `json:"public,omitempty"`       // has no secret and must use PKCE
	Created      time.Time `json:"created"`
	Secret       Secret    `json:"-"` // from Register only; empty for a public client
}

// OAuthGrant is the client and authorization that an OAuth credential belongs to,
// as in the state document.
type OAuthGrant struct {
	Client    string   `json:"client,omitempty"`
	Redirects []string `json:"redirects,omitempty"` // of a client
	Public    bool     `json:"public,omitempty"`    // of a client
	Family    string   `json:"family,omitempty"`    // all credentials of one authorization
	Redirect  string   `json:"redirect,omitempty"`  // of a code
	Challenge string   `json:"challenge,omitempty"` // of a code, PKCE S256
}

// OAuthTokens are tokens that OAuth.Issue made without a client's request.
type OAuthTokens struct {
	Access, Refresh Issued
}

// Register makes a client. It fails with ErrRedirectURI, ErrScope and ErrNoAuthority.
func (o *OAuth) Register(c OAuthClient) (OAuthClient, error) {
	if o.v == nil {
		return OAuthClient{}, fmt.Errorf("mockserver: register client: %w", ErrNoAuthority)
	}
	for _, uri := range c.RedirectURIs {
		if !validRedirect(uri) {
			return OAuthClient{}, fmt.Errorf("mockserver: register client: %q: %w", uri, ErrRedirectURI)
		}
	}
	for _, scope := range c.Scopes {
		if !authserver.ValidScope(scope) || o.v.closedScopes && !slices.Contains(o.v.scopes, scope) {
			return OAuthClient{}, fmt.Errorf("mockserver: register client: %q: %w", scope, ErrScope)
		}
	}
	if len(c.Scopes) == 0 {
		c.Scopes = o.v.scopes
	}
	k := o.ns.keys
	spec := keySpec{
		kind: KindClient, name: c.Name, scopes: slices.Clone(c.Scopes), scoped: true,
		grant: &OAuthGrant{Client: o.ns.srv.random.hex(16), Redirects: slices.Clone(c.RedirectURIs), Public: c.Public},
	}
	k.ops.RLock()
	issued := k.issue(o.v, spec, "")
	k.ops.RUnlock()
	if err := k.save(&undo{withdraw: []string{issued.ID}}); err != nil {
		return OAuthClient{}, fmt.Errorf("mockserver: register client: %w", err)
	}
	out := k.get(issued.ID).client()
	if !c.Public {
		out.Secret = issued.Secret
	}
	return out, nil
}

// validRedirect: "exact matches, including trailing slashes and case
// sensitivity; wildcards are not allowed" (page "Creating an OAuth App");
// absolute and without a fragment by RFC 6749 section 3.1.2.
func validRedirect(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque == "") && !strings.ContainsAny(uri, "#*")
}

func (r *record) client() OAuthClient {
	g := r.spec.grant
	return OAuthClient{
		ID: g.Client, KeyID: r.id, Name: r.now().name, RedirectURIs: slices.Clone(g.Redirects),
		Scopes: slices.Clone(r.now().scopes), Public: g.Public, Created: r.created,
	}
}

// Clients lists the registered clients in the order of registration.
func (o *OAuth) Clients() []OAuthClient {
	store := o.ns.oauth
	store.mu.Lock()
	recs := inOrder(maps.Values(store.clients))
	store.mu.Unlock()
	out := make([]OAuthClient, 0, len(recs))
	for _, r := range recs {
		if r.vendor == o.v {
			out = append(out, r.client())
		}
	}
	return out
}

// Tokens lists codes, access and refresh tokens in the order of issue, including
// expired and revoked ones. The last 10,000 are kept.
func (o *OAuth) Tokens() []Key {
	var out []Key
	if o.v == nil {
		return out
	}
	for _, k := range o.ns.keys.List(KeyFilter{Provider: o.v.provider}) {
		if k.Kind == KindCode || k.Kind == KindBearer || k.Kind == KindRefresh {
			out = append(out, k)
		}
	}
	return out
}

// Issue makes an access and a refresh token as if user had approved client.
// Without scopes it grants the client's. It fails with ErrNoClient, ErrScope and
// ErrNoAuthority.
func (o *OAuth) Issue(clientID, user string, scopes ...string) (OAuthTokens, error) {
	if o.v == nil {
		return OAuthTokens{}, fmt.Errorf("mockserver: issue tokens: %w", ErrNoAuthority)
	}
	a := authorityServer{o.ns.oauth, o.v}
	c, ok := a.Client(clientID)
	if !ok {
		return OAuthTokens{}, fmt.Errorf("mockserver: issue tokens: %w", ErrNoClient)
	}
	if len(scopes) == 0 {
		scopes = c.Scopes
	}
	for _, s := range scopes {
		if !slices.Contains(c.Scopes, s) {
			return OAuthTokens{}, fmt.Errorf("mockserver: issue tokens: %q: %w", s, ErrScope)
		}
	}
	g := surface.Grant{Client: clientID, User: user, Scopes: scopes, Family: a.NewFamily()}
	access, _ := a.make(g)
	g.Use = surface.RefreshToken
	refresh, _ := a.make(g)
	if err := o.ns.keys.save(&undo{withdraw: []string{access.ID, refresh.ID}}); err != nil {
		return OAuthTokens{}, fmt.Errorf("mockserver: issue tokens: %w", err)
	}
	return OAuthTokens{access, refresh}, nil
}

// ApproveNext makes user approve the next authorization request. Of the requested
// scopes the user grants those given here, or all without any. Several calls
// queue. Without ApproveNext and DenyNext, user "user001" approves everything.
func (o *OAuth) ApproveNext(user string, scopes ...string) {
	o.answer(surface.Consent{User: user, Scopes: slices.Clone(scopes)})
}

// DenyNext makes the user refuse the next authorization request (access_denied).
func (o *OAuth) DenyNext() { o.answer(surface.Consent{Denied: true}) }

func (o *OAuth) answer(c surface.Consent) {
	if o.v != nil {
		o.ns.oauth.answer(o.v, c)
	}
}

// ExpireAll expires every valid code and token of the given kinds now and returns
// their number. Without kinds these are KindCode, KindBearer and KindRefresh.
func (o *OAuth) ExpireAll(kinds ...KeyKind) int {
	if len(kinds) == 0 {
		kinds = []KeyKind{KindCode, KindBearer, KindRefresh}
	}
	n := 0
	for _, t := range o.Tokens() {
		if slices.Contains(kinds, t.Kind) && t.Status != StatusExpired && t.Status != StatusRevoked &&
			o.ns.keys.Expire(t.ID) == nil {
			n++
		}
	}
	return n
}
