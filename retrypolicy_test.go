package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// sequence answers with the statuses one after the other, the last for ever.
type sequence struct {
	statuses []int
	header   http.Header
	asked    []time.Time
}

func (s *sequence) RoundTrip(req *http.Request) (*http.Response, error) {
	status := s.statuses[min(len(s.asked), len(s.statuses)-1)]
	s.asked = append(s.asked, time.Now())
	if status == 0 {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}
	}
	header := http.Header{}
	if status >= 400 {
		header = s.header.Clone()
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
}

// The caller's rule comes before the server's word, and that before what is usual.
func TestWhoSaysThatACallIsTriedAgain(t *testing.T) {
	t.Parallel()
	always := func(keyfit.Attempt) bool { return true }
	never := func(keyfit.Attempt) bool { return false }
	usual := func(a keyfit.Attempt) bool { return a.Again }
	for name, test := range map[string]struct {
		method string
		status int // 0 is a host that does not exist
		said   string
		policy keyfit.RetryPolicy
		body   io.Reader
		want   int // attempts
	}{
		"a usual status":                        {method: "GET", status: 500, want: 3},
		"another":                               {method: "GET", status: 409, want: 1},
		"a status of the list":                  {method: "GET", status: 409, policy: keyfit.RetryPolicy{Statuses: []int{409, 423}}, want: 3},
		"a status of the list, of a POST":       {method: "POST", status: 409, policy: keyfit.RetryPolicy{Statuses: []int{409}}, want: 1},
		"the server wants it":                   {method: "GET", status: 409, said: "true", want: 3},
		"the server wants it, of a POST":        {method: "POST", status: 500, said: "TRUE", want: 3},
		"the server does not want it":           {method: "GET", status: 503, said: "false", want: 1},
		"nor after a limit":                     {method: "GET", status: 429, said: " False ", want: 1},
		"the server says nonsense":              {method: "GET", status: 503, said: "maybe", want: 3},
		"a stream, whatever the server wants":   {method: "PUT", status: 500, said: "true", body: io.MultiReader(strings.NewReader("x")), want: 1},
		"the rule wants it":                     {method: "POST", status: 404, policy: keyfit.RetryPolicy{Retry: always}, want: 3},
		"the rule does not want it":             {method: "GET", status: 503, policy: keyfit.RetryPolicy{Retry: never}, want: 1},
		"the rule leaves it":                    {method: "GET", status: 503, policy: keyfit.RetryPolicy{Retry: usual}, want: 3},
		"the rule against the server":           {method: "GET", status: 503, said: "true", policy: keyfit.RetryPolicy{Retry: never}, want: 1},
		"the rule for what the server does not": {method: "GET", status: 503, said: "false", policy: keyfit.RetryPolicy{Retry: always}, want: 3},
		"a host that does not exist":            {method: "GET", want: 1},
		"a host that may exist soon":            {method: "GET", policy: keyfit.RetryPolicy{Retry: always}, want: 3},
		"a stream, whatever the rule wants":     {method: "PUT", status: 500, policy: keyfit.RetryPolicy{Retry: always}, body: io.MultiReader(strings.NewReader("x")), want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := &sequence{statuses: []int{test.status}, header: http.Header{}}
			if test.said != "" {
				wire.header.Set("X-Should-Retry", test.said)
			}
			c := lastingClient(t, wire, keyfit.WithGate(openGate{}), keyfit.WithMaxAttempts(3))
			_, err := keyfit.Send[struct{}](t.Context(), c, test.method, "/x", test.body, keyfit.WithRetry(test.policy))
			if len(wire.asked) != test.want || err == nil {
				t.Errorf("%d attempts, want %d: %v", len(wire.asked), test.want, err)
			}
		})
	}
}

// The rule is told what happened, and is not asked where nothing may be sent.
func TestTheRuleIsToldOfTheAttempt(t *testing.T) {
	t.Parallel()
	var told []keyfit.Attempt
	rule := keyfit.WithRetry(keyfit.RetryPolicy{Retry: func(a keyfit.Attempt) bool { told = append(told, a); return true }})
	c := lastingClient(t, &sequence{statuses: []int{409, 0, 200}, header: http.Header{"X-Lorem": {"fitsum"}}}, rule)
	if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); err != nil {
		t.Fatal(err)
	}
	if len(told) != 2 {
		t.Fatalf("the rule was told of %v", told)
	}
	answer, ok := errors.AsType[*keyfit.APIError](told[0].Err)
	if !ok || answer.Header.Get("X-Lorem") != "fitsum" || told[0].StatusCode != http.StatusConflict || told[0].Number != 1 || told[0].Again || told[0].Method != http.MethodGet || told[0].Path != "/x" {
		t.Errorf("of the 409 it was told %+v", told[0])
	}
	if _, ok := errors.AsType[*net.DNSError](told[1].Err); !ok || told[1].StatusCode != 0 || told[1].Number != 2 {
		t.Errorf("of the failure it was told %+v", told[1])
	}
	told = nil
	_, _ = keyfit.Get[struct{}](t.Context(), c, "https://other.example/x")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = keyfit.Get[struct{}](ended, c, "/x")
	if told != nil {
		t.Errorf("the rule was asked of %v", told)
	}
}

