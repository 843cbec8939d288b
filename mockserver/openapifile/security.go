package openapifile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/keyfit/keyfit/mockserver"
)

// require sets what a caller of an operation needs: the first alternative of its security
// that the mock can play.
func (im *importer) require(op *operation, route *mockserver.Route) error {
	security, own := im.spec.Security, op.op.Security != nil
	if own {
		security = *op.op.Security
	}
	if len(security) == 0 {
		route.Open = own || im.anyRequired()
		return nil
	}
	var problem string
	played := false
	for _, alternative := range security {
		if len(alternative) == 0 {
			route.Open, route.Scopes = true, nil
			return nil
		}
		made, why := im.schemesOf(alternative)
		if why != "" {
			problem = why
			continue
		}
		if !played {
			op.alone = made[0].Header
			for _, name := range slices.Sorted(maps.Keys(alternative)) {
				route.Scopes = append(route.Scopes, alternative[name]...)
			}
		}
		played = true
	}
	if !played {
		return im.wrong(op.inWords, "%s", problem)
	}
	slices.Sort(route.Scopes)
	route.Scopes = slices.Compact(route.Scopes)
	for _, s := range route.Scopes {
		im.scopes[s] = true
	}
	return nil
}

// anyRequired reports whether a security requirement stands anywhere. A document with
// schemes and none means that every operation needs a key.
func (im *importer) anyRequired() bool {
	if im.keyed != nil {
		return *im.keyed
	}
	some := len(im.spec.Security) > 0
	for _, item := range im.spec.Paths.Map() {
		if item == nil {
			continue
		}
		for _, op := range item.Operations() {
			some = some || op.Security != nil && len(*op.Security) > 0
		}
	}
	im.keyed = &some
	return some
}

func (im *importer) schemeNames() []string {
	if im.spec.Components == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(im.spec.Components.SecuritySchemes))
}

// schemes collects the schemes of the API: those of the document's own requirement come
// first, then those of its operations.
func (im *importer) schemes() error {
	add := func(security openapi3.SecurityRequirements) {
		for _, alternative := range security {
			made, why := im.schemesOf(alternative)
			if why != "" {
				continue
			}
			for _, s := range made {
				if !slices.ContainsFunc(im.doc.api.Schemes, func(o mockserver.Scheme) bool { return same(o, s) }) {
					im.doc.api.Schemes = append(im.doc.api.Schemes, s)
				}
			}
		}
	}
	add(im.spec.Security)
	for _, key := range slices.Sorted(maps.Keys(im.doc.ops)) {
		if s := im.doc.ops[key].op.Security; s != nil {
			add(*s)
		}
	}
	if len(im.doc.api.Schemes) > 0 || im.anyRequired() {
		return nil
	}
	for _, name := range im.schemeNames() {
		alternative := openapi3.SecurityRequirement{name: nil}
		if _, why := im.schemesOf(alternative); why != "" {
			return im.wrong("securitySchemes", "%s", why)
		}
		add(openapi3.SecurityRequirements{alternative})
	}
	return nil
}

func same(a, b mockserver.Scheme) bool {
	return strings.EqualFold(a.Header, b.Header) && strings.EqualFold(a.Authorization, b.Authorization) && a.Query == b.Query && a.Cookie == b.Cookie && a.Basic == b.Basic && a.Pair == b.Pair
}

// schemesOf are the schemes of an alternative, or why the mock cannot play it. Two headers
// that are wanted together are a pair.
func (im *importer) schemesOf(alternative openapi3.SecurityRequirement) (made []mockserver.Scheme, problem string) {
	for _, name := range slices.Sorted(maps.Keys(alternative)) {
		known := im.schemeNames()
		if !slices.Contains(known, name) {
			return nil, "security names the scheme " + quoted(name) + ", which components.securitySchemes does not have; it has " + cmp.Or(strings.Join(known, ", "), "none")
		}
		ref := im.spec.Components.SecuritySchemes[name]
		if ref == nil || ref.Value == nil {
			return nil, "the security scheme " + quoted(name) + " is empty"
		}
		s, why := schemeOf(ref.Value)
		if why != "" {
			return nil, "the security scheme " + quoted(name) + why
		}
		made = append(made, s)
	}
	switch {
	case len(made) <= 1:
		return made, ""
	case len(made) == 2 && made[0].Header != "" && made[1].Header != "":
		return []mockserver.Scheme{{Pair: [2]string{made[0].Header, made[1].Header}}}, ""
	}
	return nil, "it wants several credentials at once; the mock plays one, or two keys in two headers"
}

func quoted(s string) string { return `"` + oneLine(s) + `"` }

// schemeOf is a security scheme as the mock plays it. A key in the header Authorization
// has a scheme word: x-keyfit-scheme, or that of its description, or Bearer.
func schemeOf(s *openapi3.SecurityScheme) (made mockserver.Scheme, problem string) {
	switch s.Type {
	case "oauth2", "openIdConnect":
		return mockserver.Scheme{Authorization: "Bearer"}, ""
	case "http":
		switch word := strings.ToLower(s.Scheme); word {
		case "basic":
			return mockserver.Scheme{Basic: true}, ""
		case "bearer":
			return mockserver.Scheme{Authorization: "Bearer"}, ""
		case "digest", "hoba", "mutual", "negotiate", "vapid", "privatetoken", "dpop", "gnap", "concealed", "oauth", "":
			return made, " is http " + quoted(s.Scheme) + ", whose credential is no key as it is; the mock plays basic, bearer and words in front of a key"
		}
		if strings.HasPrefix(strings.ToLower(s.Scheme), "scram-") {
			return made, " is http " + quoted(s.Scheme) + ", whose credential is no key as it is"
		}
		return mockserver.Scheme{Authorization: s.Scheme}, ""
	case "apiKey":
		return keyIn(s)
	}
	return made, " has the type " + quoted(s.Type) + "; the mock plays apiKey, http, oauth2 and openIdConnect"
}

func keyIn(s *openapi3.SecurityScheme) (made mockserver.Scheme, problem string) {
	switch {
	case s.Name == "":
		return made, " has no name"
	case s.In == "query":
		return mockserver.Scheme{Query: s.Name}, ""
	case s.In == "cookie":
		return mockserver.Scheme{Cookie: s.Name}, ""
	case s.In != "header":
		return made, " is in " + quoted(s.In) + "; a key is in header, query or cookie"
	case !strings.EqualFold(s.Name, "Authorization"):
		return mockserver.Scheme{Header: s.Name}, ""
	}
	if word, ok := s.Extensions["x-keyfit-scheme"].(string); ok {
		return mockserver.Scheme{Authorization: word}, ""
	}
	description := strings.TrimPrefix(s.Description, "Authorization: ")
	if word, rest, ok := strings.Cut(description, " "); ok && (strings.HasPrefix(rest, "<") || strings.HasPrefix(rest, "{") || strings.HasPrefix(rest, "followed by") || strings.HasPrefix(rest, "and the key")) {
		return mockserver.Scheme{Authorization: word}, ""
	}
	return mockserver.Scheme{Authorization: "Bearer"}, ""
}
