package apifile_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
