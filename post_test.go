package keyfit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// postAttempts is what the policies here allow.
const postAttempts = 3

// postFailure is a way for a request to fail, and how often it may then be sent.
type postFailure struct {
	name string
	// serve is the server's part, of a request that was read.
	serve http.HandlerFunc
	// transport stands in place of the server: nothing can be sent over it.
	transport http.RoundTripper
	// safe is how often a GET, a PUT or anything with an idempotency key is sent, and
	// unsafe how often a POST or PATCH without one.
	safe, unsafe int
}

func postFailures() []postFailure {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	return []postFailure{
		{name: "408", serve: status(408), safe: postAttempts, unsafe: 1},
		{name: "500", serve: status(500), safe: postAttempts, unsafe: 1},
		{name: "502", serve: status(502), safe: postAttempts, unsafe: 1},
		{name: "504", serve: status(504), safe: postAttempts, unsafe: 1},
		{name: "501", serve: status(501), safe: 1, unsafe: 1},
		{name: "400", serve: status(400), safe: 1, unsafe: 1},
		{name: "429", serve: status(429), safe: postAttempts, unsafe: postAttempts},
		{name: "503", serve: status(503), safe: postAttempts, unsafe: 1}, // a proxy's, perhaps, after the request was done
		{name: "503 that asks to come back", serve: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, safe: postAttempts, unsafe: postAttempts},
		{name: "reset after the write", serve: postReset, safe: postAttempts, unsafe: 1},
		{name: "closed without an answer", serve: func(w http.ResponseWriter, _ *http.Request) { canaryRaw(w, "") }, safe: postAttempts, unsafe: 1},
		{name: "garbage", serve: func(w http.ResponseWriter, _ *http.Request) { canaryRaw(w, "garbage\r\n\r\n") }, safe: postAttempts, unsafe: 1},
		// Where nobody says whether something was sent, it may have been.
		{name: "a transport that tells nothing", transport: rawTripper(func(r *http.Request) (*http.Response, error) {
			_ = r.Body.Close()
			return nil, errors.New("lost")
		}), safe: postAttempts, unsafe: 1},
		{name: "a transport that tells of its dial", transport: rawTripper(func(r *http.Request) (*http.Response, error) {
			_ = r.Body.Close()
			return nil, fmt.Errorf("proxy: %w", &net.OpError{Op: "dial", Err: errors.New("refused")})
		}), safe: postAttempts, unsafe: postAttempts},
	}
}

// postReset ends the connection with a reset, after the request was read.
func postReset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// TestPostIsSentAgainOnlyWhenThatIsSafe: a peer that retried every method on 5xx sent four
// payments (go-resty/resty#777).
func TestPostIsSentAgainOnlyWhenThatIsSafe(t *testing.T) {
	t.Parallel()
	for _, failure := range postFailures() {
		for _, test := range []struct {
			method string
			idem   string
			want   int
		}{
			{http.MethodPost, "", failure.unsafe},
			{http.MethodPatch, "", failure.unsafe},
			{http.MethodPost, "order-1", failure.safe},
			{http.MethodPatch, "order-1", failure.safe},
			{http.MethodPut, "", failure.safe},
			{http.MethodDelete, "", failure.safe},
			{http.MethodGet, "", failure.safe},
		} {
			t.Run(failure.name+"/"+strings.TrimSpace(test.method+" "+test.idem), func(t *testing.T) {
				t.Parallel()
				var log wireLog
				tries := func() int { return len(log.at("/orders")) }
				opts := []keyfit.Option{keyfit.WithKey(rawOldKey)}
				base := "http://localhost"
				if failure.transport == nil {
					base = rawServer(t, func(w http.ResponseWriter, r *http.Request) {
						log.record(r, nil)
						failure.serve(w, r)
					}).URL
				} else {
					opts = append(opts, keyfit.WithHTTPClient(&http.Client{Transport: rawTripper(func(r *http.Request) (*http.Response, error) {
						log.record(&http.Request{Method: r.Method, URL: r.URL, Header: r.Header, Body: http.NoBody}, nil)
						return failure.transport.RoundTrip(r)
					})}))
				}
				c := rawClient(t, base, postAttempts, opts...)
				var call []keyfit.CallOption
				if test.idem != "" {
					call = append(call, keyfit.WithIdempotencyKey(test.idem))
				}
				_, err := keyfit.Send[struct{}](t.Context(), c, test.method, "/orders", map[string]int{"n": 1}, call...)
				if err == nil {
					t.Fatal("want an error")
				}
				if d := cmp.Diff(test.want, tries()); d != "" {
					t.Errorf("sent, with the error %v (-want +got):\n%s", err, d)
				}
				for i, r := range log.at("/orders") {
					if d := cmp.Diff(test.idem, r.Header.Get("Idempotency-Key")); d != "" {
						t.Errorf("idempotency key of attempt %d (-want +got):\n%s", i+1, d)
					}
					if failure.transport == nil && r.Body != `{"n":1}` {
						t.Errorf("body of attempt %d: %q", i+1, r.Body)
					}
				}
				if told := strings.Contains(err.Error(), "no idempotency key"); told != (failure.unsafe == 1 && failure.safe > 1 && test.want == 1) {
					t.Errorf("the error says that an idempotency key was missing: %t: %v", told, err)
				}
			})
		}
	}
}

