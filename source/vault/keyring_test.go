package vault_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

func TestAKeyringTakesANewVersion(t *testing.T) {
	t.Parallel()
	onEachServer(t, func(t *testing.T, s *server) {
		t.Helper()
		s.write(t, "app", map[string]any{"key": "key-one-1", "not_after": "2031-01-31"})
		cfg := s.config("app")
		cfg.Auth = s.role(t, "read")
		ring, err := keyfit.NewKeyring(t.Context(), newSource(t, cfg))
		if err != nil {
			t.Fatal(err)
		}
		if previous := ring.Status().Previous; previous != nil {
			t.Errorf("a previous key although there is only one version: %+v", previous)
		}
		s.write(t, "app", map[string]any{"key": "key-two-2"})
		for _, want := range []bool{true, false} {
			changed, err := ring.Reload(t.Context())
			if err != nil || changed != want {
				t.Errorf("changed: %v, %v; want %v", changed, err, want)
			}
		}
		cred, err := ring.Credential(t.Context())
		if diff := cmp.Diff(shown{Key: "key-two-2", Version: "2"}, show(cred)); diff != "" || err != nil {
			t.Errorf("current key: %v (-want +got):\n%s", err, diff)
		}
		// A program that starts now has the previous version as its fallback.
		if ring, err = keyfit.NewKeyring(t.Context(), newSource(t, cfg)); err != nil {
			t.Fatal(err)
		}
		status := ring.Status()
		if status.Current.Version != "2" || status.Previous == nil || status.Previous.Version != "1" {
			t.Errorf("at the start: %+v", status)
		}
	})
}

func TestAWatchedVaultMayRotateSealAndForgetItsTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, src := inBubble(t, "5m")
		fake.Write("secret", "app", map[string]any{"key": "key-00"})
		var mu sync.Mutex
		stale, promoted := 0, []uint64{}
		ring, err := keyfit.NewKeyring(t.Context(), src, keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) {
			mu.Lock()
			defer mu.Unlock()
			switch e.Kind {
			case keyfit.SourceStale:
				stale++
			case keyfit.KeyPromoted:
				promoted = append(promoted, e.Generation)
			default:
			}
		}}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		watched := make(chan error, 1)
		go func() { watched <- ring.Watch(ctx, 10*time.Second) }()
		current := func() string {
			cred, _ := ring.Credential(t.Context())
			return cred.Key.Reveal()
		}
		for _, next := range []string{"key-01", "key-02", "key-03"} {
			fake.Write("secret", "app", map[string]any{"key": next})
			<-time.After(20 * time.Second)
			if got := current(); got != next {
				t.Errorf("20 s after its writing: %s, want %s", got, next)
			}
		}
		fake.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, `{"errors":["Vault is sealed"]}`, http.StatusServiceUnavailable)
			return true
		})
		<-time.After(10 * time.Minute) // the token expires meanwhile
		if got := current(); got != "key-03" {
			t.Errorf("sealed: %s, want the last good key", got)
		}
		fake.Intercept(nil)
		fake.Write("secret", "app", map[string]any{"key": "key-04"})
		<-time.After(20 * time.Second)
		if got := current(); got != "key-04" {
			t.Errorf("unsealed: %s, want key-04", got)
		}
		stop()
		<-watched
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff([]uint64{1, 2, 3, 4, 5}, promoted); diff != "" {
			t.Errorf("promotions (-want +got):\n%s", diff)
		}
		if stale == 0 {
			t.Error("there is no event that the source is stale")
		}
		if got := fake.Requests(); slices.ContainsFunc(got, func(r string) bool { return strings.Contains(r, "metadata") }) {
			t.Error("the watch needs a permission on metadata")
		}
	})
}
