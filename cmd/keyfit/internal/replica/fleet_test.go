package replica

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answer is what a replica says: a status as JSON, or an error.
func answer(t *testing.T, name, text string) Answer {
	t.Helper()
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return Answer{Name: name, Err: errors.New(text), Gone: text == "gone"}
	}
	list, err := decode([]byte(text))
	return Answer{Name: name, Statuses: list, Err: err}
}

const (
	onOld    = `{"provider":"imkit","current":{"generation":1,"fingerprint":"aa"}}`
	staged   = `{"provider":"imkit","current":{"generation":1,"fingerprint":"aa"},"staged":{"fingerprint":"bb","state":"rejected"}}`
	draining = `{"provider":"imkit","current":{"generation":2,"fingerprint":"bb"},"previous":{"generation":1,"fingerprint":"aa"}}`
	inFlight = `{"provider":"imkit","current":{"generation":2,"fingerprint":"bb"},"previous":{"generation":1,"fingerprint":"aa","in_flight":3}}`
	released = `{"provider":"imkit","current":{"generation":2,"fingerprint":"bb"},"previous":{"generation":1,"fingerprint":"aa"},"safe_to_revoke":["aa"]}`
	fresh    = `{"provider":"imkit","current":{"generation":1,"fingerprint":"bb"}}`
	other    = `{"provider":"imin","current":{"generation":7,"fingerprint":"cc"},"staged":{"fingerprint":"dd","state":"staged"}}`
)

func TestAFleetIsSafeWhenEveryReplicaHasReleasedTheOldKey(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		asked  Question
		rounds []string // the answers of a round, separated by |
		states string   // of the last round
		safe   bool
		old    string
	}{
		"released":                   {Question{}, []string{released + "|" + released}, "released|released", true, "aa"},
		"released and fresh":         {Question{}, []string{released + "|" + fresh}, "released|released", true, "aa"},
		"all fresh":                  {Question{}, []string{fresh + "|" + fresh}, "ok|ok", true, ""},
		"the rotation is to come":    {Question{Old: "aa"}, []string{onOld + "|" + onOld}, "uses the old key|uses the old key", false, "aa"},
		"different keys":             {Question{}, []string{onOld + "|" + fresh}, "the replicas use different keys|the replicas use different keys", false, ""},
		"one has the old":            {Question{Old: "aa"}, []string{onOld + "|" + fresh}, "uses the old key|released", false, "aa"},
		"draining":                   {Question{}, []string{draining + "|" + released}, "waits until aa has been idle|released", false, "aa"},
		"in flight":                  {Question{}, []string{inFlight + "|" + fresh}, "3 calls with aa are in flight|released", false, "aa"},
		"rejected":                   {Question{}, []string{staged + "|" + staged}, "has an offered key; bb is rejected|has an offered key; bb is rejected", false, ""},
		"rejected by one":            {Question{New: "bb"}, []string{staged + "|" + released}, "uses another key than bb; bb is rejected|released", false, "aa"},
		"not in a later round":       {Question{}, []string{onOld, fresh}, "released", true, "aa"},
		"a process that told nobody": {Question{}, []string{onOld, `{"provider":"imkit","current":{"generation":2,"fingerprint":"bb"}}`}, "has not named aa safe to revoke", false, "aa"},
		"down":                       {Question{}, []string{released + "|no answer"}, "released|no answer", false, "aa"},
		"down from the start":        {Question{}, []string{"no answer"}, "no answer", false, ""},
		"gone":                       {Question{}, []string{released + "|" + onOld, released + "|gone"}, "released|gone: the name has this address no more", true, "aa"},
		"gone, and nobody is left":   {Question{}, []string{onOld, "gone"}, "gone: the name has this address no more", false, "aa"},
		"too few":                    {Question{Replicas: 3}, []string{released + "|" + fresh}, "released|released", false, "aa"},
		"enough":                     {Question{Replicas: 2}, []string{released + "|" + fresh}, "released|released", true, "aa"},
		"another vendor's key":       {Question{Provider: "imkit"}, []string{"[" + other + "," + released + "]"}, "released", true, "aa"},
		"both":                       {Question{}, []string{"[" + other + "," + released + "]"}, "has an offered key; dd is staged|released", false, "aa"},
		"the account of the old":     {Question{Old: "aa"}, []string{"[" + other + "," + fresh + "," + released + "]"}, "released", true, "aa"},
		"none of the vendor":         {Question{Provider: "imin"}, []string{released}, "reports no key of imin", false, ""},
		"an empty list":              {Question{}, []string{"[]"}, "reports no key", false, ""},
		"a key for a name":           {Question{}, []string{`{"current":{"generation":1,"fingerprint":"sk_live_c4n4rY"}}`}, "its current key has no fingerprint", false, ""},
		"a lie":                      {Question{Old: "aa"}, []string{`{"current":{"generation":2,"fingerprint":"aa"},"safe_to_revoke":["aa"]}`}, "contradicts itself: it names a key safe to revoke and uses it", false, "aa"},
		"a lie in flight":            {Question{Old: "aa"}, []string{`{"current":{"generation":2,"fingerprint":"bb"},"previous":{"generation":1,"fingerprint":"aa","in_flight":1},"safe_to_revoke":["aa"]}`}, "contradicts itself: it names a key safe to revoke and uses it", false, "aa"},
		"a lie offered":              {Question{Old: "aa"}, []string{`{"current":{"generation":2,"fingerprint":"bb"},"staged":{"fingerprint":"aa","state":"staged"},"safe_to_revoke":["aa"]}`}, "contradicts itself: it names a key safe to revoke and uses it", false, "aa"},
		"a balancer":                 {Question{Old: "aa"}, []string{onOld, released, onOld, released}, "the answers of several processes: give the address of each", false, "aa"},
		"a restart":                  {Question{Old: "aa"}, []string{onOld, draining, fresh}, "released", true, "aa"},
		"the circuit is open":        {Question{}, []string{strings.Replace(released, `"safe`, `"circuit":{"open":true},"safe`, 1)}, "released; its calls are refused", true, "aa"},
		"a key that it went past":    {Question{Old: "cc"}, []string{released}, "released", true, "cc"},
	} {
		f := NewFleet(tt.asked)
		var v Verdict
		for _, round := range tt.rounds {
			var answers []Answer
			for i, text := range strings.Split(round, "|") {
				answers = append(answers, answer(t, fmt.Sprintf("r%d", i), text))
			}
			v = f.Judge(answers)
		}
		var states []string
		for _, r := range v.Rows {
			states = append(states, r.State)
		}
		if d := cmp.Diff([]any{tt.states, tt.safe, tt.old, tt.safe}, []any{strings.Join(states, "|"), v.Safe, strings.Join(v.Old, " "), v.Waiting == ""}); d != "" {
			t.Errorf("%s (-want +got):\n%s\n%s", name, d, v.Waiting)
		}
	}
}

