package mockserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// AdminOpenAPI returns the OpenAPI 3.1 document of the admin API. It is generated
// from the route table and from the types of the bodies, so it cannot differ
// from them.
func AdminOpenAPI() []byte { return adminOpenAPI(Providers()) }

// adminOpenAPI is AdminOpenAPI for a server that plays these providers.
func adminOpenAPI(played []Provider) []byte {
	d := &document{played: played, schemas: make(map[string]any), types: make(map[string]reflect.Type)}
	d.schemas["Problem"] = d.object(reflect.TypeFor[problem](), false)
	paths := make(map[string]map[string]any)
	for _, r := range adminRoutes() {
		if paths[r.path] == nil {
			paths[r.path] = make(map[string]any)
		}
		paths[r.path][strings.ToLower(r.method)] = d.operation(&r)
	}
	doc := map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": "keyfit mock, admin API", "version": "1",
			"description": "Keys, clock, faults and requests of a running mock. Durations are written \"90s\", \"24h\" or \"365d\". The default namespace is called \"default\". " +
				"HEAD is answered as GET is, without the body. A POST whose members are all optional may come without a body, and then without a Content-Type.",
		},
		"servers":  []any{map[string]any{"url": "/", "description": "where the document came from: the address that the mock announces"}},
		"paths":    paths,
		"security": []any{map[string]any{"token": []any{}}},
		"components": map[string]any{
			"securitySchemes": map[string]any{"token": map[string]any{"type": "http", "scheme": "bearer"}},
			"schemas":         d.schemas,
			"responses": map[string]any{"Problem": map[string]any{
				"description": "Refused; detail has the remedy (RFC 9457)",
				"content":     media("application/problem+json", map[string]any{"$ref": "#/components/schemas/Problem"}),
			}},
		},
	}
	data, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		panic("mockserver: admin document: " + err.Error()) // maps, strings and numbers always encode
	}
	return data
}

// document collects the schemas of the types that it describes.
type document struct {
	schemas map[string]any
	types   map[string]reflect.Type
	played  []Provider
}

func media(kind string, schema any) map[string]any {
	return map[string]any{kind: map[string]any{"schema": schema}}
}

// operation describes one route.
func (doc *document) operation(r *adminRoute) map[string]any {
	var params []any
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(r.path, -1) {
		params = append(params, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	for _, p := range r.query {
		params = append(params, map[string]any{"name": p.name, "in": "query", "description": p.about, "schema": map[string]any{"type": "string"}})
	}
	if r.once {
		params = append(params, map[string]any{
			"name": "Idempotency-Key", "in": "header", "schema": map[string]any{"type": "string", "maxLength": 255},
			"description": "repeats the first response instead of the operation",
		})
	}
	status := r.status
	if status == 0 {
		status = http.StatusOK
	}
	answer := map[string]any{"description": r.summary}
	switch r.out.(type) {
	case nil:
		status = http.StatusNoContent
	case text:
		content := make(map[string]any)
		for kind := range strings.SplitSeq(r.media, ", ") {
			content[kind] = map[string]any{"schema": map[string]any{"type": "string"}}
			if kind == "application/json" {
				content[kind] = map[string]any{"schema": map[string]any{"type": "object"}}
			}
		}
		answer["content"] = content
	default:
		answer["content"] = media("application/json", doc.schema(reflect.TypeOf(r.out), false))
	}
	op := map[string]any{
		"summary": r.summary, "operationId": operationID(r.method, r.path),
		"responses": map[string]any{strconv.Itoa(status): answer, "default": map[string]any{"$ref": "#/components/responses/Problem"}},
	}
	if params != nil {
		op["parameters"] = params
	}
	if r.in != nil {
		schema := doc.object(reflect.TypeOf(r.in), true)
		op["requestBody"] = map[string]any{"required": schema["required"] != nil, "content": media("application/json", schema)}
	}
	if r.open {
		op["security"] = []any{}
	}
	return op
}

func operationID(method, path string) string {
	words := strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune("/{}.", r) })
	return strings.ToLower(method) + "_" + strings.Join(words, "_")
}

