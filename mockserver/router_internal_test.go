package mockserver

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// The router agrees with net/http's on every path that a file system would leave
// as it is, for every vendor: random paths out of the segments of its operations.
func TestTheRouterAgreesWithServeMuxOnCleanPaths(t *testing.T) {
	t.Parallel()
	srv, err := NewHandler()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range srv.vendors {
		routes := srv.router(v)
		mux, words := http.NewServeMux(), []string{"a%2Fb", "%2E%2E", "x y", "ü", ".hidden", "..."}
		for i := range routes.all {
			mux.Handle(routes.all[i].Pattern, http.NotFoundHandler())
			words = append(words, parsePattern(&routes.all[i]).segments...)
		}
		random := rand.New(rand.NewPCG(1, uint64(v.index)))
		for range 500 {
			method, path := randomRequest(random, routes, words)
			r := &http.Request{Method: method, URL: &url.URL{Path: path}, Host: "x"}
			if parsed, err := url.Parse(path); err == nil {
				r.URL = parsed
			}
			_, want := mux.Handler(r)
			got := ""
			if found := routes.router().find(r); found != nil {
				got = found.Pattern
			}
			if got != want && r.URL.Path != "" {
				t.Errorf("%s %s: %q, net/http finds %q", method, path, got, want)
			}
		}
	}
}

// randomRequest takes an operation and changes a segment now and then.
func randomRequest(random *rand.Rand, routes *routes, words []string) (method, path string) {
	line := parsePattern(&routes.all[random.IntN(len(routes.all))])
	method = []string{line.method, "GET", "HEAD", "POST", "DELETE", "PUT"}[random.IntN(6)]
	if method == "" {
		method = "PATCH"
	}
	for i, s := range line.segments {
		if isWildcard(s) || random.IntN(6) == 0 {
			s = words[random.IntN(len(words))]
		}
		if s == "" && i < len(line.segments)-1 {
			s = "x"
		}
		path += "/" + s
	}
	return method, strings.NewReplacer("{", "", "}", "", " ", "%20").Replace(path)
}

// A path that a file system would clean is an unknown path: it is answered as any
// other, by the key check first, and is one request.
func TestAPathIsTakenAsSent(t *testing.T) {
	t.Parallel()
	srv, err := NewHandler(WithoutRateLimits())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range srv.vendors {
		key := srv.Keys().Issue(v.provider)
		send := func(method, path string, put func(*http.Request)) *httptest.ResponseRecorder {
			r, w := httptest.NewRequest(method, "http://x/", http.NoBody), httptest.NewRecorder()
			r.URL = &url.URL{Path: path}
			put(r)
			srv.Handler(v.provider).ServeHTTP(w, r)
			return w
		}
		for i, op := range srv.Operations(v.provider) {
			method, path, _ := strings.Cut(op, " ")
			if path = strings.NewReplacer("{", "", "}", "").Replace(path); i%5 != 0 {
				continue
			}
			for _, odd := range oddPaths(path) {
				for _, put := range []func(*http.Request){key.Apply, func(*http.Request) {}} {
					got, want := send(method, odd, put), send(method, "/no/such/path", put)
					if got.Code != want.Code || got.Body.String() != want.Body.String() || got.Header().Get("Location") != "" {
						t.Errorf("%s %s: %d %q, an unknown path gets %d %q", method, odd, got.Code, got.Body, want.Code, want.Body)
					}
				}
			}
		}
	}
	if c := srv.Counts(Match{}); c.Total == 0 || c.ByOutcome[OK] != 0 {
		t.Errorf("counts %+v; want requests, none of them ok", c)
	}
}

// oddPaths returns spellings that net/http's router would redirect to path.
func oddPaths(path string) []string {
	all := []string{"/" + path, "/." + path, "/x/.." + path, path + "//", path + "/.", path + "/.."}
	if doubled := "/" + strings.Replace(path[1:], "/", "//", 1); doubled != path {
		all = append(all, doubled)
	}
	return all
}

