package openapifile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/openapifile"
)

// document is a document of a version with paths and schemes in flow style.
func document(version, rest string) string {
	return "openapi: " + version + "\ninfo: {title: Acme API, version: '1'}\n" + rest
}

const keyed = `components:
  securitySchemes:
    k: {type: apiKey, in: header, name: X-Acme-Key}
security: [{k: []}]
`

// call sends a request to the API that a document describes, with a key unless it is nil.
func call(t *testing.T, srv *mockserver.Server, name mockserver.Provider, op, body string, key *mockserver.Issued, header ...string) (int, string, http.Header) {
	t.Helper()
	method, path, _ := strings.Cut(op, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+string(name)+".localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if key != nil {
		key.Apply(r)
	}
	res, err := srv.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(data), res.Header
}

func serve(t *testing.T, doc *openapifile.Document) *mockserver.Server {
	t.Helper()
	return mockserver.New(t, mockserver.WithAPI(doc.API()), mockserver.WithRequestCheck(doc.API().Name, doc.Check()))
}

func TestADocumentIsAnAPI(t *testing.T) {
	t.Parallel()
	const paths = `servers: [{url: 'https://{r}.acme.example/v1/', variables: {r: {default: eu}}}, {url: 'http://localhost:8080'}]
paths:
  /items/{item-id}.json:
    parameters: [{name: item-id, in: path, required: true, schema: {type: integer}}]
    get:
      security: [{o: [write, read]}]
      responses: {'404': {description: d}, '200': {description: d, headers: {X-Total: {schema: {type: integer}, example: 7}}, content: {application/xml: {example: <a/>}, application/json: {example: {text: '{name} of {path.id}'}}}}}
  /items/me.json:
    get: {responses: {'204': {description: d}}}
  /open:
    post:
      security: []
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [n], properties: {n: {type: integer, maximum: 9}}}}}}
      responses: {'201': {description: d}, '401': {description: d, content: {application/json: {example: {oh: 'no {key}'}}}}, '422': {description: d}}
components:
  securitySchemes:
    k: {type: apiKey, in: cookie, name: acme}
    o: {type: oauth2, flows: {clientCredentials: {tokenUrl: /t, scopes: {read: r, write: w}}}}
security: [{k: []}]
`
	for _, version := range []string{"3.0.3", "3.1.0"} {
		doc, err := openapifile.Parse("acme.openapi.yaml", []byte(document(version, paths)))
		if err != nil {
			t.Fatal(err)
		}
		api := doc.API()
		wantAPI := []any{mockserver.Provider("acme"), "Acme API", []string{"eu.acme.example"}, []string{"read", "write"}, []mockserver.Scheme{{Cookie: "acme"}, {Authorization: "Bearer"}}}
		if d := cmp.Diff(wantAPI, []any{api.Name, api.Title, api.Hosts, api.Scopes, api.Schemes}); d != "" {
			t.Errorf("%s (-want +got):\n%s", version, d)
		}
		srv := serve(t, doc)
		good, noScope := srv.Keys().Issue("acme"), srv.Keys().Issue("acme", mockserver.Scopes("read"))
		var got []string
		for _, c := range []struct {
			op, body string
			key      *mockserver.Issued
			header   []string
		}{
			{"GET /v1/items/7.json", "", &good, nil},
			{"GET /v1/items/7.json", "", &good, []string{"Accept", "application/xml"}},
			{"GET /v1/items/7.json", "", nil, nil},
			{"GET /v1/items/7.json", "", &noScope, nil},
			{"GET /v1/items/x.json", "", &good, nil},
			{"GET /v1/items/me.json", "", &good, nil},
			{"GET /items/me.json", "", &good, nil},
			{"POST /v1/open", `{"n": 1}`, nil, []string{"Content-Type", "application/json"}},
			{"POST /v1/open", `{"n": 10}`, nil, []string{"Content-Type", "application/json"}},
			{"POST /v1/open", `{"n": 10, "x": 1}`, nil, []string{"Content-Type", "application/json"}},
			{"POST /v1/open", `{"n": `, nil, []string{"Content-Type", "application/json"}},
			{"POST /v1/open", `n=1`, nil, []string{"Content-Type", "text/plain"}},
			{"POST /v1/open", ``, nil, nil},
		} {
			status, _, h := call(t, srv, "acme", c.op, c.body, c.key, c.header...)
			why := h.Get("X-Mock-Diagnosis")
			got = append(got, fmt.Sprint(status, " ", h.Get("Content-Type"), " ", strings.ReplaceAll(why, noScope.ID, "KEY")))
		}
		want := []string{
			"200 application/json ",
			"200 application/xml ",
			"401 application/json missing_key: sent no credential; Acme API wants `Cookie: acme=…` or `Authorization: Bearer …`",
			"403 application/json insufficient_scope: KEY lacks scope `write`",
			`400 application/json invalid_request: the parameter "item-id" in path: it is not of type integer`,
			"204  ",
			"404 application/json not_found: ",
			"201  ",
			"422 application/json invalid_request: the body at /n: it is at most 9",
			"422 application/json invalid_request: the body at /n: it is at most 9",
			"400 application/json invalid_request: the body: it cannot be read as what its content type says",
			"415 application/json invalid_request: the header Content-Type: the body is one of application/json",
			"400 application/json invalid_request: the body: it is required, and was not sent",
		}
		for i := range want {
			if !strings.HasPrefix(strings.ReplaceAll(got[i], "...", "…"), want[i]) {
				t.Errorf("%s %d: got %q, want %q", version, i, got[i], want[i])
			}
		}
		if _, body, h := call(t, srv, "acme", "GET /v1/items/7.json", "", &good); body != `{"text":"{name} of {path.id}"}` || h.Get("X-Total") != "7" {
			t.Errorf("%s %v", body, h)
		}
		if _, body, _ := call(t, srv, "acme", "GET /v1/items/7.json", "", nil); body != `{"oh":"no \u007bkey}"}` {
			t.Errorf("the document's example of a refusal: %s", body)
		}
	}
}

func TestWhatCannotBePlayedIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	const get = "{get: {responses: {'200': {description: d}}}}"
	for _, tt := range []struct {
		text, want string
		line       int
	}{
		{"", "it is empty", 0},
		{"a: [", "neither YAML nor JSON", 0},
		{"[]", "not a mapping", 1},
		{"info: {}", "no member openapi", 1},
		{"# c\nswagger: '2.0'\n", "convert it to OpenAPI 3", 2},
		{"openapi: 3.2.0\n", "neither 3.0 nor 3.1", 1},
		{"openapi: 3.1.0\nopenapi: 3.1.0\n", "given twice, first in line 1", 2},
		{"openapi: 3.1.0\n---\na: b\n", "more than one document", 2},
		{"openapi: 3.1.0\nx-a: &a [*a]\n", "alias stands in itself", 2},
		{document("3.1.0", "paths: {}\n"), "nothing to play", 3},
		{document("3.1.0", "paths:\n  /a:\n    $ref: https://acme.example/a.yaml\n"), "remote, and nothing is fetched", 5},
		{document("3.1.0", "paths:\n  /a:\n    $ref: //acme.example/a.yaml\n"), "remote", 5},
		{document("3.1.0", "paths:\n  /a:\n    $ref: file:///etc/passwd\n"), "remote", 5},
		{document("3.1.0", "paths:\n  /a:\n    $ref: ../a.yaml\n"), "outside the document's directory", 5},
		{document("3.1.0", "paths:\n  /a:\n    $ref: /etc/passwd\n"), "outside the document's directory", 5},
		{document("3.1.0", "paths:\n  /a:\n    $ref: a.yaml\n"), "", 0},
		{document("3.1.0", "paths:\n  /a: {get: {responses: {'200': {$ref: '#/components/responses/none'}}}}\n"), "none", 0},
		{document("3.1.0", "paths:\n  /a/{x}: "+get+"\n  /a/{y}: "+get+"\n"), "same requests as GET /a/{x} in line 4", 5},
		{document("3.1.0", "paths:\n  /a/{x: "+get+"\n"), "brace that is not closed", 4},
		{document("3.1.0", "paths:\n  /a/{x}{y}: "+get+"\n"), "two names need text between them", 4},
		{document("3.1.0", "paths:\n  /a?b=c: "+get+"\n"), "plain text of a path", 4},
		{document("3.1.0", "paths:\n  /a: {get: {operationId: i, responses: {}}, put: {operationId: i, responses: {}}}\n"), "operationId", 4},
		{document("3.1.0", "security: [{n: []}]\npaths:\n  /a: "+get+"\n"), "components.securitySchemes does not have", 5},
		{document("3.1.0", "security: [{n: []}]\ncomponents: {securitySchemes: {n: {type: mutualTLS}}}\npaths:\n  /a: "+get+"\n"), "the mock plays apiKey, http", 6},
		{document("3.0.0", "security: [{n: []}]\ncomponents: {securitySchemes: {n: {type: http, scheme: digest}}}\npaths:\n  /a: "+get+"\n"), "no key as it is", 6},
		{document("3.0.0", "paths:\n  /a: {get: {parameters: [{name: p, in: query, style: matrix, schema: {type: string}}], responses: {}}}\n"), "none for this place", 4},
		{document("3.0.0", "security: [{n: [], m: []}]\ncomponents: {securitySchemes: {n: {type: http, scheme: basic}, m: {type: apiKey, in: header, name: K}}}\npaths:\n  /a: "+get+"\n"), "several credentials at once", 6},
	} {
		_, err := openapifile.Parse("acme.yaml", []byte(tt.text))
		wrong, ok := errors.AsType[*openapifile.Error](err)
		if !ok || tt.line != 0 && wrong.Line != tt.line || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q:\n%v, want line %d and %q", tt.text, err, tt.line, tt.want)
		}
	}
}

