package optimove_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/optimove"
)

// TestBatchesKeepTheLimit sends 99 calls under Optimove's limit, which the mock enforces; none
// may be refused.
func TestBatchesKeepTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		client, err := optimove.New("api4.optimove.net", keyfit.WithKey(srv.Keys().Issue(mockserver.Optimove).Secret.Reveal()),
			keyfit.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := client.Integrations.AddPromotionsInBatches(t.Context(), promotions(9_900), nil); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 10*time.Second || took > 25*time.Second {
			t.Errorf("99 calls took %v", took)
		}
		srv.Expect(t, mockserver.Match{Outcome: mockserver.OK}, 99)
		srv.Expect(t, mockserver.Match{Outcome: mockserver.RateLimited}, 0)
	})
}
