package keyfit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// enterGate enters where nothing is in the way.
func enterGate(t *testing.T, g keyfit.Gate) func(keyfit.Outcome) {
	t.Helper()
	leave, err := g.Enter(t.Context(), keyfit.Entry{Provider: "p"})
	if err != nil {
		t.Fatalf("Enter: %v", err)
	}
	return leave
}

// What a gate refuses is a RateLimitError: with the provider's refusal if that is the reason,
// and else with a message of its own.
func TestAGateRefusesWithARateLimitError(t *testing.T) {
	t.Parallel()
	passed := keyfit.Outcome{StatusCode: 200, Remaining: -1}
	refused := func(status int) keyfit.Outcome {
		return keyfit.Outcome{
			StatusCode: status, Wait: time.Minute, Remaining: -1,
			Refusal: &keyfit.APIError{Provider: "p", StatusCode: status, Message: "Lorem Fitsum"},
		}
	}
	type facts struct {
		Provider            string
		Status              int
		Message             string
		RetryAfter          time.Duration
		Deadline            bool
		IsLimit, IsExceeded bool
	}
	tests := []struct {
		name     string
		limit    keyfit.Limit
		before   []keyfit.Outcome
		deadline time.Duration
		maxWait  time.Duration
		want     facts
	}{
		{
			"a 429, beyond the deadline",
			keyfit.Limit{},
			[]keyfit.Outcome{refused(429)},
			2 * time.Second, 0,
			facts{"p", 429, "Lorem Fitsum", time.Minute, true, true, true},
		},
		{
			"a 503, beyond MaxWait",
			keyfit.Limit{},
			[]keyfit.Outcome{refused(503)},
			0, 2 * time.Second,
			facts{"p", 503, "Lorem Fitsum", time.Minute, false, true, false},
		},
		{
			"a pause of which the gate was told no refusal",
			keyfit.Limit{},
			[]keyfit.Outcome{{StatusCode: 429, Wait: time.Minute, Remaining: -1}},
			2 * time.Second, 0,
			facts{"p", 0, "the server asked everybody to wait, 1m0s from now", time.Minute, true, true, true},
		},
		{
			"the published limit",
			keyfit.Limit{Requests: 2, Per: 10 * time.Second},
			[]keyfit.Outcome{passed, passed},
			0, 2 * time.Second,
			facts{"p", 0, "limit of 2 requests per 10s leaves no room for 10s", 10 * time.Second, false, true, false},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := keyfit.NewGate(tt.limit)
				for _, o := range tt.before {
					enterGate(t, g)(o)
				}
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				_, err := g.Enter(ctx, keyfit.Entry{Provider: "p", MaxWait: tt.maxWait})
				if d := time.Since(start); d > 0 {
					t.Errorf("refused after %v, want at once", d)
				}
				var limited *keyfit.RateLimitError
				if !errors.As(err, &limited) {
					t.Fatalf("got %v, want a *RateLimitError", err)
				}
				got := facts{
					limited.Provider, limited.StatusCode, limited.Message, limited.RetryAfter, limited.Deadline,
					errors.Is(err, keyfit.ErrRateLimited), errors.Is(err, context.DeadlineExceeded),
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("refusal (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAGateTellsWhyAnAttemptWaits(t *testing.T) {
	t.Parallel()
	passed := keyfit.Outcome{StatusCode: 200, Remaining: -1}
	tests := []struct {
		want   keyfit.WaitReason
		limit  keyfit.Limit
		before func(t *testing.T, g keyfit.Gate)
	}{
		{keyfit.WaitPause, keyfit.Limit{}, func(t *testing.T, g keyfit.Gate) {
			t.Helper()
			enterGate(t, g)(keyfit.Outcome{StatusCode: 429, Wait: time.Second, Remaining: -1})
		}},
		{keyfit.WaitWindow, keyfit.Limit{Requests: 1, Per: time.Second}, func(t *testing.T, g keyfit.Gate) {
			t.Helper()
			enterGate(t, g)(passed)
		}},
		{keyfit.WaitSlots, keyfit.Limit{}, func(t *testing.T, g keyfit.Gate) {
			t.Helper()
			for range 8 { // the first round
				leave := enterGate(t, g)
				time.AfterFunc(100*time.Millisecond, func() { leave(passed) })
			}
		}},
	}
	for _, tt := range tests {
		t.Run(string(tt.want), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := keyfit.NewGate(tt.limit)
				tt.before(t, g)
				var got []string
				leave, err := g.Enter(t.Context(), keyfit.Entry{Provider: "p", Waiting: func(why keyfit.WaitReason, _ time.Duration) {
					got = append(got, string(why))
				}})
				if err != nil {
					t.Fatal(err)
				}
				leave(passed)
				if diff := cmp.Diff(string(tt.want), strings.Join(got, " ")); diff != "" {
					t.Errorf("Waiting (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAGateReturnsTheContextsError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := keyfit.NewGate(keyfit.Limit{Requests: 1, Per: 10 * time.Second})
		enterGate(t, g)(keyfit.Outcome{StatusCode: 200, Remaining: -1})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		for range 2 { // while it waits, and beforehand
			if _, err := g.Enter(ctx, keyfit.Entry{Provider: "p"}); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
		}
	})
}