func TestFilesOfTheDirectoryAreReadAndNoOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	put("a.yaml", "get: {responses: {'200': {description: d, content: {application/json: {example: from a file}}}}}\n")
	put("b.yaml", "get: {responses: {'200': {$ref: 'http://acme.example/x'}}}\n")
	doc, err := openapifile.Load(put("good.yaml", document("3.0.0", "paths: {/a: {$ref: a.yaml}}\n"+keyed)))
	if err != nil {
		t.Fatal(err)
	}
	srv := serve(t, doc)
	key := srv.Keys().Issue("good")
	if status, body, _ := call(t, srv, "good", "GET /a", "", &key); status != http.StatusOK || body != `"from a file"` {
		t.Errorf("%d %s", status, body)
	}
	if _, err := openapifile.Load(put("bad.yaml", document("3.0.0", "paths: {/a: {$ref: b.yaml}}\n"))); err == nil || !strings.Contains(err.Error(), "b.yaml:1: the reference \"http://acme.example/x\" is remote") {
		t.Error(err)
	}
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(outside, []byte("get: {responses: {'200': {description: d}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.yaml")); err != nil {
		t.Skip(err)
	}
	if _, err := openapifile.Load(put("link-of.yaml", document("3.0.0", "paths: {/a: {$ref: link.yaml}}\n"))); err == nil {
		t.Error("a link led out of the directory")
	}
}

func TestTheFiveDocumentsAreAPIs(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			doc, err := openapifile.Parse("own-"+string(p)+".json", mockserver.OpenAPI(p))
			if err != nil {
				t.Fatal(err)
			}
			api := doc.API()
			api.Hosts = nil // the provider has them
			answersAsDocumented(t, api, mockserver.OpenAPI(p))
		})
	}
}

