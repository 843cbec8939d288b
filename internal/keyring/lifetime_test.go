package keyring

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lifeEvents returns what was announced about the life of keys, as "kind key".
func (w *world) lifeEvents() (life []string) {
	for _, e := range w.take() {
		if e.Kind == KeyExpiring || e.Kind == KeyExpired || e.Kind == KeyRotationDue {
			life = append(life, fmt.Sprintf("%s %s", e.Kind, e.Fingerprint))
		}
	}
	return life
}

// take returns the events since the last call.
func (w *world) take() (events []Event) {
	w.set(func() { events, w.events = w.events, nil })
	return events
}

// A frozen program has no timers: its next attempts look at the date.
func TestAnAttemptAnnouncesTheEndOfItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		ends := time.Now().Add(40 * day)
		w.set(func() { w.offers.Current.Expires = ends })
		if _, err := w.ring.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.lifeEvents()
		var got []string
		for range 45 {
			w.ring.locked(w.ring.notice.cancel) // the program is frozen for a day
			pass(day)
			w.ring.Look(w.ring.Clock().Now())
			w.ring.Look(w.ring.Clock().Now())
			for _, e := range w.lifeEvents() {
				got = append(got, fmt.Sprintf("%s, %.0f days before", e, time.Until(ends).Hours()/24))
			}
		}
		want := []string{"key.expiring a, 30 days before", "key.expiring a, 14 days before", "key.expiring a, 7 days before", "key.expiring a, 1 days before", "key.expired a, 0 days before"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Whatever looks at the date, a timer, a call, a question to the source, in whatever order: each
// step of each key is announced once, and as soon as something looks.
func TestEachStepOfEachKeyIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { announceAtRandom(t, rand.New(rand.NewPCG(seed, 17))) })
		})
	}
}

func announceAtRandom(t *testing.T, chance *rand.Rand) {
	t.Helper()
	w := newWorld(t, func(cfg *Config) { cfg.GracePeriod = 400 * day })
	ends := map[string]time.Time{}
	fresh := func(fp string) Key {
		ends[fp] = time.Now().Add(time.Duration(chance.IntN(60)) * day / 2)
		return Key{Fingerprint: fp, Expires: ends[fp]}
	}
	said := map[string]int{}
	keys := 0
	rotate := func() {
		keys++
		if err := w.ring.Rotate(t.Context(), fresh(fmt.Sprint("k", keys)), 400*day, nil); err != nil {
			t.Fatal(err)
		}
	}
	rotate()
	for range 60 {
		switch n := chance.IntN(10); {
		case n == 0:
			rotate()
		case n == 1:
			_ = w.ring.Rollback()
		case n < 4:
			_, _ = w.ring.Reload(t.Context())
		case n < 7:
			w.ring.locked(w.ring.notice.cancel)
		default:
			w.ring.Look(w.ring.Clock().Now())
		}
		pass(time.Duration(chance.IntN(72)) * time.Hour)
		w.ring.Look(w.ring.Clock().Now())
		cur := w.ring.Load().current
		left := time.Until(ends[cur.Fingerprint])
		for _, e := range w.take() {
			if e.Kind == KeyExpiring || e.Kind == KeyExpired {
				said[e.Fingerprint]++
			}
		}
		due := 0 // an announcement may pass several steps
		for _, before := range append(expirySteps(), 0) {
			if left <= before {
				due++
			}
		}
		if cur.Fingerprint != "a" && (due > 0) != (said[cur.Fingerprint] > 0) || said[cur.Fingerprint] > due {
			t.Fatalf("%s has passed %d steps, and there were %d announcements", cur.Fingerprint, due, said[cur.Fingerprint])
		}
	}
}

// A source may reckon the end anew each time, a little later or earlier: that is one end.
func TestAnEndThatTremblesIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		left func(n int) time.Duration // at the nth question, an hour after the one before
		want []string
	}{
		{"always a day from now", func(n int) time.Duration { return day + time.Duration(n%2)*time.Minute }, []string{"key.expiring a"}},
		{"around the end", func(n int) time.Duration { return time.Duration(n%2*2-1) * time.Minute }, []string{"key.expired a", "key.expiring a"}},
		{
			"made longer, and near again", func(n int) time.Duration { return []time.Duration{10 * day, 60 * day, 10 * day}[min(n, 2)] },
			[]string{"key.expiring a", "key.expiring a"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				for n := range 12 {
					w.set(func() { w.offers.Current.Expires = time.Now().Add(tt.left(n)) })
					if _, err := w.ring.Reload(t.Context()); err != nil {
						t.Fatal(err)
					}
					pass(time.Second)
				}
				if diff := cmp.Diff(tt.want, w.lifeEvents()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A key whose end is not known grows old: at its age once, and at each multiple of it.
func TestAnOldKeyIsAnnouncedAtEachMultipleOfItsAge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		issued  time.Duration // ago; 0 is not known
		expires time.Duration // from now; 0 is not known
		want    []int         // the days of announcements
	}{
		{"issued now", time.Nanosecond, 0, []int{90, 180}},
		{"issued 80 days ago", 80 * day, 0, []int{10, 100, 190}},
		{"issued 300 days ago", 300 * day, 0, []int{0, 60, 150}},
		{"not known", 0, 0, []int{90, 180}},
		{"its end is known", 300 * day, 400 * day, nil},
		{"issued tomorrow by its clock", -day, 0, []int{91, 181}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, begin := newWorld(t, func(cfg *Config) { cfg.RotateEvery = 90 * day }), time.Now()
				w.set(func() {
					if tt.issued != 0 {
						w.offers.Current.Issued = begin.Add(-tt.issued)
					}
					if tt.expires != 0 {
						w.offers.Current.Expires = begin.Add(tt.expires)
					}
				})
				if _, err := w.ring.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
				pass(200 * day)
				var got []int
				for _, e := range w.take() {
					if e.Kind == KeyRotationDue {
						got = append(got, int(e.Time.Sub(begin).Round(time.Hour)/day))
					}
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("days (-want +got):\n%s", diff)
				}
			})
		})
	}
}
