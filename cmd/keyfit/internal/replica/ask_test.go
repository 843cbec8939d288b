package replica

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// The address of --watch may have a token or a password in it. Neither reaches another server,
// not even as Referer.
func TestAWatchedServiceRedirectsNobody(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		service := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		address := strings.Replace(service.URL, "http://", "http://user:c4n4rY@", 1) + "/keys?token=c4n4rY"
		_, err := ask(t.Context(), address, netip.AddrPort{})
		service.Close()
		if err == nil || !strings.Contains(err.Error(), "answers 30") || strings.Contains(err.Error(), "c4n4rY") {
			t.Errorf("%d: %v", status, err)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("another server was asked %d times", asked.Load())
	}
}

// A balancer chooses a replica for each connection: each question has one of its own.
func TestEachQuestionHasAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	var from sync.Map
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from.Store(r.RemoteAddr, true)
		_, _ = w.Write([]byte(`{"provider":"imkit","current":{"generation":1,"fingerprint":"aa"}}`))
	}))
	t.Cleanup(service.Close)
	const questions = 3
	for range questions {
		if _, err := ask(t.Context(), service.URL, netip.AddrPort{}); err != nil {
			t.Fatal(err)
		}
	}
	connections := 0
	from.Range(func(any, any) bool { connections++; return true })
	if connections != questions {
		t.Errorf("%d questions over %d connections", questions, connections)
	}
}
