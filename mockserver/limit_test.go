package mockserver_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

func TestIMKITRefusesUntilTheWindowIsOver(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	for i := range 1000 {
		if got := get(t, rt, key); got.status != 200 {
			t.Fatalf("request %d: %d", i+1, got.status)
		}
	}
	if got := get(t, rt, key); got.status != 429 || got.body != imkitLimited {
		t.Errorf("request 1001: %d %s", got.status, got.body)
	}
	srv.Clock().Advance(30 * time.Second)
	for range 500 { // a flood of refused requests does not move the reset
		get(t, rt, key)
	}
	srv.Clock().Advance(29*time.Second + 999*time.Millisecond)
	if got := get(t, rt, key); got.status != 429 || !strings.Contains(got.body, `"retryAfter": 1`+"\n") {
		t.Errorf("at 59.999 s: %d %s", got.status, got.body)
	}
	srv.Clock().Advance(time.Millisecond)
	if got := get(t, rt, key); got.status != 200 {
		t.Errorf("at 60 s: %d %s", got.status, got.body)
	}
}

func TestOptimoveLimitsEveryTenSeconds(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.Optimove)
	for range 25 {
		get(t, rt, key)
	}
	srv.Clock().Advance(9 * time.Second)
	for range 25 {
		get(t, rt, key)
	}
	if got := get(t, rt, key); got.status != 429 || got.body != optimoveLimited {
		t.Errorf("51st: %d %s", got.status, got.body)
	}
	srv.Clock().Advance(time.Second) // the first 25 leave the window, not the others
	admitted := 0
	for range 50 {
		if get(t, rt, key).status == 200 {
			admitted++
		}
	}
	if admitted != 25 {
		t.Errorf("%d admitted after 10 s, want 25", admitted)
	}
}

// Property: no stretch of the window's length ever holds more admitted
// requests than the limit.
func TestASlidingLimitHoldsInEveryWindow(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	limit := mockserver.Limit{Requests: 5, Per: time.Second, Kind: mockserver.Sliding}
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT, mockserver.LimitTo(limit))
	r := rand.New(rand.NewPCG(1, 2))
	var times []time.Time
	for range 400 {
		if get(t, rt, key).status == 200 {
			times = append(times, srv.Clock().Now())
		}
		srv.Clock().Advance(time.Duration(r.IntN(300)) * time.Millisecond)
	}
	for i := range times[5:] {
		if gap := times[i+5].Sub(times[i]); gap < time.Second {
			t.Fatalf("6 requests within %s", gap)
		}
	}
}

func TestLimitsHoldPerKey(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch), mockserver.WithLimit(mockserver.MindKey, mockserver.Limit{Requests: 2, Per: time.Minute}))
	rt, a, b := srv.Transport(), srv.Keys().Issue(mockserver.MindKey), srv.Keys().Issue(mockserver.MindKey)
	free := srv.Keys().Issue(mockserver.MindKey, mockserver.LimitTo(mockserver.Limit{}))
	var got []int
	for _, k := range []mockserver.Issued{a, a, a, b, free, free, free} {
		got = append(got, get(t, rt, k).status)
	}
	if d := cmp.Diff([]int{200, 200, 429, 200, 200, 200, 200}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestConcurrentRequestsGetExactlyTheLimit(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	srv.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 30, Per: time.Minute})
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 10 {
				get(t, rt, key)
			}
		})
	}
	wg.Wait()
	srv.Expect(t, mockserver.Match{Outcome: mockserver.OK}, 30)
	srv.Expect(t, mockserver.Match{Outcome: mockserver.RateLimited}, 70)
}

func TestHintsStandWhereTheProfileSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		hints mockserver.Hint
		want  map[string]string // header -> value; "body" is the body's retryAfter
	}{
		"default":      {0, map[string]string{"body": "45"}},
		"none":         {mockserver.HintNone, map[string]string{}},
		"seconds":      {mockserver.HintSeconds, map[string]string{"Retry-After": "45"}},
		"date":         {mockserver.HintDate, map[string]string{"Retry-After": "Fri, 01 Jan 2027 00:01:00 GMT"}},
		"body+seconds": {mockserver.HintBody | mockserver.HintSeconds, map[string]string{"body": "45", "Retry-After": "45"}},
		"ratelimit":    {mockserver.HintRateLimit, map[string]string{"Ratelimit": `"default";r=0;t=45`, "Ratelimit-Policy": `"default";q=1;w=60`}},
		"x-ratelimit": {mockserver.HintXRateLimit, map[string]string{
			"X-Ratelimit-Limit": "1", "X-Ratelimit-Remaining": "0",
			"X-Ratelimit-Reset": "1798761660",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := mockserver.New(t, mockserver.WithFrozenClock(epoch), mockserver.WithProfile(mockserver.IMKIT, mockserver.Profile{Hints: tt.hints}))
			srv.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 1, Per: time.Minute})
			rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
			get(t, rt, key)
			srv.Clock().Advance(15*time.Second + time.Millisecond)
			res := get(t, rt, key)
			got := map[string]string{}
			for _, h := range []string{"Retry-After", "Ratelimit", "Ratelimit-Policy", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
				if v := res.header.Get(h); v != "" {
					got[h] = v
				}
			}
			if strings.Contains(res.body, `"retryAfter": 45`) {
				got["body"] = "45"
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s\n%s", d, res.body)
			}
			if date := res.header.Get("Date"); date != "Fri, 01 Jan 2027 00:00:15 GMT" {
				t.Errorf("Date %q is not the mock clock's", date)
			}
		})
	}
}

func TestAFixedWindowStartsAnewAtItsEnd(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch), mockserver.WithLimit(mockserver.IMKIT, mockserver.Limit{Requests: 2, Per: time.Minute}))
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	var got []int
	for range 3 {
		for range 3 {
			got = append(got, get(t, rt, key).status)
		}
		srv.Clock().Advance(time.Minute)
	}
	if d := cmp.Diff([]int{200, 200, 429, 200, 200, 429, 200, 200, 429}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Property: a client that waits exactly retryAfter is admitted, and not a
// millisecond earlier, however many requests were refused meanwhile.
func TestRetryAfterIsExact(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for _, kind := range []mockserver.LimitKind{mockserver.Fixed, mockserver.Sliding} {
		for range 50 {
			srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
			limit := mockserver.Limit{Requests: 1 + r.IntN(5), Per: time.Duration(1+r.IntN(100)) * time.Second, Kind: kind}
			rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT, mockserver.LimitTo(limit))
			for get(t, rt, key).status == 200 {
				srv.Clock().Advance(time.Duration(r.Int64N(int64(limit.Per) / 10)).Truncate(time.Millisecond))
			}
			for range r.IntN(5) {
				get(t, rt, key)
			}
			all := srv.Requests(mockserver.Match{Outcome: mockserver.RateLimited})
			wait := all[0].Diagnosis.RetryAfter
			srv.Clock().Advance(wait - time.Millisecond)
			if got := get(t, rt, key); got.status != 429 || !strings.Contains(got.body, `"retryAfter": 1`+"\n") {
				t.Errorf("%+v: a millisecond before %s: %d %s", limit, wait, got.status, got.body)
			}
			srv.Clock().Advance(time.Millisecond)
			if got := get(t, rt, key); got.status != 200 {
				t.Errorf("%+v: after %s: %d %s", limit, wait, got.status, got.body)
			}
		}
	}
}
