package apifile_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/apifile"
)

const document = `openapi: 3.1.0
info: {title: Acme, version: '1'}
paths:
  /a: {get: {responses: {'200': {description: d, content: {application/json: {example: of the document}}}}}}
  /b: {get: {parameters: [{name: n, in: query, required: true, schema: {type: integer}}], responses: {'200': {description: d}}}}
components: {securitySchemes: {k: {type: http, scheme: bearer}}}
security: [{k: []}]
`

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAFileStandsOnAnOpenAPIDocument(t *testing.T) {
	t.Parallel()
	const more = "limit: {requests: 5, per: 1m}\nlimitGroups: {few: {requests: 1, per: 1m}}\nroutes:\n  - {route: GET /a, limitGroup: few}\n  - {route: GET /c, reply: {body: c}}\n"
	dir := t.TempDir()
	write(t, dir, "acme.openapi.yaml", document)
	for _, path := range []string{
		write(t, dir, "own.yaml", "openapi: ./acme.openapi.yaml\nname: acme\n"+more),
		write(t, dir, "acme.yaml", document+"x-keyfit:\n  "+strings.ReplaceAll(strings.TrimSpace(more), "\n", "\n  ")+"\n"),
	} {
		acme, err := apifile.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		api := acme.API
		if api.Name != "acme" || api.Limit != (mockserver.Limit{Requests: 5, Per: time.Minute}) || len(api.Routes) != 3 {
			t.Errorf("%s: %+v", path, api)
		}
		srv := mockserver.New(t, mockserver.WithAPI(api), mockserver.WithRequestCheck("acme", acme.Check))
		key := srv.Keys().Issue("acme")
		var got []any
		for _, at := range []string{"/a", "/a", "/b", "/b?n=1", "/c"} {
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://acme.localhost"+at, http.NoBody)
			key.Apply(r)
			res, err := srv.Transport().RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			got = append(got, res.StatusCode, len(body) > 0 && body[0] != '{')
		}
		if d := cmp.Diff([]any{200, true, 429, false, 400, false, 200, false, 200, true}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
}

func TestADocumentWithAMistakeIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]string{
		document + "x-keyfit: {lmit: 3}\n":                                    "f.yaml:8: lmit: there is no such member",
		strings.Replace(document, "security: [{k: []}]", "", 1) + "paths: {}": "f.yaml:8: \"paths\" is given twice, first in line 3",
		"openapi: ../x.yaml\nname: a\n":                                       "f.yaml:1: openapi: \"../x.yaml\" is not a file beside this one",
		"openapi: none.yaml\nname: a\n":                                       "f.yaml:1: openapi:",
		"swagger: '2.0'\n":                                                    "f.yaml:1: it is a Swagger 2.0 document",
		strings.Split(document, "components")[0]:                              "f.yaml:1: schemes: there is none",
	} {
		_, err := apifile.Load(write(t, dir, "f.yaml", text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// TestADescriptionIsReadFromAnyFileSystem names a document in a directory of it, which names
// one of its own, and nothing outside.
func TestADescriptionIsReadFromAnyFileSystem(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"apis/acme.yaml":    {Data: []byte("openapi: ./docs/acme.yaml\nname: acme\n")},
		"apis/docs/a.yaml":  {Data: []byte("get: {responses: {'200': {description: d}}}\n")},
		"secret.yaml":       {Data: []byte("get: {responses: {'200': {description: d}}}\n")},
		"apis/lost.yaml":    {Data: []byte("openapi: ./nowhere.yaml\nname: acme\n")},
		"apis/out.yaml":     {Data: []byte("openapi: ../secret.yaml\nname: acme\n")},
		"apis/rooted.yaml":  {Data: []byte("openapi: /etc/passwd\nname: acme\n")},
		"apis/document.yml": {Data: []byte(strings.Replace(document, "/a:", "/c: {$ref: docs/a.yaml}\n  /a:", 1))},
	}
	for ref, says := range map[string]string{"a.yaml": "", "../../secret.yaml": "outside the document's directory", "nowhere.yaml": `"nowhere.yaml", which cannot be read`, "http://a.example/a.yaml": "nothing is fetched"} {
		files["apis/docs/acme.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(document, "/a:", "/c: {$ref: "+ref+"}\n  /a:", 1))}
		got, err := apifile.LoadFS(files, "apis/acme.yaml")
		if says == "" && (err != nil || len(got.API.Routes) != 3) || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v, %d routes", ref, err, len(got.API.Routes))
		}
	}
	for name, says := range map[string]string{
		"apis/document.yml": "", "apis/lost.yaml": `lost.yaml:1: openapi: "nowhere.yaml" cannot be read beside this file`, "apis/out.yaml": "out.yaml:1: openapi: ",
		"apis/rooted.yaml": "not a file beside this one", "apis/none.yaml": "none.yaml", "apis": "apis",
	} {
		if _, err := apifile.LoadFS(files, name); says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
