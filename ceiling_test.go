package keyfit_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// without a deadline or a policy of the caller's, a refusal does not hold a call for long; a caller
// who allows more gets more.
func TestARefusedCallIsHeldAsLongAsItsCallerAllows(t *testing.T) {
	t.Parallel()
	type seen struct {
		Attempts int
		Took     time.Duration
		Wait     time.Duration // that the error says
	}
	for _, tt := range []struct {
		name           string
		status         int
		hint, deadline time.Duration
		policy         keyfit.RetryPolicy
		want           seen
	}{
		{name: "a long hint", status: 429, hint: 2 * time.Minute, want: seen{1, 0, 2 * time.Minute}},
		{name: "a very long hint", status: 429, hint: time.Hour, want: seen{1, 0, time.Hour}},
		{name: "a hint of a minute, twice", status: 429, hint: time.Minute, want: seen{2, time.Minute, time.Minute}},
		{name: "a limit of another status", status: 403, hint: 2 * time.Minute, want: seen{1, 0, 2 * time.Minute}},
		{name: "MaxWait allows it", status: 429, hint: 2 * time.Minute, policy: keyfit.RetryPolicy{MaxWait: 10 * time.Minute, MaxAttempts: 2}, want: seen{2, 2 * time.Minute, 2 * time.Minute}},
		{name: "MaxElapsed allows it", status: 429, hint: 2 * time.Minute, policy: keyfit.RetryPolicy{MaxElapsed: time.Hour, MaxAttempts: 2}, want: seen{2, 2 * time.Minute, 2 * time.Minute}},
		{name: "the deadline allows it", status: 429, hint: 2 * time.Minute, deadline: time.Hour, policy: keyfit.RetryPolicy{MaxAttempts: 2}, want: seen{2, 2 * time.Minute, 2 * time.Minute}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got, began := seen{}, time.Now()
				c := lastingClient(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
					got.Attempts++
					resp := respond(req, tt.status, `{}`)
					resp.Header.Set("Retry-After", strconv.Itoa(int(tt.hint.Seconds())))
					return resp, nil
				}), keyfit.WithRetry(tt.policy))
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				_, err := keyfit.Get[struct{}](ctx, c, "/x")
				limited, ok := errors.AsType[*keyfit.RateLimitError](err)
				if !ok {
					t.Fatal(err)
				}
				got.Took, got.Wait = time.Since(began).Round(time.Minute/2), limited.RetryAfter.Round(time.Second)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
			})
		})
	}
}

// The default ceiling does not count what a call has waited before anything failed.
func TestACallThatHasQueuedForLongIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := lastingClient(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
			if n++; n == 3 {
				return respond(req, 500, `{}`), nil
			}
			return respond(req, 200, `{}`), nil
		}), keyfit.WithLimit(keyfit.Limit{Requests: 2, Per: 2 * time.Minute}))
		for range 3 {
			if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); err != nil {
				t.Error(err)
			}
		}
	})
}

// A call that was refused by the server, and then is not let through in time, has the server's words.
func TestACallTurnedAwayAfterARefusalHasTheRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := lastingClient(t, answers(429, `{"code":"SLOW_DOWN","message":"not so fast"}`, "Retry-After: 1"), keyfit.WithRetry(keyfit.RetryPolicy{MaxElapsed: time.Second}))
		_, err := keyfit.Get[struct{}](t.Context(), c, "/x")
		limited, ok := errors.AsType[*keyfit.RateLimitError](err)
		if !ok || limited.StatusCode != http.StatusTooManyRequests || limited.Code != "SLOW_DOWN" || limited.Message != "not so fast" || limited.Attempts != 1 || limited.RetryAfter != time.Second || !strings.Contains(limited.Note, "not sent again") {
			t.Errorf("got %v", err)
		}
	})
}
