package keyfit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

type spanKey struct{}

// hookLog notes every event of a client, and which context the hooks and the wire have.
type hookLog struct{ lines []string }

func (l *hookLog) note(ctx context.Context, parts ...string) {
	span, _ := ctx.Value(spanKey{}).(string)
	l.lines = append(l.lines, strings.Join(append(parts, "in "+span), " "))
}

func (l *hookLog) hooks() keyfit.Option {
	return keyfit.WithHooks(keyfit.Hooks{
		CallStart: func(ctx context.Context, e keyfit.CallEvent) context.Context {
			l.note(ctx, "call starts", e.Route, e.Path)
			return context.WithValue(ctx, spanKey{}, "the call")
		},
		Call: func(ctx context.Context, e keyfit.CallEvent) {
			kind := "ok"
			if e.Err != nil {
				kind = "failed"
			}
			l.note(ctx, "call ends", e.Route, e.Path, http.StatusText(e.StatusCode), kind, strings.Repeat("*", e.Attempts))
		},
		AttemptStart: func(ctx context.Context, e keyfit.AttemptEvent) context.Context {
			l.note(ctx, "attempt starts", e.Route, strings.Repeat("*", e.Number))
			return context.WithValue(ctx, spanKey{}, "attempt "+strings.Repeat("*", e.Number))
		},
		Attempt: func(ctx context.Context, e keyfit.AttemptEvent) {
			l.note(ctx, "attempt ends", e.Route, http.StatusText(e.StatusCode))
		},
	})
}

