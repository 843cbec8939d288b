package mockserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

func TestAFaultHasTheHeadersThatItIsGiven(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault  mockserver.Fault
		status int
		want   map[string]string
	}{
		"a gateway's page": {mockserver.Status(502, "<html>").With("Content-Type", "text/html"), 502, map[string]string{"Content-Type": "text/html"}},
		"a wait":           {mockserver.Status(503, "{}").With("Retry-After", "5").With("X-Request-Id", "7"), 503, map[string]string{"Retry-After": "5", "X-Request-Id": "7", "Content-Type": "application/json; charset=utf-8"}},
		"in lower case":    {mockserver.Status(503, "").With("content-type", "text/html"), 503, map[string]string{"Content-Type": "text/html"}},
		"redirect":         {mockserver.Redirect(302, "/x").With("Cache-Control", "no-store"), 302, map[string]string{"Location": "/x", "Cache-Control": "no-store"}},
		"body":             {mockserver.Body(10).With("Content-Type", "application/xml"), 200, map[string]string{"Content-Type": "application/xml", "Content-Length": "10"}},
	} {
		srv := mockserver.New(t)
		srv.Inject(mockserver.Match{}, tt.fault)
		got := get(t, srv.Transport(), srv.Keys().Issue(mockserver.IMKIT))
		for header, want := range tt.want {
			if got.status != tt.status || got.header.Get(header) != want {
				t.Errorf("%s: %d, %s is %q, want %q", name, got.status, header, got.header.Get(header), want)
			}
		}
		again := mockserver.New(t)
		if err := again.Restore(srv.Snapshot()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.fault, again.Injections()[0].Fault); d != "" {
			t.Errorf("%s, restored (-want +got):\n%s", name, d)
		}
	}
}

func TestAFaultThatCannotBeInjectedIsRefusedInGoAndOverTheAPI(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	ok := func(f mockserver.Fault, name, value string) mockserver.Fault { return f.With(name, value) }
	for want, tt := range map[string]struct {
		match mockserver.Match
		fault mockserver.Fault
		when  []mockserver.When
	}{
		"without a delay does nothing":               {fault: mockserver.Latency(0)},
		"jitter without a delay does nothing":        {fault: mockserver.Jitter(0, 1)},
		"negative delay":                             {fault: mockserver.Latency(-time.Second)},
		"delay has no effect on status, which takes": {fault: mockserver.Fault{Kind: mockserver.FaultStatus, Status: 503, Delay: 1}},
		"status has no effect on stall, which":       {fault: mockserver.Fault{Kind: mockserver.FaultStall, Status: 503}},
		"seed has no effect without probability":     {fault: mockserver.Stall(), when: []mockserver.When{{Seed: 4}}},
		"did you mean \"GET\"?":                      {match: mockserver.Match{Method: "get"}, fault: mockserver.Stall()},
		"path \"rooms\" does not begin with a slash": {match: mockserver.Match{Path: "rooms"}, fault: mockserver.Stall()},
		"headers belong to status":                   {fault: ok(mockserver.Stall(), "Retry-After", "5")},
		"is not the name of a header":                {fault: ok(mockserver.Status(503, ""), "Retry After", "5")},
		"a character that a header cannot have":      {fault: ok(mockserver.Status(503, ""), "X-A", "a\r\nX-B: b")},
		"header Content-Length belongs":              {fault: ok(mockserver.Status(503, ""), "content-length", "5")},
		"header Transfer-Encoding belongs":           {fault: ok(mockserver.Status(503, ""), "Transfer-Encoding", "chunked")},
		"status 0 is not between":                    {fault: mockserver.Status(0, "")},
		"unknown kind":                               {fault: mockserver.Fault{Kind: "explode"}},
		"outcome and status are known only after":    {match: mockserver.Match{Outcome: mockserver.OK}, fault: mockserver.Stall()},
		"first, after and every are not negative":    {fault: mockserver.Stall(), when: []mockserver.When{mockserver.First(-1)}},
		"unknown provider":                           {match: mockserver.Match{Provider: "acme"}, fault: mockserver.Stall()},
	} {
		if i, err := srv.TryInject(tt.match, tt.fault, tt.when...); err == nil || i != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", want, err)
		}
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), want) {
					t.Errorf("Inject: %v, want %q", p, want)
				}
			}()
			srv.Inject(tt.match, tt.fault, tt.when...)
		}()
	}
	for _, body := range []string{
		`{"fault":{"kind":"latency"}}`, `{"fault":{"kind":"jitter","delay":"0s"}}`, `{"fault":{"kind":"latency","delay":"-1s"}}`,
		`{"fault":{"kind":"status","status":503,"delay":"1s"}}`, `{"fault":{"kind":"latency","delay":"1s","status":503}}`,
		`{"match":{"method":"get"},"fault":{"kind":"stall"}}`, `{"match":{"path":"rooms"},"fault":{"kind":"stall"}}`,
		`{"fault":{"kind":"stall","headers":{"A":"b"}}}`, `{"fault":{"kind":"status","status":503,"headers":{"A":"b\n"}}}`,
	} {
		if got := adminCall(t, srv, "POST", "/v1/namespaces/default/faults", body); got.status != 400 {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if n := len(srv.Injections()); n != 0 {
		t.Errorf("%d were injected", n)
	}
}

// A delay on a clock that stands still holds its requests until somebody moves it.
func TestADelayOnAFrozenClockHasAHint(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	const path = "/v1/namespaces/default/faults"
	for _, kind := range []string{"latency", "jitter", "slow_body"} {
		got := adminCall(t, srv, "POST", path, `{"fault":{"kind":"`+kind+`","delay":"2s"}}`)
		if got.status != 201 || !strings.Contains(got.body, `"hint":"the clock is frozen`) {
			t.Errorf("%s: %d %s", kind, got.status, got.body)
		}
	}
	for _, other := range []string{`{"fault":{"kind":"throttle","delay":"2s"}}`, `{"fault":{"kind":"stall"}}`} {
		if got := adminCall(t, srv, "POST", path, other); got.status != 201 || strings.Contains(got.body, "hint") {
			t.Errorf("%s: %d %s", other, got.status, got.body)
		}
	}
	srv.Clock().Run(1)
	if got := adminCall(t, srv, http.MethodGet, path, ""); strings.Contains(got.body, "hint") {
		t.Errorf("the clock runs: %s", got.body)
	}
}
