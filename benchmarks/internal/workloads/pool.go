package workloads

import (
	"context"
	"fmt"
	"net/http"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// Pool counts the connections that each library opens with its default pool.
func Pool(ctx context.Context, s Settings) (*report.Section, error) {
	conns, times := map[string][]int{}, samples{}
	err := inTurn(ctx, s.Peers, s.Rounds, func(_ int, p peers.Peer) error {
		opened, took, err := ownPool(ctx, s, p)
		conns[p.Name] = append(conns[p.Name], opened)
		times[p.Name] = append(times[p.Name], took)
		return err
	})
	if err != nil {
		return nil, err
	}
	table := report.Table{Head: []string{"library", "connections opened", "µs per call"}}
	for _, p := range s.Peers {
		table.Add(p.Name, report.Rounds(conns[p.Name], report.Integer),
			report.Rounds(times.pick(p.Name, onClock), func(f float64) string { return fmt.Sprintf("%.1f", f) }))
	}
	table.Bar = report.NewBar("at most 70 connections")
	if mine := conns[peers.Keyfit().Name]; len(mine) > 0 {
		table.Bar.Want(report.Median(mine) <= 70, "%d connections", report.Median(mine))
	}
	return &report.Section{
		Title: "The default connection pool of each library",
		Text: fmt.Sprintf("%d calls from %d callers to a server in another process, with the library's default pool. "+
			"%d connections are sufficient.", s.Pool, s.Callers, s.Callers),
		Tables: []report.Table{table},
	}, nil
}

func ownPool(ctx context.Context, s Settings, p peers.Peer) (opened int, took sample, err error) {
	child, err := servers.Spawn(ctx)
	if err != nil {
		return 0, took, err
	}
	defer child.Close()
	// Some libraries share net/http's default pool.
	if shared, ok := http.DefaultTransport.(*http.Transport); ok {
		defer shared.CloseIdleConnections()
	}
	c, err := p.New(plain(child.URL))
	if err != nil {
		return 0, took, err
	}
	if took, err = measure(ctx, c, s.Pool, s.Callers); err != nil {
		return 0, took, err
	}
	n, err := child.Counts(ctx)
	if err == nil && n.Requests != int64(s.Pool) {
		err = fmt.Errorf("%d requests reached the server, %d were made", n.Requests, s.Pool)
	}
	return n.Connections, took, err
}
