package keyfit_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

func TestErrorBodyWithoutEndIsKeptTo64KiBAndTyped(t *testing.T) {
	t.Parallel()
	chunk := bytes.Repeat([]byte("lorem fitsum "), 1<<10)
	for _, test := range []struct {
		status int
		typed  func(error) bool
	}{
		{http.StatusUnauthorized, rawIs[*keyfit.InvalidKeyError]},
		{http.StatusForbidden, rawIs[*keyfit.PermissionError]},
		{http.StatusTooManyRequests, rawIs[*keyfit.RateLimitError]},
		{http.StatusNotFound, rawIs[*keyfit.APIError]},
		{http.StatusServiceUnavailable, rawIs[*keyfit.APIError]},
		{http.StatusMultipleChoices, rawIs[*keyfit.APIError]},
	} {
		t.Run(http.StatusText(test.status), func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			srv := rawServer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				for {
					n, err := w.Write(chunk)
					if err != nil {
						return
					}
					sent.Add(int64(n))
				}
			})
			c := rawClient(t, srv.URL, 2, keyfit.WithKey(rawOldKey))
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := keyfit.Get[string](ctx, c, "/")
			if ctx.Err() != nil {
				t.Fatalf("the error came only with the deadline: %v", err)
			}
			base, ok := errors.AsType[*keyfit.APIError](err)
			if !ok || !test.typed(err) || base.StatusCode != test.status {
				t.Fatalf("want the typed error of %d, got %T %v", test.status, err, err)
			}
			if d := cmp.Diff(64<<10, len(base.Body())); d != "" {
				t.Errorf("kept (-want +got):\n%s", d)
			}
			if len(err.Error()) > 1<<10 {
				t.Errorf("the error's line has %d bytes", len(err.Error()))
			}
			// What the kernel holds of it was sent too; without an end to the reading it
			// would be gigabytes.
			if got := sent.Load(); got > 64<<20 {
				t.Errorf("%d bytes were sent", got)
			}
		})
	}
}

func TestAnswerAboveTheLimitIsRefusedAndOneAtTheLimitIsNot(t *testing.T) {
	t.Parallel()
	const standard = 10 << 20
	srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
		var size int64
		var form string
		_, _ = fmt.Sscanf(r.URL.Path, "/%d/%s", &size, &form)
		var out io.Writer = w
		switch form {
		case "announced":
			w.Header().Set("Content-Length", fmt.Sprint(size))
		case "zipped":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			out = z
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		chunk := make([]byte, 64<<10)
		for size > 0 {
			n, err := out.Write(chunk[:min(size, int64(len(chunk)))])
			if err != nil {
				return
			}
			size -= int64(n)
		}
	})
	standardClient := rawClient(t, srv.URL, 4, keyfit.WithKey(rawOldKey))
	smallClient := rawClient(t, srv.URL, 4, keyfit.WithKey(rawOldKey), keyfit.WithMaxResponseBytes(1000))
	for _, test := range []struct {
		name   string
		client *keyfit.Client
		opts   []keyfit.CallOption
		limit  int64
		sizes  []int64
	}{
		{"standard", standardClient, nil, standard, []int64{standard, 11 << 20}},
		{"of the client", smallClient, nil, 1000, []int64{999, 1000, 1001, 1 << 20}},
		{"of the call", smallClient, []keyfit.CallOption{keyfit.WithMaxResponseBytes(2000)}, 2000, []int64{1999, 2000, 2001, 1 << 20}},
	} {
		for _, form := range []string{"announced", "chunked", "zipped"} {
			if form == "zipped" && test.limit == standard {
				continue // the same code, and two seconds of compression
			}
			t.Run(test.name+"/"+form, func(t *testing.T) {
				t.Parallel()
				for _, size := range test.sizes {
					var told keyfit.Response
					body, err := keyfit.Get[[]byte](t.Context(), test.client, fmt.Sprintf("/%d/%s", size, form), append(test.opts, keyfit.WithResponse(&told))...)
					if size <= test.limit {
						if err != nil || int64(len(body)) != size {
							t.Errorf("%d bytes are within the limit: got %d, %v", size, len(body), err)
						}
						continue
					}
					if !errors.Is(err, keyfit.ErrTooLarge) || len(body) != 0 {
						t.Errorf("%d bytes are above the limit: got %d, %v", size, len(body), err)
					}
					if failed, ok := errors.AsType[*keyfit.RequestError](err); !ok || failed.StatusCode != http.StatusOK || told.Attempts != 1 {
						t.Errorf("want a *RequestError of one attempt with status 200, got %#v after %d", err, told.Attempts)
					}
				}
			})
		}
	}
}

