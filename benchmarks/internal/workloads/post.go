package workloads

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// postCase is one way in which a request can fail.
type postCase struct {
	head   string
	method string
	reused bool // a GET precedes it on the same connection
	fail   http.HandlerFunc
}

func postCases() []postCase {
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			if code == http.StatusTooManyRequests {
				w.Header().Set("Retry-After", "1")
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	return []postCase{
		{"response lost, new connection", http.MethodPost, false, servers.Drop},
		{"response lost, reused connection", http.MethodPost, true, servers.Drop},
		{"500", http.MethodPost, false, status(http.StatusInternalServerError, `{"message":"failed"}`)},
		{"503", http.MethodPost, false, status(http.StatusServiceUnavailable, `{"message":"not now"}`)},
		{"429", http.MethodPost, false, status(http.StatusTooManyRequests, `{"message":"too many requests","retryAfter":1}`)},
		{"GET, response lost, reused connection", http.MethodGet, true, servers.Drop},
	}
}

// Post counts how often a server receives a request that fails.
func Post(ctx context.Context, s Settings) (*report.Section, error) {
	cases := postCases()
	t := report.Table{Head: []string{"library"}}
	counts := make([][]int, len(s.Peers))
	errs := make(chan error, len(cases)*len(s.Peers))
	var wg sync.WaitGroup // nothing is timed here, and most of the time is waiting
	for i, p := range s.Peers {
		counts[i] = make([]int, len(cases))
		for j, c := range cases {
			wg.Go(func() {
				n, err := c.count(ctx, p, s.Retries)
				counts[i][j] = n
				errs <- err
			})
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return nil, err
		}
	}
	for _, c := range cases {
		t.Head = append(t.Head, c.head)
	}
	t.Bar = report.NewBar("a POST whose response is lost is sent once")
	for i, p := range s.Peers {
		row := []string{p.Name}
		for _, n := range counts[i] {
			row = append(row, report.Integer(n))
		}
		t.Add(row...)
		if p.Name == peers.Keyfit().Name {
			t.Bar.Want(counts[i][0] == 1 && counts[i][1] == 1, "sent %d and %d times", counts[i][0], counts[i][1])
		}
	}
	return &report.Section{
		Title: "How often a server receives one POST",
		Text: fmt.Sprintf("%d retries are configured; the conditions are those of each library. A retry is right after a 429, or after a 503 that says "+
			"that nothing was done; after a lost response or a 500 it is unknown whether the request took effect. A GET may always be retried.", s.Retries),
		Tables: []report.Table{t},
	}, nil
}

// count makes one call that fails and returns the number of requests that arrived.
func (c postCase) count(ctx context.Context, p peers.Peer, retries int) (int, error) {
	var arrived atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", servers.OK)
	mux.HandleFunc("/wrong", func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		c.fail(w, r)
	})
	server, err := servers.Start(ctx, mux)
	if err != nil {
		return 0, err
	}
	defer server.Close()
	pool := samePool()
	defer pool.CloseIdleConnections()
	cfg := plain(server.URL)
	cfg.Transport, cfg.Retries = pool, retries
	client, err := p.New(cfg)
	if err != nil {
		return 0, err
	}
	if c.reused {
		if a := client.Call(ctx, http.MethodGet, "/ok", nil); !a.OK() {
			return 0, a.Err
		}
	}
	var body []byte
	if c.method == http.MethodPost {
		body = []byte(`{"name":"a thing"}`)
	}
	client.Call(ctx, c.method, "/wrong", body)
	return int(arrived.Load()), nil
}