// postListener refuses, in its way, everything that comes, and counts it.
type postListener struct {
	net.Listener
	came atomic.Int32
}

func newPostListener(t *testing.T, refuse func(net.Conn)) *postListener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postListener{Listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.came.Add(1)
			refuse(conn)
			_ = conn.Close()
		}
	}()
	return p
}

func TestPostThatCouldNotBeSentIsTriedAgain(t *testing.T) {
	t.Parallel()
	cut := newPostListener(t, func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 16)) }) // in the middle of the handshake
	closed := newPostListener(t, func(net.Conn) {})
	_ = closed.Close()
	for _, test := range []struct {
		name, base string
	}{
		{"refused dial", "http://" + closed.Addr().String()},
		{"TLS handshake cut", "https://" + cut.Addr().String()},
	} {
		for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodGet} {
			t.Run(test.name+"/"+method, func(t *testing.T) {
				t.Parallel()
				var dials atomic.Int32
				transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
					dials.Add(1)
					return new(net.Dialer).DialContext(ctx, network, addr)
				}}
				t.Cleanup(transport.CloseIdleConnections)
				c := rawClient(t, test.base, postAttempts, keyfit.WithKey(rawOldKey), keyfit.WithHTTPClient(&http.Client{Transport: transport}))
				_, err := keyfit.Send[struct{}](t.Context(), c, method, "/orders", "body")
				failed, ok := errors.AsType[*keyfit.RequestError](err)
				if !ok {
					t.Fatalf("want a *RequestError, got %v", err)
				}
				if d := cmp.Diff([]int{postAttempts, postAttempts}, []int{failed.Attempts, int(dials.Load())}); d != "" {
					t.Errorf("attempts and dials, with the error %v (-want +got):\n%s", err, d)
				}
			})
		}
	}
}

// TestPostThatARedirectAnsweredIsNotRepeated: 303 says that the request was done and its
// outcome is elsewhere (RFC 9110, section 15.4.4). Whatever happens there, the request is
// not to be done again.
func TestPostThatARedirectAnsweredIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, status := range redirectStatuses {
		for _, failure := range postFailures() {
			if failure.transport != nil {
				continue
			}
			t.Run(fmt.Sprintf("%d/%s", status, failure.name), func(t *testing.T) {
				t.Parallel()
				var log wireLog
				srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
					log.record(r, nil)
					if r.URL.Path == "/orders" {
						http.Redirect(w, r, "/orders/1", status)
						return
					}
					failure.serve(w, r)
				})
				c := rawClient(t, srv.URL, 2*postAttempts, keyfit.WithKey(rawOldKey))
				_, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/orders", "body")
				if err == nil {
					t.Fatal("want an error")
				}
				want := 1
				if status >= http.StatusTemporaryRedirect { // nothing was done: the request itself goes on
					want = failure.unsafe
				}
				if d := cmp.Diff(want, len(log.at("/orders"))); d != "" {
					t.Errorf("sent, with the error %v (-want +got):\n%s", err, d)
				}
			})
		}
	}
}

