package keycheck

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
)

// Every answer with every end: the verdict, and the days left, rounded down.
func TestTheEndOfAKeyIsPartOfTheVerdict(t *testing.T) {
	t.Parallel()
	const within = 14 * day
	now := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	type outcome struct {
		Accepted, Refused, Unproven Verdict
		Days                        int
	}
	for end, want := range map[time.Duration]outcome{
		-400 * day:              {Ended, Ended, Ended, -400},
		-day - time.Second:      {Ended, Ended, Ended, -2},
		-day:                    {Ended, Ended, Ended, -1},
		-time.Nanosecond:        {Ended, Ended, Ended, -1},
		0:                       {Ended, Ended, Ended, 0},
		time.Nanosecond:         {Ending, Refused, Ending, 0},
		day - time.Nanosecond:   {Ending, Refused, Ending, 0},
		within:                  {Ending, Refused, Ending, 14},
		within + time.Second:    {Accepted, Refused, Unproven, 14},
		400*day + 3*time.Second: {Accepted, Refused, Unproven, 400},
	} {
		v, _ := vendors.Find("mindkey")
		judge := func(answer Verdict) (Verdict, int) {
			r := Result{Verdict: answer, Expires: now.Add(end)}
			r.Judge(&v, now, within)
			return r.Verdict, *r.ExpiresInDays
		}
		var got outcome
		got.Accepted, got.Days = judge(Accepted)
		got.Refused, _ = judge(Refused)
		got.Unproven, _ = judge(Unproven)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", end, d)
		}
	}
}

func TestTheWorstVerdictCounts(t *testing.T) {
	t.Parallel()
	order := []Verdict{Refused, Ended, Failed, Ending, Unproven, Accepted}
	codes := map[int]Verdict{}
	for i, worse := range order {
		for _, other := range order[i:] {
			for _, pair := range [][]Result{{{Verdict: worse}, {Verdict: other}}, {{Verdict: other}, {Verdict: worse}}} {
				if got := Worst(pair); got != worse {
					t.Errorf("%s and %s: %s", worse, other, got)
				}
			}
		}
		codes[worse.ExitCode()] = worse
	}
	if len(codes) != len(order) || codes[2] != "" || codes[0] != Accepted || codes[1] != Failed {
		t.Errorf("exit codes %v", codes)
	}
	if Worst(nil) != Failed {
		t.Error("no key is a failure")
	}
}
