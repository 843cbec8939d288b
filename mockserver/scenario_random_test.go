package mockserver_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// randomScenarios is how many bad days the property is tried with.
func randomScenarios() uint64 {
	if os.Getenv("KEYFIT_LONG") != "" {
		return 3000
	}
	return 8
}

// modelKey is what the model knows of a key: times are seconds after dawn, -1 is never.
type modelKey struct {
	issued     mockserver.Issued
	created    int
	expires    int // first second at which it is refused
	revoked    int
	replaced   bool
	suspending map[int]bool // steps; -1 for good
	admitted   int          // by the present limit
	limit      int          // the step whose limit admitted counts for
}

// model is the day as a table of steps, executed without a clock. It has one limit and one
// answer at a time, which the step that began last decides.
type model struct {
	steps []mockserver.Step
	keys  []*modelKey
	at    []int // when each step begins
}

func secondsOf(d mockserver.Duration) int { return int(d.Std() / time.Second) }

// dies lowers the expiry of a key.
func (k *modelKey) dies(at int) {
	if k.expires < 0 || at < k.expires {
		k.expires = at
	}
}

func (k *modelKey) ended(at int) bool { return k.revoked >= 0 || k.expires >= 0 && at >= k.expires }

// lasts is how long a step of the model is in force; 0 is for good.
func lastsFor(s *mockserver.Step) int {
	switch {
	case s.Suspend != nil:
		return secondsOf(s.Suspend.For)
	case s.Limit != nil:
		return secondsOf(s.Limit.For)
	case s.Storm != nil:
		return secondsOf(s.Storm.For)
	case s.Outage != nil:
		return secondsOf(s.Outage.For)
	case s.Fault != nil:
		return secondsOf(s.Fault.For)
	}
	return 0
}

// inForce are the steps that are in force at a second, in the order of their begin.
func (m *model) inForce(at int) []int {
	var out []int
	for i := range m.steps {
		if d := lastsFor(&m.steps[i]); m.at[i] <= at && (d == 0 || at < m.at[i]+d) {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(m.at[a], m.at[b]) })
	return out
}

// pass executes what is due at a second: ends first, then begins as they are written. next
// gives the successors that the mock has issued.
func (m *model) pass(at int, next func(old string) mockserver.Issued) {
	for i := range m.steps {
		if s := &m.steps[i]; s.Suspend != nil && s.Suspend.For > 0 && m.at[i]+secondsOf(s.Suspend.For) == at {
			for _, k := range m.keys {
				delete(k.suspending, i)
			}
		}
	}
	for i := range m.steps {
		if m.at[i] == at {
			m.begin(i, at, next)
		}
	}
}

func (m *model) begin(i, at int, next func(old string) mockserver.Issued) {
	s := &m.steps[i]
	for _, k := range slices.Clone(m.keys) {
		if k.ended(at) || k.created > at {
			continue
		}
		pick := func(which mockserver.KeyChoice) bool {
			switch which {
			case mockserver.KeysAll:
				return true
			case mockserver.KeysReplaced:
				return k.replaced
			default:
				return !k.replaced
			}
		}
		switch {
		case s.Rotate != nil && !k.replaced && len(k.suspending) == 0:
			k.dies(at + secondsOf(s.Rotate.Overlap))
			k.replaced = true
			m.keys = append(m.keys, &modelKey{issued: next(k.issued.ID), created: at, expires: -1, revoked: -1, suspending: map[int]bool{}, limit: -1})
		case s.Revoke != nil && pick(s.Revoke.Which):
			k.revoked = at
		case s.Expire != nil && pick(s.Expire.Which):
			k.dies(at + secondsOf(s.Expire.In))
		case s.Suspend != nil && pick(s.Suspend.Which):
			if by := i; s.Suspend.For > 0 {
				k.suspending[by] = true
			} else {
				k.suspending[-1] = true
			}
		case s.Enable != nil:
			clear(k.suspending)
		}
	}
}

// answer is the status that the model expects of a request with a key.
func (m *model) answer(k *modelKey, at int) int {
	limit := -1
	for _, i := range m.inForce(at) {
		s := &m.steps[i]
		switch {
		case s.Storm != nil:
			return 429
		case s.Outage != nil && s.Outage.How == mockserver.OutageReset:
			return 0
		case s.Outage != nil:
			return cmp.Or(s.Outage.Status, 503)
		case s.Fault != nil:
			return s.Fault.Fault.Status
		case s.Limit != nil:
			limit = i
		}
	}
	switch {
	case k.ended(at), len(k.suspending) > 0:
		return 401
	case limit < 0 || m.steps[limit].Limit.Requests == 0:
		return 200
	}
	if k.limit < 0 || !m.sameLimit(k.limit, limit) {
		k.admitted = 0
	}
	k.limit = limit
	if k.admitted >= m.steps[limit].Limit.Requests {
		return 429
	}
	k.admitted++
	return 200
}

// sameLimit reports whether two steps set equal limits: the window of a key goes on when the
// limit that it was counted by comes back.
func (m *model) sameLimit(a, b int) bool {
	x, y := m.steps[a].Limit, m.steps[b].Limit
	return x.Requests == y.Requests && x.Per == y.Per && x.Kind == y.Kind
}

