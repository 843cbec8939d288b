package mockserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// wire is one way to reach the server.
type wire struct {
	opts   []mockserver.Option
	client func(*mockserver.Server) (*http.Client, string) // and the origin of IMKIT
}

func wires() map[string]wire {
	socket := func(s *mockserver.Server) (*http.Client, string) { return s.Client(), s.BaseURL(mockserver.IMKIT) }
	return map[string]wire{
		"http1": {nil, socket},
		"tls":   {[]mockserver.Option{mockserver.WithTLS(), mockserver.WithoutHTTP2()}, socket},
		"http2": {[]mockserver.Option{mockserver.WithTLS()}, socket},
		"memory": {nil, func(s *mockserver.Server) (*http.Client, string) {
			return &http.Client{Transport: s.Transport()}, "https://your-app.imkit.io"
		}},
	}
}

// fetch posts to IMKIT and names what the client met.
func fetch(c *http.Client, origin string, key mockserver.Issued) string {
	r, err := http.NewRequest(http.MethodPost, origin+"/admin/clients", strings.NewReader(`{"_id":"u1"}`))
	if err != nil {
		return err.Error()
	}
	r.Body = io.NopCloser(r.Body)
	r.Header.Set("Content-Type", "application/json")
	key.Apply(r)
	res, err := c.Do(r)
	if err != nil {
		return "do: " + kind(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Sprintf("%d, body: %s", res.StatusCode, kind(err))
	}
	if !json.Valid(body) {
		return fmt.Sprintf("%d, bad JSON", res.StatusCode)
	}
	return fmt.Sprint(res.StatusCode)
}

func kind(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		return "ECONNRESET"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected EOF"
	case strings.Contains(err.Error(), "INTERNAL_ERROR"):
		return "INTERNAL_ERROR"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline"
	case errors.Is(err, io.EOF):
		return "EOF"
	}
	return err.Error()
}

func TestAFaultIsWhatTheClientSees(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault  mockserver.Fault
		want   string // on HTTP/1.1
		h2     string // on HTTP/2, when different
		effect bool   // did the work
	}{
		"status":           {mockserver.Status(503, `{"a":1}`), "503", "", false},
		"reset before":     {mockserver.ResetBefore(), "do: ECONNRESET", "do: INTERNAL_ERROR", false},
		"reset after read": {mockserver.ResetAfterRead(), "do: ECONNRESET", "do: INTERNAL_ERROR", false},
		"reset after":      {mockserver.ResetAfter(), "do: ECONNRESET", "do: INTERNAL_ERROR", true},
		"truncate":         {mockserver.Truncate(10), "200, body: unexpected EOF", "200, body: INTERNAL_ERROR", true},
		"malformed":        {mockserver.MalformedJSON(), "200, bad JSON", "", true},
		"slow body":        {mockserver.SlowBody(40, time.Millisecond), "200", "", true},
		"throttle":         {mockserver.Throttle(7 * time.Second), "429", "", false},
		"echo":             {mockserver.Echo(), "400", "", false},
		"big body":         {mockserver.Body(100_000), "200, bad JSON", "", false},
		"latency":          {mockserver.Latency(time.Millisecond), "200", "", true},
		"jitter":           {mockserver.Jitter(time.Millisecond, 1), "200", "", true},
	}
	for wireName, w := range wires() {
		for name, tt := range tests {
			t.Run(wireName+"/"+name, func(t *testing.T) {
				t.Parallel()
				srv := mockserver.New(t, w.opts...)
				client, origin := w.client(srv)
				key := srv.Keys().Issue(mockserver.IMKIT)
				want := tt.want
				if wireName == "http2" && tt.h2 != "" {
					want = tt.h2
				}
				fresh := srv.Inject(mockserver.Match{Method: "POST"}, tt.fault)
				if got := fetch(client, origin, key); got != want {
					t.Errorf("fresh connection: %s, want %s", got, want)
				}
				fresh.Remove()
				if got := fetch(client, origin, key); got != "200" {
					t.Errorf("after Remove: %s", got)
				}
				srv.Inject(mockserver.Match{Provider: mockserver.IMKIT, KeyID: key.ID}, tt.fault)
				if got := fetch(client, origin, key); got != want {
					t.Errorf("reused connection: %s, want %s", got, want)
				}
				srv.Expect(t, mockserver.Match{Method: "POST"}, 3)
			})
		}
	}
}

func TestOnlyFaultsAfterTheWorkHaveAnEffect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault mockserver.Fault
		users int
	}{{mockserver.ResetBefore(), 0}, {mockserver.ResetAfterRead(), 0}, {mockserver.Status(500, ""), 0}, {mockserver.ResetAfter(), 1}, {mockserver.Truncate(1), 1}} {
		srv := mockserver.New(t, mockserver.WithoutSampleData())
		rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
		srv.Inject(mockserver.Match{Method: "POST"}, tt.fault)
		fetch(&http.Client{Transport: rt}, "https://your-app.imkit.io", key)
		r := newRequest(t, mockserver.IMKIT, "GET", "/admin/clients", "")
		key.Apply(r)
		if got := call(t, rt, r); !strings.Contains(got.body, fmt.Sprintf(`"totalCount":%d`, tt.users)) {
			t.Errorf("%s: %s", tt.fault, got.body)
		}
	}
}

