package mockserver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// drain is a client of a stream that reads whatever comes.
type drain struct{ header http.Header }

func (d *drain) Header() http.Header       { return d.header }
func (*drain) WriteHeader(int)             {}
func (*drain) Flush()                      {}
func (*drain) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkFollowers is a request while clients follow the live requests.
func BenchmarkFollowers(b *testing.B) {
	for _, n := range []int{0, 1, 200} {
		b.Run(fmt.Sprintf("followers=%d", n), func(b *testing.B) {
			srv, err := mockserver.NewHandler(mockserver.WithoutRateLimits())
			if err != nil {
				b.Fatal(err)
			}
			defer srv.Close()
			ctx, cancel := context.WithCancel(b.Context())
			var wg sync.WaitGroup
			for range n {
				r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/v1/namespaces/default/requests/stream", http.NoBody)
				r.Header.Set("Authorization", "Bearer "+srv.AdminToken().Reveal())
				wg.Go(func() { srv.AdminHandler().ServeHTTP(&drain{http.Header{}}, r) })
			}
			r := httptest.NewRequest(http.MethodGet, "http://mindkey.localhost/ping", http.NoBody)
			srv.Keys().Issue(mockserver.MindKey).Apply(r)
			h := srv.Handler(mockserver.MindKey)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(&drain{make(http.Header, 4)}, r)
			}
			b.StopTimer()
			cancel()
			wg.Wait()
		})
	}
}
