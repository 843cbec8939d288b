package keyfitotel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/keyfit/keyfit"
	keyfitotel "github.com/keyfit/keyfit/observe/otel"
)

// A call with a retry is one span with two children, which say by the semantic conventions what
// was sent where.
func TestACallIsASpanAndAnAttemptAChild(t *testing.T) {
	t.Parallel()
	r := newRig(t, []answer{{status: 503}, {status: 200}}, nil, keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
	if err := r.get(t, "/rooms/7?secret=1"); err != nil {
		t.Fatal(err)
	}
	spans := r.spans.Ended()
	if len(spans) != 3 {
		t.Fatalf("there are %d spans, want 3", len(spans))
	}
	call := spans[2]
	for _, attempt := range spans[:2] {
		if attempt.Parent().SpanID() != call.SpanContext().SpanID() || attempt.SpanContext().TraceID() != call.SpanContext().TraceID() {
			t.Errorf("the attempt is not a child of the call")
		}
	}
	host, port, _ := strings.Cut(strings.TrimPrefix(r.url, "http://"), ":")
	where := "server.address=" + host + "\nserver.port=" + port + "\nhttp.request.method=GET\nurl.full=" + r.url + "/rooms/7\nurl.template=/rooms/{id}\n"
	key := r.client.Keys().Status().Current.Fingerprint
	own := "keyfit.provider=acme\nkeyfit.key.fingerprint=" + key + "\n"
	want := []string{
		"GET /rooms/{id} client Error\n" + own + where + "keyfit.refusal.cause=unavailable\nhttp.response.status_code=503\nkeyfit.request_id=req-1\nerror.type=503\n",
		"GET /rooms/{id} client Unset\n" + own + where + "http.request.resend_count=1\nhttp.response.status_code=200\nkeyfit.request_id=req-1\n",
		"keyfit call GET /rooms/{id} internal Unset\nkeyfit.provider=acme\n" + where + "keyfit.attempts=2\nhttp.response.status_code=200\nkeyfit.key.fingerprint=" + key + "\nkeyfit.request_id=req-1\n" +
			"event keyfit.refusal keyfit.refusal.cause=unavailable keyfit.attempt=1 keyfit.key.fingerprint=" + key + "\n" +
			"event keyfit.wait keyfit.wait.reason=backoff keyfit.wait.expected=1e-09\n",
	}
	got := []string{text(spans[0]), text(spans[1]), text(call)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What a call meets on its way is in its span: refusals, waits, another key.
func TestTheEventsOfACall(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []answer
		before  func(*rig)
		opts    []keyfit.Option
		fails   string // the status of the call's span and its error.type
		want    []string
	}{
		"nothing": {answers: []answer{{status: 200}}},
		"another key": {
			answers: []answer{{}}, before: func(r *rig) { r.ring.set(keyfit.APIKey(second), nil) },
			want: []string{"keyfit.refusal invalid_key", "keyfit.key.swap"},
		},
		"a limit": {
			answers: []answer{{status: 429, header: http.Header{"Retry-After-Ms": {"20"}}}, {status: 200}},
			want:    []string{"keyfit.refusal limit", "keyfit.wait pause"},
		},
		"permission":  {answers: []answer{{status: 403}}, fails: "403", want: []string{"keyfit.refusal permission"}},
		"no such":     {answers: []answer{{status: 404}}, fails: "404"},
		"unavailable": {answers: []answer{{status: 500}}, opts: []keyfit.Option{keyfit.WithMaxAttempts(1)}, fails: "500", want: []string{"keyfit.refusal unavailable"}},
		"no time to wait": {
			answers: []answer{{status: 200}}, opts: []keyfit.Option{keyfit.WithLimit(keyfit.Limit{Requests: 1, Per: time.Hour}), keyfit.WithRetry(keyfit.RetryPolicy{MaxWait: 1})},
			before: func(r *rig) { _, _ = keyfit.Get[any](context.Background(), r.client, "/first") },
			fails:  "rate_limited", want: []string{"keyfit.refusal max_wait"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, test.answers, nil, test.opts...)
			if test.before != nil {
				test.before(r)
			}
			err := r.get(t, "/rooms/7")
			spans := r.spans.Ended()
			call := spans[len(spans)-1]
			var got []string
			for _, e := range call.Events() {
				what := e.Name
				for _, a := range e.Attributes {
					if a.Key == "keyfit.refusal.cause" || a.Key == "keyfit.wait.reason" {
						what += " " + a.Value.AsString()
					}
				}
				got = append(got, what)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%v: events (-want +got)\n%s", err, diff)
			}
			failed := attributeOf(call, "error.type")
			if failed != test.fails || (test.fails != "") != (err != nil) || err != nil && call.Status().Description != told(err) {
				t.Errorf("the span failed with %q, %q; the call with %v", failed, call.Status().Description, err)
			}
		})
	}
}

func attributeOf(s trace.ReadOnlySpan, key attribute.Key) string {
	for _, a := range s.Attributes() {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// The provider is somebody else, and gets no trace context, whatever the program has set up.
func TestNothingIsPropagatedByDefault(t *testing.T) {
	t.Parallel()
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	r := newRig(t, []answer{{status: 503}, {status: 200}}, nil, keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
	ctx := withBaggage(t)
	if _, err := keyfit.Get[any](ctx, r.client, "/rooms/7"); err != nil {
		t.Fatal(err)
	}
	for _, h := range r.seen {
		if h.Get("Traceparent")+h.Get("Tracestate")+h.Get("Baggage") != "" {
			t.Errorf("the provider has got %v", h)
		}
	}
}

func withBaggage(t *testing.T) context.Context {
	t.Helper()
	carried := propagation.MapCarrier{"baggage": "customer=Lorem"}
	return propagation.Baggage{}.Extract(t.Context(), carried)
}

// overwriting is a propagator that claims the field of the key.
type overwriting struct{ propagation.TraceContext }

func (p overwriting) Inject(ctx context.Context, to propagation.TextMapCarrier) {
	p.TraceContext.Inject(ctx, to)
	to.Set("x-acme-key", "mine")
	to.Set("User-Agent", "mine")
}

func TestWithPropagationEachAttemptCarriesItsOwnSpan(t *testing.T) {
	t.Parallel()
	r := newRig(t, []answer{{status: 503}, {status: 200}}, []keyfitotel.Option{keyfitotel.WithPropagation(overwriting{})},
		keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
	if _, err := keyfit.Get[any](withBaggage(t), r.client, "/rooms/7"); err != nil {
		t.Fatal(err)
	}
	spans := r.spans.Ended()
	var want, got []string
	for i, h := range r.seen {
		sc := spans[i].SpanContext()
		want = append(want, "00-"+sc.TraceID().String()+"-"+sc.SpanID().String()+"-01 "+planted+" keyfit/"+keyfit.Version+" ")
		got = append(got, h.Get("Traceparent")+" "+h.Get("X-Acme-Key")+" "+h.Get("User-Agent")+" "+h.Get("Baggage"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A span that a middleware of calls begins is between the call and its attempts; the events stay
// with the call.
func TestSpansOfOthersStandBetweenCallAndAttempt(t *testing.T) {
	t.Parallel()
	var r *rig
	between := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			ctx, span := r.tracers.Tracer("another").Start(req.Context(), "between")
			defer span.End()
			return next.RoundTrip(req.WithContext(ctx))
		})
	}
	r = newRig(t, []answer{{status: 503}, {status: 200}}, nil, keyfit.WithCallMiddleware(between), keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
	if err := r.get(t, "/rooms/7"); err != nil {
		t.Fatal(err)
	}
	var got []string
	names := map[string]string{}
	for _, s := range r.spans.Ended() {
		names[s.SpanContext().SpanID().String()] = s.Name()
	}
	for _, s := range r.spans.Ended() {
		got = append(got, s.Name()+" in "+names[s.Parent().SpanID().String()])
		if n := len(s.Events()); (n > 0) != strings.HasPrefix(s.Name(), "keyfit call") {
			t.Errorf("%s has %d events", s.Name(), n)
		}
	}
	want := []string{"GET /rooms/{id} in between", "GET /rooms/{id} in between", "between in keyfit call GET /rooms/{id}", "keyfit call GET /rooms/{id} in "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A client has one set of hooks; the program's own go on within the observer's.
func TestHooksOfTheProgramAreCalledToo(t *testing.T) {
	t.Parallel()
	type mark struct{}
	var lines []string
	see := func(ctx context.Context, what string) {
		marked, _ := ctx.Value(mark{}).(string)
		lines = append(lines, what+" "+marked)
	}
	own := keyfit.Hooks{
		CallStart: func(ctx context.Context, _ keyfit.CallEvent) context.Context {
			see(ctx, "call starts")
			return context.WithValue(ctx, mark{}, "in call")
		},
		Call: func(ctx context.Context, _ keyfit.CallEvent) { see(ctx, "call ends") },
		AttemptStart: func(ctx context.Context, _ keyfit.AttemptEvent) context.Context {
			see(ctx, "attempt starts")
			return nil
		},
		Attempt: func(ctx context.Context, _ keyfit.AttemptEvent) { see(ctx, "attempt ends") },
		Wait:    func(ctx context.Context, _ keyfit.WaitEvent) { see(ctx, "wait") },
		Key:     func(e keyfit.KeyEvent) { lines = append(lines, string(e.Kind)) },
	}
	r := newRig(t, []answer{{status: 503}, {status: 200}}, []keyfitotel.Option{keyfitotel.WithHooks(own)}, keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
	if err := r.get(t, "/rooms/7"); err != nil {
		t.Fatal(err)
	}
	if err := r.client.Keys().Rotate(t.Context(), keyfit.APIKey(second)); err != nil {
		t.Fatal(err)
	}
	want := []string{"key.promoted", "call starts ", "attempt starts in call", "attempt ends in call", "wait in call", "attempt starts in call", "attempt ends in call", "call ends in call"}
	if diff := cmp.Diff(want, lines[:min(len(lines), len(want))]); diff != "" || !slices.Contains(lines[len(want):], "key.promoted") {
		t.Errorf("%v (-want +got)\n%s", lines, diff)
	}
}

// Names of spans and values of attributes have no IDs, whatever method a program makes up.
func TestAMadeUpMethodMakesNoNameOfItsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, []answer{{status: 200}}, nil)
	r.raw(t, "PURGE", "/rooms/7")
	for _, s := range r.spans.Ended() {
		if !regexp.MustCompile(`^(keyfit call )?HTTP$`).MatchString(s.Name()) || attributeOf(s, "http.request.method") != "_OTHER" || attributeOf(s, "http.request.method_original") != "PURGE" {
			t.Errorf("the span is\n%s", text(s))
		}
	}
}

// told is what a span says of an error: of an answer the status alone.
func told(err error) string {
	if answer, ok := errors.AsType[*keyfit.APIError](err); ok && answer.StatusCode > 0 {
		return fmt.Sprint(answer.StatusCode, " ", http.StatusText(answer.StatusCode))
	}
	return err.Error()
}

// A provider that repeats in its message what it was sent does not bring it into a trace.
func TestWhatAProviderRepeatsIsNotExported(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 409, 422, 429, 500, 503} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]string{"message": "refused: " + r.URL.RawQuery + " " + string(body) + " " + r.Header.Get("X-Own")})
		}))
		t.Cleanup(srv.Close)
		spans := tracetest.NewInMemoryExporter()
		o, err := keyfitotel.New(keyfitotel.WithTracerProvider(trace.NewTracerProvider(trace.WithSyncer(spans))))
		if err != nil {
			t.Fatal(err)
		}
		acme := keyfit.Provider{Name: "acme", BaseURL: srv.URL, Scheme: keyfit.Header("X-Acme-Key")}
		c, err := keyfit.New(acme, append(o.Options(), keyfit.WithKey("lf_0123456789-repeats"), keyfit.WithMaxAttempts(2), keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: 1, MaxBackoff: 1, MaxWait: time.Millisecond}))...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = keyfit.Send[any](t.Context(), c, http.MethodPut, "/x", map[string]string{"iban": "b0dy-value"}, keyfit.Param("mail", "qu3ry-value"), keyfit.WithHeader("X-Own", "h3ader-value"))
		if err == nil || !strings.Contains(err.Error(), "qu3ry-value") {
			t.Fatalf("%d: %v: the test looks at nothing", status, err)
		}
		text := fmt.Sprintf("%+v", spans.GetSpans())
		for _, sent := range []string{"b0dy-value", "qu3ry-value", "h3ader-value"} {
			if strings.Contains(text, sent) {
				t.Errorf("%d: %s is exported", status, sent)
			}
		}
	}
}
