package mockserver_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// answer is what a client saw.
type answer struct {
	status int
	body   string
	header http.Header
}

// probe is a request that succeeds with a good key of the vendor.
func probe(p mockserver.Provider) (method, path string) { //nolint:unparam // the next vendor's may be a POST
	switch p {
	case mockserver.Imin:
		return "GET", "/events-api/v2/event-series?mode=discovery-geo&geo[radial]=51.7520131,-1.2578499,5"
	case mockserver.MindKey:
		return "GET", "/odata/v2/Employee"
	case mockserver.IMKIT:
		return "GET", "/admin/connection-count"
	case mockserver.Optimove:
		return "GET", "/current/general/GetLastDataUpdate"
	}
	return "GET", "/resource"
}

// newRequest builds a request to the vendor under the in-memory host.
func newRequest(tb testing.TB, p mockserver.Provider, method, path, body string) *http.Request {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, "http://"+string(p)+".localhost"+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	if body != "" && p == mockserver.IMKIT {
		r.Header.Set("Content-Type", "application/json")
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	return r
}

// call sends r and reads the whole answer; a transport error fails the test.
func call(tb testing.TB, rt http.RoundTripper, r *http.Request) answer {
	tb.Helper()
	res, err := rt.RoundTrip(r)
	if err != nil {
		tb.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatalf("%s %s: read: %v", r.Method, r.URL.Path, err)
	}
	return answer{res.StatusCode, string(body), res.Header}
}

// get sends the vendor's probe with the key.
func get(tb testing.TB, rt http.RoundTripper, key mockserver.Issued) answer {
	tb.Helper()
	method, path := probe(key.Provider)
	r := newRequest(tb, key.Provider, method, path, "")
	key.Apply(r)
	return call(tb, rt, r)
}

// stuckLogger logs when released is closed.
func stuckLogger(released <-chan struct{}) *slog.Logger {
	return slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		<-released
		return len(p), nil
	}), nil))
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
