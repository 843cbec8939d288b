package mockserver_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// With WithCORS a browser at a listed origin gets its preflight and can read the
// answers; any other origin, and every one without the option, gets no header.
func TestCORSIsOffUntilAskedFor(t *testing.T) {
	t.Parallel()
	const page, other = "http://localhost:3000", "http://evil.example"
	type seen struct {
		status int
		origin string
	}
	for _, c := range []struct {
		name    string
		allowed []string
		method  string
		origin  string
		want    seen
	}{
		{"preflight", []string{page}, "OPTIONS", page, seen{204, page}},
		{"call", []string{page}, "GET", page, seen{200, page}},
		{"any origin", []string{"*"}, "OPTIONS", other, seen{204, other}},
		{"preflight of another origin", []string{page}, "OPTIONS", other, seen{404, ""}},
		{"call of another origin", []string{page}, "GET", other, seen{200, ""}},
		{"preflight without the option", nil, "OPTIONS", page, seen{404, ""}},
		{"call without the option", nil, "GET", page, seen{200, ""}},
		{"no browser", []string{page}, "GET", "", seen{200, ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := mockserver.New(t, mockserver.WithCORS(c.allowed...))
			r := newRequest(t, mockserver.IMKIT, c.method, "/me", "")
			srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("ann")).Apply(r)
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if c.method == http.MethodOptions {
				r.Header.Set("Access-Control-Request-Method", "GET")
				r.Header.Set("Access-Control-Request-Headers", "im-client-key, im-authorization")
			}
			a := call(t, srv.Transport(), r)
			if d := cmp.Diff(c.want, seen{a.status, a.header.Get("Access-Control-Allow-Origin")}, cmp.AllowUnexported(seen{})); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if c.want.status == 204 && (a.header.Get("Access-Control-Allow-Headers") != "im-client-key, im-authorization" || srv.Counts(mockserver.Match{}).Total != 0) {
				t.Errorf("preflight: %v", a.header)
			}
		})
	}
}
