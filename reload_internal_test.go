package keyfit

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A refusal that comes late, when its key has been replaced already, asks the source in vain.
// That says nothing about the key that is current now: when it is refused, the source is
// asked at once.
func TestALateRefusalDoesNotDelayTheQuestionAboutTheNextKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var offer atomic.Value
		offer.Store("key-1")
		ring, err := NewKeyring(t.Context(), SourceFunc(func(context.Context) (Credential, error) {
			read := offer.Load().(string)
			<-time.After(time.Millisecond) // the way back
			return APIKey(read), nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		current := func() string { return ring.set.Load().current.cred.Key.Reveal() }
		first := ring.set.Load().current.fingerprint
		offer.Store("key-2")
		ring.reloadAfterRefusal(t.Context(), first)
		second := ring.set.Load().current.fingerprint

		ring.reloadAfterRefusal(t.Context(), first) // late
		offer.Store("key-3")
		ring.reloadAfterRefusal(t.Context(), second)
		if got := current(); got != "key-3" {
			t.Fatalf("after the refusal of key-2 the ring is at %s, want key-3", got)
		}

		// Nor is it enough to wait for a question that is under way for the late one: the source
		// has answered it already.
		third := ring.set.Load().current.fingerprint
		go ring.reloadAfterRefusal(t.Context(), first)
		synctest.Wait()
		offer.Store("key-4")
		ring.reloadAfterRefusal(t.Context(), third)
		if got := current(); got != "key-4" {
			t.Fatalf("after the refusal of key-3 the ring is at %s, want key-4", got)
		}
	})
}
