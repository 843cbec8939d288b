package workloads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// deadlineHint is the wait that the server asks for.
const deadlineHint = 60 * time.Second

// Deadline measures how soon a call returns if its deadline is before the end of the wait that
// the server asks for, and what the error contains.
func Deadline(ctx context.Context, s Settings) (*report.Section, error) {
	type outcome struct {
		first, next []time.Duration
		answer      peers.Answer
	}
	outcomes := map[string]*outcome{}
	err := inTurn(ctx, s.Peers, s.Rounds, func(_ int, p peers.Peer) error {
		first, next, answer, err := runDeadline(ctx, s.Deadline, p)
		if outcomes[p.Name] == nil {
			outcomes[p.Name] = &outcome{}
		}
		o := outcomes[p.Name]
		o.first, o.next, o.answer = append(o.first, first), append(o.next, next), answer
		return err
	})
	if err != nil {
		return nil, err
	}
	t := report.Table{Head: []string{"library", "returns after ms", "the next call, ms", "status 429", "wait of 60 s", "is DeadlineExceeded"}}
	for _, p := range s.Peers {
		o := outcomes[p.Name]
		status, hint, exceeded := o.answer.Status == http.StatusTooManyRequests,
			o.answer.RetryAfter > deadlineHint-5*time.Second, errors.Is(o.answer.Err, context.DeadlineExceeded)
		t.Add(p.Name, report.Rounds(o.first, report.Millis), report.Rounds(o.next, report.Millis), yes(status), yes(hint), yes(exceeded))
		if p.Name == peers.Keyfit().Name {
			t.Bar = report.NewBar("returns in less than 1 ms, and the error carries 429, 60 s and DeadlineExceeded")
			t.Bar.Want(report.Median(o.first) < time.Millisecond, "%s ms", report.Millis(report.Median(o.first)))
			t.Bar.Want(status && hint && exceeded, "429 %s, 60 s %s, DeadlineExceeded %s", yes(status), yes(hint), yes(exceeded))
		}
	}
	return &report.Section{
		Title: "A deadline before the end of the wait",
		Text: fmt.Sprintf("A call has a deadline of %s; the server responds with 429 and asks for a wait of %s. Status and wait count if a caller can read them from a field of "+
			"the error or from a returned response. The next call follows immediately, with the same deadline.", s.Deadline, deadlineHint),
		Tables: []report.Table{t},
	}, nil
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func runDeadline(ctx context.Context, limit time.Duration, p peers.Peer) (first, next time.Duration, answer peers.Answer, err error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", servers.OK)
	mux.HandleFunc("/limited", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"code":"RATE_LIMIT_EXCEEDED","message":"Too many requests","retryAfter":60}`)
	})
	server, err := servers.Start(ctx, mux)
	if err != nil {
		return 0, 0, answer, err
	}
	defer server.Close()
	pool := samePool()
	defer pool.CloseIdleConnections()
	cfg := plain(server.URL)
	cfg.Transport = pool
	c, err := p.New(cfg)
	if err != nil {
		return 0, 0, answer, err
	}
	for range 3 { // warm up the connection and the code
		if a := c.Call(ctx, http.MethodGet, "/ok", nil); !a.OK() {
			return 0, 0, answer, fmt.Errorf("the first call failed with status %d: %w", a.Status, a.Err)
		}
	}
	call := func() (time.Duration, peers.Answer) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		begin := time.Now()
		a := c.Call(ctx, http.MethodGet, "/limited", nil)
		return time.Since(begin), a
	}
	first, answer = call()
	next, _ = call()
	return first, next, answer, nil
}
