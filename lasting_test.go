package keyfit_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/keyfit/keyfit"
)

// lastingClient is a client without waits over a transport.
func lastingClient(t *testing.T, wire http.RoundTripper, opts ...keyfit.Option) *keyfit.Client {
	t.Helper()
	p := keyfit.Provider{Name: "lasting", BaseURL: "https://lasting.example", Scheme: keyfit.Header("X-Api-Key")}
	opts = append([]keyfit.Option{
		keyfit.WithKey("lasting-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: wire}),
	}, opts...)
	c, err := keyfit.New(p, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = c.With(keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: time.Microsecond, MaxBackoff: time.Microsecond})); err != nil {
		t.Fatal(err)
	}
	return c
}

// A status is tried again if it can be over at the next attempt, whoever has invented its
// number.
func TestEveryPassingStatusIsTriedAgain(t *testing.T) {
	t.Parallel()
	lasting := map[int]bool{http.StatusNotImplemented: true, http.StatusHTTPVersionNotSupported: true}
	passing := map[int]bool{http.StatusRequestTimeout: true, http.StatusMisdirectedRequest: true, http.StatusTooEarly: true, http.StatusTooManyRequests: true}
	got, want := map[int]int{}, map[int]int{}
	posts, wantPosts := map[int]int{}, map[int]int{}
	for status := 400; status <= 599; status++ {
		for method, attempts := range map[string]map[int]int{http.MethodGet: got, http.MethodPost: posts} {
			wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
				attempts[status]++
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
			})
			c := lastingClient(t, wire, keyfit.WithGate(openGate{}))
			if _, err := keyfit.Send[struct{}](t.Context(), c, method, "/x", nil, keyfit.WithRetry(keyfit.RetryPolicy{
				MaxAttempts: 2, MinBackoff: time.Microsecond, MaxBackoff: time.Microsecond, Budget: math.Inf(1),
			})); err == nil {
				t.Errorf("%s: no error for %d", method, status)
			}
		}
		want[status], wantPosts[status] = 1, 1
		if status >= 500 && !lasting[status] || passing[status] {
			want[status] = 2
		}
		switch status { // the server did nothing
		case http.StatusMisdirectedRequest, http.StatusTooEarly, http.StatusTooManyRequests:
			wantPosts[status] = 2
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attempts of a GET (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantPosts, posts); diff != "" {
		t.Errorf("attempts of a POST (-want +got):\n%s", diff)
	}
}

// openGate lets everything through.
type openGate struct{}

func (openGate) Enter(context.Context, keyfit.Entry) (func(keyfit.Outcome), error) {
	return func(keyfit.Outcome) {}, nil
}

// An error that another attempt would only repeat ends the call at once.
func TestAnErrorThatLastsIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	wire := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, there); _ = there.Close() }()
		return here, nil
	}}
	t.Cleanup(wire.CloseIdleConnections)
	h2 := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { _, _ = io.Copy(io.Discard, req.Body) }))
	h2.EnableHTTP2 = true
	h2.StartTLS()
	t.Cleanup(h2.Close)
	dials := func(err error) http.RoundTripper {
		return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}
	}
	header := func(name, value string) func(*http.Request) {
		return func(req *http.Request) { req.Header[name] = []string{value} }
	}
	for name, test := range map[string]struct {
		wire   http.RoundTripper
		change func(*http.Request)
	}{
		"a body longer than its length, over HTTP/2": {h2.Client().Transport, bodyOf("abcdef", 3)},
		"a body that cannot be read":                 {wire, brokenBody},
		"a body that cannot be read, over HTTP/2":    {h2.Client().Transport, brokenBody},
		"an upgrade, over HTTP/2":                    {h2.Client().Transport, header("Upgrade", "echo")},
		"a Transfer-Encoding, over HTTP/2":           {h2.Client().Transport, header("Transfer-Encoding", "lorem")},
		"an address that is none":                    {dials(&net.OpError{Op: "dial", Err: &net.AddrError{Err: "missing port in address"}}), nil},
		"a network that is none":                     {dials(&net.OpError{Op: "dial", Err: net.UnknownNetworkError("lorem")}), nil},
		"a connection that the system forbids":       {dials(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)}), nil},
		"a proxy of SOCKS that refuses the password": {dials(&net.OpError{Op: "socks connect", Err: errors.New("username/password authentication failed")}), nil},
		"a proxy of SOCKS that forbids the host":     {dials(&net.OpError{Op: "socks connect", Err: errors.New("unknown error connection not allowed by ruleset")}), nil},
		"a dial that is badly written":               {&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, nil }}, nil}, //nolint:nilnil // the mistake
		"the address of a proxy that is none":        {&http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New(`invalid proxy address "lorem"`) }}, nil},
		"httpmock without a responder":               {httpmock.NewMockTransport(), nil},
		"a header value with a line feed":            {wire, header("X-A", "a\nb")},
		"a header value with a NUL":                  {wire, header("X-A", "a\x00b")},
		"a header name with a space":                 {wire, header("X A", "b")},
		"a header name that is empty":                {wire, header("", "b")},
		"a header name that is not ASCII":            {wire, header("X-Ä", "b")},
		"a method that is none":                      {wire, func(req *http.Request) { req.Method = "G ET" }},
		"a trailer name with a line break":           {wire, func(req *http.Request) { req.Trailer = http.Header{"A\r\nB": nil} }},
		"a body shorter than its length":             {wire, bodyOf("abc", 10)},
		"a body longer than its length":              {wire, bodyOf("abcdef", 3)},
		"a host that does not exist":                 {dials(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}), nil},
		"a TLS alert of the server":                  {dials(&net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var attempts atomic.Int64
			base := "http://127.0.0.1:1"
			if test.wire == h2.Client().Transport {
				base = h2.URL
			}
			c := lastingClient(t, test.wire, keyfit.WithBaseURL(base),
				keyfit.WithHooks(keyfit.Hooks{Attempt: func(context.Context, keyfit.AttemptEvent) { attempts.Add(1) }}))
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "/x", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if test.change != nil {
				test.change(req)
			}
			resp, err := c.Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			if err == nil || attempts.Load() > 1 {
				t.Errorf("%d attempts, and the error is %v", attempts.Load(), err)
			}
			if s := c.Stats(); s.Retries != 0 {
				t.Errorf("%d retries were counted", s.Retries)
			}
		})
	}
}