// poolPipe is net/http on both sides of a pipe in memory, so that synctest's clock counts.
func poolPipe(t *testing.T, h http.HandlerFunc) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: poolServer(t, h)}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// poolServer is net/http's server. It returns what opens a connection to it in memory.
func poolServer(t *testing.T, h http.Handler) func(ctx context.Context, network, addr string) (net.Conn, error) {
	t.Helper()
	conns := make(chan net.Conn)
	l := &poolListener{conns: conns, done: make(chan struct{})}
	srv := &http.Server{Handler: h, ErrorLog: quietLog(), ReadHeaderTimeout: time.Hour}
	served := make(chan struct{})
	go func() { _ = srv.Serve(l); close(served) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-served
	})
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		client, server := net.Pipe()
		select {
		case conns <- server:
			return client, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

type poolListener struct {
	conns <-chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *poolListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *poolListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *poolListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// TestBodyThatStallsIsBounded: nobody waits for ever for a body, whatever the status and
// whoever reads it, though the caller set no deadline.
func TestBodyThatStallsIsBounded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		bound  time.Duration
		call   func(context.Context, *keyfit.Client) error
		check  func(error) bool
	}{
		{"error", http.StatusNotFound, 5 * time.Second, poolGet[string], rawIs[*keyfit.APIError]},
		{"refused key", http.StatusUnauthorized, 5 * time.Second, poolGet[string], rawIs[*keyfit.InvalidKeyError]},
		{"retried error", http.StatusServiceUnavailable, 11 * time.Second, poolGet[string], rawIs[*keyfit.APIError]},
		{"redirect to another origin", http.StatusFound, 5 * time.Second, poolGet[string], func(err error) bool { return errors.Is(err, keyfit.ErrCrossOrigin) }},
		{"decoded answer", http.StatusOK, 5 * time.Minute, poolGet[string], rawIs[*keyfit.RequestError]},
		{"answer that nobody reads", http.StatusOK, 5 * time.Second, poolGet[struct{}], func(err error) bool { return err == nil }},
		{"raw error", http.StatusNotFound, 5 * time.Second, func(ctx context.Context, c *keyfit.Client) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
			if err != nil {
				return err
			}
			resp, err := c.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			return keyfit.CheckResponse(resp)
		}, rawIs[*keyfit.APIError]},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				hc := poolPipe(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", "http://elsewhere.example.com/")
					w.Header().Set("Content-Length", "1000")
					w.WriteHeader(test.status)
					_, _ = io.WriteString(w, "the beginning")
					_ = http.NewResponseController(w).Flush()
					select {
					case <-release:
					case <-r.Context().Done():
					}
				})
				defer close(release)
				c := rawClient(t, "http://localhost", 2, keyfit.WithKey(rawOldKey), keyfit.WithHTTPClient(hc))
				began := time.Now()
				err := test.call(context.Background(), c) // the promise is for a context without end
				if !test.check(err) {
					t.Errorf("got %T %v", err, err)
				}
				if took := time.Since(began); took > test.bound {
					t.Errorf("took %s, want at most %s", took, test.bound)
				}
				if base, ok := errors.AsType[*keyfit.APIError](err); ok && string(base.Body()) != "the beginning" {
					t.Errorf("what came of the body is %q", base.Body())
				}
			})
		})
	}
}

func poolGet[T any](ctx context.Context, c *keyfit.Client) error {
	_, err := keyfit.Get[T](ctx, c, "/")
	return err
}

func TestCallersHTTPClientIsNotChangedAndItsRulesHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pipe := poolPipe(t, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/move":
				http.Redirect(w, r, "/moved", http.StatusFound)
			case "/leave":
				http.Redirect(w, r, "http://elsewhere.example.com/", http.StatusFound)
			case "/hang":
				<-r.Context().Done()
			}
		})
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		errRule := errors.New("no redirects to /moved here")
		asked := 0
		transport := &poolTransport{next: pipe.Transport, name: "the caller's"}
		hc := &http.Client{Transport: transport, Jar: jar, Timeout: 3 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
			asked++
			return errRule
		}}
		before := poolDeep(hc, transport)

		c := rawClient(t, "http://localhost", 2, keyfit.WithKey(rawOldKey), keyfit.WithHTTPClient(hc))
		_, err = keyfit.Get[string](t.Context(), c, "/move")
		if !errors.Is(err, errRule) || asked != 1 {
			t.Errorf("want the rule's own error after one question, got %v after %d", err, asked)
		}
		_, err = keyfit.Get[string](t.Context(), c, "/leave")
		if !errors.Is(err, keyfit.ErrCrossOrigin) || asked != 1 {
			t.Errorf("want ErrCrossOrigin without a question, got %v after %d", err, asked)
		}
		for name, opts := range map[string][]keyfit.CallOption{"": nil, " with a policy of the call": {keyfit.WithRetry(rawPolicy(2))}} {
			began := time.Now()
			_, err := keyfit.Get[string](t.Context(), c, "/hang", opts...)
			took := time.Since(began).Round(time.Second)
			timeout, ok := errors.AsType[net.Error](err)
			if !ok || !timeout.Timeout() || took != 6*time.Second {
				t.Errorf("the client's timeout%s: want two attempts of 3 s that time out, got %v after %s", name, err, took)
			}
		}
		if d := cmp.Diff(before, poolDeep(hc, transport)); d != "" {
			t.Errorf("the caller's client was changed (-before +after):\n%s", d)
		}
	})
}

// poolTransport is a transport whose state can be compared.
type poolTransport struct {
	next http.RoundTripper
	name string
}

func (p *poolTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return p.next.RoundTrip(r)
}

// poolDeep writes down a client: functions and pointers by address, values as they are.
func poolDeep(hc *http.Client, transport *poolTransport) string {
	return fmt.Sprintf("%#v\n%#v\n%p", *hc, *transport, hc.Transport)
}