// A call without a deadline has a ceiling.
func TestACallEndsInTime(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		asks     string
		policy   keyfit.RetryPolicy
		deadline time.Duration
		least    time.Duration
		most     time.Duration
		attempts int
	}{
		"by default":                 {asks: "59", least: 59 * time.Second, most: 90 * time.Second, attempts: 2},
		"the most that may be asked": {asks: "14", least: 14 * time.Second, most: 90 * time.Second, attempts: 4},
		"its own":                    {asks: "5", policy: keyfit.RetryPolicy{MaxElapsed: 12 * time.Second}, least: 10 * time.Second, most: 12 * time.Second, attempts: 3},
		"none with a deadline":       {asks: "59", deadline: time.Hour, least: 177 * time.Second, most: time.Hour, attempts: 4},
		"both":                       {asks: "20", deadline: time.Hour, policy: keyfit.RetryPolicy{MaxElapsed: 45 * time.Second}, least: 40 * time.Second, most: 45 * time.Second, attempts: 3},
		"without an end":             {asks: "59", policy: keyfit.RetryPolicy{MaxElapsed: math.MaxInt64}, least: 177 * time.Second, most: time.Hour, attempts: 4},
		"without any end":            {asks: "59", policy: keyfit.RetryPolicy{MaxWait: math.MaxInt64}, least: 177 * time.Second, most: time.Hour, attempts: 4},
	} {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprintf("%s, %d", name, status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					wire := &sequence{statuses: []int{status}, header: http.Header{"Retry-After": {test.asks}}}
					p := keyfit.Provider{Name: "slow", BaseURL: "https://slow.example", Scheme: keyfit.Header("X-Api-Key")}
					c, err := keyfit.New(p, keyfit.WithKey("slow-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: wire}), keyfit.WithRetry(test.policy))
					if err != nil {
						t.Fatal(err)
					}
					ctx := t.Context()
					if test.deadline > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, test.deadline)
						defer cancel()
					}
					began := time.Now()
					_, err = keyfit.Get[struct{}](ctx, c, "/x")
					if took := time.Since(began); took < test.least || took > test.most || len(wire.asked) != test.attempts {
						t.Errorf("%d attempts in %s, want %d in %s to %s: %v", len(wire.asked), took, test.attempts, test.least, test.most, err)
					}
				})
			})
		}
	}
}

// A failure without a response and a wait in the gate count too.
func TestEveryWaitOfACallCountsForItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		short := keyfit.WithRetry(keyfit.RetryPolicy{MaxElapsed: 10 * time.Second, MinBackoff: 6 * time.Second, MaxBackoff: time.Minute, MaxAttempts: 100})
		broken := roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
		began := time.Now()
		_, err := keyfit.Get[struct{}](t.Context(), lastingClient(t, broken), "/x", short)
		if took := time.Since(began); took > 10*time.Second || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("took %s: %v", took, err)
		}
		c := lastingClient(t, &sequence{statuses: []int{200}}, keyfit.WithLimit(keyfit.Limit{Requests: 1, Per: 30 * time.Second}))
		_, _ = keyfit.Get[struct{}](t.Context(), c, "/x")
		began = time.Now()
		_, err = keyfit.Get[struct{}](t.Context(), c, "/x", short)
		if took := time.Since(began); took > 0 || !errors.Is(err, keyfit.ErrRateLimited) {
			t.Errorf("took %s to be refused for a wait that does not fit: %v", took, err)
		}
	})
}

// A server that asks for the same wait for ever is asked less and less often, never before it
// wants to be, and not by all at the same time.
func TestAWaitThatIsAskedForEverGrows(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				first := map[time.Duration]bool{}
				var early, late time.Duration
				for range 20 {
					wire := &sequence{statuses: []int{status}, header: http.Header{"Retry-After": {"1"}}}
					_, _ = keyfit.Get[struct{}](t.Context(), lastingClient(t, wire), "/x", keyfit.WithRetry(keyfit.RetryPolicy{
						MaxAttempts: 9, MinBackoff: 250 * time.Millisecond, MaxBackoff: 8 * time.Second, MaxElapsed: time.Hour, Budget: math.Inf(1),
					}))
					if len(wire.asked) != 9 {
						t.Fatalf("%d attempts", len(wire.asked))
					}
					for i := 1; i < len(wire.asked); i++ {
						gap := wire.asked[i].Sub(wire.asked[i-1])
						if gap < time.Second {
							t.Errorf("wait %d is %s, less than asked for", i, gap)
						}
						switch i {
						case 2:
							first[gap] = true
							early += gap
						case 8:
							late += gap
						}
					}
				}
				if len(first) < 10 || late < 2*early {
					t.Errorf("%d different second waits, %s in all; the eighth ones %s", len(first), early, late)
				}
			})
		})
	}
}

