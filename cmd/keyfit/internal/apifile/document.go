package apifile

import (
	"cmp"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/strictyaml"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/openapifile"
)

// description is a file of ours: an API, and the OpenAPI document that it stands on.
type description struct {
	mockserver.API

	OpenAPI string `json:"openapi"`
}

// isDocument reports whether a file is an OpenAPI or Swagger document: it has that member
// with a version.
func isDocument(data []byte) bool {
	return regexp.MustCompile(`(?m)(^[ \t{]*|[{,]\s*)["']?(openapi|swagger)["']?\s*:\s*["']?[0-9]`).Match(data)
}

// fromDocument makes an API of a document and its extension x-keyfit, which has the
// members of a description.
func fromDocument(path string, doc *openapifile.Document) (mockserver.API, mockserver.RequestCheck, error) {
	var own mockserver.API
	lines, err := strictyaml.DecodeNode(path, doc.Extension(), &own)
	if err != nil {
		return mockserver.API{}, nil, err //nolint:wrapcheck // it names the file
	}
	a, err := checked(onto(doc.API(), own), lines)
	if err != nil {
		return mockserver.API{}, nil, err
	}
	return a, doc.Check(), nil
}

// onto returns the API of a document with what a description says: that takes precedence.
// A route of the description that has no reply is the document's with another limit or scope.
func onto(base, own mockserver.API) mockserver.API {
	out := own
	to, from := reflect.ValueOf(&out).Elem(), reflect.ValueOf(base)
	for i := range to.NumField() {
		if to.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
	if own.Refusals != nil {
		out.Refusals = maps.Clone(base.Refusals)
		if out.Refusals == nil {
			out.Refusals = make(map[mockserver.Outcome]mockserver.Refusal)
		}
		maps.Copy(out.Refusals, own.Refusals)
	}
	out.Scopes = slices.Concat(own.Scopes, base.Scopes)
	slices.Sort(out.Scopes)
	out.Scopes = slices.Compact(out.Scopes)
	out.Routes = slices.Clone(own.Routes)
	for _, r := range base.Routes {
		i := slices.IndexFunc(own.Routes, func(o mockserver.Route) bool { return o.Pattern == r.Pattern })
		if i < 0 {
			out.Routes = append(out.Routes, r)
			continue
		}
		with := &out.Routes[i]
		if reply := with.Reply; cmp.Or(reply.Type, reply.Body, strings.Repeat("x", reply.Status)) == "" && len(reply.Header) == 0 {
			with.Handler = r.Handler
		}
		if !with.Open && with.Scope == "" && with.Scopes == nil {
			with.Scopes = r.Scopes
		}
	}
	return out
}