func TestStallsEndWithTheClientOrTheServer(t *testing.T) {
	t.Parallel()
	for wireName, w := range wires() {
		for _, fault := range []mockserver.Fault{mockserver.Stall(), mockserver.HangHeaders(), mockserver.Latency(time.Hour)} {
			t.Run(wireName+"/"+fault.String(), func(t *testing.T) {
				t.Parallel()
				srv := mockserver.New(t, append(w.opts, mockserver.WithFrozenClock(epoch))...)
				client, origin := w.client(srv)
				srv.Inject(mockserver.Match{}, fault)
				met := make(chan string, 1)
				key := srv.Keys().Issue(mockserver.IMKIT)
				go func() { met <- fetch(client, origin, key) }()
				if fault.Kind != mockserver.FaultLatency {
					if _, err := srv.WaitFor(t.Context(), mockserver.Match{Outcome: mockserver.Faulted}, 1); err != nil {
						t.Fatal(err)
					}
				}
				if err := srv.Close(); err != nil {
					t.Fatal(err)
				}
				if got := <-met; got == "200" {
					t.Error("an answer in spite of the stall")
				}
			})
		}
	}
}

func TestAnInjectionHitsAsWhenSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		when []mockserver.When
		want string // one character a request, x is a fault
		left int
	}{
		"always":            {nil, "xxxxxxxx", -1},
		"first":             {[]mockserver.When{mockserver.First(2)}, "xx......", 0},
		"first of many":     {[]mockserver.When{mockserver.First(10)}, "xxxxxxxx", 2},
		"after":             {[]mockserver.When{mockserver.After(5)}, ".....xxx", -1},
		"every":             {[]mockserver.When{mockserver.Every(3)}, "..x..x..", -1},
		"after, then first": {[]mockserver.When{mockserver.After(3), mockserver.First(2)}, "...xx...", 0},
		"never":             {[]mockserver.When{mockserver.Probability(0, 1)}, "........", -1},
		"certain":           {[]mockserver.When{mockserver.Probability(1, 1)}, "xxxxxxxx", -1},
		"between":           {[]mockserver.When{mockserver.Between(epoch.Add(2*time.Second), epoch.Add(4*time.Second))}, "..xx....", -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
			rt, key := srv.Transport(), srv.Keys().Issue(mockserver.Imin)
			inj := srv.Inject(mockserver.Match{Path: "/events-api/*"}, mockserver.Status(503, ""), tt.when...)
			var got strings.Builder
			for range 8 {
				if get(t, rt, key).status == 503 {
					got.WriteByte('x')
				} else {
					got.WriteByte('.')
				}
				srv.Clock().Advance(time.Second)
			}
			if d := cmp.Diff(tt.want, got.String()); d != "" || inj.Remaining() != tt.left {
				t.Errorf("remaining %d, want %d (-want +got):\n%s", inj.Remaining(), tt.left, d)
			}
		})
	}
}

func TestASeedRepeatsTheSameFaults(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		srv := mockserver.New(t)
		rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
		srv.Inject(mockserver.Match{}, mockserver.Status(500, ""), mockserver.Probability(0.5, seed))
		var s strings.Builder
		for range 64 {
			fmt.Fprint(&s, get(t, rt, key).status, " ")
		}
		return s.String()
	}
	if one, again, other := run(1), run(1), run(2); one != again || one == other {
		t.Error("the seed does not decide")
	}
}

func TestFaultsConsumeNoQuota(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	srv.Limit(mockserver.Imin, mockserver.Limit{Requests: 1, Per: time.Minute})
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.Imin)
	srv.Inject(mockserver.Match{}, mockserver.Status(503, ""), mockserver.First(3))
	var got []int
	for range 5 {
		got = append(got, get(t, rt, key).status)
	}
	if d := cmp.Diff([]int{503, 503, 503, 200, 429}, got); d != "" {
		t.Error(d)
	}
}

func TestARedirectFaultSendsItsLocation(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	srv.Inject(mockserver.Match{}, mockserver.Redirect(307, "https://evil.example/"))
	if got := get(t, srv.Transport(), srv.Keys().Issue(mockserver.Imin)); got.status != 307 || got.header.Get("Location") != "https://evil.example/" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func TestAnEndlessBodyEndsWithTheClient(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	srv.Inject(mockserver.Match{}, mockserver.Body(-1))
	r := newRequest(t, mockserver.Imin, "GET", "/events-api/v2/event-series", "")
	srv.Keys().Issue(mockserver.Imin).Apply(r)
	res, err := srv.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, res.Body, 1<<20); err != nil {
		t.Errorf("%d bytes: %v", n, err)
	}
	_ = res.Body.Close()
}
