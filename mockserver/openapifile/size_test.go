package openapifile_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/openapifile"
)

// thousand is a document with many routes, and of at least some bytes.
func thousand(routes, size int) []byte {
	var b strings.Builder
	b.WriteString("paths:\n")
	pad := strings.Repeat("d", max(1, (size-routes*230)/routes))
	for i := range routes {
		fmt.Fprintf(&b, "  /r%d/{id}/x: {get: {operationId: o%d, description: %s, responses: {'200': {description: d, content: {application/json: {schema: {type: object, properties: {a: {type: integer}}}}}}}}}\n", i, i, pad)
	}
	b.WriteString(keyed)
	return []byte(document("3.1.0", b.String()))
}

func TestAThousandRoutesAreFoundAsFastAsTen(t *testing.T) {
	t.Parallel()
	doc, err := openapifile.Parse("acme.yaml", thousand(1000, 0))
	if err != nil {
		t.Fatal(err)
	}
	srv := serve(t, doc)
	key := srv.Keys().Issue("acme")
	for _, i := range []int{0, 500, 999} {
		if status, body, _ := call(t, srv, "acme", fmt.Sprintf("GET /r%d/7/x", i), "", &key); status != 200 || body != `{"a":42}` {
			t.Errorf("%d: %d %s", i, status, body)
		}
	}
}

func TestATooLargeDocumentIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("x", openapifile.MaxSize+1),
		"openapi: 3.1.0\nx-a: &a [1,1,1,1,1,1,1,1,1,1]\nx-b: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nx-c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nx-d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\nx-e: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nx-f: &f [*e,*e,*e,*e,*e,*e,*e,*e]\nx-g: [*f,*f,*f,*f,*f,*f,*f,*f]\n",
		"openapi: 3.1.0\nx-a: " + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "\n",
	} {
		if _, err := openapifile.Parse("acme.yaml", []byte(text)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

func TestTenMegabytesAreRead(t *testing.T) { //nolint:paralleltest // it measures
	if os.Getenv("KEYFIT_LONG") == "" {
		t.Skip("set KEYFIT_LONG=1 to read 10 MB")
	}
	for _, routes := range []int{1000, 10_000} {
		text := thousand(routes, 10_000_000)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		doc, err := openapifile.Parse("acme.yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		t.Logf("%d bytes, %d routes: %s, %d MB allocated, %d MB from the system", len(text), routes, time.Since(start).Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, after.Sys>>20)
		if _, err := mockserver.NewHandler(mockserver.WithAPI(doc.API())); err != nil {
			t.Error(err)
		}
	}
}
