package keyring

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// at is a moment of the tests, so many seconds after the first.
func at(seconds int) time.Time {
	return time.Date(2027, 1, 31, 0, 0, seconds, 0, time.UTC)
}

func generation(fp string, number uint64) Generation {
	return Generation{Key: Key{Fingerprint: fp}, Number: number, usage: new(usage)}
}

// text is a set on one line.
func text(s *Set) string {
	parts := []string{fmt.Sprintf("current %s#%d", s.current.Fingerprint, s.current.Number)}
	if p := s.previous; p != nil {
		part := fmt.Sprintf("previous %s#%d", p.Fingerprint, p.Number)
		if !p.preferred.IsZero() {
			part += " preferred"
		}
		parts = append(parts, part)
	}
	if c := s.candidate; c != nil {
		part := fmt.Sprintf("%s %s#%d", c.state, c.Fingerprint, c.Number)
		if c.prepared {
			part += " prepared"
		}
		if !c.retryAt.IsZero() {
			part += fmt.Sprintf(" until %d", c.retryAt.Second())
		}
		parts = append(parts, part)
	}
	for _, k := range s.retired {
		parts = append(parts, "retired "+k.Fingerprint)
	}
	return strings.Join(parts, ", ")
}

func TestTheTransitionsOfTheKeySet(t *testing.T) {
	t.Parallel()
	first := &Set{current: generation("a", 1)}
	swapped := first.promote(generation("b", 0), at(10), at(0))
	staged := swapped.stage(generation("c", 0), Staged, false, time.Time{})
	prepared := swapped.stage(generation("c", 0), Staged, true, time.Time{})
	for _, tt := range []struct {
		name string
		set  *Set
		want string
	}{
		{"stage", first.stage(generation("b", 0), Staged, false, time.Time{}), "current a#1, staged b#0"},
		{"stage, for later", first.stage(generation("b", 0), Staged, true, time.Time{}), "current a#1, staged b#0 prepared"},
		{"stage what was refused", first.stage(generation("b", 0), Rejected, false, at(5)), "current a#1, rejected b#0 until 5"},
		{"stage another", staged.stage(generation("d", 0), Staged, false, time.Time{}), "current b#2, previous a#1, staged d#0, retired a"},
		{"verify", staged.verify(), "current b#2, previous a#1, verified c#0, retired a"},
		{"verify what was refused", staged.reject(at(5)).verify(), "current b#2, previous a#1, verified c#0, retired a"},
		{"reject", staged.reject(at(5)), "current b#2, previous a#1, rejected c#0 until 5, retired a"},
		{"restage", staged.reject(at(5)).restage(at(6)), "current b#2, previous a#1, staged c#0 until 6, retired a"},
		{"discard", staged.discard(), "current b#2, previous a#1, retired a"},
		{"promote", swapped, "current b#2, previous a#1, retired a"},
		{"promote without grace", first.promote(generation("b", 0), at(0), at(0)), "current b#2, retired a"},
		{"promote the candidate", staged.verify().promote(staged.candidate.Generation, at(20), at(1)), "current c#3, previous b#2, retired a, retired b"},
		{"promote beside the candidate", staged.promote(generation("d", 0), at(20), at(1)), "current d#3, previous b#2, staged c#0, retired a, retired b"},
		{"promote the previous one", swapped.promote(swapped.previous.Generation, at(20), at(1)), "current a#3, previous b#2, retired a, retired b"},
		{"prefer", swapped.prefer(at(2)), "current b#2, previous a#1 preferred, retired a"},
		{"prefer no more", swapped.prefer(at(2)).prefer(time.Time{}), "current b#2, previous a#1, retired a"},
		{"demote", swapped.prefer(at(2)).demote(at(9), at(1)), "current a#3, rejected b#0 until 9, retired a, retired b"},
		{"demote beside a candidate", staged.demote(at(9), at(1)), "current a#3, staged c#0, retired a, retired b"},
		{"demote beside a prepared one", prepared.demote(at(9), at(1)), "current a#3, rejected b#0 until 9, retired a, retired b"},
		{"retire", swapped.retire(), "current b#2, retired a"},
		{"hold", first.hold(generation("z", 0), at(3)), "current a#1, previous z#0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, text(tt.set)); diff != "" {
				t.Errorf("the set (-want +got):\n%s", diff)
			}
			if err := tt.set.check(); err != nil {
				t.Error(err)
			}
		})
	}
	if diff := cmp.Diff("current b#2, previous a#1, staged c#0, retired a", text(staged)); diff != "" {
		t.Errorf("a transition changed the set that it began with (-want +got):\n%s", diff)
	}
}

func TestRetiredKeysAreRememberedOnceAndNotForEver(t *testing.T) {
	t.Parallel()
	s := &Set{current: generation("0", 1)}
	for i, fp := range []string{"1", "2", "1", "3", "4", "5"} {
		s = s.promote(generation(fp, 0), at(0), at(i))
	}
	if diff := cmp.Diff("current 5#7, retired 2, retired 1, retired 3, retired 4", text(s)); diff != "" {
		t.Errorf("the set (-want +got):\n%s", diff)
	}
}

func TestPickReturnsTheKeyForAnAttempt(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		name       string
		until      time.Duration // of the previous key; 0: there is none
		preferred  time.Duration
		refusals   int32 // of the current key
		accepted   bool  // the previous key was
		streamOnly bool
		want       string
	}{
		{"the current one", 0, 0, 0, false, false, "b"},
		{"the current one, though it was refused", time.Minute, 0, 1, true, false, "b"},
		{"the previous one while it is preferred", time.Hour, time.Minute, 1, true, false, "a"},
		{"no longer than that", time.Minute, -time.Second, 1, true, false, "b"},
		{"nor beyond its time", -time.Second, time.Minute, 1, true, false, "b"},
		{"the previous one for a stream, if it works better", time.Minute, 0, 1, true, true, "a"},
		{"the current one for a stream otherwise", time.Minute, 0, 1, false, true, "b"},
		{"also if neither was refused", time.Minute, 0, 0, true, true, "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &Set{current: generation("b", 2)}
			s.current.usage.refusals.Store(tt.refusals)
			if tt.until != 0 {
				a := generation("a", 1)
				if tt.accepted {
					a.usage.accept(1, 0)
				}
				s = s.hold(a, now.Add(tt.until))
				if tt.preferred != 0 {
					s = s.prefer(now.Add(tt.preferred))
				}
			}
			if got := s.Pick(!tt.streamOnly).Fingerprint; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRoutesAreForgottenByTheirRowOnly(t *testing.T) {
	t.Parallel()
	var r routes
	for _, route := range []uint64{1, 1 + 32, 1, 2, 1 + 64} { // 1, 33 and 65 share a row
		r.add(route)
	}
	r.drop(2)
	got := map[uint64]bool{}
	for _, route := range []uint64{1, 33, 65, 2, 3} {
		got[route] = r.has(route)
	}
	if diff := cmp.Diff(map[uint64]bool{1: true, 33: false, 65: true, 2: false, 3: false}, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}
