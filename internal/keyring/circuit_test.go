package keyring

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheTransitionsOfTheCircuit(t *testing.T) {
	t.Parallel()
	type step struct {
		do   string
		at   time.Duration
		want string
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"one trial request at a time, after growing delays", []step{
			{"", 0, "open, due at 0s"},
			{"try a", 0, "half-open, 1 out"},
			{"try b", time.Second, "denied, half-open, 1 out"},
			{"fail a", time.Second, "open, due at 2s"},
			{"try b", time.Second, "denied, open, due at 2s"},
			{"try b", 2 * time.Second, "half-open, 1 out"},
			{"fail b", 2 * time.Second, "open, due at 4s"},
			{"try a", 4 * time.Second, "half-open, 1 out"},
			{"fail a", 4 * time.Second, "open, due at 8s"},
		}},
		{"another one if the first stalls", []step{
			{"try a", 0, "half-open, 1 out"},
			{"try b", 2 * time.Second, "half-open, 2 out"},
			{"fail b", 2 * time.Second, "half-open, 1 out"},
			{"try c", 3 * time.Second, "denied, half-open, 1 out"},
			{"fail a", 3 * time.Second, "open, due at 5s"}, // the second refusal
		}},
		{"a further one later the more are out", []step{
			{"try a", 0, "half-open, 1 out"},
			{"try hurried", 100 * time.Millisecond, "denied, half-open, 1 out"},
			{"try hurried", 250 * time.Millisecond, "half-open, 2 out"},
			{"try brief", 500 * time.Millisecond, "denied, half-open, 2 out"},
			{"try brief", 750 * time.Millisecond, "half-open, 3 out"},
			{"try c", 2 * time.Second, "denied, half-open, 3 out"},
			{"try c", 2750 * time.Millisecond, "half-open, 4 out"},
		}},
		{"a trial that began late is doubled while there is time", []step{
			{"try a", 800 * time.Millisecond, "half-open, 1 out"},
			{"try hurried", 840 * time.Millisecond, "denied, half-open, 1 out"},
			{"try hurried", 850 * time.Millisecond, "half-open, 2 out"},
		}},
		{"at once after a lost response, but not twice", []step{
			{"try a", 0, "half-open, 1 out"},
			{"lose a", time.Second, "open, due at 1s"},
			{"try b", time.Second, "half-open, 1 out"},
			{"lose b", 2 * time.Second, "open, due at 3s"},
			{"try c", 3 * time.Second, "half-open, 1 out"},
			{"fail c", 3 * time.Second, "open, due at 5s"},
			{"try a", 5 * time.Second, "half-open, 1 out"},
			{"lose a", 5 * time.Second, "open, due at 5s"},
		}},
		{"a lost response beside another trial request changes nothing", []step{
			{"try a", 0, "half-open, 1 out"},
			{"try b", 2 * time.Second, "half-open, 2 out"},
			{"lose a", 2 * time.Second, "half-open, 1 out"},
			{"try c", 3 * time.Second, "denied, half-open, 1 out"},
		}},
		{"one more if the refusal is in doubt, once", []step{
			{"try a", 0, "half-open, 1 out"},
			{"question", 0, "half-open, 1 out"},
			{"try stream", 0, "denied, half-open, 1 out"},
			{"try b", 0, "half-open, 2 out"},
			{"question", 0, "half-open, 2 out"},
			{"try c", 0, "denied, half-open, 2 out"},
		}},
		{"a new key is due at once", []step{
			{"try a", 0, "half-open, 1 out"},
			{"fail a", 0, "open, due at 1s"},
			{"key", 0, "open, due at 0s"},
			{"try b", 0, "half-open, 1 out"},
			{"fail b", 0, "open, due at 1s"},
		}},
		{"a new key is tried beside the trial request of the old one, once", []step{
			{"try a", 0, "half-open, 1 out"},
			{"key", time.Second, "half-open, 1 out"},
			{"try b", time.Second, "half-open, 2 out"},
			{"try c", time.Second, "denied, half-open, 2 out"},
			{"outdate a", time.Second, "half-open, 1 out"},
			{"try c", time.Second, "denied, half-open, 1 out"},
			{"fail b", time.Second, "open, due at 2s"},
		}},
		{"a new key that no call has tried is due at once when the trial request ends", []step{
			{"try a", 0, "half-open, 1 out"},
			{"key", time.Second, "half-open, 1 out"},
			{"outdate a", time.Second, "open, due at 1s"},
			{"try b", time.Second, "half-open, 1 out"},
		}},
		{"the delays begin anew with a key of the source, longer each time", []step{
			{"offer", 0, "open, due at 0s"},
			{"try a", 0, "half-open, 1 out"},
			{"fail a", 0, "open, due at 1s"},
			{"try b", time.Second, "half-open, 1 out"},
			{"fail b", time.Second, "open, due at 3s"},
			{"offer", 2 * time.Second, "open, due at 2s"},
			{"try a", 2 * time.Second, "half-open, 1 out"},
			{"fail a", 2 * time.Second, "open, due at 4s"},
			{"offer", 3 * time.Second, "open, due at 3s"},
			{"try b", 3 * time.Second, "half-open, 1 out"},
			{"fail b", 3 * time.Second, "open, due at 7s"},
			{"key", 4 * time.Second, "open, due at 4s"}, // by hand: from the first delay
			{"try a", 4 * time.Second, "half-open, 1 out"},
			{"fail a", 4 * time.Second, "open, due at 5s"},
		}},
		{"a key of the source that comes too early is due at its time", []step{
			{"offer", 0, "open, due at 0s"},
			{"try a", 0, "half-open, 1 out"},
			{"offer", 250 * time.Millisecond, "half-open, 1 out"},
			{"fail a", 750 * time.Millisecond, "open, due at 1s"},
			{"try b", 750 * time.Millisecond, "denied, open, due at 1s"},
			{"try b", time.Second, "half-open, 1 out"},
			{"fail b", time.Second, "open, due at 3s"},
		}},
		{"and at once if that has passed while a trial request was out", []step{
			{"offer", 0, "open, due at 0s"},
			{"try a", 0, "half-open, 1 out"},
			{"offer", 250 * time.Millisecond, "half-open, 1 out"},
			{"fail a", 1250 * time.Millisecond, "open, due at 1s"},
			{"try b", 1250 * time.Millisecond, "half-open, 1 out"},
			{"offer", 1750 * time.Millisecond, "half-open, 1 out"}, // a second after the one that was tried, not after the one before it
			{"fail b", 1750 * time.Millisecond, "open, due at 2s"},
			{"try a", 2100 * time.Millisecond, "denied, open, due at 2s"},
		}},
		{"but not if the trial request was refused with it", []step{
			{"offer", 0, "open, due at 0s"},
			{"try a", 0, "half-open, 1 out"},
			{"offer", 250 * time.Millisecond, "half-open, 1 out"},
			{"refuse", 500 * time.Millisecond, "half-open, 1 out"},
			{"fail a", 1250 * time.Millisecond, "open, due at 2s"},
		}},
		{"a body that is sent once waits for others first", []step{
			{"try stream", 0, "denied, open, due at 0s"},
			{"try stream", time.Second, "half-open, 1 out"},
		}},
		{"and so does a call that tried in vain", []step{
			{"try a", 0, "half-open, 1 out"},
			{"fail a", 0, "open, due at 1s"},
			{"wait b", 0, "open, due at 1s"},
			{"try a", time.Second, "denied, open, due at 1s"},
			{"try b", time.Second, "half-open, 1 out"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			start := at(0)
			c := newCircuit(1, nil, start)
			ring := &Ring{cfg: Config{Wait: time.Hour}}
			turn := func(c Call, until time.Duration) *Turn {
				c.Context = t.Context()
				return &Turn{ring: ring, call: c, waitUntil: start.Add(until)}
			}
			turns := map[string]*Turn{"stream": turn(Call{}, time.Hour)}
			for _, name := range []string{"a", "b", "c"} {
				turns[name] = turn(Call{Replayable: true}, time.Hour)
			}
			turns["hurried"] = turn(Call{Replayable: true}, time.Second)
			turns["brief"] = turn(Call{Replayable: true, AttemptTimeout: time.Second}, time.Hour)
			for i, s := range tt.steps {
				var do, who string
				_, _ = fmt.Sscan(s.do, &do, &who)
				now, denied := start.Add(s.at), ""
				switch turn := turns[who]; do {
				case "try":
					if !c.tryTrial(turn, now) {
						denied = "denied, "
					} else if turn.trial != c || turn.tryRefused != (c.trials.failed > 0) {
						t.Errorf("step %d: a trial request with %+v", i, turn)
					}
				case "fail", "outdate", "lose":
					turn.trial, turn.failedTrial = nil, c
					c.trialFailed(map[string]trialEnd{"fail": trialRefused, "outdate": trialStale, "lose": trialLost}[do], trialFirst, now)
				case "wait":
					c.waiting.add(true, 1)
				case "question":
					c.question()
				case "offer":
					c.keyOffered(true, trialFirst, now)
				case "refuse":
					c.refused(Attempt{Key: &Generation{Key: key("current")}}, "current")
				case "key":
					c.keyChanged(now)
				}
				got := fmt.Sprintf("%s%s, %d out", denied, c.state, c.trials.out)
				if c.state == Open { // the jitter takes off up to an eighth
					got = fmt.Sprintf("%s%s, due at %s", denied, c.state, (c.retryAt.Sub(start) + time.Second/2).Truncate(time.Second))
				}
				if diff := cmp.Diff(s.want, got); diff != "" {
					t.Fatalf("step %d, %s (-want +got):\n%s", i, s.do, diff)
				}
				if err := c.check(true, 10); err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
			}
		})
	}
}

func TestTheDelayOfTrialRequestsIsBounded(t *testing.T) {
	t.Parallel()
	for first, want := range map[time.Duration][]time.Duration{
		trialFirst:        {time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second, 15 * time.Second},
		trialFirstWaiting: {20 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond},
	} {
		c := newCircuit(1, nil, at(0))
		var got []time.Duration
		for range want {
			c.postpone(first, at(0))
			got = append(got, c.delay)
			if wait := c.retryAt.Sub(at(0)); wait > c.delay || wait < c.delay-c.delay/8 {
				t.Errorf("a delay of %s became %s", c.delay, wait)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the delays from %s (-want +got):\n%s", first, diff)
		}
	}
}