// postWriter notes where the bytes are that it is given.
type postWriter struct{ at map[*byte]int }

func (w postWriter) Write(p []byte) (int, error) {
	if len(p) > 0 {
		w.at[unsafe.SliceData(p)] += len(p)
	}
	return len(p), nil
}

// TestPostBodyIsReplayedWithoutACopy: the loop's own FromRequest reads the whole body first
// (hashicorp/go-retryablehttp#145). Here a reader over the caller's very bytes is what the
// transport gets, at each attempt.
func TestPostBodyIsReplayedWithoutACopy(t *testing.T) {
	t.Parallel()
	payload := bytes.Repeat([]byte("x"), 1<<20)
	for name, send := range map[string]func(*keyfit.Client) error{
		"Send of bytes": func(c *keyfit.Client) error {
			_, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPut, "/blob", payload)
			return err
		},
		"Send of a reader": func(c *keyfit.Client) error {
			_, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPut, "/blob", bytes.NewReader(payload))
			return err
		},
		"Do": func(c *keyfit.Client) error { return postRaw(t.Context(), c.Do, payload) },
		"HTTPClient": func(c *keyfit.Client) error {
			return postRaw(t.Context(), c.HTTPClient().Do, payload)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			came := postWriter{at: make(map[*byte]int)}
			var lengths []int64
			transport := rawTripper(func(r *http.Request) (*http.Response, error) {
				lengths = append(lengths, r.ContentLength)
				_, err := io.Copy(came, r.Body)
				_ = r.Body.Close()
				return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, Body: http.NoBody, Request: r}, err
			})
			c := rawClient(t, "http://localhost", postAttempts, keyfit.WithKey(rawOldKey), keyfit.WithHTTPClient(&http.Client{Transport: transport}))
			if err := send(c); err == nil {
				t.Error("want an error")
			}
			if d := cmp.Diff(map[*byte]int{unsafe.SliceData(payload): postAttempts * len(payload)}, came.at); d != "" {
				t.Errorf("bytes sent, by their place in memory (-want +got):\n%s", d)
			}
			size := int64(len(payload))
			if d := cmp.Diff([]int64{size, size, size}, lengths); d != "" {
				t.Errorf("lengths (-want +got):\n%s", d)
			}
		})
	}
}

func postRaw(ctx context.Context, do func(*http.Request) (*http.Response, error), payload []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://localhost/blob", bytes.NewReader(payload))
	if err != nil {
		return err
	}
	resp, err := do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	return keyfit.CheckResponse(resp)
}

// TestPostBodyIsProducedOncePerAttempt: GetBody may be costly (a file, an encryption).
func TestPostBodyIsProducedOncePerAttempt(t *testing.T) {
	t.Parallel()
	var log wireLog
	srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
		log.record(r, nil)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	c := rawClient(t, srv.URL, postAttempts, keyfit.WithKey(rawOldKey))
	var made, read atomic.Int32
	body := func() (io.ReadCloser, error) {
		made.Add(1)
		return io.NopCloser(io.TeeReader(strings.NewReader("from a file"), postCounter{&read})), nil
	}
	first, err := body()
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, srv.URL+"/blob", first)
	if err != nil {
		t.Fatal(err)
	}
	req.GetBody, req.ContentLength = body, int64(len("from a file"))
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	for i, r := range log.at("/blob") {
		if d := cmp.Diff("from a file", r.Body); d != "" {
			t.Errorf("attempt %d (-want +got):\n%s", i+1, d)
		}
	}
	// The loop asks twice more, for the body's length and for an attempt that is already
	// done, and reads neither.
	if made.Load() > postAttempts+2 || read.Load() != postAttempts*int32(len("from a file")) {
		t.Errorf("the body was produced %d times and %d bytes of it were read", made.Load(), read.Load())
	}
}

