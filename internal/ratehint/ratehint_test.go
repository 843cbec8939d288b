package ratehint_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/ratehint"
)

var now = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)

// headers makes a header from lines "Name: value".
func headers(lines ...string) http.Header {
	h := http.Header{}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		h.Add(name, value)
	}
	return h
}

type wantHint struct {
	Wait    time.Duration
	Given   bool
	Source  string
	Dropped []string
}

func TestAHintSaysHowLongToWait(t *testing.T) {
	t.Parallel()
	const (
		ra = "Retry-After"
		s  = time.Second
	)
	form := []string{"Retry-After: neither a number nor a date"}
	given := func(d time.Duration, source string) wantHint { return wantHint{Wait: d, Given: true, Source: source} }
	tests := []struct {
		name   string
		header http.Header
		body   string
		field  string
		want   wantHint
	}{
		// Retry-After, seconds.
		{"nothing", nil, "", "", wantHint{}},
		{"seconds", headers("Retry-After: 5"), "", "", given(5*s, ra)},
		{"zero", headers("Retry-After: 0"), "", "", given(0, ra)},
		{"fraction", headers("Retry-After: 1.5"), "", "", given(1500*time.Millisecond, ra)},
		{"fraction without zero", headers("Retry-After: .25"), "", "", given(250*time.Millisecond, ra)},
		{"space before", headers("Retry-After:  5"), "", "", given(5*s, ra)},
		{"space after", headers("Retry-After: 5 "), "", "", given(5*s, ra)},
		{"plus", headers("Retry-After: +5"), "", "", given(5*s, ra)},
		{"exponent", headers("Retry-After: 1e3"), "", "", given(1000*s, ra)},
		{"tiny", headers("Retry-After: 1e-400"), "", "", given(0, ra)},
		{"leading zeros", headers("Retry-After: 007"), "", "", given(7*s, ra)},
		{"a month", headers("Retry-After: 2678400"), "", "", given(31*24*time.Hour, ra)},
		{"several lines, longest", headers("Retry-After: 5", "Retry-After: 60", "Retry-After: 1"), "", "", given(60*s, ra)},
		{"several lines, one bad", headers("Retry-After: soon", "Retry-After: 60"), "", "", wantHint{60 * s, true, ra, form}},
		// Retry-After, implausible.
		{"empty", headers("Retry-After: "), "", "", wantHint{Dropped: []string{"Retry-After: empty"}}},
		{"word", headers("Retry-After: soon"), "", "", wantHint{Dropped: form}},
		{"two numbers", headers("Retry-After: 5 6"), "", "", wantHint{Dropped: form}},
		{"hexadecimal", headers("Retry-After: 0x10"), "", "", wantHint{Dropped: form}},
		{"underscore", headers("Retry-After: 1_0"), "", "", wantHint{Dropped: form}},
		{"NaN", headers("Retry-After: NaN"), "", "", wantHint{Dropped: form}},
		{"Inf", headers("Retry-After: Inf"), "", "", wantHint{Dropped: form}},
		{"minus Inf", headers("Retry-After: -Inf"), "", "", wantHint{Dropped: form}},
		{"negative", headers("Retry-After: -5"), "", "", wantHint{Dropped: []string{"Retry-After: negative (-5)"}}},
		{"more than a month", headers("Retry-After: 2678401"), "", "", wantHint{Wait: ratehint.Max, Given: true, Source: "Retry-After", Dropped: []string{"Retry-After: longer than 31 days (2678401)"}}},
		{"overflow", headers("Retry-After: 9223372037"), "", "", wantHint{Wait: ratehint.Max, Given: true, Source: "Retry-After", Dropped: []string{"Retry-After: longer than 31 days (9223372037)"}}},
		{"overflow of int64", headers("Retry-After: 9223372036854775808"), "", "", wantHint{Wait: ratehint.Max, Given: true, Source: "Retry-After", Dropped: []string{"Retry-After: longer than 31 days (9223372036854775808)"}}},
		{"huge", headers("Retry-After: 1e30"), "", "", wantHint{Wait: ratehint.Max, Given: true, Source: "Retry-After", Dropped: []string{"Retry-After: longer than 31 days (1e30)"}}},
		{"infinite", headers("Retry-After: 1e999"), "", "", wantHint{Wait: ratehint.Max, Given: true, Source: "Retry-After", Dropped: []string{"Retry-After: longer than 31 days (1e999)"}}},
		{"minus infinite", headers("Retry-After: -1e999"), "", "", wantHint{Dropped: []string{"Retry-After: negative (-1e999)"}}},
		{"long", headers("Retry-After: " + strings.Repeat("9", 100)), "", "", wantHint{Wait: ratehint.Max, Given: true, Source: "Retry-After", Dropped: []string{"Retry-After: longer than 31 days (" + strings.Repeat("9", 24) + "...)"}}},
		{"an echo is not repeated", headers("Retry-After: sk-secret-123"), "", "", wantHint{Dropped: form}},
		// Epochs.
		{"epoch", headers("Retry-After: 1795262430"), "", "", given(30*s, ra)},
		{"epoch with fraction", headers("Retry-After: 1795262430.5"), "", "", given(30500*time.Millisecond, ra)},
		{"epoch in milliseconds", headers("Retry-After: 1795262430250"), "", "", given(30250*time.Millisecond, ra)},
		{"epoch past", headers("Retry-After: 1746136938"), "", "", given(0, ra)},
		{"epoch against Date", headers("Retry-After: 1795262430", "Date: Sat, 21 Nov 2026 12:00:10 GMT"), "", "", given(20*s, ra)},
		// Dates.
		{"RFC 1123", headers("Retry-After: Sat, 21 Nov 2026 12:01:00 GMT"), "", "", given(60*s, ra)},
		{"RFC 850", headers("Retry-After: Saturday, 21-Nov-26 12:01:00 GMT"), "", "", given(60*s, ra)},
		{"asctime", headers("Retry-After: Sat Nov 21 12:01:00 2026"), "", "", given(60*s, ra)},
		{"date past", headers("Retry-After: Sat, 21 Nov 2026 11:00:00 GMT"), "", "", given(0, ra)},
		{"server's clock an hour fast", headers("Retry-After: Sat, 21 Nov 2026 13:00:30 GMT", "Date: Sat, 21 Nov 2026 13:00:00 GMT"), "", "", given(30*s, ra)},
		{"server's clock a year slow", headers("Retry-After: Fri, 21 Nov 2025 12:00:30 GMT", "Date: Fri, 21 Nov 2025 12:00:00 GMT"), "", "", given(30*s, ra)},
		{"Date stuck in 1970", headers("Retry-After: Sat, 21 Nov 2026 12:00:30 GMT", "Date: Thu, 01 Jan 1970 00:00:00 GMT"), "", "", given(30*s, ra)},
		{"Date broken", headers("Retry-After: Sat, 21 Nov 2026 12:00:30 GMT", "Date: today"), "", "", given(30*s, ra)},
		{"date in 2080", headers("Retry-After: Sat, 21 Nov 2080 12:00:30 GMT"), "", "", wantHint{Wait: ratehint.Max, Given: true, Source: "Retry-After", Dropped: []string{"Retry-After: longer than 31 days"}}},
		// Retry-After-Ms.
		{"milliseconds", headers("Retry-After-Ms: 850"), "", "", given(850*time.Millisecond, "Retry-After-Ms")},
		{"seconds before milliseconds", headers("Retry-After-Ms: 850", "Retry-After: 1"), "", "", given(s, ra)},
		{"zero, then milliseconds", headers("Retry-After-Ms: 850", "Retry-After: 0"), "", "", given(850*time.Millisecond, "Retry-After-Ms")},
		{"two weeks of milliseconds", headers("Retry-After-Ms: 1209600000"), "", "", given(14*24*time.Hour, "Retry-After-Ms")},
		// The body.
		{"body", nil, `{"retryAfter":30}`, "", given(30*s, "body retryAfter")},
		{"body, snake case", nil, `{"retry_after":0.5}`, "", given(500*time.Millisecond, "body retry_after")},
		{"body, text", nil, `{"retryAfter":" 30 "}`, "", given(30*s, "body retryAfter")},
		{"body, exponent", nil, `{"retryAfter":3e1}`, "", given(30*s, "body retryAfter")},
		{"body, within error", nil, `{"error":{"code":"X","retryAfter":30}}`, "", given(30*s, "body retryAfter")},
		{"body, within result", nil, `{"ok":false,"result":{"retryAfter":30}}`, "", given(30*s, "body retryAfter")},
		{"body, within something else", nil, `{"other":{"retryAfter":30},"list":[{"retryAfter":3}]}`, "", wantHint{}},
		{"body, too deep", nil, `{"error":{"error":{"retryAfter":30}}}`, "", wantHint{}},
		{"body, own field", nil, `{"retryAfter":1,"wait":7}`, "wait", given(7*s, "body wait")},
		{"body, cut off after the field", nil, `{"retryAfter":30,"message":"to`, "", given(30*s, "body retryAfter")},
		{"body, broken before the field", nil, `{"message":,"retryAfter":30}`, "", wantHint{}},
		{"body, text page", nil, `Too many requests: retryAfter 30`, "", wantHint{}},
		{"body, HTML", nil, `<html>429</html>`, "", wantHint{}},
		{"body, list", nil, `[{"retryAfter":30}]`, "", given(30*s, "body retryAfter")},
		{"body, BOM", nil, "\xef\xbb\xbf" + `{"retryAfter":30}`, "", given(30*s, "body retryAfter")},
		{"body, null", nil, `{"retryAfter":null}`, "", wantHint{}},
		{"body, true", nil, `{"retryAfter":true}`, "", wantHint{Dropped: []string{"body retryAfter: not a number"}}},
		{"body, object", nil, `{"retryAfter":{"s":1},"retry_after":2}`, "", wantHint{2 * s, true, "body retry_after", []string{"body retryAfter: not a number"}}},
		{"body, negative", nil, `{"retryAfter":-1}`, "", wantHint{Dropped: []string{"body retryAfter: negative (-1)"}}},
		{"body, beyond 64 KiB", nil, `{"x":"` + strings.Repeat("x", 64<<10) + `","retryAfter":30}`, "", wantHint{}},
		{"body before header", headers("Retry-After: 5"), `{"retryAfter":30}`, "", given(30*s, "body retryAfter")},
		{"header 0, body 30", headers("Retry-After: 0"), `{"retryAfter":30}`, "", given(30*s, "body retryAfter")},
		{"body 0, header 30", headers("Retry-After: 30"), `{"retryAfter":0}`, "", given(30*s, ra)},
		{"body negative, header 30", headers("Retry-After: 30"), `{"retryAfter":-1}`, "", wantHint{30 * s, true, ra, []string{"body retryAfter: negative (-1)"}}},
		// The limit's headers.
		{"RateLimit", headers(`RateLimit: "default";r=0;t=30`), "", "", given(30*s, "RateLimit")},
		{"RateLimit, some left", headers(`RateLimit: "default";r=1;t=30`), "", "", wantHint{}},
		{"RateLimit, tightest of two", headers(`RateLimit: "burst";r=0;t=3, "daily";r=0;t=3600`), "", "", given(time.Hour, "RateLimit")},
		{"RateLimit of draft 7", headers("RateLimit: limit=100, remaining=0, reset=30"), "", "", given(30*s, "RateLimit")},
		{"RateLimit of bytes", headers(`RateLimit: "b";r=0;t=30`, `RateLimit-Policy: "b";q=9;qu="content-bytes";w=60`), "", "", wantHint{}},
		{"RateLimit triple", headers("RateLimit-Remaining: 0", "RateLimit-Reset: 30"), "", "", given(30*s, "RateLimit-Reset")},
		{"X-RateLimit, delta", headers("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 30"), "", "", given(30*s, "X-RateLimit-Reset")},
		{"X-RateLimit, epoch", headers("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1795262430"), "", "", given(30*s, "X-RateLimit-Reset")},
		{"X-RateLimit, milliseconds", headers("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1795262430000"), "", "", given(30*s, "X-RateLimit-Reset")},
		{"X-Rate-Limit", headers("X-Rate-Limit-Remaining: 0", "X-Rate-Limit-Reset: 30"), "", "", given(30*s, "X-Rate-Limit-Reset")},
		{"X-RateLimit, some left", headers("X-RateLimit-Remaining: 3", "X-RateLimit-Reset: 30"), "", "", wantHint{}},
		{"X-RateLimit, negative", headers("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: -30"), "", "", wantHint{Dropped: []string{"X-RateLimit-Reset: negative (-30)"}}},
		{"Retry-After 0, X-RateLimit-Reset 30", headers("Retry-After: 0", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 30"), "", "", given(30*s, "X-RateLimit-Reset")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := ratehint.Parse(tt.header, []byte(tt.body), ratehint.Names{Field: tt.field}, now)
			got := wantHint{h.Wait, h.Given, h.Source, h.Dropped}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAHintDescribesTheLimit(t *testing.T) {
	t.Parallel()
	type want struct {
		Limit     ratehint.Limit
		Remaining int
		Reset     time.Duration
		Refused   time.Duration // the wait of a 429
	}
	const s = time.Second
	tests := []struct {
		name   string
		header http.Header
		want   want
	}{
		{"nothing", nil, want{Remaining: -1}},
		{"draft 11", headers(`RateLimit-Policy: "default";q=100;w=60`, `RateLimit: "default";r=50;t=30`), want{ratehint.Limit{100, time.Minute}, 50, 30 * s, 0}},
		{"draft 11, the tightest policy", headers(`RateLimit-Policy: "day";q=1000;w=86400, "burst";q=10;w=1`, `RateLimit: "day";r=900;t=5, "burst";r=2;t=1`), want{ratehint.Limit{10, s}, 2, s, 0}},
		{"draft 11, policy alone", headers(`RateLimit-Policy: "a;b,c";q=100;w=60`), want{ratehint.Limit{100, time.Minute}, -1, 0, 0}},
		{"draft 11, no window", headers(`RateLimit-Policy: "a";q=100`), want{ratehint.Limit{100, 0}, -1, 0, 0}},
		{"draft 11, bytes", headers(`RateLimit-Policy: "a";q=100;qu="content-bytes";w=60`), want{Remaining: -1}},
		{"draft 7", headers("RateLimit: limit=100, remaining=50, reset=30"), want{ratehint.Limit{100, 0}, 50, 30 * s, 0}},
		{"older drafts", headers("RateLimit-Limit: 100, 100;w=60, 1000;w=3600", "RateLimit-Remaining: 50", "RateLimit-Reset: 30"), want{ratehint.Limit{100, time.Minute}, 50, 30 * s, 0}},
		{"X-RateLimit", headers("X-RateLimit-Limit: 5000", "X-RateLimit-Remaining: 4999", "X-RateLimit-Reset: 1795262430"), want{ratehint.Limit{5000, 0}, 4999, 30 * s, 0}},
		{"X-Rate-Limit", headers("X-Rate-Limit-Limit: 5000", "X-Rate-Limit-Remaining: 4999", "X-Rate-Limit-Reset: 30"), want{ratehint.Limit{5000, 0}, 4999, 30 * s, 0}},
		{"a reset alone is the wait of a 429", headers("X-RateLimit-Reset: 30"), want{ratehint.Limit{}, -1, 30 * s, 30 * s}},
		{"nothing left", headers("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 30"), want{ratehint.Limit{}, 0, 30 * s, 30 * s}},
		{"a wait is worth more than a reset", headers("Retry-After: 3", "X-RateLimit-Reset: 30"), want{ratehint.Limit{}, -1, 30 * s, 3 * s}},
		{"negative", headers("X-RateLimit-Limit: -1", "X-RateLimit-Remaining: -1", "X-RateLimit-Reset: -1"), want{Remaining: -1}},
		{"huge", headers("X-RateLimit-Limit: 1e300", "X-RateLimit-Remaining: 1e300", "X-RateLimit-Reset: 1e300"), want{ratehint.Limit{1 << 30, 0}, 1 << 30, 0, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := ratehint.Parse(tt.header, nil, ratehint.Names{}, now)
			got := want{h.Limit, h.Remaining, h.Reset, h.RefusedWait()}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzAHintIsPlausible(f *testing.F) {
	for _, s := range []string{"5", "1.5", " 5", "+5", "1e3", "-1", "NaN", "9223372037", "1e30", "1746136938", "1795262430250", "Sat, 21 Nov 2026 12:01:00 GMT", "Sat Nov 21 12:01:00 2026"} {
		f.Add(s, s, s, `{"retryAfter":`+s+`}`)
	}
	f.Add("", `"default";r=0;t=30`, `"default";q=100;w=60`, `{"error":{"retryAfter":"30"}}`)
	f.Add("", "limit=100, remaining=0, reset=30", "100, 100;w=60", `{"result":{"retry_after":[[{}]]`)
	f.Fuzz(func(t *testing.T, after, limit, policy, body string) {
		h := http.Header{}
		for _, name := range []string{"Retry-After", "Retry-After-Ms", "Date", "X-RateLimit-Reset", "RateLimit-Reset"} {
			h.Set(name, after)
		}
		for _, name := range []string{"RateLimit", "RateLimit-Limit", "X-RateLimit-Remaining"} {
			h.Set(name, limit)
		}
		h.Set("RateLimit-Policy", policy)
		got := ratehint.Parse(h, []byte(body), ratehint.Names{}, now)
		for _, d := range []time.Duration{got.Wait, got.Reset, got.Limit.Per, got.RefusedWait()} {
			if d < 0 || d > ratehint.Max {
				t.Errorf("duration %v out of range: %+v", d, got)
			}
		}
		if got.Remaining < -1 || got.Remaining > math.MaxInt32 || got.Limit.Requests < 0 {
			t.Errorf("implausible limit: %+v", got)
		}
		if got.Wait > 0 && !got.Given || got.Given != (got.Source != "") {
			t.Errorf("a wait from nowhere: %+v", got)
		}
		for _, s := range got.Dropped {
			if len(s) > 100 {
				t.Errorf("dropped repeats too much: %q", s)
			}
		}
	})
}

func TestOnlyHeadersOfALimitMentionIt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"RateLimit": true, "RateLimit-Policy": true, "RateLimit-Reset": true, "X-RateLimit-Remaining": true, "X-Rate-Limit-Limit": true,
		"Retry-After": false, "X-Request-Id": false, "Date": false,
	} {
		if got := ratehint.MentionsLimit(headers(name + ": 1")); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestAnAnswerWithoutAHintGivesNone(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(ratehint.None(), ratehint.Parse(http.Header{}, []byte("{}"), ratehint.Names{}, now)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