// randomStep draws a step without its moment.
func randomStep(draw *rand.Rand) mockserver.Step {
	length := func() mockserver.Duration { return mockserver.Duration(draw.IntN(300)) * second }
	which := pick(draw, "", mockserver.KeysInUse, mockserver.KeysReplaced, mockserver.KeysAll)
	switch draw.IntN(11) {
	case 0, 1, 2:
		return mockserver.Step{Rotate: &mockserver.RotateStep{Overlap: length()}}
	case 3:
		return mockserver.Step{Revoke: &mockserver.RevokeStep{Which: which, Reason: "drawn"}}
	case 4:
		return mockserver.Step{Expire: &mockserver.ExpireStep{Which: which, In: length()}}
	case 5:
		return mockserver.Step{Suspend: &mockserver.SuspendStep{Which: which, For: length()}}
	case 6:
		return mockserver.Step{Enable: &mockserver.EnableStep{}}
	case 7:
		// The window is longer than the day, so that the model needs no windows.
		return mockserver.Step{Limit: &mockserver.LimitStep{Requests: draw.IntN(4), Per: 24 * 60 * minute, Kind: pick(draw, mockserver.Fixed, mockserver.Sliding), For: length()}}
	case 8:
		return mockserver.Step{Storm: &mockserver.StormStep{RetryAfter: length(), For: length() + second}}
	case 9:
		return mockserver.Step{Outage: &mockserver.OutageStep{How: pick(draw, "", mockserver.OutageReset), For: length() + second}}
	default:
		return mockserver.Step{Fault: &mockserver.FaultStep{Fault: mockserver.Status(418+draw.IntN(2), ""), For: length() + second}}
	}
}

// randomDay draws a scenario of 20 minutes.
func randomDay(draw *rand.Rand) (mockserver.Scenario, []int) {
	day := mockserver.Scenario{Name: "drawn"}
	var at []int
	for range 1 + draw.IntN(12) {
		s := randomStep(draw)
		sec := draw.IntN(1200)
		if draw.IntN(4) == 0 && len(at) > 0 {
			sec = at[len(at)-1] // at the same moment
		}
		t := dawn.Add(time.Duration(sec) * time.Second)
		s.At = mockserver.Moment(pick(draw, fmt.Sprintf("%ds", sec), t.Format(time.TimeOnly), t.Format(time.RFC3339)))
		day.Steps, at = append(day.Steps, s), append(at, sec)
	}
	return day, at
}

// TestARandomDayIsWhatAModelSays plays random scenarios on a frozen clock, which jumps by
// random amounts, and compares each answer with a model that has neither clock nor mock. It
// also holds that no value of a key is in the log or in the status.
func TestARandomDayIsWhatAModelSays(t *testing.T) {
	t.Parallel()
	for seed := range randomScenarios() {
		draw := rand.New(rand.NewPCG(seed, 1600))
		playRandomDay(t, draw)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func playRandomDay(t *testing.T, draw *rand.Rand) {
	t.Helper()
	var log bytes.Buffer
	successors := make(map[string]mockserver.Issued)
	acme := mockserver.API{Name: "acme", Schemes: []mockserver.Scheme{{Header: "X-Acme"}}, Routes: []mockserver.Route{{Pattern: "GET /resource"}}}
	srv, err := mockserver.NewHandler(mockserver.WithAPI(acme), mockserver.WithFrozenClock(dawn), mockserver.WithoutRateLimits(),
		mockserver.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))), mockserver.WithSuccessors(func(i mockserver.Issued) { successors[i.Replaces] = i }))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	day, at := randomDay(draw)
	m := &model{steps: day.Steps, at: at}
	for range 1 + draw.IntN(2) {
		m.keys = append(m.keys, &modelKey{issued: srv.Keys().Issue("acme"), expires: -1, revoked: -1, suspending: map[int]bool{}, limit: -1})
	}
	p, err := srv.Play(day, "acme")
	if err != nil {
		t.Fatal(err)
	}
	passed := -1
	for now := 0; now < 2400 && !t.Failed(); now += draw.IntN(150) {
		srv.Clock().Advance(dawn.Add(time.Duration(now) * time.Second).Sub(srv.Clock().Now()))
		for passed < now {
			passed++
			m.pass(passed, func(old string) mockserver.Issued { return successors[old] })
		}
		for _, k := range m.keys {
			if want, got := m.answer(k, now), statusOf(t, srv, k.issued); got != want {
				text, _ := json.MarshalIndent(day, "", " ")
				t.Errorf("%d s, %s: %d, and the model says %d\n%s\n%+v", now, k.issued.ID, got, want, text, p.Status())
			}
		}
	}
	if got := len(p.Take()); got != len(successors) || got != len(m.keys)-firstKeys(m) {
		t.Errorf("%d successors were taken, and %d handed over", got, len(successors))
	}
	status, _ := json.Marshal(p.Status())
	for _, k := range m.keys {
		if secret := k.issued.Secret.Reveal(); secret == "" || strings.Contains(log.String()+string(status), secret) {
			t.Errorf("the key %s is in the log or in the status, or has no value", k.issued.ID)
		}
	}
}

// firstKeys is how many keys are no successors.
func firstKeys(m *model) int {
	n := 0
	for _, k := range m.keys {
		if k.issued.Replaces == "" {
			n++
		}
	}
	return n
}
