package singleflight_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/singleflight"
)

func TestAllWhoWaitGetTheOneResult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := singleflight.New[string]()
		results := make([]string, 3)
		var waiting sync.WaitGroup
		for i := range results {
			waiting.Go(func() { results[i] = f.Result() })
		}
		synctest.Wait()
		if f.HasLanded() {
			t.Error("the flight has landed before Land")
		}
		f.Land("the result")
		waiting.Wait()
		if diff := cmp.Diff([]string{"the result", "the result", "the result"}, results); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
		<-f.Landed()
		if !f.HasLanded() || f.Result() != "the result" {
			t.Error("the result is gone after the landing")
		}
	})
}
