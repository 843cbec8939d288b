package mockserver_test

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/keyfit/keyfit/mockserver"
)

func TestThePublicAddressIsAnnouncedInPlaceOfTheListeners(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string][2]string{ // of IMKIT, of the admin API; # is the port
		"http://mock.example":                       {"http://mock.example:#", "http://mock.example:#"},
		"https://mock.example/":                     {"https://mock.example:#", "https://mock.example:#"},
		"http://[2001:db8::1]":                      {"http://[2001:db8::1]:#", "http://[2001:db8::1]:#"},
		"https://{provider}.mocks.example":          {"https://imkit.mocks.example", "https://admin.mocks.example"},
		"https://mocks.example/{provider}":          {"https://mocks.example/imkit", "https://mocks.example/admin"},
		"http://{provider}.mocks.example:{port}":    {"http://imkit.mocks.example:#", "http://admin.mocks.example:#"},
		"https://MOCKS.example:8443/at/{provider}/": {"https://MOCKS.example:8443/at/imkit", "https://MOCKS.example:8443/at/admin"},
	} {
		srv := mockserver.New(t, mockserver.WithPublicURL(pattern))
		admin, local := srv.AdminURL(), srv.LocalAdminURL()
		imkit := srv.BaseURL(mockserver.IMKIT)
		if got := withoutPort(imkit); got != want[0] {
			t.Errorf("%s: %s, want %s", pattern, got, want[0])
		}
		if got := withoutPort(admin); got != want[1] {
			t.Errorf("%s: %s, want %s", pattern, got, want[1])
		}
		if !strings.HasPrefix(local, "http://127.0.0.1:") {
			t.Errorf("%s: %s is not where this machine reaches it", pattern, local)
		}
		if list := adminCall(t, srv, "GET", "/v1/namespaces", ""); !strings.Contains(list.body, imkit) {
			t.Errorf("%s: the admin API does not list %s", pattern, imkit)
		}
		u, err := url.Parse(admin)
		if err != nil {
			t.Fatal(err)
		}
		if got := adminCall(t, srv, "GET", "/v1/namespaces", "", host(u.Host)); got.status != 200 {
			t.Errorf("%s: the announced address %s is refused: %d", pattern, admin, got.status)
		}
		if got := adminCall(t, srv, "GET", "/v1/namespaces", "", host("evil.example")); got.status != 421 {
			t.Errorf("%s: another host: %d", pattern, got.status)
		}
	}
}

// withoutPort writes # for the port of a listener, a number of five digits or so.
func withoutPort(origin string) string {
	u, err := url.Parse(origin)
	if err != nil || u.Port() == "" || u.Port() == "8443" {
		return origin
	}
	return strings.Replace(origin, ":"+u.Port(), ":#", 1)
}

func TestAPublicAddressThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		"", "mock.example", "ftp://mock.example", "http://", "http://:80", "http://mock.example:8080", "http://mock.example/path",
		"http://user:secret@mock.example", "http://mock.example?x=1", "http://mock.example#x", "http://{provider}.example/?key={port}", "http://mock .example", "//{provider}",
	} {
		if _, err := mockserver.NewHandler(mockserver.WithPublicURL(pattern)); err == nil || !strings.Contains(err.Error(), "public URL") || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

// Nobody can dial a wildcard address.
func TestAWildcardAddressIsAnnouncedAsLoopback(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithTLS())
	imkit, err := srv.Listen(mockserver.IMKIT, "0.0.0.0:0")
	if err != nil {
		t.Skip(err)
	}
	imin, err := srv.Listen(mockserver.Imin, ":0")
	if err != nil {
		t.Skip(err)
	}
	admin, err := srv.ListenAdmin("0.0.0.0:0")
	if err != nil {
		t.Skip(err)
	}
	if !strings.HasPrefix(imkit, "https://127.0.0.1:") || !strings.HasPrefix(imin, "https://127.0.0.1:") || !strings.HasPrefix(admin, "http://127.0.0.1:") {
		t.Errorf("%s, %s, %s", imkit, imin, admin)
	}
}

// In a bubble a client that waits for a socket would wait for ever.
func TestListeningInABubbleFailsWithWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, err := mockserver.NewHandler()
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		for name, listen := range map[string]func() (string, error){
			"vendor": func() (string, error) { return srv.Listen(mockserver.IMKIT, "") },
			"admin":  func() (string, error) { return srv.ListenAdmin("") },
		} {
			if url, err := listen(); err == nil || url != "" || !strings.Contains(err.Error(), "Transport()") {
				t.Errorf("%s: %q, %v", name, url, err)
			}
		}
		if got := get(t, srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)); got.status != 200 {
			t.Errorf("in memory: %d %s", got.status, got.body)
		}
	})
}
