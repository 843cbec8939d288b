package apifile

import (
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/openapifile"
)

// written is a file of ours: an API, and the OpenAPI document that it stands on.
type written struct {
	mockserver.API

	OpenAPI string `json:"openapi"`
}

// isDocument reports whether a file is an OpenAPI or Swagger document: it has that member
// with a version. In YAML that stands at the start of a line; further in it is another's text.
func isDocument(data []byte) bool {
	const member = `["']?(openapi|swagger)["']?\s*:\s*["']?\d`
	if regexp.MustCompile(`\A(\x{feff}|\s|#.*\n|---\s)*\{`).Match(data) { // as JSON is written
		return regexp.MustCompile(`[{,]\s*` + member).Match(data)
	}
	return regexp.MustCompile(`(?m)^\x{feff}?` + member).Match(data)
}

// fromDocument describes the API of a document that was read, unless that failed, and of its
// extension x-keyfit, which has the members of a description.
func fromDocument(name string, doc *openapifile.Document, err error) (Description, error) {
	if err != nil {
		return Description{}, asError(err)
	}
	var own mockserver.API
	lines, err := reader().DecodeNode(name, doc.Extension(), &own)
	if err != nil {
		return Description{}, asError(err)
	}
	return checked(onto(doc.API(), own), doc.Check(), lines)
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
		if len(with.Replies) == 0 && reflect.ValueOf(with.Reply).IsZero() {
			with.Handler = r.Handler
		}
		if !with.Open && with.Scope == "" && with.Scopes == nil {
			with.Scopes = r.Scopes
			with.FirstOnly = with.FirstOnly || r.FirstOnly
			with.Open = r.Open && len(with.Access) == 0 && with.Group == ""
		}
	}
	return out
}