// However many replicas take a new key in whatever order, restart, vanish or do not answer: the
// fleet is not called safe while one of them may send the old key.
func TestNoOrderOfARotationIsSafeTooEarly(t *testing.T) {
	t.Parallel()
	steps := []string{onOld, staged, draining, inFlight, released, fresh, "no answer", "gone"}
	mayUse := map[string]bool{onOld: true, staged: true, draining: true, inFlight: true, "no answer": true}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 17))
		f := NewFleet([]Question{{}, {Old: "aa"}, {Old: "aa", Replicas: 2}, {New: "bb"}}[seed%4])
		at := make([]int, 1+r.IntN(4))
		for round := range 12 {
			var answers []Answer
			old, there := false, 0
			for i := range at {
				at[i] = min(at[i]+r.IntN(3), len(steps)-1)
				text := steps[at[i]]
				if r.IntN(8) == 0 && text != "gone" {
					text = "no answer"
				}
				old = old || mayUse[text]
				if strings.HasPrefix(text, "{") {
					there++
				}
				answers = append(answers, answer(t, fmt.Sprintf("r%d", i), text))
			}
			v := f.Judge(answers)
			// On the old key alone, with no question about it, nothing is to be revoked.
			if v.Safe && old && len(v.Old) > 0 || v.Safe && there < max(1, f.asked.Replicas) {
				t.Fatalf("seed %d, round %d: safe with %+v", seed, round, v.Rows)
			}
			if !old && there == len(at) && !v.Safe && f.asked.Replicas <= there && !strings.Contains(v.Waiting, "several processes") {
				t.Fatalf("seed %d, round %d: not safe: %s", seed, round, v.Waiting)
			}
		}
	}
}

// No answer makes the judge panic, steers the terminal, or passes for one that released the key in
// use.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{onOld, staged, draining, released, fresh, "[" + other + "," + released + "]", "{}", "[null]", `{"current":{}}`, "{\"provider\":\"\\u001b[2J\",\"current\":{\"generation\":1,\"fingerprint\":\"\\u001b\"}}"} {
		f.Add([]byte(seed), []byte(released))
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		fleet := NewFleet(Question{Old: "aa"})
		for range 2 {
			var answers []Answer
			for i, data := range [][]byte{one, two} {
				list, err := decode(data)
				answers = append(answers, Answer{Name: fmt.Sprint(i), Statuses: list, Err: err})
			}
			v := fleet.Judge(answers)
			for _, r := range v.Rows {
				if strings.ContainsFunc(r.State, func(c rune) bool { return c < ' ' }) {
					t.Fatalf("%q would steer the terminal", r.State)
				}
				if r.Status != nil && r.Status.Current.Fingerprint == "aa" && v.Safe {
					t.Fatalf("safe: %s %s", one, two)
				}
			}
		}
	})
}
