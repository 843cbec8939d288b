package vault_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// The provider revokes each key as soon as the next one is in the store, before a watch polls.
// The refusal makes the keyring read the store, and the call continues with the new key.
func TestRotationsInVaultWithoutOverlapFailNoCall(t *testing.T) {
	t.Parallel()
	onEachServer(t, func(t *testing.T, s *server) {
		t.Helper()
		const callers, rotations = 8, 20
		provider := mockserver.New(t, mockserver.WithoutRateLimits(), mockserver.WithJournal(0, 0))
		issued := provider.Keys().Issue(mockserver.MindKey)
		s.write(t, "app", map[string]any{"key": issued.Secret.Reveal()})
		cfg := s.config("app")
		cfg.Auth = s.role(t, "read")
		ring, err := keyfit.NewKeyring(t.Context(), newSource(t, cfg))
		if err != nil {
			t.Fatal(err)
		}
		c, err := keyfit.New(keyfit.MindKey(), keyfit.WithSource(ring), keyfit.WithBaseURL(provider.BaseURL(mockserver.MindKey)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var calls [callers]atomic.Int64
		var working sync.WaitGroup
		for i := range callers {
			working.Go(func() {
				for ctx.Err() == nil {
					if _, err := keyfit.Get[struct{}](t.Context(), c, "/ping"); err != nil {
						t.Error(err)
						stop()
					}
					calls[i].Add(1)
				}
			})
		}
		for range rotations {
			next := provider.Keys().Issue(mockserver.MindKey)
			s.write(t, "app", map[string]any{"key": next.Secret.Reveal()})
			if err := provider.Keys().Revoke(issued.ID, "replaced"); err != nil {
				t.Fatal(err)
			}
			issued = next
			// A call is replayed at most twice, so no call may see three rotations.
			for i := range callers {
				for seen := calls[i].Load(); calls[i].Load() < seen+2 && ctx.Err() == nil; {
					<-time.After(time.Millisecond)
				}
			}
		}
		stop()
		working.Wait()
		if got := ring.Status().Current.Version; got != "21" {
			t.Errorf("the ring is at version %s, want 21", got)
		}
		// Each new refusal reads two versions, regardless of the number of callers.
		if asked := len(s.transport.sent(s)); asked > 3*rotations {
			t.Errorf("%d rotations: %d requests to the store, want at most %d", rotations, asked, 3*rotations)
		}
	})
}
