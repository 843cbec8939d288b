package replica

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
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
