package ratehint_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit/internal/ratehint"
)

// The clock of a synctest bubble begins in the year 2000, when epochs had nine digits.
func TestAnEpochIsReadInABubbleToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := http.Header{}
		h.Set("X-Ratelimit-Remaining", "0")
		h.Set("X-Ratelimit-Reset", strconv.FormatInt(time.Now().Add(30*time.Second).Unix(), 10))
		if got := ratehint.Parse(h, nil, ratehint.Names{}, time.Now()); got.Wait != 30*time.Second {
			t.Errorf("a reset in 30 s is %v, dropped %v", got.Wait, got.Dropped)
		}
	})
}
