package servers_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

func TestMain(m *testing.M) {
	if served, _ := servers.ServeIfChild(context.Background()); served {
		return
	}
	os.Exit(m.Run())
}

// letIn returns the times at which a limiter allows one of the requests sent every
// millisecond for d.
func letIn(l servers.Limiter, d time.Duration) (times []time.Duration) {
	for now := time.Duration(0); now < d; now += time.Millisecond {
		if ok, _ := l.Allow(now); ok {
			times = append(times, now)
		}
	}
	return times
}

func ms(values ...int) (times []time.Duration) {
	for _, v := range values {
		times = append(times, time.Duration(v)*time.Millisecond)
	}
	return times
}

func TestLimitersLetInWhatTheirKindLetsIn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		l    servers.Limiter
		want []time.Duration
	}{
		{"fixed window", &servers.FixedWindow{N: 2, Per: 10 * time.Millisecond}, ms(0, 1, 10, 11, 20, 21)},
		{"sliding window", &servers.SlidingWindow{N: 2, Per: 10 * time.Millisecond}, ms(0, 1, 10, 11, 20, 21)},
		{"token bucket", &servers.TokenBucket{N: 2, Per: 10 * time.Millisecond}, ms(0, 1, 5, 10, 15, 20)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, letIn(test.l, 25*time.Millisecond)); diff != "" {
				t.Errorf("allowed (-want +got):\n%s", diff)
			}
		})
	}
}

// A fixed window counts from its own start, a sliding one from the time of the request.
func TestAFixedWindowForgetsAtItsEdgeAndASlidingOneDoesNot(t *testing.T) {
	t.Parallel()
	late := 9 * time.Millisecond
	fixed := &servers.FixedWindow{N: 1, Per: 10 * time.Millisecond}
	sliding := &servers.SlidingWindow{N: 1, Per: 10 * time.Millisecond}
	fixed.Allow(late)
	sliding.Allow(late)
	if ok, _ := fixed.Allow(10 * time.Millisecond); !ok {
		t.Error("the fixed window refused in its next window")
	}
	if ok, wait := sliding.Allow(10 * time.Millisecond); ok || wait != late {
		t.Errorf("the sliding window returned %t and a wait of %s, want false and %s", ok, wait, late)
	}
}

func TestTheWaitOfALimiterIsEnoughAndNotTooMuch(t *testing.T) {
	t.Parallel()
	for name, limiter := range map[string]func() servers.Limiter{
		"fixed":   func() servers.Limiter { return &servers.FixedWindow{N: 3, Per: time.Second} },
		"sliding": func() servers.Limiter { return &servers.SlidingWindow{N: 3, Per: time.Second} },
		"bucket":  func() servers.Limiter { return &servers.TokenBucket{N: 3, Per: time.Second} },
	} {
		for _, early := range []time.Duration{0, time.Microsecond} {
			l, now := limiter(), 123*time.Millisecond
			for range 3 {
				l.Allow(now)
			}
			_, wait := l.Allow(now)
			if ok, _ := l.Allow(now + wait - early); ok != (early == 0) {
				t.Errorf("%s: %s before the end of the wait of %s: allowed is %t", name, early, wait, ok)
			}
		}
	}
}

func TestALimitedServerSaysTheWaitInItsWay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		hint         servers.Hint
		header, body bool
	}{
		{"header and body", servers.HeaderAndBody, true, true},
		{"body only", servers.BodyOnly, false, true},
		{"date only", servers.DateOnly, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := servers.NewLimited(&servers.FixedWindow{N: 1, Per: time.Hour}, test.hint)
			var last *httptest.ResponseRecorder
			for range 2 {
				last = httptest.NewRecorder()
				h.ServeHTTP(last, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
			}
			if last.Code != http.StatusTooManyRequests {
				t.Fatalf("the second request got %d, want 429", last.Code)
			}
			said := last.Header().Get("Retry-After")
			_, notSeconds := strconv.Atoi(said)
			_, notDate := http.ParseTime(said)
			got := []bool{notSeconds == nil || notDate == nil, notDate == nil, cmp.Equal(last.Body.String(), `{"code":"RATE_LIMIT_EXCEEDED","message":"Too many requests","retryAfter":3600}`)}
			if diff := cmp.Diff([]bool{test.header, test.hint == servers.DateOnly, test.body}, got); diff != "" {
				t.Errorf("header, date, body (-want +got):\n%s", diff)
			}
			refused := 0
			for _, a := range h.Arrivals() {
				if a.Refused {
					refused++
				}
			}
			if n := len(h.Arrivals()); n != 2 || refused != 1 {
				t.Errorf("recorded %d arrivals, %d refused; want 2 and 1", n, refused)
			}
		})
	}
}

func TestAChildCountsWhatReachesIt(t *testing.T) {
	t.Parallel()
	child, err := servers.Spawn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 3 {
		resp, err := client.Get(child.URL + "/things/1")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	got, err := child.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(servers.Counts{Connections: 1, Requests: 3}, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}
