package openapifile

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/keyfit/keyfit/mockserver"
)

// oauth takes the authorization server of the flows of the first oauth2 scheme that has one
// on the API's own hosts; that of another host is not the mock's. Operations of the document
// on its paths give way to it.
func (im *importer) oauth() {
	for _, name := range im.schemeNames() {
		ref := im.spec.Components.SecuritySchemes[name]
		if ref == nil || ref.Value == nil || ref.Value.Type != "oauth2" || ref.Value.Flows == nil {
			continue
		}
		flows := ref.Value.Flows
		srv := mockserver.OAuthServer{}
		if f := flows.ClientCredentials; f != nil {
			srv.Token = im.endpoint(f.TokenURL)
		}
		if f := flows.AuthorizationCode; f != nil && im.endpoint(f.TokenURL) != "" && im.endpoint(f.AuthorizationURL) != "" {
			srv.Token, srv.Authorize = im.endpoint(f.TokenURL), im.endpoint(f.AuthorizationURL)
		}
		if srv.Token == "" {
			continue
		}
		im.doc.api.OAuth = srv
		for _, f := range []*openapi3.OAuthFlow{flows.ClientCredentials, flows.AuthorizationCode} {
			if f != nil {
				for scope := range maps.Keys(f.Scopes) {
					im.scopes[scope] = true
				}
			}
		}
		im.doc.api.Routes = slices.DeleteFunc(im.doc.api.Routes, func(r mockserver.Route) bool {
			_, path, _ := strings.Cut(r.Pattern, " ")
			return path == srv.Token || path == srv.Authorize
		})
		return
	}
}

// endpoint is the path of an address on the API's own hosts, "" of any other.
func (im *importer) endpoint(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host != "" && !slices.Contains(im.doc.api.Hosts, strings.ToLower(u.Hostname())) {
		return ""
	}
	path := u.Path
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if path == "/" || strings.ContainsAny(path, "%{}*") {
		return ""
	}
	return path
}

// pairs lets the half of a pair that some operations want alone be its first one: for them it
// is enough.
func (im *importer) pairs() {
	api := &im.doc.api
	i := slices.IndexFunc(api.Schemes, func(s mockserver.Scheme) bool { return s.Pair != [2]string{} })
	if i < 0 {
		return
	}
	pair := &api.Schemes[i].Pair
	alone := func(half string) bool {
		return slices.ContainsFunc(api.Schemes, func(s mockserver.Scheme) bool { return strings.EqualFold(s.Header, half) })
	}
	if alone(pair[0]) == alone(pair[1]) {
		return // neither, or both, which is refused
	}
	if alone(pair[1]) {
		pair[0], pair[1] = pair[1], pair[0]
	}
	first := pair[0]
	api.Schemes = slices.DeleteFunc(api.Schemes, func(s mockserver.Scheme) bool { return strings.EqualFold(s.Header, first) })
	for _, op := range im.doc.ops {
		if r := &api.Routes[op.route]; !r.Open && strings.EqualFold(op.alone, first) {
			r.FirstOnly = true
		}
	}
}
