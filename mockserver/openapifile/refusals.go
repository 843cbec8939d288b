package openapifile

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/keyfit/keyfit/mockserver"
)

// refusals takes the document's own examples for 401, 403 and 429: of the first operation
// that has one, and else of the responses of its components.
func (im *importer) refusals() {
	for status, outcome := range map[int]mockserver.Outcome{
		http.StatusUnauthorized: mockserver.UnknownKey, http.StatusForbidden: mockserver.InsufficientScope, http.StatusTooManyRequests: mockserver.RateLimited,
	} {
		made, ok := im.refusal(status)
		if !ok {
			continue
		}
		if im.doc.api.Refusals == nil {
			im.doc.api.Refusals = make(map[mockserver.Outcome]mockserver.Refusal)
		}
		im.doc.api.Refusals[outcome] = made
		if outcome == mockserver.UnknownKey {
			im.doc.api.Refusals[mockserver.MissingKey] = made
		}
	}
}

// refusal is the answer of the document to a status. Only what is written out as an example
// is taken, in JSON: a refusal has one content type.
func (im *importer) refusal(status int) (mockserver.Refusal, bool) {
	for _, key := range slices.Sorted(maps.Keys(im.doc.ops)) {
		op := im.doc.ops[key]
		if ref := op.op.Responses.Status(status); ref != nil && ref.Value != nil {
			if made, ok := refusalOf(status, ref.Value); ok {
				return made, true
			}
		}
	}
	return mockserver.Refusal{}, false
}

func refusalOf(status int, response *openapi3.Response) (mockserver.Refusal, bool) {
	for _, kind := range slices.SortedFunc(maps.Keys(response.Content), func(a, b string) int { return preference(a) - preference(b) }) {
		media := response.Content[kind]
		if preference(kind) > 1 || media == nil {
			continue
		}
		v := media.Example
		if v == nil {
			v = exampleOf(media.Examples)
		}
		if v == nil && media.Schema != nil && media.Schema.Value != nil {
			v = media.Schema.Value.Example
		}
		if v == nil {
			continue
		}
		// a brace in a text is written as an escape: it is no value of a template
		made := mockserver.Refusal{Status: status, Body: escapeBraces(string(encode(kind, v)))}
		if h := response.Headers["WWW-Authenticate"]; h != nil && h.Value != nil {
			made.Challenge = headerValue(&h.Value.Parameter, false)
		}
		return made, true
	}
	return mockserver.Refusal{}, false
}

// escapeBraces writes the braces inside the texts of JSON as escapes.
func escapeBraces(data string) string {
	var b strings.Builder
	inText := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\\' && inText && i+1 < len(data):
			b.WriteString(data[i : i+2])
			i++
			continue
		case c == '"':
			inText = !inText
		case c == '{' && inText:
			b.WriteString(`\u007b`)
			continue
		}
		b.WriteByte(data[i])
	}
	return b.String()
}
