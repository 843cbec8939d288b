package openapifile

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/keyfit/keyfit/mockserver"
)

// Check holds requests against the document: parameters, content type and body. An operation
// that the document lacks takes every request. What does not fit is refused with 415 for a
// content type, with 422 for a body that does not fit its schema, if the operation has that
// status, and else with 400.
func (d *Document) Check() mockserver.RequestCheck {
	return func(operation string, r *http.Request) *mockserver.Misfit {
		op := d.ops[nameless(operation)]
		if op == nil {
			return nil
		}
		return op.check(d.spec, operation, r)
	}
}

func (op *operation) check(spec *openapi3.T, pattern string, r *http.Request) (wrong *mockserver.Misfit) {
	defer func() {
		if recover() != nil { // the library gave up on it; the mock plays on
			wrong = nil
		}
	}()
	if wrong := op.wrongType(r); wrong != nil {
		return wrong
	}
	params := make(map[string]string)
	_, path, _ := strings.Cut(pattern, " ")
	for i, name := range wildcards(path) {
		if i < len(op.names) {
			params[op.names[i]] = r.PathValue(name)
		}
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params,
		Route:   &routers.Route{Spec: spec, Path: op.path, PathItem: op.item, Method: op.method, Operation: op.op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true},
	}
	in.Options.WithCustomSchemaErrorFunc(inWords)
	err := openapi3filter.ValidateRequest(r.Context(), in)
	if err == nil {
		return nil
	}
	return op.misfit(err)
}

// wildcards are the names in braces of a path.
func wildcards(path string) (names []string) {
	for {
		_, rest, open := strings.Cut(path, "{")
		if !open {
			return names
		}
		name, behind, _ := strings.Cut(rest, "}")
		names, path = append(names, name), behind
	}
}

// wrongType refuses a body in a content type that the operation does not take.
func (op *operation) wrongType(r *http.Request) *mockserver.Misfit {
	if op.op.RequestBody == nil || op.op.RequestBody.Value == nil || len(op.op.RequestBody.Value.Content) == 0 {
		return nil
	}
	content := op.op.RequestBody.Value.Content
	if r.ContentLength == 0 && r.Header.Get("Content-Type") == "" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && content.Get(kind) != nil {
		return nil
	}
	var all []string
	for name := range content {
		all = append(all, name)
	}
	slices.Sort(all)
	return &mockserver.Misfit{Status: http.StatusUnsupportedMediaType, Why: "the header Content-Type: the body is one of " + strings.Join(all, ", ")}
}

// misfit says what the library found, without the values that it quotes.
func (op *operation) misfit(err error) *mockserver.Misfit {
	wrong, ok := errors.AsType[*openapi3filter.RequestError](err)
	if !ok {
		return &mockserver.Misfit{Status: http.StatusBadRequest, Why: "the request does not fit the document"}
	}
	status, where := http.StatusBadRequest, "the body"
	schema, ofSchema := errors.AsType[*openapi3.SchemaError](err)
	if p := wrong.Parameter; p != nil {
		where = "the parameter " + quoted(p.Name) + " in " + p.In
	} else if ofSchema && op.op.Responses.Status(http.StatusUnprocessableEntity) != nil {
		status = http.StatusUnprocessableEntity
	}
	var what string
	parse, ofParse := errors.AsType[*openapi3filter.ParseError](err)
	switch {
	case errors.Is(err, openapi3filter.ErrInvalidRequired):
		what = "it is required, and was not sent"
	case errors.Is(err, openapi3filter.ErrInvalidEmptyValue):
		what = "it may not be empty"
	case ofSchema:
		schema = innermost(schema)
		if at := schema.JSONPointer(); len(at) > 0 {
			where += " at /" + oneLine(strings.Join(at, "/"))
		}
		what = inWords(schema)
	case ofParse && parse.Kind == openapi3filter.KindUnsupportedFormat:
		what = "its format is not supported"
	case wrong.Parameter != nil && wrong.Parameter.Schema != nil && wrong.Parameter.Schema.Value != nil && wrong.Parameter.Schema.Value.Type != nil:
		what = "it is not of type " + strings.Join(wrong.Parameter.Schema.Value.Type.Slice(), " or ")
	case errors.Is(err, io.EOF), ofParse:
		what = "it cannot be read as what its content type says"
	default:
		what = "it does not fit its schema"
	}
	return &mockserver.Misfit{Status: status, Why: where + ": " + what}
}

// innermost is the first of several misfits: the error around them names no place.
func innermost(err *openapi3.SchemaError) *openapi3.SchemaError {
	for err.SchemaField == "" {
		next, ok := errors.AsType[*openapi3.SchemaError](err.Origin)
		if !ok {
			break
		}
		err = next
	}
	return err
}