// The wait that a provider asks for is in the error, whatever the status.
func TestTheWaitIsInTheError(t *testing.T) {
	t.Parallel()
	for status := 400; status < 600; status++ {
		c := lastingClient(t, &sequence{statuses: []int{status}, header: http.Header{"Retry-After": {"120"}}}, keyfit.WithGate(openGate{}), keyfit.WithMaxAttempts(1))
		_, err := keyfit.Get[struct{}](t.Context(), c, "/x")
		if answer, ok := errors.AsType[*keyfit.APIError](err); !ok || answer.RetryAfter != 2*time.Minute {
			t.Errorf("%d: the error %v has no wait of 2 minutes", status, err)
		}
		if limited, ok := errors.AsType[*keyfit.RateLimitError](err); ok && limited.RetryAfter != 2*time.Minute {
			t.Errorf("%d: the wait is %s", status, limited.RetryAfter)
		}
	}
}

// What a call, a derived client and a client say of the policy is laid one over the other.
func TestPoliciesMerge(t *testing.T) {
	t.Parallel()
	attempts := func(c *keyfit.Client, opts ...keyfit.CallOption) int {
		var r keyfit.Response
		_, _ = keyfit.Get[struct{}](t.Context(), c, "/x", append(opts, keyfit.WithResponse(&r))...)
		return r.Attempts
	}
	c := lastingClient(t, &sequence{statuses: []int{500}}, keyfit.WithMaxAttempts(2), keyfit.WithTimeout(time.Hour), keyfit.WithGate(openGate{}))
	c, err := c.With(keyfit.WithRetry(keyfit.RetryPolicy{Budget: math.Inf(1)}))
	if err != nil {
		t.Fatal(err)
	}
	derived, err := c.With(keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 3}))
	if err != nil {
		t.Fatal(err)
	}
	got := []int{
		attempts(c),
		attempts(c, keyfit.WithTimeout(time.Minute)),
		attempts(c, keyfit.WithRetry(keyfit.RetryPolicy{AttemptTimeout: time.Minute})),
		attempts(c, keyfit.WithMaxAttempts(1)),
		attempts(c, keyfit.WithMaxAttempts(5), keyfit.WithTimeout(time.Minute)),
		attempts(c, keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 4}), keyfit.WithRetry(keyfit.RetryPolicy{MaxWait: time.Second})),
		attempts(derived),
		attempts(derived, keyfit.WithMaxAttempts(1)),
	}
	if diff := cmp.Diff([]int{2, 2, 2, 1, 5, 4, 3, 1}, got); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	for name, opt := range map[string]keyfit.SharedOption{
		"no attempt":           keyfit.WithMaxAttempts(0),
		"no time":              keyfit.WithTimeout(0),
		"a negative time":      keyfit.WithRetry(keyfit.RetryPolicy{MaxElapsed: -1}),
		"a status of success":  keyfit.WithRetry(keyfit.RetryPolicy{Statuses: []int{200}}),
		"backoffs upside down": keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: time.Hour}),
	} {
		if _, err := c.With(opt); err == nil {
			t.Errorf("%s: no error of the client", name)
		}
		if _, err := keyfit.Get[struct{}](t.Context(), c, "/x", opt); err == nil || errors.Is(err, keyfit.ErrServer) {
			t.Errorf("%s: the call's error is %v", name, err)
		}
	}
}

// A body that cannot be produced again leaves the caller with the server's own response.
func TestABodyThatCannotBeProducedAgainLeavesTheResponse(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPut, http.MethodPost} {
		for status := 400; status < 600; status++ {
			for good := range 3 { // how often GetBody works
				var left int
				wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
					_, _ = io.Copy(io.Discard, req.Body)
					left++
					body := &closing{Reader: strings.NewReader(`{"message":"lorem"}`)}
					return &http.Response{StatusCode: status, Header: http.Header{}, Request: req, Body: closeFunc{body, func() { left-- }}}, nil
				})
				c := lastingClient(t, wire, keyfit.WithGate(openGate{}), keyfit.WithRetry(keyfit.RetryPolicy{Budget: math.Inf(1)}))
				req, err := http.NewRequestWithContext(t.Context(), method, "/x", io.MultiReader(strings.NewReader("lorem")))
				if err != nil {
					t.Fatal(err)
				}
				works := good
				req.GetBody = func() (io.ReadCloser, error) {
					if works--; works < 0 {
						return nil, errDisk
					}
					return io.NopCloser(strings.NewReader("lorem")), nil
				}
				resp, err := c.Do(req)
				if err != nil {
					t.Errorf("%s, %d, GetBody works %d times: %v", method, status, good, err)
					continue
				}
				text, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != status || string(text) != `{"message":"lorem"}` || err != nil || left != 0 {
					t.Errorf("%s, %d, GetBody works %d times: status %d, body %q, %v; %d bodies left open", method, status, good, resp.StatusCode, text, err, left)
				}
			}
		}
	}
}

// closeFunc tells that it was closed, once.
type closeFunc struct {
	*closing

	told func()
}

func (c closeFunc) Close() error {
	if !c.closed.Swap(true) {
		c.told()
	}
	return nil
}
