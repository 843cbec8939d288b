package ratehint_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/ratehint"
)

// A provider names where it says how long to wait, and in which unit.
func TestAHintIsReadWhereTheProviderHasIt(t *testing.T) {
	t.Parallel()
	const s, ms = time.Second, time.Millisecond
	given := func(d time.Duration, source string) wantHint { return wantHint{Wait: d, Given: true, Source: source} }
	for _, tt := range []struct {
		name   string
		names  ratehint.Names
		header http.Header
		body   string
		want   wantHint
	}{
		{"a path", ratehint.Names{Field: "error.limits.wait"}, nil, `{"wait":1,"error":{"wait":2,"limits":{"wait":7}}}`, given(7*s, "body wait")},
		{"a path through lists", ratehint.Names{Field: "errors.meta.wait"}, nil, `{"errors":[{"code":"X"},{"meta":[{"wait":7}]}]}`, given(7*s, "body wait")},
		{"a path in a list", ratehint.Names{Field: "error.wait"}, nil, `[{"error":{"wait":7}}]`, given(7*s, "body wait")},
		{"a path that ends early", ratehint.Names{Field: "error.wait.s"}, nil, `{"error":{"wait":7}}`, wantHint{}},
		{"a long path", ratehint.Names{Field: "a.b.c.d.e.f.g.h.i.j"}, nil, `{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{"i":{"j":1}}}}}}}}}}`, given(s, "body j")},
		{"a path that is too long", ratehint.Names{Field: strings.Repeat("a.", 40) + "a"}, nil, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), wantHint{}},
		{"a name with a dot", ratehint.Names{Field: "wait.ms", Unit: ms}, nil, `{"wait":{"s":1},"wait.ms":1500}`, given(1500*ms, "body wait.ms")},
		{"names with dots on a path", ratehint.Names{Field: "v1.error.wait.ms", Unit: ms}, nil, `{"v1":{"x":2},"v1.error":[{"wait.ms":1500}]}`, given(1500*ms, "body wait.ms")},
		{"another path", ratehint.Names{Field: "error.wait"}, nil, `{"errors":{"wait":7},"retryAfter":3}`, wantHint{}},
		{"milliseconds", ratehint.Names{Field: "wait_ms", Unit: ms}, nil, `{"wait_ms":1500}`, given(1500*ms, "body wait_ms")},
		{"minutes", ratehint.Names{Field: "wait", Unit: time.Minute}, nil, `{"wait":"2"}`, given(2*time.Minute, "body wait")},
		{"a date", ratehint.Names{Field: "until", Unit: ms}, nil, `{"until":"2026-11-21T12:00:30Z"}`, given(30*s, "body until")},
		{"a date with a zone", ratehint.Names{Field: "until"}, nil, `{"until":"2026-11-21T14:00:30.5+02:00"}`, given(30500*ms, "body until")},
		{"an epoch", ratehint.Names{Field: "until"}, nil, `{"until":1795262430}`, given(30*s, "body until")},
		{"an epoch in seconds, with another unit", ratehint.Names{Field: "until", Unit: ms}, nil, `{"until":1795262430}`, given(30*s, "body until")},
		{"an epoch in seconds, with a long unit", ratehint.Names{Header: "X-Until", Unit: time.Minute}, headers("X-Until: 1795262430"), "", given(30*s, "X-Until")},
		{"many milliseconds, which are no epoch", ratehint.Names{Field: "wait", Unit: ms}, nil, `{"wait":1000000000}`, given(1000000*s, "body wait")},
		{"an epoch in milliseconds", ratehint.Names{Field: "until", Unit: ms}, nil, `{"until":1795262430250}`, given(30250*ms, "body until")},
		{"a duration with a unit", ratehint.Names{Field: "wait", Unit: ms}, nil, `{"wait":"1m30s"}`, given(90*s, "body wait")},
		{"a negative duration", ratehint.Names{Field: "wait"}, nil, `{"wait":"-30s"}`, wantHint{Dropped: []string{"body wait: negative"}}},
		{"a long duration", ratehint.Names{Field: "wait"}, nil, `{"wait":"9000h"}`, wantHint{ratehint.Max, true, "body wait", []string{"body wait: longer than 31 days"}}},
		{"a header", ratehint.Names{Header: "X-Acme-Wait"}, headers("X-Acme-Wait: 7", "Retry-After: 3"), "", given(7*s, "X-Acme-Wait")},
		{"a header in milliseconds", ratehint.Names{Header: "x-acme-wait", Unit: ms}, headers("X-Acme-Wait: 1500"), "", given(1500*ms, "x-acme-wait")},
		{"a common header in another unit", ratehint.Names{Header: "retry-after", Unit: ms}, headers("Retry-After: 1500"), "", given(1500*ms, "retry-after")},
		{"a header that is not there", ratehint.Names{Header: "X-Acme-Wait"}, headers("Retry-After: 3"), "", given(3*s, "Retry-After")},
		{"a reset", ratehint.Names{Reset: "X-Acme-Reset"}, headers("X-RateLimit-Remaining: 0", "X-Acme-Reset: 7"), "", given(7*s, "X-RateLimit-Reset")},
		{"a common reset in another unit", ratehint.Names{Reset: "X-RateLimit-Reset", Unit: ms}, headers("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 7000"), "", given(7*s, "X-RateLimit-Reset")},
		{"Google's, of a stream", ratehint.Names{}, nil, `[{"error":{"code":429,"details":[{"retryDelay":"12.5s"}]}}]`, given(12500*ms, "body retryDelay")},
		{"FastAPI's detail", ratehint.Names{}, nil, `{"detail":{"error":"rate_limited","retry_after":7}}`, given(7*s, "body retry_after")},
		{"Google's RetryInfo", ratehint.Names{}, nil, `{"error":{"code":429,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3.5s"}]}}`, given(3500*ms, "body retryDelay")},
		{"Telegram's", ratehint.Names{}, nil, `{"ok":false,"error_code":429,"parameters":{"retry_after":5}}`, given(5*s, "body retry_after")},
		{"a unit in the name", ratehint.Names{}, nil, `{"error":{"retry_after_ms":250}}`, given(250*ms, "body retry_after_ms")},
		{"lists in lists", ratehint.Names{Field: "a.b"}, nil, strings.Repeat("[", 5000), wantHint{}},
		{"objects in objects", ratehint.Names{Field: strings.Repeat("a.", 1000) + "a"}, nil, strings.Repeat(`{"a":`, 5000), wantHint{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := ratehint.Parse(tt.header, []byte(tt.body), tt.names, now)
			if diff := cmp.Diff(tt.want, wantHint{h.Wait, h.Given, h.Source, h.Dropped}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	h := ratehint.Parse(headers("X-Acme-Reset: 1795262430"), nil, ratehint.Names{Reset: "X-Acme-Reset"}, now)
	if got := h.RefusedWait(); got != 30*s {
		t.Errorf("a reset alone is the wait of a refusal: %v", got)
	}
}

func FuzzANamedHintIsPlausible(f *testing.F) {
	f.Add("error.wait", `{"error":[{"wait":"1m"}]}`, "7", 1000)
	f.Add("..", `{"":{"":{"":1}}}`, "1e9s", 0)
	f.Fuzz(func(t *testing.T, field, body, value string, unit int) {
		names := ratehint.Names{Field: field, Header: "X-Wait", Reset: "X-Reset", Unit: time.Duration(unit)}
		got := ratehint.Parse(http.Header{"X-Wait": {value}, "X-Reset": {value}}, []byte(body), names, now)
		if got.Wait < 0 || got.Wait > ratehint.Max || got.Reset < 0 || got.Reset > ratehint.Max || got.Given != (got.Source != "") {
			t.Errorf("%+v", got)
		}
	})
}
