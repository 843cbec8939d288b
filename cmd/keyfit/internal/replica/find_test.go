package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// replicasAt serves at several addresses of this machine and one port. Each answers with its
// address as the version of its only key.
func replicasAt(t *testing.T, addresses ...string) (port string, stop func(address string)) {
	t.Helper()
	servers := map[string]*httptest.Server{}
	for _, address := range addresses {
		at := net.JoinHostPort(address, "0")
		if port != "" {
			at = net.JoinHostPort(address, port)
		}
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", at)
		if err != nil {
			t.Skipf("no second address on this machine: %v", err)
		}
		_, port, _ = net.SplitHostPort(l.Addr().String())
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Host != "shop.example:"+port {
				w.WriteHeader(http.StatusMisdirectedRequest)
			}
			_ = json.NewEncoder(w).Encode(Status{Provider: address, Current: &Key{Generation: 1, Fingerprint: "a"}})
		}))
		srv.Listener.Close()
		srv.Listener = l
		srv.Start()
		t.Cleanup(srv.Close)
		servers[address] = srv
	}
	return port, func(address string) { servers[address].Close() }
}

// said are the answers, in short.
func said(answers []Answer) map[string]string {
	found := map[string]string{}
	for _, a := range answers {
		name, _, _ := strings.Cut(strings.TrimPrefix(a.Name, "http://"), ":")
		switch {
		case a.Gone:
			found[name] = "gone"
		case a.Err != nil:
			found[name] = "error"
		default:
			found[name] = a.Statuses[0].Provider
		}
	}
	return found
}

func TestEveryAddressOfANameIsAReplica(t *testing.T) {
	t.Parallel()
	port, stop := replicasAt(t, "127.0.0.1", "127.0.0.2", "127.0.0.3")
	var now atomic.Value
	lookup := func(_ context.Context, host string) ([]netip.Addr, error) {
		if host != "shop.example" {
			return nil, errors.New("another name")
		}
		var found []netip.Addr
		for name := range strings.FieldsSeq(now.Load().(string)) {
			found = append(found, netip.MustParseAddr(name))
		}
		if len(found) == 0 {
			return nil, &net.DNSError{Err: "no such host", Name: host, Server: "192.0.2.53:53"}
		}
		return found, nil
	}
	f := NewFinder([]string{"http://shop.example:" + port + "/keys?token=c4n4rY"}, lookup)
	for i, round := range []struct {
		addresses, stops string
		want             map[string]string
	}{
		{"127.0.0.2 127.0.0.1", "", map[string]string{"127.0.0.1": "127.0.0.1", "127.0.0.2": "127.0.0.2"}},
		{"127.0.0.1 ::ffff:127.0.0.1 2001:db8::1", "", map[string]string{"127.0.0.1": "127.0.0.1", "127.0.0.2": "127.0.0.2"}}, // left the name, and still runs
		{"127.0.0.1 127.0.0.3", "127.0.0.2", map[string]string{"127.0.0.1": "127.0.0.1", "127.0.0.2": "gone", "127.0.0.3": "127.0.0.3"}},
		{"127.0.0.1 127.0.0.3", "127.0.0.3", map[string]string{"127.0.0.1": "127.0.0.1", "127.0.0.3": "error"}}, // is in the name, and down
		{"", "", map[string]string{"127.0.0.1": "127.0.0.1", "127.0.0.3": "error", "shop.example": "error"}},    // nobody knows that it is gone
		{"127.0.0.1", "", map[string]string{"127.0.0.1": "127.0.0.1", "127.0.0.3": "gone"}},
		{"127.0.0.1", "", map[string]string{"127.0.0.1": "127.0.0.1"}},
	} {
		now.Store(round.addresses)
		if round.stops != "" {
			stop(round.stops)
		}
		answers := f.Ask(t.Context())
		if d := cmp.Diff(round.want, said(answers)); d != "" {
			t.Errorf("round %d (-want +got):\n%s", i, d)
		}
		for _, a := range answers {
			if text := fmt.Sprint(a.Name, a.Err); strings.Contains(text, "c4n4rY") || strings.Contains(text, "192.0.2.53") || i == 0 && !strings.HasSuffix(a.Name, "/keys (shop.example)") {
				t.Errorf("round %d: %s", i, text)
			}
		}
	}
}

// What is one replica, whatever its name resolves to.
func TestAnAddressOrLocalhostIsOneReplica(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://127.0.0.1:1/keys": "", "http://[::1]:1/keys": "", "http://localhost:1/keys": "", "https://a.LOCALHOST/keys": "", "http://shop:99999/": "",
		"http://shop/keys": "shop 80", "https://shop.prod.svc/keys": "shop.prod.svc 443", "http://shop:8080": "shop 8080",
	} {
		got := ""
		if s := newService(address); s.host != "" {
			got = fmt.Sprint(s.host, " ", s.port)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}
