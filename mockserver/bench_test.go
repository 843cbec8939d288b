package mockserver

import (
	"net/http"
	"testing"
)

// BenchmarkGet is one authenticated GET without the network.
func BenchmarkGet(b *testing.B) {
	srv, err := NewHandler(WithoutRateLimits())
	if err != nil {
		b.Fatal(err)
	}
	key := srv.Keys().Issue(IMKIT)
	r, _ := http.NewRequest(http.MethodGet, "http://x/admin/connection-count", nil)
	r.Header.Set("User-Agent", "bench")
	r.Header.Set("Accept-Encoding", "gzip")
	key.Apply(r)
	h := srv.Handler(IMKIT)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		w := &discard{header: http.Header{}}
		for pb.Next() {
			h.ServeHTTP(w, r.WithContext(r.Context()))
		}
	})
}

// BenchmarkStart is New, one in-process listener and Close.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		srv, err := NewHandler()
		if err != nil {
			b.Fatal(err)
		}
		if srv.BaseURL(IMKIT) == "" {
			b.Fatal("no listener")
		}
		_ = srv.Close()
	}
}

// BenchmarkIssue is one key.
func BenchmarkIssue(b *testing.B) {
	srv, err := NewHandler()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		srv.Keys().Issue(IMKIT)
	}
}
