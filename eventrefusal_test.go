package keyfit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// What an attempt is refused for has one name, in the event and in the counts.
func TestTheEventOfARefusedAttemptNamesTheCountItIsIn(t *testing.T) {
	t.Parallel()
	answers := map[string]struct {
		status int
		body   string
		want   string
	}{
		"good":        {200, `{}`, ""},
		"not found":   {404, `{"message":"no such room"}`, ""},
		"conflict":    {409, `{}`, ""},
		"limit":       {429, `{"retryAfter":60}`, "limit"},
		"limit, 403":  {403, `{"code":"RATE_LIMIT_EXCEEDED","message":"rate limit exceeded"}`, "limit"},
		"missing key": {401, `{"code":"MISSING_API_KEY","message":"API key is missing"}`, "missing_key"},
		"invalid key": {401, `{"code":"INVALID_API_KEY","message":"API key is invalid"}`, "invalid_key"},
		"permission":  {403, `{"code":"INSUFFICIENT_PERMISSIONS"}`, "permission"},
		"broken":      {500, `{}`, "unavailable"},
		"closed":      {503, `down`, "unavailable"},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(answer.status)
				_, _ = io.WriteString(w, answer.body)
			}))
			t.Cleanup(srv.Close)
			type seen struct{ Refusal, Start, Origin string }
			var got seen
			c, err := keyfit.New(keyfit.IMKIT(""), keyfit.WithKey("lf_event-0123456789abcdef"), keyfit.WithBaseURL(srv.URL+"/v1"), keyfit.WithMaxAttempts(1),
				keyfit.WithHooks(keyfit.Hooks{
					CallStart: func(ctx context.Context, e keyfit.CallEvent) context.Context { got.Start = e.Origin; return ctx },
					AttemptStart: func(ctx context.Context, e keyfit.AttemptEvent) context.Context {
						got.Start += " " + e.Origin
						return ctx
					},
					Attempt: func(_ context.Context, e keyfit.AttemptEvent) { got.Refusal, got.Origin = e.Refusal, e.Origin },
				}))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = keyfit.Get[any](t.Context(), c, "/rooms/7?secret=1")
			if diff := cmp.Diff(seen{answer.want, srv.URL + " " + srv.URL, srv.URL}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			counts, err := json.Marshal(c.Stats().Refusals)
			if err != nil {
				t.Fatal(err)
			}
			if one := fmt.Sprintf("%q:1", answer.want); answer.want != "" && !strings.Contains(string(counts), one) {
				t.Errorf("the counts %s lack %s", counts, one)
			}
		})
	}
}
