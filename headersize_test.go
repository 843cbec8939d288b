package keyfit_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/keyfit/keyfit"
)

// bulkyHeaders are headers of a response, with a unit that each is filled with.
func bulkyHeaders() map[string]string {
	return map[string]string{
		"RateLimit": ",", "RateLimit-Policy": `"a";q=1,`, "X-RateLimit-Limit": "9", "Retry-After": "5 ", "X-Request-Id": "r", "WWW-Authenticate": "Bearer ", "Date": "x",
		"X-Echo": "%25", "Set-Cookie": "a=b;",
	}
}

// bulkyServer answers each request with a header of that size.
func bulkyServer(t *testing.T, status int, name, unit string, size int) (base string) {
	t.Helper()
	head := []byte("HTTP/1.1 " + strconv.Itoa(status) + " X\r\n" + name + ": " + strings.Repeat(unit, size/len(unit)) + "\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				r := bufio.NewReader(c)
				for {
					if line, err := r.ReadString('\n'); err != nil || line == "\r\n" {
						break
					}
				}
				_, _ = c.Write(head)
				_, _ = io.Copy(io.Discard, r)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// bulkyClient makes one attempt a call.
func bulkyClient(t *testing.T, opts ...keyfit.Option) *keyfit.Client {
	t.Helper()
	p := keyfit.Provider{Name: "acme", BaseURL: "https://api.acme.example", Scheme: keyfit.Header("X-Acme-Key")}
	c, err := keyfit.New(p, append(opts, keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}), keyfit.WithKey("lorem-fitsum-0123456789"), keyfit.WithoutDotEnv())...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestOurPoolRefusesAHeaderOfMegabytes(t *testing.T) { //nolint:paralleltest // it counts what is allocated
	for name, unit := range bulkyHeaders() {
		for _, status := range []int{200, 400} {
			c := bulkyClient(t, keyfit.WithBaseURL(bulkyServer(t, status, name, unit, 2<<20)))
			var err error
			if got := allocated(func() { _, err = keyfit.Get[any](t.Context(), c, "/a") }); got > 3<<20 {
				t.Errorf("%d with %s: %d KiB are allocated", status, name, got>>10)
			}
			if _, ok := errors.AsType[*keyfit.RequestError](err); !ok {
				t.Errorf("%d with %s: %v, want a *RequestError", status, name, err)
			}
		}
	}
}

// bulkyTransport answers with a header that another pool has let through.
type bulkyTransport struct {
	status     int
	name, unit string
	size       int
}

func (b bulkyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	h := http.Header{}
	h[http.CanonicalHeaderKey(b.name)] = []string{strings.Repeat(b.unit, b.size/len(b.unit))}
	return &http.Response{StatusCode: b.status, Header: h, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
}

func TestAHeaderOfMegabytesCostsAndKeepsLittle(t *testing.T) { //nolint:paralleltest // it counts what is allocated
	const size = 4 << 20
	for name, unit := range bulkyHeaders() {
		for _, status := range []int{200, 400, 401, 429} {
			hc := &http.Client{Transport: bulkyTransport{status, name, unit, size}}
			c := bulkyClient(t, keyfit.WithHTTPClient(hc))
			var err error
			if got := allocated(func() { _, err = keyfit.Get[any](t.Context(), c, "/a") }); got > size+2<<20 {
				t.Errorf("%d with %s: %d KiB are allocated, %d of which are the header", status, name, got>>10, size>>10)
			}
			e, ok := errors.AsType[*keyfit.APIError](err)
			if ok != (status >= 400) {
				t.Errorf("%d with %s: %v", status, name, err)
			}
			if !ok {
				continue
			}
			kept := len(e.RequestID) + len(e.Error())
			for n, values := range e.Header {
				kept += len(n) + len(strings.Join(values, ""))
			}
			if kept > 256<<10 {
				t.Errorf("%d with %s: the error keeps %d KiB", status, name, kept>>10)
			}
		}
	}
}
