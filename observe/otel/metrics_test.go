package keyfitotel_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/keyfit/keyfit"
	keyfitotel "github.com/keyfit/keyfit/observe/otel"
)

// where is how the rig's provider appears in the metrics.
func (r *rig) where() string {
	host, port, _ := strings.Cut(strings.TrimPrefix(r.url, "http://"), ":")
	return "server.address=" + host + " server.port=" + port
}

func some(all map[string]float64, prefixes ...string) map[string]float64 {
	found := map[string]float64{}
	for name, v := range all {
		for _, p := range prefixes {
			if strings.HasPrefix(name, p) && v != 0 {
				found[name] = v
			}
		}
	}
	return found
}

func TestDurationsFollowTheConventionsOfHTTP(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts []keyfitotel.Option
		more string
	}{"": {}, "with routes": {[]keyfitotel.Option{keyfitotel.WithRoutes()}, " url.template=/rooms/{id}"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, []answer{{status: 503}, {status: 200}, {status: 404}}, test.opts, keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
			for range 2 {
				_ = r.get(t, "/rooms/7?secret=1")
			}
			want := map[string]float64{}
			for _, attempt := range []string{"error.type=503 http.request.method=GET http.response.status_code=503", "http.request.method=GET http.response.status_code=200", "error.type=404 http.request.method=GET http.response.status_code=404"} {
				want["http.client.request.duration{"+attempt+" keyfit.provider=acme "+r.where()+test.more+"}"] = 1
			}
			for _, call := range []string{"http.request.method=GET", "error.type=404 http.request.method=GET"} {
				want["keyfit.client.call.duration{"+call+" keyfit.provider=acme "+r.where()+test.more+"}"] = 1
			}
			if diff := cmp.Diff(want, some(r.points(t), "http.", "keyfit.client.call.duration")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// used is how much of the published limit the gate counts as used.
func used(s keyfit.Stats) uint64 {
	for _, b := range s.Gate.Bounds {
		if b.Source == keyfit.BoundPublished {
			return uint64(max(0, b.Used))
		}
	}
	return 0
}

// sorted is the name of a series with its attributes in the order of OpenTelemetry.
func sorted(name string) string {
	metric, attrs, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	all := strings.Fields(attrs)
	slices.Sort(all)
	return metric + "{" + strings.Join(all, " ") + "}"
}

// Counts and states are those of Stats and Status, in each state in which an alarm may be due.
func TestReadingsAreThoseOfTheClient(t *testing.T) {
	t.Parallel()
	one := "keyfit.client=one keyfit.provider=acme"
	for name, test := range map[string]struct {
		answers []answer
		do      func(*testing.T, *rig)
		want    []string
	}{
		"at rest": {[]answer{{status: 200}}, func(*testing.T, *rig) {}, []string{"keyfit.client.keys{" + one + " keyfit.key.state=current}"}},
		"refusals": {
			[]answer{{status: 403}},
			func(t *testing.T, r *rig) { t.Helper(); _ = r.get(t, "/x") },
			[]string{"keyfit.client.refusals{" + one + " keyfit.refusal.cause=permission}", "keyfit.client.calls{" + one + "}"},
		},
		"refused again and again": {[]answer{{status: 401}}, func(t *testing.T, r *rig) {
			t.Helper()
			for range 20 {
				_ = r.get(t, "/x")
			}
		}, []string{"keyfit.client.circuit.open{" + one + "}"}},
		"the source fails": {[]answer{{status: 200}}, func(t *testing.T, r *rig) {
			t.Helper()
			r.ring.set(keyfit.Credential{}, errors.New("sealed"))
			_, _ = r.client.Keys().Reload(t.Context())
		}, []string{"keyfit.client.source.stale{" + one + "}", "keyfit.client.key.events{keyfit.key.event=source.stale keyfit.provider=acme}"}},
		"rotated": {[]answer{{status: 200}}, func(t *testing.T, r *rig) {
			t.Helper()
			if err := r.client.Keys().Rotate(t.Context(), keyfit.APIKey(second), keyfit.GracePeriod(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}, []string{"keyfit.client.keys{" + one + " keyfit.key.state=previous}", "keyfit.client.keys{" + one + " keyfit.key.state=current}"}},
		"a pause": {
			[]answer{{status: 429, header: http.Header{"Retry-After": {"3600"}}}},
			func(t *testing.T, r *rig) { t.Helper(); _ = r.get(t, "/x") },
			[]string{"keyfit.client.gate.pause{" + one + "}"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, test.answers, nil, keyfit.WithMaxAttempts(1))
			test.do(t, r)
			all := r.points(t)
			for _, want := range test.want {
				if all[sorted(want)] <= 0 {
					t.Errorf("no %s in %v", want, all)
				}
			}
			s := r.client.Stats()
			for name, want := range map[string]uint64{
				"keyfit.client.calls{" + one + "}":                                       s.Requests,
				"keyfit.client.retries{" + one + "}":                                     s.Retries,
				"keyfit.client.refusals{" + one + " keyfit.refusal.cause=limit}":         s.Refusals.Limit,
				"keyfit.client.refusals{" + one + " keyfit.refusal.cause=invalid_key}":   s.Refusals.InvalidKey,
				"keyfit.client.refusals{" + one + " keyfit.refusal.cause=max_wait}":      s.Refusals.MaxWait,
				"keyfit.client.refusals{" + one + " keyfit.refusal.cause=unavailable}":   s.Refusals.Unavailable,
				"keyfit.client.waits{" + one + " keyfit.wait.kind=key}":                  s.Holds.Count,
				"keyfit.client.waits{" + one + " keyfit.wait.kind=gate}":                 s.Gate.Waits.Count,
				"keyfit.client.limit.requests{" + one + " keyfit.limit.bound=published}": 100,
				"keyfit.client.limit.period{" + one + " keyfit.limit.bound=published}":   60,
				"keyfit.client.limit.used{" + one + " keyfit.limit.bound=published}":     used(s),
				"keyfit.client.circuit.holding{" + one + "}":                             0,
				"keyfit.client.waits{" + one + " keyfit.wait.kind=backoff}":              0,
				"keyfit.client.refusals{" + one + " keyfit.refusal.cause=budget}":        0,
				"keyfit.client.refusals{" + one + " keyfit.refusal.cause=missing_key}":   s.Refusals.MissingKey,
				"keyfit.client.refusals{" + one + " keyfit.refusal.cause=permission}":    s.Refusals.Permission,
				"keyfit.client.refusals{" + one + " keyfit.refusal.cause=deadline}":      s.Refusals.Deadline,
			} {
				if strings.HasPrefix(name, "keyfit.client.limit") && s.Requests == 0 {
					continue // the gate knows no account yet
				}
				if got, there := all[sorted(name)]; !there || math.Abs(got-float64(want)) > 1e-9 {
					t.Errorf("%s is %v (%t), want %v", name, got, there, want)
				}
			}
		})
	}
}

// Days left are those to the end of the key, and negative after it.
func TestDaysLeft(t *testing.T) {
	t.Parallel()
	for _, days := range []float64{400, 14, 0.5, -3} {
		r := newRig(t, []answer{{status: 200}}, nil)
		name := "keyfit.client.key.days_left{keyfit.client=one keyfit.key.state=current keyfit.provider=acme}"
		if _, there := r.points(t)[name]; there {
			t.Error("a key without an end has days left")
		}
		cred := keyfit.APIKey(second)
		cred.Expires = time.Now().Add(time.Duration(days * 24 * float64(time.Hour)))
		if err := r.client.Keys().Rotate(t.Context(), cred); err != nil {
			t.Fatal(err)
		}
		if got := r.points(t)[name]; math.Abs(got-days) > 0.01 {
			t.Errorf("%v days are left, want %v", got, days)
		}
	}
}

func TestTheNumberOfSeriesIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, []answer{{status: 200}, {status: 404}, {status: 403}}, nil, keyfit.WithMaxAttempts(1))
	use := func(n int) {
		_ = r.get(t, fmt.Sprintf("/rooms/%d?n=%d", n, n))
		r.raw(t, fmt.Sprintf("M%d", n), fmt.Sprintf("/rooms/%d", n))
		r.raw(t, "POST", fmt.Sprintf("/rooms/%d", n))
		if err := r.client.Keys().Rotate(t.Context(), keyfit.APIKey(fmt.Sprintf("lf_bound-0123456789-%d", n)), keyfit.GracePeriod(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 4 {
		use(n)
	}
	before := maps.Clone(r.points(t))
	for n := range 20 {
		use(n + 4)
	}
	if after := r.points(t); len(after) > len(before)+1 { // one status may come for the first time with a method
		t.Errorf("%d series became %d:\n%s", len(before), len(after), cmp.Diff(before, after))
	}
}

func TestObserveRefusesWhatWouldMixTwoClients(t *testing.T) {
	t.Parallel()
	r := newRig(t, []answer{{status: 200}}, nil)
	for name, bad := range map[string]struct {
		name   string
		client *keyfit.Client
	}{"twice": {"one", r.client}, "no client": {"two", nil}, "no name": {"", r.client}, "not UTF-8": {"\xff", r.client}} {
		if err := r.watch.Observe(bad.name, bad.client); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	r.watch.Forget("nobody")
	r.watch.Forget("one")
	if found := some(r.points(t), "keyfit.client.keys"); len(found) != 0 {
		t.Errorf("a client that is forgotten is still told: %v", found)
	}
	if err := r.watch.Observe("one", r.client); err != nil {
		t.Error(err)
	}
	if err := r.watch.Close(); err != nil {
		t.Error(err)
	}
	if found := some(r.points(t), "keyfit.client.keys"); len(found) != 0 {
		t.Errorf("after Close there is %v", found)
	}
}

func TestNewRefusesOptionsWithoutAValue(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]keyfitotel.Option{
		"nil": nil, "tracers": keyfitotel.WithTracerProvider(nil), "meters": keyfitotel.WithMeterProvider(nil), "propagation": keyfitotel.WithPropagation(nil),
	} {
		if _, err := keyfitotel.New(opt); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if o, err := keyfitotel.New(keyfitotel.WithMeterProvider(noop.NewMeterProvider())); err != nil || o.Close() != nil {
		t.Errorf("without the SDK: %v", err)
	}
}

// A key is planted wherever a caller, a server or a source may put one.
func TestCanaryNothingThatIsExportedTellsAKey(t *testing.T) {
	t.Parallel()
	answers := make([]answer, 0, 16)
	for _, status := range []int{200, 401, 403, 404, 429, 500, 503, 302} {
		answers = append(answers, answer{status, http.Header{"Retry-After": {planted}, "X-Request-Id": {planted}, "Location": {"/elsewhere?key=" + planted}, "Set-Cookie": {"k=" + planted}}})
	}
	answers = append(answers, answer{}, answer{200, http.Header{"Content-Length": {"999999"}}})
	r := newRig(t, answers, []keyfitotel.Option{keyfitotel.WithRoutes()}, keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 2, MinBackoff: 1, MaxBackoff: 1, MaxWait: time.Millisecond}))
	cred := keyfit.APIKey(planted)
	cred.Place, cred.Version = "the file /keys/"+planted, planted
	r.ring.set(cred, nil)
	_, _ = r.client.Keys().Reload(t.Context())
	for range 3 {
		for _, at := range []string{"/x?key=" + planted, "/x/" + planted} {
			ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errors.New("the caller says "+planted))
			_, _ = keyfit.Get[struct{ Message int }](ctx, r.client, at, keyfit.WithHeader("X-Own", planted))
			cancel()
			r.raw(t, http.MethodPost, at)
			r.client.ResetLimits()
		}
	}
	r.ring.set(keyfit.Credential{}, errors.New("the store says "+planted))
	_, _ = r.client.Keys().Reload(t.Context())
	text := r.exported(t)
	for i := 0; i+8 <= len(planted); i++ {
		if at := strings.Index(text, planted[i:i+8]); at >= 0 {
			t.Fatalf("%q of the key is in …%s…", planted[i:i+8], text[max(0, at-300):min(len(text), at+300)])
		}
	}
	for _, want := range []string{"url.full=" + r.url + "/x", "keyfit.refusal.cause=invalid_key", "keyfit.wait.reason", "keyfit.client.source.stale"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing exported has %s, so the test looks at nothing", want)
		}
	}
}

// dated is a key whose end is known.
func dated(key string) keyfit.Credential {
	cred := keyfit.APIKey(key)
	cred.Expires = time.Now().Add(100 * 24 * time.Hour)
	return cred
}
