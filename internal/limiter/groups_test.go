package limiter

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A server that fails has not said that its limit has room again.
func TestAFaultEndsNoPauseOfTheAccount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  Outcome
		want time.Duration // what is left of the pause
	}{
		{"a fault of a route", Outcome{Status: 503, Hint: sec, Route: "GET /x"}, 9 * sec},
		{"a fault without a hint", Outcome{Status: 500}, 9 * sec},
		{"a fault of a gateway", Outcome{Status: 502, Route: "GET /x"}, 9 * sec},
		{"a good answer", Outcome{Status: 200}, 0},
		{"an answer that the caller is to blame for", Outcome{Status: 404}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := New(Options{})
				for range 3 { // how long the way is
					leave := mustEnter(t, k)
					time.Sleep(10 * ms)
					leave(Outcome{Status: 200})
				}
				refused := mustEnter(t, k)
				time.Sleep(sec)
				later := mustEnter(t, k)
				refused(Outcome{Status: 429, Hint: 10 * sec})
				time.Sleep(sec)
				later(tt.end)
				if got := k.Stats(Key{}).Paused; got != tt.want {
					t.Errorf("paused for %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// Groups that nobody has configured have limiters too: they are shown and forgotten like others.
func TestGroupsAreShownAndForgottenWithTheirAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(Options{Groups: map[string]Limit{"set": {10, sec}}})
		for _, key := range []Key{{}, {Group: "set"}, {Group: "unset"}, {Account: "other", Group: "unset"}} {
			leave, err := enter(t.Context(), k, Request{Key: key})
			if err != nil {
				t.Fatal(err)
			}
			leave(Outcome{Status: 429, Hint: 10 * sec})
		}
		paused := func(account string) map[string]time.Duration {
			s := k.Stats(Key{Account: account})
			of := map[string]time.Duration{"": s.Paused}
			for _, g := range s.Groups {
				of[g.Name] = g.Paused
			}
			return of
		}
		want := map[string]time.Duration{"": 10 * sec, "set": 10 * sec, "unset": 10 * sec}
		if diff := cmp.Diff(want, paused("")); diff != "" {
			t.Errorf("before Reset (-want +got):\n%s", diff)
		}
		k.Reset("", "")
		want = map[string]time.Duration{"": 0, "set": 0, "unset": 0}
		if diff := cmp.Diff(want, paused("")); diff != "" {
			t.Errorf("after Reset (-want +got):\n%s", diff)
		}
		want = map[string]time.Duration{"": 0, "unset": 10 * sec}
		if diff := cmp.Diff(want, paused("other")); diff != "" {
			t.Errorf("another account after Reset (-want +got):\n%s", diff)
		}
	})
}
