package keyring

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestACallWaitsForTwoQuestionsAtMost: a source that answers slowly is watched at a shorter
// interval, so that there is always a question under way. The next one is asked because of the
// refusal, whoever asks it.
func TestACallWaitsForTwoQuestionsAtMost(t *testing.T) {
	t.Parallel()
	const askTime = 3 * time.Second
	for _, tt := range []struct {
		name  string
		told  string // what the source offers once it knows of the refusal
		err   error  // the source's
		calls int
		want  error // of the first call
		open  bool  // calls that are no trial request are denied at last
	}{
		{"the source drops the refused key", "b", nil, 1, nil, false},
		{"it has no other key", "a", nil, 1, ErrNoOtherKey, false},
		{"it has no other key, and the circuit opens", "a", nil, 60, ErrNoOtherKey, true},
		{"it fails", "", errRefused, 60, ErrNoOtherKey, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				w.accept("b")
				w.ring.cfg.Ask = func(ctx context.Context, refused string) (Versions, error) {
					v := Versions{Current: key("a")}
					if refused != "" {
						v.Current = key(tt.told)
					}
					return v, errors.Join(tt.err, sleep(ctx, askTime, nil, nil))
				}
				ctx, stop := context.WithCancel(t.Context())
				var watching sync.WaitGroup
				watching.Go(func() { _ = w.ring.Watch(ctx, time.Second) })
				pass(5 * time.Second)
				var errs []error
				for range tt.calls {
					began := time.Now()
					_, err := w.call(t.Context(), "/")
					errs = append(errs, err)
					if took := time.Since(began); took > 2*askTime+10*time.Millisecond {
						t.Errorf("a call took %s", took)
					}
					pass(time.Millisecond)
				}
				if open := slices.ContainsFunc(errs, isDenied); open != tt.open || !errors.Is(errs[0], tt.want) {
					t.Errorf("the calls: %v", errs)
				}
				stop()
				watching.Wait()
				pass(maxQuestion) // for what is still under way
			})
		})
	}
}

// isDenied reports whether an error is that of a call that was not sent because the circuit is open.
func isDenied(err error) bool {
	denied, ok := errors.AsType[*DeniedError](err)
	return ok && !denied.Since.IsZero()
}

// TestTheNextQuestionKnowsOfARefusal: it is asked because of a refusal that the one before did not
// know of, unless that is over by now.
func TestTheNextQuestionKnowsOfARefusal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		meanwhile func(*testing.T, *world)
		told      []string // the refused keys that the source is told of
	}{
		{"the key is refused still", func(*testing.T, *world) {}, []string{"", "a", ""}},
		{"the key was accepted since", func(t *testing.T, w *world) {
			t.Helper()
			w.accept("a")
			if _, err := w.call(t.Context(), "/"); err != nil {
				t.Error(err)
			}
		}, []string{"", "", ""}},
		{"another key is current", func(t *testing.T, w *world) {
			t.Helper()
			if err := w.ring.Rotate(t.Context(), key("b"), time.Minute, nil); err != nil {
				t.Error(err)
			}
		}, []string{"", "", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				w.accept()
				var told []string
				w.ring.cfg.Ask = func(ctx context.Context, refused string) (Versions, error) {
					told = append(told, refused)
					return Versions{Current: key("a")}, sleep(ctx, time.Second, nil, nil)
				}
				reload := func() {
					if _, err := w.ring.Reload(t.Context()); err != nil {
						t.Error(err)
					}
				}
				go reload()
				synctest.Wait()
				if _, err := w.callWith(t.Context(), "/", false); !errors.Is(err, errRefused) { // it does not wait for the source
					t.Error(err)
				}
				pass(2 * time.Second)
				tt.meanwhile(t, w)
				reload()
				reload()
				if diff := cmp.Diff(tt.told, told); diff != "" {
					t.Errorf("refused keys that the source was told of (-want +got):\n%s", diff)
				}
			})
		})
	}
}