// A call has one event before it and one after, an attempt too, with a name of the operation that
// has no IDs; what the hooks return is the context of what they began.
func TestHooksSurroundCallsAndAttempts(t *testing.T) {
	t.Parallel()
	const route = "GET /rooms/{id}"
	raw := func(do func(*http.Request) (*http.Response, error)) func(context.Context, string) error {
		return func(ctx context.Context, url string) error {
			req, err := http.NewRequestWithContext(keyfit.ContextWithRoute(ctx, route), http.MethodGet, url, http.NoBody)
			if err != nil {
				return err
			}
			resp, err := do(req)
			if err == nil {
				err = errors.Join(keyfit.CheckResponse(resp), resp.Body.Close())
			}
			return err
		}
	}
	attempts := func(statuses ...string) []string {
		lines := []string{}
		for i, status := range statuses {
			number := strings.Repeat("*", i+1)
			lines = append(lines, "attempt starts "+route+" "+number+" in the call", "wire in attempt "+number, "attempt ends "+route+" "+status+" in attempt "+number)
		}
		return lines
	}
	around := func(end string, lines []string) []string {
		return append(append([]string{"call starts " + route + " /rooms/7 in "}, lines...), "call ends "+route+" /rooms/7 "+end+" in the call")
	}
	for way, call := range map[string]func(c *keyfit.Client) func(context.Context, string) error{
		"Get": func(c *keyfit.Client) func(context.Context, string) error {
			return func(ctx context.Context, url string) error {
				_, err := keyfit.Get[map[string]any](ctx, c, strings.TrimPrefix(url, c.BaseURL()), keyfit.WithRoute(route))
				return err
			}
		},
		"Do":         func(c *keyfit.Client) func(context.Context, string) error { return raw(c.Do) },
		"HTTPClient": func(c *keyfit.Client) func(context.Context, string) error { return raw(c.HTTPClient().Do) },
	} {
		typed := way == "Get"
		kind := func(failed bool) string { // an error status is no error of a raw request
			if failed && typed {
				return "failed"
			}
			return "ok"
		}
		for name, test := range map[string]struct {
			statuses []int
			body     string
			want     []string
		}{
			"good":           {[]int{200}, "{}", around("OK ok *", attempts("OK"))},
			"refused":        {[]int{404}, "{}", around("Not Found "+kind(true)+" *", attempts("Not Found"))},
			"tried again":    {[]int{503, 200}, "{}", around("OK ok **", attempts("Service Unavailable", "OK"))},
			"not as it said": {[]int{200}, "lorem", around("OK "+kind(true)+" *", attempts("OK"))},
		} {
			for _, middleware := range []bool{false, true} {
				t.Run(name+", "+way, func(t *testing.T) {
					t.Parallel()
					log, sent := &hookLog{}, 0
					opts := []keyfit.Option{log.hooks()}
					if middleware {
						opts = append(opts, keyfit.WithCallMiddleware(func(next http.RoundTripper) http.RoundTripper { return next }))
					}
					c := lastingClient(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
						log.note(req.Context(), "wire")
						status := test.statuses[sent]
						sent++
						return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(test.body)), Request: req}, nil
					}), opts...)
					_ = call(c)(t.Context(), c.BaseURL()+"/rooms/7")
					if diff := cmp.Diff(test.want, log.lines); diff != "" {
						t.Errorf("events (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

// A call that makes no attempt has its two events too.
func TestHooksSeeACallThatIsNotSent(t *testing.T) {
	t.Parallel()
	log := &hookLog{}
	c := lastingClient(t, &sequence{statuses: []int{200}}, log.hooks())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = keyfit.Get[struct{}](ended, c, "/ended")
	_, _ = keyfit.Get[struct{}](t.Context(), c, "/no-key", keyfit.WithKey(""))
	_, _ = keyfit.Get[struct{}](t.Context(), c, "https://other.example/elsewhere", keyfit.WithRoute("GET /elsewhere"))
	want := []string{
		"call starts  /ended in ", "call ends  /ended  failed  in the call",
		"call starts  /no-key in ", "call ends  /no-key  failed  in the call",
		"call starts GET /elsewhere /elsewhere in ", "call ends GET /elsewhere /elsewhere  failed  in the call",
	}
	if diff := cmp.Diff(want, log.lines); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if _, err := keyfit.Get[struct{}](t.Context(), c, "/x", keyfit.WithRoute("")); err == nil {
		t.Error("an empty route is no error")
	}
}

// A hook may shorten the time of what it began, and may return nil.
func TestAHookMayBoundItsCall(t *testing.T) {
	t.Parallel()
	hangs := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	stop := func(ctx context.Context, _ keyfit.CallEvent) context.Context {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(errAskedToStop)
		return ctx
	}
	c := lastingClient(t, hangs, keyfit.WithHooks(keyfit.Hooks{CallStart: stop}))
	if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); !errors.Is(err, errAskedToStop) {
		t.Errorf("the error is %v", err)
	}
	none := keyfit.WithHooks(keyfit.Hooks{
		CallStart:    func(context.Context, keyfit.CallEvent) context.Context { return nil },
		AttemptStart: func(context.Context, keyfit.AttemptEvent) context.Context { return nil },
	})
	if _, err := keyfit.Get[struct{}](t.Context(), lastingClient(t, &sequence{statuses: []int{200}}, none), "/x"); err != nil {
		t.Error(err)
	}
}

// The error of a call has the history of its attempts.
func TestAnErrorHasTheHistoryOfItsAttempts(t *testing.T) {
	t.Parallel()
	c := lastingClient(t, &sequence{statuses: []int{503, 429, 500, 404}, header: http.Header{}}, keyfit.WithGate(openGate{}))
	_, err := keyfit.Get[struct{}](t.Context(), c, "/x")
	answer, ok := errors.AsType[*keyfit.APIError](err)
	if !ok {
		t.Fatal(err)
	}
	var got []int
	for i, a := range answer.History {
		of, isAnswer := errors.AsType[*keyfit.APIError](a.Err)
		if a.Number != i+1 || !isAnswer || of.StatusCode != a.StatusCode || of.History != nil || a.KeyFingerprint != answer.KeyFingerprint || a.Method != http.MethodGet || a.Path != "/x" {
			t.Errorf("attempt %d is %+v", i+1, a)
		}
		got = append(got, a.StatusCode)
	}
	if diff := cmp.Diff([]int{503, 429, 500, 404}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	want := "attempt 1: 503 Service Unavailable after"
	if text := answer.History[0].String(); !strings.HasPrefix(text, want) {
		t.Errorf("the text of an attempt is %q, want %q and how long", text, want)
	}
	failing := lastingClient(t, &sequence{statuses: []int{503, 0}, header: http.Header{}})
	_, err = keyfit.Get[struct{}](t.Context(), failing, "/x")
	if failed, ok := errors.AsType[*keyfit.RequestError](err); !ok || len(failed.History) != 2 || failed.History[0].StatusCode != http.StatusServiceUnavailable || failed.History[1].Err == nil {
		t.Errorf("a failure after a 503 has no history: %v", err)
	}
}