func brokenBody(req *http.Request) {
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(iotest.ErrReader(errDisk)), nil }
	req.Body, _ = req.GetBody()
	req.ContentLength = 3
}

var errDisk = errors.New("the disk has failed")

func bodyOf(text string, length int64) func(*http.Request) {
	return func(req *http.Request) {
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		req.Body, _ = req.GetBody()
		req.ContentLength = length
	}
}

var errAskedToStop = errors.New("asked to stop")

// The cause of a cancellation reaches the caller wherever the call was.
func TestTheCauseOfACancellationIsInTheError(t *testing.T) {
	t.Parallel()
	answers := func(status int) roundTripFunc {
		return func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
		}
	}
	hangs := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	patient := keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: time.Hour, MaxBackoff: time.Hour, MaxWait: 9 * time.Hour})
	for name, test := range map[string]struct {
		wire   http.RoundTripper
		before int // calls that are answered before
		after  time.Duration
		opts   []keyfit.Option
		call   []keyfit.CallOption
	}{
		"before it began":    {wire: answers(200)},
		"on the wire":        {wire: hangs, after: time.Second},
		"during the backoff": {wire: answers(500), after: time.Millisecond, call: []keyfit.CallOption{patient}},
		"in the gate":        {wire: answers(200), before: 1, after: time.Second, opts: []keyfit.Option{keyfit.WithLimit(keyfit.Limit{Requests: 1, Per: 30 * time.Second})}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := lastingClient(t, test.wire, test.opts...)
				for range test.before {
					if _, err := keyfit.Get[struct{}](t.Context(), c, "/before"); err != nil {
						t.Fatal(err)
					}
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if test.after == 0 {
					cancel(errAskedToStop)
				} else {
					time.AfterFunc(test.after, func() { cancel(errAskedToStop) })
				}
				_, err := keyfit.Get[struct{}](ctx, c, "/x", test.call...)
				if !errors.Is(err, errAskedToStop) || !errors.Is(err, context.Canceled) {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}

// A reader that is given as the body is closed if the call does not begin: the writer of a
// pipe would wait for ever.
func TestTheBodyOfACallThatDoesNotBeginIsClosed(t *testing.T) {
	t.Parallel()
	c := lastingClient(t, roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }))
	send := func(method, path string, opts ...keyfit.CallOption) func(io.Reader) error {
		return func(body io.Reader) error {
			_, err := keyfit.Send[struct{}](t.Context(), c, method, path, body, opts...)
			return err
		}
	}
	for name, call := range map[string]func(io.Reader) error{
		"a path without a slash": send(http.MethodPost, "x"),
		"a path that is no URL":  send(http.MethodPost, "/%zz"),
		"a method that is none":  send("PO ST", "/x"),
		"another origin":         send(http.MethodPost, "https://other.example/x"),
		"a bad option":           send(http.MethodPost, "/x", keyfit.Param("", "x")),
		"a nil option":           send(http.MethodPost, "/x", nil),
		"an empty key":           send(http.MethodPost, "/x", keyfit.WithKey("")),
		"no context": func(body io.Reader) error {
			_, err := keyfit.Send[struct{}](nil, c, http.MethodPost, "/x", body) //nolint:staticcheck // a mistake
			return err
		},
		"no URL": func(body io.Reader) error {
			resp, err := c.Do(&http.Request{Method: http.MethodPost, Body: body.(io.ReadCloser)})
			if err == nil {
				_ = resp.Body.Close()
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := &closing{Reader: strings.NewReader("streamed")}
			if err := call(body); err == nil || !body.closed.Load() {
				t.Errorf("closed: %t, and the error is %v", body.closed.Load(), err)
			}
		})
	}
}

type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error { c.closed.Store(true); return nil }

// No limit is written as the largest number, and a byte order mark is no broken JSON.
func TestATypedCallReadsWhatItCan(t *testing.T) {
	t.Parallel()
	c := lastingClient(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
		body := io.NopCloser(strings.NewReader("\ufeff" + `{"n":1}`))
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Request: req}, nil
	}))
	for _, limit := range []int64{10, 1 << 20, math.MaxInt64 - 1, math.MaxInt64} {
		got, err := keyfit.Get[map[string]int](t.Context(), c, "/x", keyfit.WithMaxResponseBytes(limit))
		if diff := cmp.Diff(map[string]int{"n": 1}, got); diff != "" || err != nil {
			t.Errorf("limit %d: %v (-want +got):\n%s", limit, err, diff)
		}
	}
}
