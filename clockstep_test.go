package keyfit_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// The server's clock steps between its answers. A date is a time from the Date of its own
// answer, so each wait is as long as the server meant it.
func TestAClockThatStepsChangesNoWait(t *testing.T) {
	t.Parallel()
	const wait = 3 * time.Second
	for _, tt := range []struct {
		name string
		hint func(h http.Header, now time.Time)
	}{
		{"Retry-After as a date", func(h http.Header, now time.Time) {
			h.Set("Retry-After", now.Add(wait).UTC().Format(http.TimeFormat))
		}},
		{"X-RateLimit-Reset as an epoch", func(h http.Header, now time.Time) {
			h.Set("X-RateLimit-Remaining", "0")
			h.Set("X-RateLimit-Reset", strconv.FormatInt(now.Add(wait).Unix(), 10))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				steps := []time.Duration{0, time.Hour, -48 * time.Hour, 5 * time.Minute}
				began := time.Now()
				var sent []time.Duration
				server := transportFunc(func(req *http.Request) (*http.Response, error) {
					n := len(sent)
					sent = append(sent, time.Since(began).Round(time.Millisecond))
					now := time.Now().Add(30 * 365 * 24 * time.Hour) // the bubble begins in 2000
					resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: req, Body: io.NopCloser(strings.NewReader("{}"))}
					if n < len(steps) {
						now = now.Add(steps[n])
						resp.StatusCode = http.StatusTooManyRequests
						tt.hint(resp.Header, now)
					}
					resp.Header.Set("Date", now.UTC().Format(http.TimeFormat))
					return resp, nil
				})
				c, err := keyfit.New(keyfit.Provider{Name: "p", BaseURL: "https://api.example.com", Scheme: keyfit.Header("X-Key")},
					keyfit.WithKey("clock-step-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: server}),
					keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 9, MinBackoff: 1, MaxBackoff: 1}))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); err != nil {
					t.Fatal(err)
				}
				want := []time.Duration{0, wait, 2 * wait, 3 * wait, 4 * wait}
				if diff := cmp.Diff(want, sent); diff != "" {
					t.Errorf("sent at (-want +got):\n%s", diff)
				}
			})
		})
	}
}