// answersAsDocumented calls every operation with a good and with a wrong key, and holds the
// answers against the document with the library's validator.
func answersAsDocumented(t *testing.T, api mockserver.API, document []byte) {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		t.Fatal(err)
	}
	srv := mockserver.New(t, mockserver.WithAPI(api))
	key := srv.Keys().Issue(api.Name)
	open := make(map[string]bool)
	for _, r := range api.Routes {
		open[strings.NewReplacer("{", "", "}", "").Replace(r.Pattern)] = r.Open
	}
	prefix := ""
	if u, _, ok := strings.Cut(strings.TrimPrefix(spec.Servers[0].URL, "https://"), "/"); ok {
		prefix = strings.TrimSuffix(strings.TrimPrefix(spec.Servers[0].URL, "https://"+u), "/")
	}
	all, i := os.Getenv("KEYFIT_LONG") != "", 0
	for _, path := range slices.Sorted(maps.Keys(spec.Paths.Map())) {
		item := spec.Paths.Value(path)
		for method, op := range item.Operations() {
			if i++; !all && i%8 != 1 {
				continue // the validator compiles a schema for each answer
			}
			base := prefix
			if len(item.Servers) > 0 {
				base = ""
			}
			if o := api.OAuth; slices.Contains([]string{o.Authorize, o.Token, o.Revoke, o.Introspect, o.Metadata}, base+path) {
				continue // the answers of its authorization server are the mock's, with a realm of its own
			}
			name := method + " " + strings.NewReplacer("{", "", "}", "").Replace(base+path)
			status, body, header := call(t, srv, api.Name, name, "", &key)
			in := &openapi3filter.RequestValidationInput{
				Request: &http.Request{Method: method}, Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
				Route: &routers.Route{Spec: spec, PathItem: item, Method: method, Operation: op},
			}
			err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: in, Status: status, Header: header, Body: io.NopCloser(bytes.NewReader([]byte(body))), Options: in.Options,
			})
			if err != nil && !strings.Contains(err.Error(), "unsupported content type") {
				t.Errorf("%s: %d %.300s\n%v", name, status, body, err)
			}
			if status, _, _ := call(t, srv, api.Name, name, "", nil); status == http.StatusUnauthorized == open[name] {
				t.Errorf("%s without a key: %d", name, status)
			}
		}
	}
}

// randomSchema is a schema in flow style, with names of components that may be circular.
func randomSchema(random *rand.Rand, v31 bool, depth int) string {
	kind := random.IntN(12)
	if depth > 3 {
		kind = random.IntN(6)
	}
	sub := func() string { return randomSchema(random, v31, depth+1) }
	n := random.IntN(9)
	switch kind {
	case 0:
		return fmt.Sprintf("{type: string, minLength: %d, maxLength: %d}", n, n+random.IntN(30))
	case 1:
		return fmt.Sprintf("{type: integer, minimum: %d, maximum: %d, multipleOf: %d}", n-4, n+20, 1+random.IntN(3))
	case 2:
		return "{type: string, format: " + []string{"date-time", "date", "uuid", "email", "uri", "ipv4", "ipv6", "byte"}[random.IntN(8)] + "}"
	case 3:
		return "{type: string, enum: [a, b, c]}"
	case 4:
		return "{type: string, pattern: '" + []string{"^[a-z]{3,5}$", `^\d{4}-[A-F]+$`, "^(foo|bar)?x*$", "b"}[random.IntN(4)] + "'}"
	case 5:
		if v31 {
			return []string{"{type: [string, 'null']}", "{const: 7}", "{type: number, exclusiveMinimum: 3, exclusiveMaximum: 4}"}[random.IntN(3)]
		}
		return []string{"{type: string, nullable: true}", "{type: boolean}", "{type: number, minimum: 3, exclusiveMinimum: true, maximum: 4}"}[random.IntN(3)]
	case 6:
		return fmt.Sprintf("{type: array, items: %s, minItems: %d, maxItems: %d}", sub(), random.IntN(3), 3+n)
	case 7:
		return "{$ref: '#/components/schemas/S" + string(rune('0'+random.IntN(3))) + "'}"
	case 8:
		return "{allOf: [{type: object, required: [a], properties: {a: " + sub() + "}}, {type: object, properties: {b: " + sub() + "}}]}"
	case 9:
		return "{oneOf: [{type: object, required: [one], properties: {one: " + sub() + "}}, {type: object, required: [two], properties: {two: " + sub() + "}}]}"
	case 10:
		return "{type: object, additionalProperties: " + sub() + "}"
	}
	return "{type: object, required: [x], properties: {x: " + sub() + ", y: " + sub() + ", s: {type: string, writeOnly: true}}}"
}

