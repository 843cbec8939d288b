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
func probe(p mockserver.Provider) (method, path string) {
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
func newRequest(t testing.TB, p mockserver.Provider, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+string(p)+".localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	return r
}

// call sends r and reads the whole answer; a transport error fails the test.
func call(t testing.TB, rt http.RoundTripper, r *http.Request) answer {
	t.Helper()
	res, err := rt.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: read: %v", r.Method, r.URL.Path, err)
	}
	return answer{res.StatusCode, string(body), res.Header}
}

// get sends the vendor's probe with the key.
func get(t testing.TB, rt http.RoundTripper, key mockserver.Issued) answer {
	t.Helper()
	method, path := probe(key.Provider)
	r := newRequest(t, key.Provider, method, path, "")
	key.Apply(r)
	return call(t, rt, r)
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