// enum lists the values of a string type with a fixed list; nil for others.
func (doc *document) enum(t reflect.Type) []any {
	var out []any
	switch t {
	case reflect.TypeFor[Provider]():
		for _, p := range doc.played {
			out = append(out, p)
		}
	case reflect.TypeFor[Outcome]():
		for _, o := range Outcomes() {
			out = append(out, o)
		}
	case reflect.TypeFor[FaultKind]():
		for _, k := range FaultKinds() {
			out = append(out, k)
		}
	case reflect.TypeFor[KeyKind]():
		for _, k := range keyKinds() {
			out = append(out, k)
		}
	case reflect.TypeFor[KeyStatus]():
		out = append(out, StatusActive, StatusExpiring, StatusRotating, StatusSuspended, StatusExpired, StatusRevoked)
	case reflect.TypeFor[Part]():
		for _, p := range Parts() {
			out = append(out, p)
		}
	case reflect.TypeFor[AccessType]():
		out = append(out, Admin, Integrations, Transactional)
	case reflect.TypeFor[KeyChoice]():
		out = append(out, KeysInUse, KeysReplaced, KeysAll)
	case reflect.TypeFor[OutageKind]():
		out = append(out, OutageStatus, OutageReset, OutageHang, OutageSlow)
	case reflect.TypeFor[PlayState]():
		out = append(out, ScenarioPlays, ScenarioFinished, ScenarioStopped)
	}
	return out
}

// wireType returns the type whose fields a type's JSON methods write.
func wireType(t reflect.Type) reflect.Type {
	switch t {
	case reflect.TypeFor[Limit]():
		return reflect.TypeFor[wireLimit]()
	case reflect.TypeFor[Profile]():
		return reflect.TypeFor[wireProfile]()
	case reflect.TypeFor[Answer]():
		return reflect.TypeFor[wireAnswer]()
	}
	return t
}

// schema describes the JSON of a type. In a request (in) the members tagged as
// required are required, in a response all that are always written.
func (doc *document) schema(t reflect.Type, in bool) map[string]any {
	names := map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[instant]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[Duration](), reflect.TypeFor[time.Duration](): // the latter inside Fault and Diagnosis
		return map[string]any{"type": "string", "examples": []any{"90s", "24h", "365d"}}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{"type": "object"}
	case reflect.TypeFor[LimitKind]():
		return map[string]any{"type": "string", "enum": []any{"fixed", "sliding"}}
	case reflect.TypeFor[Shape]():
		return map[string]any{"type": "string", "enum": []any{"flat", "enveloped"}}
	case reflect.TypeFor[Hint](), reflect.TypeFor[Variant]():
		return names
	}
	t = wireType(t)
	switch t.Kind() {
	case reflect.Pointer:
		return doc.schema(t.Elem(), in)
	case reflect.String:
		if values := doc.enum(t); values != nil {
			if !in { // a host of no vendor, an access type of a vendor without any
				values = append(values, "")
			}
			return map[string]any{"type": "string", "enum": values}
		}
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": doc.schema(t.Elem(), in)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": doc.schema(t.Elem(), in)}
	case reflect.Interface:
		return map[string]any{}
	case reflect.Struct:
		return doc.ref(t, in)
	default:
	}
	if strings.HasPrefix(t.Kind().String(), "int") || strings.HasPrefix(t.Kind().String(), "uint") {
		return map[string]any{"type": "integer"}
	}
	panic(fmt.Sprintf("mockserver: admin document: no schema for %s", t)) // a test makes the whole document
}

// ref returns a reference to the schema of a struct, which is added once.
func (doc *document) ref(t reflect.Type, in bool) map[string]any {
	name := strings.TrimSuffix(strings.TrimPrefix(t.Name(), "wire"), "View")
	if name == "client" { // what generators call their own type
		name = "OAuthClient"
	}
	if i := strings.IndexByte(name, '['); i >= 0 { // page[T]
		return doc.object(t, in)
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	if in {
		name += "Input"
	}
	if met := doc.types[name]; met != nil && met != t {
		panic(fmt.Sprintf("mockserver: admin document: %s and %s are both %s", met, t, name)) // a test makes the whole document
	}
	if doc.schemas[name] == nil {
		doc.types[name] = t
		doc.schemas[name] = true // a recursive type would not end
		doc.schemas[name] = doc.object(t, in)
	}
	return map[string]any{"$ref": "#/components/schemas/" + name}
}

func (doc *document) object(t reflect.Type, in bool) map[string]any {
	properties, required := make(map[string]any), []any{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		for f := range t.Fields() {
			name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous && name == "" {
				walk(f.Type)
				continue
			}
			if name == "" || name == "-" {
				continue
			}
			s := doc.schema(f.Type, in)
			if about := f.Tag.Get("doc"); about != "" {
				s["description"] = about
			}
			properties[name] = s
			if f.Tag.Get("required") != "" || !in && opts == "" {
				required = append(required, name)
			}
		}
	}
	walk(t)
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
