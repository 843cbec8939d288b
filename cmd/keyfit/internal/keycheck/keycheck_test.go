package keycheck

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckReadsTheQuotaOfTheAnswer(t *testing.T) {
	t.Parallel()
	three := 3
	for name, test := range map[string]struct {
		limit, remaining string
		want             *Quota
	}{
		"given":    {"10", "3", &Quota{Requests: 10, Remaining: &three}},
		"absent":   {"", "", nil},
		"half":     {"10", "", nil},
		"nonsense": {"-1", "x", nil},
	} {
		h := http.Header{}
		h.Set("X-RateLimit-Limit", test.limit)
		h.Set("X-RateLimit-Remaining", test.remaining)
		if d := cmp.Diff(test.want, quotaOf(h)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if d := cmp.Diff([]string{"3 of 10 left", "50 per 10s", ""}, []string{
		(&Quota{Requests: 10, Remaining: &three}).String(), (&Quota{Requests: 50, Per: "10s"}).String(), (*Quota)(nil).String(),
	}); d != "" {
		t.Errorf("for people (-want +got):\n%s", d)
	}
}
