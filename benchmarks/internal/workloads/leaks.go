package workloads

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

// The verdicts of a leak test.
const (
	leaked  = "**leaked**"
	sent    = "**sent**"
	kept    = "kept"
	refused = "refused to send"
	noLog   = "no log"
)

// leakTest is one way in which a key can leak.
type leakTest struct {
	head string
	run  func(ctx context.Context, p peers.Peer) (verdict string, err error)
}

func leakTests() []leakTest {
	return []leakTest{
		{"custom header, redirect to another host", func(ctx context.Context, p peers.Peer) (string, error) {
			return redirectLeak(ctx, p, peers.InHeader, false)
		}},
		{"Authorization, another host", func(ctx context.Context, p peers.Peer) (string, error) {
			return redirectLeak(ctx, p, peers.InAuthorization, false)
		}},
		{"Authorization, another port", func(ctx context.Context, p peers.Peer) (string, error) {
			return redirectLeak(ctx, p, peers.InAuthorization, true)
		}},
		{"key in query, text of a connection error", errorTextLeak},
		{"key in query or header, in its log", logLeak},
		{"plain http", plainLeak},
		{"`%+v` of the client", insideLeak},
	}
}

// Leaks checks whether keys leak.
func Leaks(ctx context.Context, s Settings) (*report.Section, error) {
	tests := leakTests()
	t := report.Table{Head: []string{"library"}, Bar: report.NewBar("no leak in any column, and nothing sent over plain http")}
	for _, test := range tests {
		t.Head = append(t.Head, test.head)
	}
	rows, errs := make([][]string, len(s.Peers)), make([]error, len(s.Peers))
	var wg sync.WaitGroup // nothing is timed, and most of the time is waiting
	for i, p := range s.Peers {
		wg.Go(func() { rows[i], errs[i] = leakRow(ctx, p, tests) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	t.Rows = rows
	for _, row := range rows {
		if row[0] != peers.Keyfit().Name {
			continue
		}
		for i, verdict := range row {
			t.Bar.Want(verdict != leaked && verdict != sent, "%s", t.Head[i])
		}
	}
	return &report.Section{
		Title: "Where the key goes",
		Text: "The redirects are 307, which all libraries may follow, from one name or port to another. The log is the library's own at its most verbose " +
			"documented level, if it can be set per client. Plain http is tested with the library's default, to a name that is not a loopback name. " +
			"`%+v` is applied to the library's client object, configured as its documentation shows.",
		Tables: []report.Table{t},
	}, nil
}

func leakRow(ctx context.Context, p peers.Peer, tests []leakTest) ([]string, error) {
	row := []string{p.Name}
	for _, test := range tests {
		verdict, err := test.run(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", p.Name, test.head, err)
		}
		row = append(row, verdict)
	}
	return row, nil
}

// seen is a server that records whether the key reached it.
type seen struct{ asked, withKey atomic.Bool }

func (s *seen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Store(true)
	if strings.Contains(fmt.Sprint(r.Header, r.URL), key) {
		s.withKey.Store(true)
	}
	servers.OK(w, r)
}

// The names of the servers, which the pool of leakPool resolves.
const (
	homeHost    = "api.bench.example"
	foreignHost = "elsewhere.bench.example"
)

// leakPool returns a pool that resolves names to loopback addresses without a name server.
func leakPool(addresses map[string]string) *http.Transport {
	pool := samePool()
	pool.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if known, ok := addresses[host]; ok {
			address = known
		}
		return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
	}
	return pool
}

func redirectLeak(ctx context.Context, p peers.Peer, place peers.Place, samename bool) (string, error) {
	foreign := &seen{}
	elsewhere, err := servers.Start(ctx, foreign)
	if err != nil {
		return "", err
	}
	defer elsewhere.Close()
	target := "http://" + foreignHost + "/things/1"
	if samename {
		target = elsewhere.URL + "/things/1"
	}
	home, err := servers.Start(ctx, http.RedirectHandler(target, http.StatusTemporaryRedirect))
	if err != nil {
		return "", err
	}
	defer home.Close()
	pool := leakPool(map[string]string{homeHost: home.Addr(), foreignHost: elsewhere.Addr()})
	defer pool.CloseIdleConnections()
	cfg := plain("http://" + homeHost)
	if samename {
		cfg.BaseURL = home.URL
	}
	cfg.Transport, cfg.Place, cfg.Retries = pool, place, 0
	if _, err = callOnce(ctx, p, cfg); err != nil {
		return "", err
	}
	switch {
	case foreign.withKey.Load():
		return leaked, nil
	case foreign.asked.Load():
		return kept, nil
	default:
		return "redirect refused", nil
	}
}

// callOnce creates a client and makes one call, which may fail.
func callOnce(ctx context.Context, p peers.Peer, cfg peers.Config) (peers.Answer, error) {
	c, err := p.New(cfg)
	if err != nil {
		return peers.Answer{}, err
	}
	return c.Call(ctx, http.MethodGet, "/things/1", nil), nil
}

func errorTextLeak(ctx context.Context, p peers.Peer) (string, error) {
	closed, err := servers.Start(ctx, http.NotFoundHandler())
	if err != nil {
		return "", err
	}
	closed.Close()
	cfg := plain(closed.URL)
	cfg.Place, cfg.Retries = peers.InQuery, 0
	a, err := callOnce(ctx, p, cfg)
	switch {
	case err != nil:
		return "", err
	case a.Err == nil:
		return "", errors.New("a call to a closed server succeeded")
	case strings.Contains(a.Err.Error(), key):
		return leaked, nil
	default:
		return kept, nil
	}
}

// logLeak makes calls fail and be retried, with the key in the query and in the header.
func logLeak(ctx context.Context, p peers.Peer) (string, error) {
	server, err := servers.Start(ctx, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	if err != nil {
		return "", err
	}
	defer server.Close()
	var log logBuffer
	for _, place := range []peers.Place{peers.InQuery, peers.InHeader} {
		cfg := plain(server.URL)
		cfg.Place, cfg.Retries, cfg.Log = place, 1, &log
		if _, err = callOnce(ctx, p, cfg); err != nil {
			return "", err
		}
	}
	switch text := log.String(); {
	case text == "":
		return noLog, nil
	case strings.Contains(text, key):
		return leaked, nil
	default:
		return kept, nil
	}
}

// logBuffer is a bytes.Buffer that is safe for concurrent use.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// plainLeak checks whether a library sends a key without TLS by default.
func plainLeak(ctx context.Context, p peers.Peer) (string, error) {
	handler := &seen{}
	server, err := servers.Start(ctx, handler)
	if err != nil {
		return "", err
	}
	defer server.Close()
	pool := leakPool(map[string]string{homeHost: server.Addr()})
	defer pool.CloseIdleConnections()
	cfg := plain("http://" + homeHost)
	cfg.Transport, cfg.HTTPSOnly, cfg.Retries = pool, true, 0
	if _, err = callOnce(ctx, p, cfg); err != nil {
		return refused, nil // the client refused the configuration
	}
	if handler.withKey.Load() {
		return sent, nil
	}
	return refused, nil
}

func insideLeak(_ context.Context, p peers.Peer) (string, error) {
	c, err := p.New(plain("http://127.0.0.1:1"))
	if err != nil {
		return "", err
	}
	if strings.Contains(c.Dump(), key) {
		return leaked, nil
	}
	return kept, nil
}
