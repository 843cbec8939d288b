package keyfit_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// breaks are the ways in which the body of a good response ends too early.
var breaks = map[string]http.HandlerFunc{
	"aborted before the first byte": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	"aborted, of known length": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"n":`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	"aborted, of unknown length": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"n":1}`) // all that is wanted, but nothing says so
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	"shorter than announced": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"n":1}`)
	},
	"compressed, and cut": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		_, _ = io.WriteString(zip, `{"n":1}`)
		_ = zip.Flush() // no Close: the end is missing
	},
	"stalled": func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.WriteString(w, `{"n":`)
		_ = http.NewResponseController(w).Flush()
		<-req.Context().Done()
	},
	"reset": func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil { // over HTTP/2 an abort is the reset of the stream
			panic(http.ErrAbortHandler)
		}
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
		_ = rw.Flush()
		wire := conn.(*tls.Conn).NetConn() // closing it says no goodbye
		_ = wire.(*net.TCPConn).SetLinger(0)
		_ = wire.Close()
	},
}

// breakingServer breaks the first response to each path in one of the ways.
func breakingServer(t *testing.T, how http.HandlerFunc, http2 bool) (base string, wire http.RoundTripper, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if requests.Add(1) == 1 {
			how(w, req)
			return
		}
		_, _ = io.WriteString(w, `{"n":1}`)
	}))
	srv.Config.ErrorLog = quietLog()
	srv.EnableHTTP2 = http2
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL, srv.Client().Transport, requests
}

// The body of a response belongs to the attempt: if it breaks off, an idempotent typed call is
// tried again, as if the connection had broken before the headers.
func TestABrokenBodyIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, how := range breaks {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", name, http2), func(t *testing.T) {
				t.Parallel()
				base, wire, requests := breakingServer(t, how, http2)
				var events []keyfit.AttemptEvent
				c := lastingClient(t, wire, keyfit.WithBaseURL(base),
					keyfit.WithHooks(keyfit.Hooks{Attempt: func(_ context.Context, e keyfit.AttemptEvent) { events = append(events, e) }}))
				policy := keyfit.RetryPolicy{MinBackoff: time.Microsecond, MaxBackoff: time.Microsecond}
				if name == "stalled" {
					policy.AttemptTimeout = time.Second
				}
				var r keyfit.Response
				got, err := keyfit.Get[map[string]int](t.Context(), c, "/x", keyfit.WithRetry(policy), keyfit.WithResponse(&r))
				if diff := cmp.Diff(map[string]int{"n": 1}, got); diff != "" || err != nil {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
				if r.Attempts != 2 || requests.Load() != 2 || len(events) != 2 || c.Stats().Retries != 1 {
					t.Errorf("%d attempts, %d requests, %d events, %d retries; want 2, 2, 2, 1", r.Attempts, requests.Load(), len(events), c.Stats().Retries)
				}
			})
		}
	}
}

// What the call wants to read decides, and what it may repeat.
func TestABrokenBodyIsTriedAgainOnlyWhereThatIsSafe(t *testing.T) {
	t.Parallel()
	get := func(c *keyfit.Client) error {
		_, err := keyfit.Get[map[string]int](context.Background(), c, "/x")
		return err
	}
	send := func(method string, body any, opts ...keyfit.CallOption) func(c *keyfit.Client) error {
		return func(c *keyfit.Client) error {
			_, err := keyfit.Send[json.RawMessage](context.Background(), c, method, "/x", body, opts...)
			return err
		}
	}
	recorder := keyfit.WithCallMiddleware(func(next http.RoundTripper) http.RoundTripper { return next })
	for name, test := range map[string]struct {
		call   func(*keyfit.Client) error
		opts   []keyfit.Option
		want   int64 // requests
		failed bool
	}{
		"GET":                          {call: get, want: 2},
		"GET, once only":               {call: get, opts: []keyfit.Option{keyfit.WithMaxAttempts(1)}, want: 1, failed: true},
		"GET, with a middleware":       {call: get, opts: []keyfit.Option{recorder}, want: 2},
		"PUT":                          {call: send(http.MethodPut, 1), want: 2},
		"DELETE":                       {call: send(http.MethodDelete, nil), want: 2},
		"POST":                         {call: send(http.MethodPost, 1), want: 1, failed: true},
		"POST with an idempotency key": {call: send(http.MethodPost, 1, keyfit.WithIdempotencyKey("op-1")), want: 2},
		"PUT of a stream":              {call: send(http.MethodPut, io.MultiReader()), want: 1, failed: true},
		"GET whose body is not read": {call: func(c *keyfit.Client) error {
			_, err := keyfit.Get[struct{}](context.Background(), c, "/x")
			return err
		}, want: 1},
		"a raw request, which reads it": {call: rawGet, want: 1, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, wire, requests := breakingServer(t, breaks["aborted, of known length"], false)
			err := test.call(lastingClient(t, wire, append(test.opts, keyfit.WithBaseURL(base))...))
			if (err != nil) != test.failed || requests.Load() != test.want {
				t.Errorf("%d requests and %v, want %d", requests.Load(), err, test.want)
			}
			if failed, ok := errors.AsType[*keyfit.RequestError](err); ok && (failed.StatusCode != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF)) {
				t.Errorf("the error is %v of status %d, want the 200 and the early end", err, failed.StatusCode)
			}
		})
	}
}

func rawGet(c *keyfit.Client) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "/x", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.ReadAll(resp.Body)
	return err
}

// A body of which nothing comes for a minute is broken for a caller without a bound of its own;
// one that goes on coming is not.
func TestABodyThatStallsForAMinuteIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		every time.Duration
		want  int
	}{
		"stalls":   {time.Hour, 2},
		"goes on":  {30 * time.Second, 1},
		"for ever": {59 * time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				c := lastingClient(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
					resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, ContentLength: -1, Request: req}
					r, w := io.Pipe()
					resp.Body = r
					attempts++
					first, text := attempts == 1, `{"n":1}`
					if name == "for ever" {
						text = fmt.Sprintf("%100s", text)
					}
					go func() {
						for _, b := range []byte(text) {
							if first {
								time.Sleep(test.every) //nolint:forbidigo // fake time
							}
							if _, err := w.Write([]byte{b}); err != nil {
								return
							}
						}
						_ = w.Close()
					}()
					return resp, nil
				}))
				got, err := keyfit.Get[map[string]int](t.Context(), c, "/x", keyfit.WithRetry(keyfit.RetryPolicy{MaxElapsed: time.Hour}))
				time.Sleep(2 * time.Hour) //nolint:forbidigo // fake time: the writer ends
				if err != nil || got["n"] != 1 || attempts != test.want {
					t.Errorf("%d attempts, %v and %v; want %d", attempts, got, err, test.want)
				}
			})
		})
	}
}
