package admin_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
)

// Whatever the address says: if a connection without TLS is made, it is to this machine, by its
// address or by a name that RFC 6761 reserves for it.
func FuzzWithoutTLSTheTokenStaysOnThisMachine(f *testing.F) {
	for _, address := range []string{
		"http://127.0.0.1:4100", "http://localhost", "http://[::ffff:127.0.0.1]:1", "http://mock.localhost.:80/x", "https://mock.example.com",
		"http://127.0.0.1@192.0.2.1", "http://localhost:80@192.0.2.1/", "http://192.0.2.1#@localhost", "http://192.0.2.1\\@localhost", "HTTP://LOCALHOST%2eexample.com",
		"http://localhost\u3002example.com", "http://[::1%25lo]:1", "http://127.0.0.1:1/../..//192.0.2.1", "http:/\\192.0.2.1", "http://İocalhost", "http://①27.0.0.1",
	} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		c, err := admin.NewClient(address, token, false)
		if err != nil {
			return
		}
		dialled := admin.Record(c)
		if err := c.Call(t.Context(), http.MethodGet, "/v1/namespaces", nil, nil); err == nil {
			t.Fatalf("%q: an answer", address)
		}
		for _, at := range *dialled {
			if strings.HasPrefix(strings.ToLower(address), "https:") {
				continue
			}
			host := at[:strings.LastIndexByte(at, ':')]
			name := strings.TrimSuffix(strings.ToLower(host), ".")
			if name == "localhost" || strings.HasSuffix(name, ".localhost") {
				continue // what the name resolves to is checked at the dial
			}
			to, err := netip.ParseAddr(strings.Trim(host, "[]"))
			if err != nil || !to.Unmap().IsLoopback() && !to.Unmap().IsUnspecified() {
				t.Errorf("%q: dials %s", address, at)
			}
		}
	})
}
