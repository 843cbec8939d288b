package keyring

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAKeyThatTheSourceNewlyOffersIsNotReplacedByAnOlderOffer: a key that was refused waits to be
// tried again, and the source offers another one. That is what it wants used, and the older one
// is not tried in its place.
func TestAKeyThatTheSourceNewlyOffersIsNotReplacedByAnOlderOffer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		offer string // what the source offers at last
		pass  time.Duration
		state string
	}{
		{"a new key", "c", 0, "current c#3, previous b#2, retired a, retired b"},
		{"a new key, when the older one is due", "c", 2 * time.Second, "current c#3, previous b#2, retired a, retired b"},
		{"the current key", "b", 2 * time.Second, "current b#2, previous a#1, retired a"},
		{"the older one, when it is due", "a", 2 * time.Second, "current a#3, previous b#2, retired a, retired b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				w.accept()
				w.offer("b")
				if sent, err := w.call(t.Context(), "/"); !errors.Is(err, ErrNoOtherKey) || len(sent) != 2 {
					t.Fatalf("sent with %q, %v", sent, err)
				}
				w.offer("a")
				if _, err := w.ring.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
				if c := w.ring.Load().candidate; c == nil || c.Fingerprint != "a" || c.state != Rejected {
					t.Fatalf("the refused key that is offered again: %s", w.state())
				}
				pass(tt.pass)
				w.accept(tt.offer)
				w.offer(tt.offer)
				for range 2 {
					if _, err := w.ring.Reload(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(tt.state, w.state()); diff != "" {
					t.Errorf("state (-want +got):\n%s", diff)
				}
				sent, err := w.callWith(t.Context(), "/", false)
				if diff := cmp.Diff([]string{tt.offer}, sent); diff != "" || err != nil {
					t.Errorf("a call that is sent once: %v, keys (-want +got):\n%s", err, diff)
				}
			})
		})
	}
}
