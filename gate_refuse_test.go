package keyfit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wantRefused checks a refusal: that it came at once, what it is, and what it says.
func wantRefused(t *testing.T, err error, status int, after time.Duration, deadline bool) {
	t.Helper()
	var limited *RateLimitError
	if !errors.As(err, &limited) {
		t.Fatalf("got %v, want a *RateLimitError", err)
	}
	type facts struct {
		Status                int
		After                 time.Duration
		Deadline              bool
		IsLimited, IsDeadline bool
	}
	want := facts{status, after, deadline, true, deadline}
	got := facts{limited.StatusCode, limited.RetryAfter, limited.Deadline, errors.Is(err, ErrRateLimited), errors.Is(err, context.DeadlineExceeded)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refusal (-want +got):\n%s", diff)
	}
}

func TestGateRefusesAtOnceWhatCannotBeInTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		limit    Limit
		deadline time.Duration
		maxWait  time.Duration
		before   func(t *testing.T, g Gate)
		status   int
		after    time.Duration
		isLate   bool
	}{
		{
			name: "pause beyond the deadline", deadline: 2 * sec,
			before: func(t *testing.T, g Gate) { t.Helper(); mustEnter(t, g)(refusedFor(60 * sec)) },
			status: 429, after: 60 * sec, isLate: true,
		},
		{
			name: "pause beyond MaxWait", maxWait: 30 * sec,
			before: func(t *testing.T, g Gate) { t.Helper(); mustEnter(t, g)(refusedFor(60 * sec)) },
			status: 429, after: 60 * sec,
		},
		{
			name: "pause that would end with the deadline, but for the way there", deadline: 2 * sec,
			before: func(t *testing.T, g Gate) {
				t.Helper()
				leave := mustEnter(t, g)
				time.Sleep(300 * ms)
				leave(refusedFor(1800 * ms))
			},
			status: 429, after: 1800 * ms, isLate: true,
		},
		{
			name: "pause of a 503", deadline: 2 * sec,
			before: func(t *testing.T, g Gate) {
				t.Helper()
				mustEnter(t, g)(Outcome{StatusCode: 503, Wait: 60 * sec, Remaining: -1, Refusal: &APIError{StatusCode: 503}})
			},
			status: 503, after: 60 * sec, isLate: true,
		},
		{
			name: "window of a published limit", limit: Limit{2, 10 * sec}, deadline: 2 * sec,
			before: func(t *testing.T, g Gate) { t.Helper(); mustEnter(t, g)(ok()); mustEnter(t, g)(ok()) },
			after:  10 * sec, isLate: true,
		},
		{
			name: "window beyond MaxWait", limit: Limit{1, 10 * sec}, maxWait: 9 * sec,
			before: func(t *testing.T, g Gate) { t.Helper(); mustEnter(t, g)(ok()); time.Sleep(500 * ms) },
			after:  9500 * ms,
		},
		{
			name: "window, behind others in line", limit: Limit{1, 10 * sec}, maxWait: 25 * sec,
			before: func(t *testing.T, g Gate) {
				t.Helper()
				mustEnter(t, g)(ok())
				for range 2 {
					go func() { _, _ = g.Enter(t.Context(), Entry{Provider: "p"}) }()
				}
				synctest.Wait()
			},
			after: 30 * sec,
		},
		{
			name: "window by the headers", deadline: 2 * sec,
			before: func(t *testing.T, g Gate) {
				t.Helper()
				mustEnter(t, g)(Outcome{StatusCode: 200, Remaining: 0, Reset: 30 * sec})
			},
			after: 30 * sec, isLate: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := NewGate(tt.limit)
				tt.before(t, g)
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				_, err := g.Enter(ctx, Entry{Provider: "p", MaxWait: tt.maxWait})
				if d := time.Since(start); d > 0 {
					t.Errorf("refused after %v, want at once", d)
				}
				wantRefused(t, err, tt.status, tt.after, tt.isLate)
			})
		})
	}
}

func TestGateRefusesThoseInLineWhenAPauseArrives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limit{1, sec})
		leave := mustEnter(t, g)
		start := time.Now()
		errs := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*sec)
			defer cancel()
			_, err := g.Enter(ctx, Entry{Provider: "p"})
			errs <- err
		}()
		patient := make(chan time.Duration)
		go func() {
			leave, err := g.Enter(t.Context(), Entry{Provider: "p"})
			if err != nil {
				t.Errorf("the patient one: %v", err)
				close(patient)
				return
			}
			leave(ok())
			patient <- time.Since(start)
		}()
		synctest.Wait()
		leave(refusedFor(60 * sec))
		wantRefused(t, <-errs, 429, 60*sec, true)
		if d := time.Since(start); d > 50*ms {
			t.Errorf("refused after %v, want at once", d)
		}
		if d := <-patient; d != 60*sec {
			t.Errorf("the patient one went after %v, want 60s", d)
		}
	})
}

func TestGateEndsAWaitAtMaxWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limit{})
		for range firstSlots {
			mustEnter(t, g) // and never come back
		}
		start := time.Now()
		_, err := g.Enter(t.Context(), Entry{Provider: "p", MaxWait: 100 * ms})
		if d := time.Since(start); d != 100*ms {
			t.Errorf("ended after %v, want 100ms", d)
		}
		wantRefused(t, err, 0, 0, false)
		// Attempts that do not come back do not hold up the others for ever.
		start = time.Now()
		mustEnter(t, g)(ok())
		if d := time.Since(start); d > sec {
			t.Errorf("let through after %v, want at most 1s", d)
		}
	})
}
