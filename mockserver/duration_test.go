package mockserver_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

func TestDurationsAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "24h": day, "365d": 365 * day, "2w": 14 * day, "2w3d4h5m6s": 17*day + 4*time.Hour + 5*time.Minute + 6*time.Second,
		"1d0s": day, "0s": 0, "0": 0, "-1d12h": -36 * time.Hour, "1.5h": 90 * time.Minute, " 1d ": day, "250ms": 250 * time.Millisecond,
	} {
		if got, err := mockserver.ParseDuration(text); err != nil || got.Std() != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", "d", "1", "1x", "soon", "1d2w", "1h2d", "--1s", "1d-1s", "99999999999d", "1.5d", "١d", "9999999h"} {
		if got, err := mockserver.ParseDuration(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
	for want, d := range map[string]time.Duration{"24h": day, "1m": time.Minute, "1m30s": 90 * time.Second, "0s": 0, "1h0m5s": time.Hour + 5*time.Second, "10s": 10 * time.Second, "20m": 20 * time.Minute} {
		if got := mockserver.Duration(d).String(); got != want {
			t.Errorf("%s is written %q", d, got)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"90s", "365d", "2w3d", "-1d12h", "1d2w", "d", "9223372036854775807ns", "106751d", "15250w"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := mockserver.ParseDuration(s)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines for %q", s)
			}
			return
		}
		again, err := mockserver.ParseDuration(d.String())
		if err != nil || again != d {
			t.Errorf("%q is %s, which is read as %s, %v", s, d, again, err)
		}
	})
}

func TestTheJSONOfEveryTypeRoundTrips(t *testing.T) {
	t.Parallel()
	half := 0.5
	for _, v := range []any{
		&mockserver.Limit{Requests: 50, Per: 10 * time.Second, Kind: mockserver.Sliding},
		&mockserver.Limit{},
		&mockserver.Fault{Kind: mockserver.FaultSlowBody, Delay: 2 * time.Second, Bytes: 3},
		&mockserver.FaultSpec{Match: mockserver.Match{Path: "/x*"}, Fault: mockserver.Throttle(time.Minute), When: []mockserver.When{{First: 2, Probability: &half}}},
		&mockserver.Diagnosis{Outcome: mockserver.RateLimited, RetryAfter: 37 * time.Second, Why: "the key's window is full"},
		&mockserver.Profile{
			Shape: mockserver.Enveloped, Hints: mockserver.HintBody | mockserver.HintXRateLimit, Variants: mockserver.FlatErrors,
			Answers: map[mockserver.Outcome]mockserver.Answer{mockserver.Expired: {Status: 401, Code: "X", Message: "y"}},
		},
	} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		read := map[string]func() any{
			"*mockserver.Limit": func() any { return new(mockserver.Limit) }, "*mockserver.Fault": func() any { return new(mockserver.Fault) },
			"*mockserver.FaultSpec": func() any { return new(mockserver.FaultSpec) }, "*mockserver.Diagnosis": func() any { return new(mockserver.Diagnosis) },
			"*mockserver.Profile": func() any { return new(mockserver.Profile) },
		}[typeName(v)]()
		if err := json.Unmarshal(data, read); err != nil {
			t.Errorf("%s: %v", data, err)
		}
		if diff := cmp.Diff(v, read); diff != "" {
			t.Errorf("%s:\n%s", data, diff)
		}
	}
	if got, _ := json.Marshal(mockserver.Latency(90 * time.Second)); string(got) != `{"kind":"latency","delay":"1m30s"}` {
		t.Errorf("a latency is written %s", got)
	}
}

func typeName(v any) string {
	switch v.(type) {
	case *mockserver.Limit:
		return "*mockserver.Limit"
	case *mockserver.Fault:
		return "*mockserver.Fault"
	case *mockserver.FaultSpec:
		return "*mockserver.FaultSpec"
	case *mockserver.Diagnosis:
		return "*mockserver.Diagnosis"
	}
	return "*mockserver.Profile"
}