// The diagnosis of an unknown path names the operation that was probably meant, or
// the methods that the path takes, and never quotes the path.
func TestTheDiagnosisNamesTheNearestOperation(t *testing.T) {
	t.Parallel()
	srv, err := NewHandler()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		provider     Provider
		method, path string
		want         string // "" for no hint
	}{
		{Imin, "GET", "/events-api/v2/events-series", "the nearest operation is GET /events-api/v2/event-series"},
		{Imin, "GET", "/event-series", "the nearest operation is GET /events-api/v2/event-series"},
		{Imin, "GET", "/events-api/v2/event-series/", "the path has a slash at its end; without, it is GET /events-api/v2/event-series"},
		{Imin, "POST", "/events-api/v2/facets", "the path takes GET"},
		{MindKey, "GET", "/odata/v2//Employee", "the path has a doubled slash (does the base URL end in a slash?); without, it is GET /odata/v2/Employee"},
		{MindKey, "GET", "/odata/v2/odata/v2/Employee/7", "the nearest operation is GET /odata/v2/Employee/{key}"},
		{MindKey, "GET", "/odata/v2/employee", "the nearest operation is GET /odata/v2/Employee"},
		{IMKIT, "GET", "/admin/clients/list", "the path takes POST"},
		{IMKIT, "PUT", "/admin/clients/ann", "the nearest operation is PUT /admin/clients/{id}/token"},
		{IMKIT, "GET", "/rooms/7/mesages/v3", "the nearest operation is GET /rooms/{id}/messages/v3"},
		{IMKIT, "GET", "//rooms/./7", "a segment `.`, which is sent as it stands; without, it is GET /rooms/{id}"},
		{IMKIT, "GET", "/rooms/", "the path has a slash at its end; without, it is GET /rooms"},
		{IMKIT, "PUT", "/rooms/", "the path takes POST"},
		{IMKIT, "GET", "/rooms/%2e%2e/x", "the path has a segment `%2e%2e`, which is sent as it stands"},
		{IMKIT, "GET", "/rooms/7/messages/%2E/v3", "a segment `%2E`, which is sent as it stands; without, it is GET /rooms/{id}/messages/v3"},
		{Optimove, "GET", "/general/GetLastDataUpdat", "the nearest operation is GET /general/GetLastDataUpdate"},
		{Optimove, "GET", "/current/general/GetLastDataUpdat", "the nearest operation is GET /current/general/GetLastDataUpdate"},
		{Optimove, "GET", "/current/general/GetLastDataUpdate/", "a slash at its end; without, it is GET /current/general/GetLastDataUpdate"},
		{Optimove, "GET", "/current//general/GetLastDataUpdate", "(does the base URL end in a slash?); without, it is GET /current/general/GetLastDataUpdate"},
		{Optimove, "GET", "/Current/general/./GetLastDataUpdate", "a segment `.`, which is sent as it stands; without, it is GET /current/general/GetLastDataUpdate"},
		{Optimove, "GET", "/general/GetLastDataUpdate/", "a slash at its end; without, it is GET /general/GetLastDataUpdate"},
		{Optimove, "POST", "/current/general/GetLastDataUpdate", "the path takes GET"},
		{Iiniit, "DELETE", "/resource", "the path takes GET, POST"},
		{Iiniit, "GET", "/resources", "the nearest operation is GET /resource"},
		{Iiniit, "GET", "/something/quite/different/secret", ""},
	} {
		r := httptest.NewRequest(c.method, "http://x"+c.path, http.NoBody)
		if !strings.Contains(c.path, "%") {
			r.URL.Path = c.path
		}
		srv.Keys().Issue(c.provider).Apply(r)
		w := httptest.NewRecorder()
		srv.Handler(c.provider).ServeHTTP(w, r)
		got := w.Header().Get("X-Mock-Diagnosis")
		if c.want == "" && strings.Contains(got, ";") || !strings.Contains(got, c.want) || !strings.HasPrefix(got, "not_found: ") {
			t.Errorf("%s %s: %q, want %q", c.method, c.path, got, c.want)
		}
		if verified := srv.Keys().Verify(c.provider, r); c.provider != Iiniit && c.provider != Optimove && verified.Why != strings.TrimPrefix(got, "not_found: ") {
			t.Errorf("Verify says %q, the answer %q", verified.Why, got)
		}
	}
}
