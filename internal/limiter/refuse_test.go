package limiter

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errDown = errors.New("unavailable")

// wantRefused checks what a refusal is; it gives a reason of its own only where there is no
// cause.
func wantRefused(t *testing.T, err error, want Refused) {
	t.Helper()
	var got *Refused
	if !errors.As(err, &got) {
		t.Fatalf("got %v, want a refusal", err)
	}
	if got.Cause != want.Cause || got.RetryAfter != want.RetryAfter || got.Deadline != want.Deadline {
		t.Errorf("refused with %+v, want %+v", *got, want)
	}
	if (got.Reason == "") != (want.Cause != nil) {
		t.Errorf("the reason is %q, the cause %v; want one of them", got.Reason, got.Cause)
	}
}

func TestLimiterRefusesAtOnceWhatCannotBeInTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		limit    Limit
		deadline time.Duration
		maxWait  time.Duration
		before   func(t *testing.T, k *Keyed)
		want     Refused
	}{
		{
			name: "pause beyond the deadline", deadline: 2 * sec,
			before: func(t *testing.T, k *Keyed) { t.Helper(); mustEnter(t, k)(refusedFor(60 * sec)) },
			want:   Refused{Cause: errTooMany, RetryAfter: 60 * sec, Deadline: true},
		},
		{
			name: "pause beyond MaxWait", maxWait: 30 * sec,
			before: func(t *testing.T, k *Keyed) { t.Helper(); mustEnter(t, k)(refusedFor(60 * sec)) },
			want:   Refused{Cause: errTooMany, RetryAfter: 60 * sec},
		},
		{
			name: "pause that would end with the deadline, but for the way there", deadline: 2 * sec,
			before: func(t *testing.T, k *Keyed) {
				t.Helper()
				leave := mustEnter(t, k)
				time.Sleep(300 * ms)
				leave(refusedFor(1800 * ms))
			},
			want: Refused{Cause: errTooMany, RetryAfter: 1800 * ms, Deadline: true},
		},
		{
			name: "pause of a 503", deadline: 2 * sec,
			before: func(t *testing.T, k *Keyed) {
				t.Helper()
				mustEnter(t, k)(Outcome{Status: 503, Wait: 60 * sec, Cause: errDown})
			},
			want: Refused{Cause: errDown, RetryAfter: 60 * sec, Deadline: true},
		},
		{
			name: "window of a published limit", limit: Limit{2, 10 * sec}, deadline: 2 * sec,
			before: func(t *testing.T, k *Keyed) { t.Helper(); mustEnter(t, k)(ok()); mustEnter(t, k)(ok()) },
			want:   Refused{RetryAfter: 10 * sec, Deadline: true},
		},
		{
			name: "window beyond MaxWait", limit: Limit{1, 10 * sec}, maxWait: 9 * sec,
			before: func(t *testing.T, k *Keyed) { t.Helper(); mustEnter(t, k)(ok()); time.Sleep(500 * ms) },
			want:   Refused{RetryAfter: 9500 * ms},
		},
		{
			name: "window, behind others in the queue", limit: Limit{1, 10 * sec}, maxWait: 25 * sec,
			before: func(t *testing.T, k *Keyed) {
				t.Helper()
				mustEnter(t, k)(ok())
				for range 2 {
					go func() { _, _ = enter(t.Context(), k, Request{}) }()
				}
				synctest.Wait()
			},
			want: Refused{RetryAfter: 30 * sec},
		},
		{
			name: "window by the headers", deadline: 2 * sec,
			before: func(t *testing.T, k *Keyed) {
				t.Helper()
				mustEnter(t, k)(Outcome{Status: 200, Quotas: []Quota{{Remaining: 0, Reset: 30 * sec}}})
			},
			want: Refused{RetryAfter: 30 * sec, Deadline: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := New(Options{Published: tt.limit})
				tt.before(t, k)
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				_, err := enter(ctx, k, Request{MaxWait: tt.maxWait})
				if d := time.Since(start); d > 0 {
					t.Errorf("refused after %v, want at once", d)
				}
				wantRefused(t, err, tt.want)
			})
		})
	}
}

func TestLimiterRefusesThoseInTheQueueWhenAPauseBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Published: Limit{1, sec}})
		leave := mustEnter(t, k)
		start := time.Now()
		errs := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*sec)
			defer cancel()
			_, err := enter(ctx, k, Request{})
			errs <- err
		}()
		patient := make(chan time.Duration)
		go func() {
			leave, err := enter(t.Context(), k, Request{})
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
		wantRefused(t, <-errs, Refused{Cause: errTooMany, RetryAfter: 60 * sec, Deadline: true})
		if d := time.Since(start); d > 50*ms {
			t.Errorf("refused after %v, want at once", d)
		}
		if d := <-patient; d != 60*sec {
			t.Errorf("the patient one went after %v, want 60s", d)
		}
	})
}

func TestLimiterEndsAWaitAtMaxWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{})
		for range firstSlots {
			mustEnter(t, k) // and never come back
		}
		start := time.Now()
		_, err := enter(t.Context(), k, Request{MaxWait: 100 * ms})
		if d := time.Since(start); d != 100*ms {
			t.Errorf("ended after %v, want 100ms", d)
		}
		wantRefused(t, err, Refused{})
		// Attempts that do not come back do not hold up the others for ever.
		start = time.Now()
		mustEnter(t, k)(ok())
		if d := time.Since(start); d > sec {
			t.Errorf("let through after %v, want at most 1s", d)
		}
	})
}

func TestARefusalWithACauseHasATextToo(t *testing.T) {
	t.Parallel()
	for want, refused := range map[string]Refused{
		"the server refused a request before": {Cause: errTooMany},
		"no room":                             {Reason: "no room"},
	} {
		if got := refused.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
