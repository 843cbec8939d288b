package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
)

const token = "lorem-ipsum-dolor-sit-amet"

func TestPlainHTTPIsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	for want, addresses := range map[error][]string{
		nil: {
			"http://127.0.0.1:4100", "http://127.0.0.1", "http://127.0.0.1:4100/", "http://127.255.255.254:1", "http://127.1.2.3:4100/mock",
			"http://[::1]:4100", "http://[0:0:0:0:0:0:0:1]:1", "http://[::ffff:127.0.0.1]:1", "http://[::ffff:7f00:1]:1",
			"http://localhost:1", "http://LocalHost", "http://localhost.:1", "http://mock.localhost:1", "HTTP://127.0.0.1:1",
			"http://0.0.0.0:4100", "http://[::]:4100", // what net.Dial takes for the local system
			"https://127.0.0.1:1", "https://mock.example.com", "https://192.0.2.1:4100", "https://[2001:db8::1]/",
		},
		admin.ErrRemote: {
			"http://192.0.2.1:4100", "http://10.0.0.1", "http://169.254.169.254", "http://128.0.0.1", "http://126.255.255.255",
			"http://[2001:db8::1]:1", "http://[fe80::1%25eth0]:1", "http://[::ffff:192.0.2.1]:1", "http://[::2]:1", "http://[64:ff9b::7f00:1]:1",
			"http://mock:4100", "http://example.com", "http://localhost.example.com", "http://notlocalhost", "http://local.host", "http://localhost..",
			"http://127.0.0.1.example.com", "http://127.0.0.1.", "http://127.1:1", "http://2130706433:1", "http://0x7f000001:1", "http://0177.0.0.1:1",
			"http://127.0.0.256", "http://localhost\u00ad.example", "http://ｌocalhost.example", "HTTP://example.com", "http://host.docker.internal:1",
		},
		admin.ErrUserInfo: {
			"http://user:pass@127.0.0.1:1", "http://127.0.0.1@192.0.2.1:1", "http://127.0.0.1%2f@example.com/", "https://lorem-ipsum@mock.example.com", "http://:@localhost", "http://@localhost",
		},
		admin.ErrNoAddress: {
			"", "127.0.0.1:4200", "localhost", "//127.0.0.1:1", "http://", "http://:4100", "http:///v1", "http:127.0.0.1", "ftp://127.0.0.1",
			"unix:///run/mock.sock", "http+unix://%2Frun%2Fmock.sock", "file:///etc/passwd", "http://127.0.0.1:x", "http://[::1", "http://127.0.0.1:1?token=lorem",
			"http://127.0.0.1:1?", "http://127.0.0.1:1#lorem", "lorem-ipsum-dolor-sit-amet", "http://exa mple.com",
			"http://\x00localhost",
		},
	} {
		for _, address := range addresses {
			got := admin.Check(address, false)
			if !errors.Is(got, want) {
				t.Errorf("%q: %v, want %v", address, got, want)
			}
			if got != nil && len(address) > 8 && strings.Contains(got.Error(), address) {
				t.Errorf("%q is repeated: %v", address, got)
			}
			allowed := want
			if errors.Is(want, admin.ErrRemote) {
				allowed = nil
			}
			if got := admin.Check(address, true); !errors.Is(got, allowed) {
				t.Errorf("%q, if remote: %v, want %v", address, got, allowed)
			}
		}
	}
}

// recorder is a server that answers with one status and keeps what it was sent.
func recorder(t *testing.T, status int, location string) (address string, heard func() string) {
	t.Helper()
	var mu sync.Mutex
	var got strings.Builder
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		fmt.Fprintln(&got, r.Method, r.URL, r.Header)
		mu.Unlock()
		if location != "" {
			w.Header().Set("Location", location+r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"items":[]}`))
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() string { mu.Lock(); defer mu.Unlock(); return got.String() }
}

// A redirect is not followed: not to another port, not to another name of this machine, and
// not to the same address.
func TestTheTokenFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	elsewhere, heard := recorder(t, http.StatusOK, "")
	byName := strings.Replace(elsewhere, "127.0.0.1", "localhost", 1)
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308, 399} {
		for _, to := range []string{elsewhere, byName, strings.TrimPrefix(elsewhere, "http:"), ""} {
			front, first := recorder(t, status, to)
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
				c, err := admin.NewClient(front, token, false)
				if err != nil {
					t.Fatal(err)
				}
				err = c.Call(t.Context(), method, "/v1/namespaces", nil, nil)
				if err == nil || !strings.Contains(err.Error(), "redirect") || strings.Contains(err.Error(), token) {
					t.Errorf("%s, %d to %q: %v", method, status, to, err)
				}
			}
			if n := strings.Count(first(), token); n != 4 {
				t.Errorf("%d to %q: the mock heard the token %d times in 4 calls", status, to, n)
			}
		}
	}
	if heard() != "" {
		t.Errorf("elsewhere was asked:\n%s", heard())
	}
}

// The proxy of the environment is not asked, also where net/http would ask it: for an address
// that is not loopback.
func TestTheTokenGoesToNoProxy(t *testing.T) {
	proxy, heard := recorder(t, http.StatusOK, "")
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing needs to be reached: a proxy would be asked first
	for _, address := range []string{"http://192.0.2.1:4100", "http://mock.localhost:1", "https://mock.example.com"} {
		c, err := admin.NewClient(address, token, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Call(ctx, http.MethodGet, "/v1/namespaces", nil, nil); err == nil {
			t.Errorf("%s: an answer", address)
		}
		if admin.HasProxy(c) { // net/http reads the environment once a process, maybe before this test
			t.Errorf("%s: the transport asks for a proxy", address)
		}
	}
	if heard() != "" {
		t.Errorf("the proxy was asked:\n%s", heard())
	}
}

// What is dialled counts, not the name: another machine is found out before a byte is sent.
func TestWhatIsDialledIsChecked(t *testing.T) {
	t.Parallel()
	for address, local := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true, "0.0.0.0:1": true,
		"192.0.2.1:1": false, "[2001:db8::1]:1": false, "[::ffff:192.0.2.1]:1": false, "[fe80::1%1]:1": false, "": false, "localhost:1": false,
	} {
		if err := admin.OnlyLocal("tcp", address, nil); local != (err == nil) || err != nil && !errors.Is(err, admin.ErrRemote) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// A name below localhost may resolve to another machine.
func TestADialToAnotherMachineIsRefusedWithTheRemedy(t *testing.T) {
	t.Parallel()
	c, err := admin.NewClient("http://mock.localhost:4100", token, false)
	if err != nil {
		t.Fatal(err)
	}
	admin.Resolve(c, "192.0.2.1:4100")
	err = c.Call(t.Context(), http.MethodGet, "/v1/namespaces", nil, nil)
	if !errors.Is(err, admin.ErrRemote) || !strings.Contains(err.Error(), "--insecure-admin-url") {
		t.Errorf("%v", err)
	}
	here, _ := recorder(t, http.StatusOK, "")
	if c, err = admin.NewClient("http://mock.localhost:4100", token, false); err != nil {
		t.Fatal(err)
	}
	admin.Resolve(c, strings.TrimPrefix(here, "http://"))
	if err := c.Call(t.Context(), http.MethodGet, "/v1/namespaces", nil, nil); err != nil {
		t.Errorf("this machine: %v", err)
	}
}
