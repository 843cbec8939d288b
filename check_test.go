package keyfit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// A health check is green as long as calls succeed, also after the key was rotated, and red when
// the provider refuses every key.
func TestCheckHealsAsACallDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, checkHeals) // a deadline of real time may be over before the first attempt
}

func checkHeals(t *testing.T) {
	t.Helper()
	accepted := "check-lorem-fitsum-1"
	var paths []string
	wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		paths = append(paths, req.URL.Path)
		status, body := http.StatusOK, "pong"
		if req.Header.Get("X-Api-Key") != accepted {
			status, body = http.StatusUnauthorized, `{"error":"INVALID_API_KEY"}`
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	})
	offered := "check-lorem-fitsum-1"
	source := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) { return keyfit.APIKey(offered), nil })
	p := keyfit.Provider{Name: "checked", BaseURL: "https://checked.example", Scheme: keyfit.Header("X-Api-Key"), Probe: "/ping"}
	c, err := keyfit.New(p, keyfit.WithSource(source), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("with its key: %v", err)
	}
	accepted, offered = "check-lorem-fitsum-2", "check-lorem-fitsum-2"
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("after the key was rotated: %v", err)
	}
	if diff := cmp.Diff([]string{"/ping", "/ping", "/ping"}, paths[:3]); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	accepted = "nobody's"
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Check(short); !errors.Is(err, keyfit.ErrUnauthorized) {
		t.Errorf("with a key that is refused: %v", err)
	}
	unknown := p
	unknown.Probe = ""
	if c, err = keyfit.New(unknown, keyfit.WithSource(source)); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "no probe") {
		t.Errorf("without a probe: %v", err)
	}
}

// A response without a body is an empty one, and neither a response nor an error is an error.
func TestATransportMayAnswerWithLittle(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, 200, 201, 204, 301, 304, 307, 400, 401, 403, 404, 429, 500, 503} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			c := lastingClient(t, roundTripFunc(func(*http.Request) (*http.Response, error) {
				if status == 0 {
					return nil, nil //nolint:nilnil // the mistake
				}
				return &http.Response{StatusCode: status}, nil
			}), keyfit.WithGate(openGate{}), keyfit.WithMaxAttempts(2))
			_, err := keyfit.Send[struct{}](t.Context(), c, method, "/x", nil)
			if good := status >= 200 && status < 300; (err == nil) != good {
				t.Errorf("%s, %d: the error is %v", method, status, err)
			}
			_, err = keyfit.Send[map[string]any](t.Context(), c, method, "/x", "body")
			if status == 0 && err == nil {
				t.Errorf("%s: neither a response nor an error is no error", method)
			}
			req, err := http.NewRequestWithContext(t.Context(), method, c.BaseURL()+"/x", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			for _, do := range []func(*http.Request) (*http.Response, error){c.Do, c.HTTPClient().Do} {
				resp, err := do(req)
				if (err == nil) != (status != 0) {
					t.Errorf("%s, %d: the error is %v", method, status, err)
				}
				if err != nil {
					continue
				}
				if resp.Body == nil {
					t.Errorf("%s, %d: no body", method, status)
					continue
				}
				_ = keyfit.CheckResponse(resp)
				_ = resp.Body.Close()
			}
		}
	}
}

// The cause of a cancellation is in the error also while the call waits for a key.
func TestTheCauseOfACancellationWhileACallWaitsForAKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refuses := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"error":"INVALID_API_KEY"}`)), Request: req}, nil
		})
		source := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) { return keyfit.APIKey("held-lorem-fitsum"), nil })
		p := keyfit.Provider{Name: "held", BaseURL: "https://held.example", Scheme: keyfit.Header("X-Api-Key")}
		c, err := keyfit.New(p, keyfit.WithSource(source), keyfit.HoldCalls(time.Hour, 10), keyfit.WithHTTPClient(&http.Client{Transport: refuses}))
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(errAskedToStop) })
			_, err := keyfit.Get[struct{}](ctx, c, "/x")
			if !errors.Is(err, errAskedToStop) || !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
			cancel(nil)
		}
	})
}

// A pipe that is given as the body ends, whatever ends the call.
func TestTheWriterOfAPipeIsNeverLeft(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	careless := roundTripFunc(func(req *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	answers := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	})
	wraps := func(rt http.RoundTripper) func(http.RoundTripper) http.RoundTripper {
		return func(http.RoundTripper) http.RoundTripper { return rt }
	}
	noKey := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) { return keyfit.Credential{}, keyfit.ErrNoKey })
	for name, test := range map[string]struct {
		ctx  context.Context
		path string
		opts []keyfit.Option
		call []keyfit.CallOption
	}{
		"the context has ended":              {ctx: ended},
		"no room in the gate":                {opts: []keyfit.Option{keyfit.WithGate(fullGate{})}},
		"no source has a key":                {call: []keyfit.CallOption{keyfit.WithSource(noKey)}},
		"a key that is none":                 {call: []keyfit.CallOption{keyfit.WithKey("a\nb")}},
		"a policy that is none":              {call: []keyfit.CallOption{keyfit.WithMaxAttempts(-1)}},
		"another origin":                     {path: "https://other.example/x"},
		"a path that is opaque":              {path: "https:x"},
		"a transport that fails":             {opts: []keyfit.Option{keyfit.WithMiddleware(wraps(careless))}},
		"a middleware of calls that fails":   {opts: []keyfit.Option{keyfit.WithCallMiddleware(wraps(careless))}},
		"a middleware of calls that answers": {opts: []keyfit.Option{keyfit.WithCallMiddleware(wraps(answers))}},
	} {
		for _, way := range []string{"Send", "Do", "HTTPClient"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				ctx, path := t.Context(), "/x"
				if test.ctx != nil {
					ctx = test.ctx
				}
				if test.path != "" {
					path = test.path
				}
				c := lastingClient(t, answers, test.opts...)
				r, w := io.Pipe()
				done := make(chan struct{})
				go func() { defer close(done); _, _ = io.WriteString(w, strings.Repeat("lorem", 1000)) }()
				if way == "Send" {
					_, _ = keyfit.Send[struct{}](ctx, c, http.MethodPost, path, r, test.call...)
				} else {
					if strings.HasPrefix(path, "/") {
						path = c.BaseURL() + path
					}
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, path, r)
					if err != nil {
						_ = r.Close()
						return
					}
					do := c.Do
					if way == "HTTPClient" {
						do = c.HTTPClient().Do
					}
					if resp, err := do(req); err == nil {
						_ = resp.Body.Close()
					}
				}
				if len(test.call) > 0 && way != "Send" {
					_ = r.Close() // a raw request has no options
				}
				<-done
			})
		}
	}
}

// fullGate has no room.
type fullGate struct{}

func (fullGate) Enter(context.Context, keyfit.Entry) (func(keyfit.Outcome), error) {
	return nil, &keyfit.RateLimitError{APIError: &keyfit.APIError{}}
}
