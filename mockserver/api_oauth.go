package mockserver

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/authserver"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// bearer is the scheme word of access tokens.
const bearer = "Bearer"

// none reports whether the API has no authorization server.
func (srv *OAuthServer) none() bool { return reflect.ValueOf(srv).Elem().IsZero() }

// endpoint is a path of an authorization server, and the member that gives it.
type endpoint struct{ member, path string }

// endpoints lists the paths that are given.
func (srv *OAuthServer) endpoints() []endpoint {
	all := []endpoint{
		{"oauth.token", srv.Token},
		{"oauth.authorize", srv.Authorize},
		{"oauth.revoke", srv.Revoke},
		{"oauth.introspect", srv.Introspect},
		{"oauth.metadata", srv.Metadata},
	}
	return slices.DeleteFunc(all, func(e endpoint) bool { return e.path == "" })
}

// at returns the member that gives a path, "" if none does.
func (srv *OAuthServer) at(path string) string {
	for _, e := range srv.endpoints() {
		if e.path == path {
			return e.member
		}
	}
	return ""
}

// checkOAuth checks what is given of an authorization server.
func (def *definition) checkOAuth() {
	srv := &def.OAuth
	if srv.none() {
		return
	}
	if srv.Token == "" {
		def.wrong("oauth.token", "there is none; give the path of the token endpoint, such as /oauth/token")
	}
	first := make(map[string]string)
	for _, e := range srv.endpoints() {
		names, problem := patternNames("POST " + e.path)
		switch {
		case problem != "" || len(names) > 0:
			def.wrong(e.member, "%.80q is no path, such as /oauth/token", e.path)
		case first[e.path] != "" && (e.member != "oauth.authorize" || first[e.path] != "oauth.token"): // GET and POST
			def.wrong(e.member, "%.80q is that of %s as well", e.path, first[e.path])
		}
		first[e.path] = e.member
	}
	for i, grant := range srv.Grants {
		switch {
		case !slices.Contains(authserver.Grants(), grant):
			def.wrong(at("oauth.grants", i), "%.60q is none of %s%s", grant, strings.Join(authserver.Grants(), ", "), meant(grant, authserver.Grants()))
		case slices.Index(srv.Grants, grant) < i:
			def.wrong(at("oauth.grants", i), "%q is there twice", grant)
		case grant != authserver.ClientCredentials && srv.Authorize == "":
			def.wrong(at("oauth.grants", i), "%s needs oauth.authorize, the path of the authorization endpoint", grant)
		}
	}
	for _, life := range []struct {
		member string
		of     time.Duration
	}{{"oauth.life", srv.Life}, {"oauth.refreshLife", srv.RefreshLife}, {"oauth.codeLife", srv.CodeLife}} {
		if life.of < 0 || life.of > maxLife || life.of > 0 && life.of < time.Second {
			def.wrong(life.member, "%s is not between 1s and %s", Duration(life.of), Duration(maxLife))
		}
	}
}

// grantTypes are those of the server.
func (srv *OAuthServer) grantTypes() []string {
	switch {
	case len(srv.Grants) > 0:
		return slices.Clone(srv.Grants)
	case srv.Authorize == "":
		return []string{authserver.ClientCredentials}
	}
	return authserver.Grants()
}

// oauth makes the authorization server's row of a vendor; nil is none.
func (def *definition) oauth(v *vendor) *oauthRow {
	srv := &def.OAuth
	if srv.none() {
		return nil
	}
	look := func(given KeyShape) KeyShape {
		return KeyShape{given.Prefix, cmp.Or(given.Alphabet, "base64url"), cmp.Or(given.Length, 43)}
	}
	v.bearer, v.bearerLife = def.shape("oauth.access", look(srv.Access), " bearer"), cmp.Or(srv.Life, accessLife)
	return &oauthRow{
		client:   def.shape("oauth.secret", look(srv.Secret), " client secret"),
		code:     def.shape("oauth.code", look(srv.Code), " code"),
		refresh:  def.shape("oauth.refresh", look(srv.Refresh), " refresh"),
		codeLife: cmp.Or(srv.CodeLife, codeLife), refreshLife: cmp.Or(srv.RefreshLife, refreshLife),
		serves: func(path string) bool { return srv.at(path) != "" },
		config: authserver.Config{
			Realm: string(def.Name), Scopes: append([]string{}, def.Scopes...), Grants: srv.grantTypes(), Handle: `OAuthOf("` + string(def.Name) + `")`,
			Authorize: given(srv.Authorize), Token: given(srv.Token), Revoke: srv.Revoke, Introspect: srv.Introspect, Metadata: srv.Metadata,
		},
	}
}

// given is a list of a path, or of none.
func given(path string) []string {
	if path == "" {
		return nil
	}
	return []string{path}
}

// withOAuth returns the routes of an API with those of its authorization server.
func (v *vendor) withOAuth(env surface.Env, s surface.Surface) surface.Surface {
	if v.oauth != nil {
		s.Routes = slices.Concat(s.Routes, authserver.Routes(env, v.oauth.config))
	}
	return s
}
