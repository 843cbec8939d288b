package keyfit_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// outcomes is a gate that lets everything pass and keeps what it is told.
type outcomes []keyfit.Outcome

func (o *outcomes) Enter(context.Context, keyfit.Entry) (func(keyfit.Outcome), error) {
	return func(out keyfit.Outcome) { *o = append(*o, out) }, nil
}

func TestAGateIsToldOfALimitOnlyWhatTheAnswerSays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		header map[string]string
		want   keyfit.Outcome
	}{
		"good, silent":      {200, nil, keyfit.Outcome{StatusCode: 200, Remaining: -1}},
		"not found, silent": {404, nil, keyfit.Outcome{StatusCode: 404, Remaining: -1}},
		"good, with a limit": {
			200,
			map[string]string{"RateLimit-Policy": `"default";q=100;w=60`, "RateLimit": `"default";r=7;t=30`},
			keyfit.Outcome{StatusCode: 200, Limit: keyfit.Limit{Requests: 100, Per: time.Minute}, Remaining: 7, Reset: 30 * time.Second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range test.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(test.status)
			}))
			t.Cleanup(srv.Close)
			var told outcomes
			c, err := keyfit.New(keyfit.IMKIT(""), keyfit.WithBaseURL(srv.URL), keyfit.WithKey("a-test-key"), keyfit.WithGate(&told))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = keyfit.Get[struct{}](t.Context(), c, "/") // what the gate hears of it counts
			if diff := cmp.Diff(outcomes{test.want}, told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}