type postCounter struct{ n *atomic.Int32 }

func (c postCounter) Write(p []byte) (int, error) {
	c.n.Add(int32(len(p)))
	return len(p), nil
}

func TestStreamThatCannotBeReplayedIsSentOnceAndTheErrorSaysSo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		serve http.HandlerFunc
	}{
		{name: "503", serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }},
		{name: "429", serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }},
		{name: "401 with a newer key at hand", serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }},
		{name: "reset", serve: postReset},
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			t.Run(test.name+"/"+method, func(t *testing.T) {
				t.Parallel()
				var log wireLog
				srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
					log.record(r, nil)
					test.serve(w, r)
				})
				c := rawClient(t, srv.URL, postAttempts, keyfit.WithKey(rawNewKey))
				if err := c.Keys().Rotate(t.Context(), keyfit.APIKey(rawOldKey)); err != nil { // the new one is in reserve
					t.Fatal(err)
				}
				stream := &rawBody{Reader: io.LimitReader(strings.NewReader("streamed once"), 64)}
				_, err := keyfit.Send[struct{}](t.Context(), c, method, "/stream", stream, keyfit.WithIdempotencyKey("order-1"))
				if err == nil || !strings.Contains(err.Error(), "the body is a stream, which cannot be replayed") {
					t.Errorf("want an error that tells of the stream, got %v", err)
				}
				seen := log.at("/stream")
				if len(seen) != 1 || seen[0].Body != "streamed once" {
					t.Errorf("want the stream once, got %v", seen)
				}
				if stream.closed.Load() == 0 {
					t.Error("the stream was not closed")
				}
			})
		}
	}
}

// TestStreamIsClosedWhenTheCallCannotBegin: a body that is given away is closed, as
// net/http has it, though nothing is sent.
func TestStreamIsClosedWhenTheCallCannotBegin(t *testing.T) {
	t.Parallel()
	c := rawClient(t, "http://localhost", 1, keyfit.WithKey(rawOldKey))
	for name, call := range map[string]func(io.Reader) error{
		"no key": func(body io.Reader) error {
			_, err := keyfit.Send[string](t.Context(), c, http.MethodPost, "/", body, keyfit.WithSource(keyfit.Chain()))
			return err
		},
		"another origin": func(body io.Reader) error {
			_, err := keyfit.Send[string](t.Context(), c, http.MethodPost, "//example.com/", body)
			return err
		},
	} {
		body := &rawBody{Reader: strings.NewReader("body")}
		if err := call(body); err == nil || body.closed.Load() == 0 {
			t.Errorf("%s: want an error and the body closed, got %v and %d closings", name, err, body.closed.Load())
		}
	}
}

// TestPostToAServerThatSpeaksNoTLSIsNotTriedAgain: whatever is sent there, it stays so.
func TestPostToAServerThatSpeaksNoTLSIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	var came atomic.Int32
	srv := rawServer(t, func(http.ResponseWriter, *http.Request) { came.Add(1) })
	c := rawClient(t, strings.Replace(srv.URL, "http:", "https:", 1), postAttempts, keyfit.WithKey(rawOldKey))
	_, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/orders", "body")
	failed, ok := errors.AsType[*keyfit.RequestError](err)
	if !ok || failed.Attempts != 1 || came.Load() != 0 {
		t.Errorf("want one attempt and no request, got %v after %d", err, came.Load())
	}
	if !errors.Is(err, http.ErrSchemeMismatch) {
		t.Errorf("want http.ErrSchemeMismatch, got %v", err)
	}
}
