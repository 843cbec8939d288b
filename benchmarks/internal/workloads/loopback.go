package workloads

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// samePool returns a pool with the same settings for every library.
func samePool() *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: 128, IdleConnTimeout: time.Minute}
}

// closingPool returns a samePool and a function that closes all its connections, including
// those that a library has left open: in a few rounds they would exhaust the file descriptors.
func closingPool() (pool *http.Transport, end func()) {
	var mu sync.Mutex
	var all []net.Conn
	pool = samePool()
	pool.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, conn)
		}
		return conn, err
	}
	return pool, func() {
		pool.CloseIdleConnections()
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range all {
			_ = conn.Close()
		}
	}
}

// Loopback measures calls to a server in another process, with one caller and with many, over
// pools with the same settings.
func Loopback(ctx context.Context, s Settings) (*report.Section, error) {
	child, err := servers.Spawn(ctx)
	if err != nil {
		return nil, err
	}
	defer child.Close()
	entrants := speedEntrants(s.Peers)
	clients, pools := map[string]peers.Client{}, make([]*http.Transport, 0, len(entrants))
	defer func() {
		for _, pool := range pools {
			pool.CloseIdleConnections()
		}
	}()
	for _, p := range entrants {
		pool := samePool()
		pools = append(pools, pool)
		cfg := plain(child.URL)
		cfg.Transport = pool
		if clients[p.Name], err = p.New(cfg); err != nil {
			return nil, err
		}
	}
	section := &report.Section{
		Title: "Overhead over loopback",
		Text: "The server is another process on the same machine; every library has its own pool with the same settings " +
			"(128 idle connections per host). CPU time is that of the client.",
	}
	for _, callers := range []int{1, s.Callers} {
		s.Progress("loopback, %d callers", callers)
		calls := s.Loopback
		if callers > 1 {
			calls *= 16
		}
		got, err := sampleAll(ctx, entrants, clients, s.Samples, calls, callers)
		if err != nil {
			return nil, err
		}
		table := got.table(fmt.Sprintf("%d callers", callers), entrants)
		if callers == 1 {
			table.Title = "1 caller"
		} else {
			table.Bar = speedBar("at most 1.0 × the time of net/http in the same round, through HTTPClient()", got)
		}
		section.Tables = append(section.Tables, table)
	}
	return section, nil
}
