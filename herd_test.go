package keyfit_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// limitedClient returns a client and a key of an IMKIT mock with the limit, in memory, so
// that hours pass in the fake time of a synctest bubble. The client has to find the limit
// out by itself.
func limitedClient(t *testing.T, l mockserver.Limit, hints mockserver.Hint) (*keyfit.Client, *mockserver.Server, mockserver.Issued) {
	t.Helper()
	profile := mockserver.DefaultProfile(mockserver.IMKIT)
	profile.Hints = hints
	mock := mockserver.New(t, mockserver.WithProfile(mockserver.IMKIT, profile))
	key := mock.Keys().Issue(mockserver.IMKIT, mockserver.LimitTo(l))
	unknown := keyfit.IMKIT("your-app")
	unknown.Limit = keyfit.Limit{}
	c, err := keyfit.New(unknown, keyfit.WithKey(key.Secret.Reveal()), keyfit.WithoutDotEnv(),
		keyfit.WithHTTPClient(&http.Client{Transport: mock.Transport()}))
	if err != nil {
		t.Fatal(err)
	}
	return c, mock, key
}

func TestAHerdOfCallersLosesNoCallAndWastesFewRequests(t *testing.T) {
	t.Parallel()
	const callers, perSecond = 200, 20
	ideal := time.Duration(callers/perSecond-1) * time.Second
	for name, hints := range map[string]mockserver.Hint{
		"Retry-After":         mockserver.HintSeconds,
		"JSON body only":      mockserver.HintBody,
		"Retry-After as date": mockserver.HintDate,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, mock, key := limitedClient(t, mockserver.Limit{Requests: perSecond, Per: time.Second}, hints)
				begin := time.Now()
				var wg sync.WaitGroup
				var failed atomic.Int64
				for range callers {
					wg.Go(func() {
						if _, err := keyfit.Get[struct{}](t.Context(), c, "/admin/connection-count"); err != nil {
							failed.Add(1)
							t.Log(err)
						}
					})
				}
				wg.Wait()
				took, wire := time.Since(begin), mock.Counts(mockserver.Match{KeyID: key.ID}).Total
				t.Logf("%d requests on the wire, %s", wire, took)
				if failed.Load() != 0 || wire > 230 || took > ideal*11/10 {
					t.Errorf("%d failed, %d requests on the wire, %s; want 0, at most 230, at most %s", failed.Load(), wire, took, ideal*11/10)
				}
				_ = mock.Close()
			})
		})
	}
}

func TestAWaitThatDoesNotFitTheDeadlineFailsAtOnceWithEverythingKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, mock, _ := limitedClient(t, mockserver.Limit{Requests: 1, Per: time.Minute}, mockserver.HintBody)
		call := func(ctx context.Context) error {
			_, err := keyfit.Get[struct{}](ctx, c, "/admin/connection-count")
			return err
		}
		if err := call(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, who := range []string{"the caller who meets the 429", "the next, whom the gate refuses"} {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			begin := time.Now()
			err := call(ctx)
			if took := time.Since(begin); took >= 50*time.Millisecond {
				t.Errorf("%s: failed after %s of the deadline, want at once", who, took)
			}
			if !errors.Is(err, keyfit.ErrRateLimited) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: got %v, want one that is ErrRateLimited and DeadlineExceeded", who, err)
			}
			limited, ok := errors.AsType[*keyfit.RateLimitError](err)
			if !ok || limited.StatusCode != http.StatusTooManyRequests || limited.Code != keyfit.CodeRateLimited {
				t.Fatalf("%s: got %v, want a *RateLimitError with status 429 and its code", who, err)
			}
			if limited.RetryAfter < 59*time.Second || limited.RetryAfter > time.Minute {
				t.Errorf("%s: RetryAfter is %s, want 60 s", who, limited.RetryAfter)
			}
			cancel()
		}
		_ = mock.Close()
	})
}

func TestAPublishedLimitIsKeptWithoutOneRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := mockserver.New(t)
		key := mock.Keys().Issue(mockserver.Optimove) // 50 in any 10 s, sliding
		c, err := keyfit.New(keyfit.Optimove("api4.optimove.net"), keyfit.WithKey(key.Secret.Reveal()), keyfit.WithoutDotEnv(),
			keyfit.WithHTTPClient(&http.Client{Transport: mock.Transport()}))
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for range 10 {
					if _, err := keyfit.Get[struct{}](t.Context(), c, "/current/general/GetLastDataUpdate"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		counts := mock.Counts(mockserver.Match{KeyID: key.ID})
		if counts.ByOutcome[mockserver.RateLimited] != 0 || counts.Total != 200 {
			t.Errorf("counts are %+v, want 200 requests and none refused", counts)
		}
		if took, ideal := time.Since(begin), 30*time.Second; took > ideal*11/10 {
			t.Errorf("200 calls at 50 in 10 s took %s, want at most %s", took, ideal*11/10)
		}
		_ = mock.Close()
	})
}
