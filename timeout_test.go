package keyfit_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// hangsAt is a transport that hangs before the headers, or in the body, until the context of the
// attempt ends.
func hangsAt(body bool) roundTripFunc {
	return func(req *http.Request) (*http.Response, error) {
		if !body {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}
		r, w := io.Pipe()
		context.AfterFunc(req.Context(), func() { _ = w.CloseWithError(req.Context().Err()) })
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: r, ContentLength: -1, Request: req}, nil
	}
}

// timeoutFacts is what programs ask of an error.
type timeoutFacts struct{ Net, OS, Deadline, Attempt bool }

func factsOf(err error) timeoutFacts {
	netErr, ok := errors.AsType[net.Error](err)
	return timeoutFacts{
		Net: ok && netErr.Timeout(), OS: os.IsTimeout(err),
		Deadline: errors.Is(err, context.DeadlineExceeded), Attempt: errors.Is(err, keyfit.ErrAttemptTimeout),
	}
}

// Every timeout is one for net.Error, in every way to call, and says whose it is.
func TestEveryTimeoutIsATimeout(t *testing.T) {
	t.Parallel()
	read := func(resp *http.Response, err error) error {
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		_, err = io.ReadAll(resp.Body)
		return err
	}
	calls := map[string]func(context.Context, *keyfit.Client) error{
		"Get": func(ctx context.Context, c *keyfit.Client) error {
			_, err := keyfit.Get[map[string]any](ctx, c, "/x")
			return err
		},
		"Do": func(ctx context.Context, c *keyfit.Client) error {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "/x", http.NoBody)
			return read(c.Do(req))
		},
		"HTTPClient": func(ctx context.Context, c *keyfit.Client) error {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, c.BaseURL()+"/x", http.NoBody)
			return read(c.HTTPClient().Do(req))
		},
	}
	for name, test := range map[string]struct {
		body, attempt, used bool
		want                timeoutFacts
	}{
		"the deadline, before the headers":          {want: timeoutFacts{Net: true, OS: true, Deadline: true}},
		"the deadline, in the body":                 {body: true, want: timeoutFacts{Net: true, OS: true, Deadline: true}},
		"the attempt's timeout, before the headers": {attempt: true, want: timeoutFacts{Net: true, OS: true, Attempt: true}},
		"the attempt's timeout, in the body":        {attempt: true, body: true, want: timeoutFacts{Net: true, OS: true, Attempt: true}},
		"a limit beyond the deadline":               {used: true, want: timeoutFacts{Net: true, OS: true, Deadline: true}},
	} {
		for way, call := range calls {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, opts := t.Context(), []keyfit.Option{keyfit.WithMaxAttempts(1), keyfit.WithLimit(keyfit.Limit{Requests: 1, Per: time.Minute})}
					if test.attempt {
						opts = append(opts, keyfit.WithTimeout(time.Second))
					} else {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, 30*time.Second)
						defer cancel()
					}
					c := lastingClient(t, hangsAt(test.body), opts...)
					if test.used {
						short, cancel := context.WithTimeout(ctx, time.Second)
						_ = call(short, c)
						cancel()
					}
					err := call(ctx, c)
					if diff := cmp.Diff(test.want, factsOf(err)); diff != "" {
						t.Errorf("%v (-want +got):\n%s", err, diff)
					}
				})
			})
		}
	}
}

// An error that is no timeout is none for net.Error either.
func TestWhatIsNoTimeoutIsNone(t *testing.T) {
	t.Parallel()
	c := lastingClient(t, roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }))
	_, err := keyfit.Get[struct{}](t.Context(), c, "/x")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, canceled := keyfit.Get[struct{}](ended, c, "/x")
	_, elsewhere := keyfit.Get[struct{}](t.Context(), c, "https://other.example/x")
	for _, err := range []error{err, canceled, elsewhere, &keyfit.RateLimitError{APIError: &keyfit.APIError{}}, &keyfit.InvalidKeyError{APIError: &keyfit.APIError{}}} {
		if diff := cmp.Diff(timeoutFacts{}, factsOf(err)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
}

// A connection that the server has upgraded is the caller's, also after the AttemptTimeout.
func TestAnUpgradedConnectionOutlivesTheTimeoutOfTheAttempt(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]func(*http.Transport) []keyfit.Option{
		"AttemptTimeout": func(pool *http.Transport) []keyfit.Option {
			return []keyfit.Option{keyfit.WithHTTPClient(&http.Client{Transport: pool}), keyfit.WithRetry(keyfit.RetryPolicy{AttemptTimeout: 20 * time.Millisecond})}
		},
		"the timeout of http.Client": func(pool *http.Transport) []keyfit.Option {
			return []keyfit.Option{keyfit.WithHTTPClient(&http.Client{Transport: pool, Timeout: 20 * time.Millisecond})}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pool := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
					here, there := net.Pipe()
					go upgradeAndEcho(there)
					return here, nil
				}}
				defer pool.CloseIdleConnections()
				p := keyfit.Provider{Name: "echo", BaseURL: "http://127.0.0.1", Scheme: keyfit.Header("X-Api-Key")}
				c, err := keyfit.New(p, append(opts(pool), keyfit.WithKey("upgrade-lorem-fitsum"), keyfit.WithoutDotEnv())...)
				if err != nil {
					t.Fatal(err)
				}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/x", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Connection", "Upgrade")
				req.Header.Set("Upgrade", "echo")
				resp, err := c.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = resp.Body.Close() }()
				wire, ok := resp.Body.(io.ReadWriter)
				if !ok {
					t.Fatalf("the body is a %T, want an io.ReadWriter", resp.Body)
				}
				pause(40 * time.Millisecond) // the attempt would be over
				if _, err := io.WriteString(wire, "lorem\n"); err != nil {
					t.Fatal(err)
				}
				if line, err := bufio.NewReader(wire).ReadString('\n'); line != "LOREM\n" || err != nil {
					t.Errorf("the server answers %q, %v", line, err)
				}
			})
		})
	}
}

// upgradeAndEcho is a server that leaves HTTP after one request, and returns one line in capitals.
func upgradeAndEcho(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	if _, err := http.ReadRequest(r); err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	line, _ := r.ReadString('\n')
	_, _ = io.WriteString(conn, strings.ToUpper(line))
}