func TestAnswersOfRandomDocumentsFitThem(t *testing.T) {
	t.Parallel()
	n := uint64(6)
	if os.Getenv("KEYFIT_LONG") != "" {
		n = 2000
	}
	for seed := range n {
		random := rand.New(rand.NewPCG(seed, 16))
		version := []string{"3.0.3", "3.1.0"}[seed%2]
		var b strings.Builder
		b.WriteString("servers: [{url: 'https://acme.example/v1'}]\npaths:\n")
		for i := range 3 {
			security := ""
			if random.IntN(4) == 0 {
				security = "security: [], "
			}
			fmt.Fprintf(&b, "  /p%d/{id}: {parameters: [{name: id, in: path, required: true, schema: {type: string}}], get: {%sresponses: {'%d': {description: d, content: {application/json: {schema: %s}}}, '401': {description: d}}}}\n",
				i, security, 200+random.IntN(3), randomSchema(random, seed%2 == 1, 0))
		}
		b.WriteString("security: [{k: []}]\ncomponents:\n  securitySchemes: {k: {type: apiKey, in: query, name: key}}\n  schemas:\n")
		for i := range 3 { // a circle that can be left
			fmt.Fprintf(&b, "    S%d: {type: object, required: [v], properties: {v: %s, next: {$ref: '#/components/schemas/S%d'}, all: {type: array, items: {$ref: '#/components/schemas/S%d'}}}}\n", i, randomSchema(random, seed%2 == 1, 4), (i+1)%3, i)
		}
		text := []byte(document(version, b.String()))
		doc, err := openapifile.Parse("acme.yaml", text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		answersAsDocumented(t, doc.API(), text)
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, text)
		}
	}
}

// FuzzParse holds that no document brings the reader down, and that a server takes what it takes.
func FuzzParse(f *testing.F) {
	f.Add([]byte(document("3.1.0", "paths: {/a/{b}: {get: {responses: {'200': {description: d}}}}}\n"+keyed)))
	f.Add([]byte(document("3.0.0", "paths: {/a: {get: {responses: {'200': {content: {'*/*': {schema: {$ref: '#/components/schemas/A'}}}}}}}}\ncomponents: {schemas: {A: {items: {$ref: '#/components/schemas/A'}}}}\n")))
	f.Add([]byte(`{"openapi":"3.0.0","paths":{"/":{"get":{}}}}`))
	f.Add([]byte("openapi: 3.1.0\npaths: &a {<<: *a}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := openapifile.Parse("acme.yaml", data)
		if err != nil {
			if _, ok := errors.AsType[*openapifile.Error](err); !ok || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			return
		}
		api := doc.API()
		srv, err := mockserver.NewHandler(mockserver.WithAPI(api), mockserver.WithRequestCheck(api.Name, doc.Check()))
		if err != nil {
			return // it needs a scheme, say
		}
		defer srv.Close()
		key := srv.Keys().Issue(api.Name)
		for _, r := range api.Routes[:min(len(api.Routes), 3)] {
			call(t, srv, api.Name, strings.NewReplacer("{", "", "}", "").Replace(r.Pattern), "{}", &key, "Content-Type", "application/json")
		}
	})
}
