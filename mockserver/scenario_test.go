package mockserver_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// dawn is when the scenarios of these tests start.
var dawn = time.Date(2027, 1, 31, 9, 30, 0, 0, time.UTC)

const (
	second = mockserver.Duration(time.Second)
	minute = 60 * second
)

// badDay is a server on a clock that is frozen at dawn.
func badDay(t *testing.T, opts ...mockserver.Option) *mockserver.Server {
	t.Helper()
	return mockserver.New(t, append([]mockserver.Option{mockserver.WithFrozenClock(dawn), mockserver.WithoutRateLimits()}, opts...)...)
}

func play(t *testing.T, srv *mockserver.Server, steps ...mockserver.Step) *mockserver.Playing {
	t.Helper()
	p, err := srv.Play(mockserver.Scenario{Name: "test", Steps: steps})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// statusOf is the status of the probe, 0 for a connection that broke.
func statusOf(t *testing.T, srv *mockserver.Server, key mockserver.Issued) int {
	t.Helper()
	method, path := probe(key.Provider)
	r := newRequest(t, key.Provider, method, path, "")
	key.Apply(r)
	res, err := srv.Transport().RoundTrip(r)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// TestAStepDoesItsWorkWhenTheClockReachesIt has each kind of step: what the answers are, a
// second before each time, at it, and what the status says.
func TestAStepDoesItsWorkWhenTheClockReachesIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		step mockserver.Step // at 1m
		want []int           // one second before 1m, at 1m, one second before 2m, at 2m
		does string
	}{
		{"rotate", mockserver.Step{Rotate: &mockserver.RotateStep{Overlap: minute}}, []int{200, 200, 200, 401}, "rotate every key, with an overlap of 1m"},
		{"rotate without overlap", mockserver.Step{Rotate: &mockserver.RotateStep{Provider: "imkit"}}, []int{200, 401, 401, 401}, "rotate every key of imkit, with an overlap of 0s"},
		{"revoke", mockserver.Step{Revoke: &mockserver.RevokeStep{Key: "mine"}}, []int{200, 401, 401, 401}, `revoke key "mine"`},
		{"revoke another", mockserver.Step{Revoke: &mockserver.RevokeStep{Key: "other"}}, []int{200, 200, 200, 200}, `revoke key "other"`},
		{"revoke what is replaced", mockserver.Step{Revoke: &mockserver.RevokeStep{Which: mockserver.KeysReplaced}}, []int{200, 200, 200, 200}, "revoke the replaced keys"},
		{"expire", mockserver.Step{Expire: &mockserver.ExpireStep{}}, []int{200, 401, 401, 401}, "expire every key"},
		{"expire later", mockserver.Step{Expire: &mockserver.ExpireStep{In: minute}}, []int{200, 200, 200, 401}, "let every key expire in 1m"},
		{"suspend for a time", mockserver.Step{Suspend: &mockserver.SuspendStep{For: minute}}, []int{200, 401, 401, 200}, "suspend every key, for 1m"},
		{"suspend", mockserver.Step{Suspend: &mockserver.SuspendStep{}}, []int{200, 401, 401, 401}, "suspend every key"},
		{"limit for a time", mockserver.Step{Limit: &mockserver.LimitStep{Requests: 1, Per: 120 * minute, For: minute}}, []int{200, 200, 429, 200}, "limit of 1 in 2h, for 1m"},
		{"limit", mockserver.Step{Limit: &mockserver.LimitStep{Provider: "imkit", Requests: 1, Per: 120 * minute}}, []int{200, 200, 429, 429}, "limit of 1 in 2h of imkit"},
		{"limit of another", mockserver.Step{Limit: &mockserver.LimitStep{Provider: "imin", Requests: 1, Per: 120 * minute}}, []int{200, 200, 200, 200}, ""},
		{"storm", mockserver.Step{Storm: &mockserver.StormStep{RetryAfter: 5 * second, For: minute}}, []int{200, 429, 429, 200}, "storm of 429, wait 5s, for 1m"},
		{"storm elsewhere", mockserver.Step{Storm: &mockserver.StormStep{Provider: "imin", For: minute}}, []int{200, 200, 200, 200}, ""},
		{"outage", mockserver.Step{Outage: &mockserver.OutageStep{For: minute}}, []int{200, 503, 503, 200}, ""},
		{"outage with a status", mockserver.Step{Outage: &mockserver.OutageStep{Status: 502, RetryAfter: second}}, []int{200, 502, 502, 502}, ""},
		{"outage by resets", mockserver.Step{Outage: &mockserver.OutageStep{How: mockserver.OutageReset, For: minute}}, []int{200, 0, 0, 200}, ""},
		{"fault", mockserver.Step{Fault: &mockserver.FaultStep{Match: mockserver.Match{Path: "/admin*"}, Fault: mockserver.Status(418, ""), For: minute}}, []int{200, 418, 418, 200}, ""},
		{"fault of the first only", mockserver.Step{Fault: &mockserver.FaultStep{Fault: mockserver.Status(418, ""), When: []mockserver.When{mockserver.First(1)}, For: minute}}, []int{200, 418, 200, 200}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := badDay(t)
			key := srv.Keys().Issue("imkit", mockserver.Named("mine"))
			tt.step.At = "1m"
			p := play(t, srv, tt.step)
			var got []int
			for _, by := range []time.Duration{59 * time.Second, time.Second, 59 * time.Second, time.Second} {
				srv.Clock().Advance(by)
				got = append(got, statusOf(t, srv, key))
			}
			st := p.Status()
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s%+v", d, st)
			}
			if len(st.Done) != 1 || !st.Done[0].At.Equal(dawn.Add(time.Minute)) || tt.does != "" && st.Done[0].Does != tt.does || st.State != mockserver.ScenarioFinished || len(st.Next) != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestAnOutageThatHangsOrIsSlowEnds(t *testing.T) {
	t.Parallel()
	for _, o := range []mockserver.OutageStep{{How: mockserver.OutageHang, For: minute}, {How: mockserver.OutageSlow, Delay: 5 * second, For: minute}} {
		synctest.Test(t, func(t *testing.T) {
			srv := mockserver.New(t)
			key := srv.Keys().Issue("imin")
			p := play(t, srv, mockserver.Step{At: "0s", Outage: &o})
			client := &http.Client{Transport: srv.Transport(), Timeout: 10 * time.Second}
			method, path := probe(key.Provider)
			ask := func() (time.Duration, error) {
				r := newRequest(t, key.Provider, method, path, "")
				key.Apply(r)
				from := time.Now()
				res, err := client.Do(r)
				if err == nil {
					_ = res.Body.Close()
				}
				return time.Since(from), err
			}
			took, err := ask()
			if slow := o.How == mockserver.OutageSlow; slow && (took != 5*time.Second || err != nil) || !slow && (took != 10*time.Second || err == nil) {
				t.Errorf("%s: %v after %s", o.How, err, took)
			}
			<-p.Done() // by itself: the clock runs
			if took, err := ask(); took != 0 || err != nil {
				t.Errorf("afterwards: %v after %s", err, took)
			}
		})
	}
}

// TestAnAdvanceOverManyStepsExecutesEachAtItsTime holds the times of keys to the nanosecond.
func TestAnAdvanceOverManyStepsExecutesEachAtItsTime(t *testing.T) {
	t.Parallel()
	var handed []mockserver.Issued
	srv := badDay(t, mockserver.WithSuccessors(func(i mockserver.Issued) { handed = append(handed, i) }))
	first := srv.Keys().Issue("imin", mockserver.Named("k"))
	p := play(t, srv,
		mockserver.Step{At: "10:00", Rotate: &mockserver.RotateStep{Key: "k", Overlap: 60 * minute}},
		mockserver.Step{At: "2027-01-31T10:30:00Z", Rotate: &mockserver.RotateStep{Key: "k", Overlap: 10 * minute}},
		mockserver.Step{At: "2h", Revoke: &mockserver.RevokeStep{Key: "k", Reason: "leaked"}},
	)
	srv.Clock().Advance(24 * time.Hour)
	at := func(h, m int) time.Time { return time.Date(2027, 1, 31, h, m, 0, 0, time.UTC) }
	if len(handed) != 2 {
		t.Fatalf("%d successors, want 2: %+v", len(handed), p.Status())
	}
	type times struct{ Created, Expires, Revoked time.Time }
	var got []times
	for _, id := range []string{first.ID, handed[0].ID, handed[1].ID} {
		k, _ := srv.Keys().Get(id)
		got = append(got, times{k.Created, k.Expires, k.Revoked})
	}
	want := []times{{dawn, at(11, 0), time.Time{}}, {at(10, 0), at(10, 40), time.Time{}}, {at(10, 30), time.Time{}, at(11, 30)}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := srv.Clock().Now(); !got.Equal(dawn.Add(24 * time.Hour)) {
		t.Errorf("the clock shows %s", got)
	}
	taken := p.Take()
	if len(taken) != 2 || taken[0].Secret.Reveal() != handed[0].Secret.Reveal() || len(p.Take()) != 0 {
		t.Errorf("taken %v", taken)
	}
}

// TestEveryWayToMoveAClockReachesTheSteps holds that no way leads past a step.
func TestEveryWayToMoveAClockReachesTheSteps(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(*mockserver.Server){
		"advance":         func(s *mockserver.Server) { s.Clock().Advance(time.Hour) },
		"freeze later":    func(s *mockserver.Server) { s.Clock().Freeze(dawn.Add(time.Hour)) },
		"run, then wait":  func(s *mockserver.Server) { s.Clock().Run(60); time.Sleep(time.Minute) }, //nolint:forbidigo // fake time
		"run and advance": func(s *mockserver.Server) { s.Clock().Run(1); s.Clock().Advance(time.Hour) },
		"back and forth":  func(s *mockserver.Server) { s.Clock().Freeze(dawn.Add(-time.Hour)); s.Clock().Advance(2 * time.Hour) },
		"many small steps": func(s *mockserver.Server) {
			for range 60 {
				s.Clock().Advance(time.Minute)
			}
		},
		"advance to the moment": func(s *mockserver.Server) { s.Clock().Advance(30 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := badDay(t)
				key := srv.Keys().Issue("imin")
				p := play(t, srv, mockserver.Step{At: "30m", Revoke: &mockserver.RevokeStep{}})
				if statusOf(t, srv, key) != 200 {
					t.Error("revoked too early")
				}
				move(srv)
				k, _ := srv.Keys().Get(key.ID)
				if statusOf(t, srv, key) != 401 || !k.Revoked.Equal(dawn.Add(30*time.Minute)) || p.State() != mockserver.ScenarioFinished {
					t.Errorf("revoked %s, %s", k.Revoked, p.State())
				}
			})
		})
	}
}

// TestAStopUndoesWhatIsInForce holds what Stop, Reset and Restore leave.
func TestAStopUndoesWhatIsInForce(t *testing.T) {
	t.Parallel()
	long := 60 * minute
	for name, stop := range map[string]func(*mockserver.Server, *mockserver.Playing, mockserver.State) error{
		"stop": func(_ *mockserver.Server, p *mockserver.Playing, _ mockserver.State) error {
			p.Stop()
			p.Stop()
			return nil
		},
		"reset": func(s *mockserver.Server, _ *mockserver.Playing, _ mockserver.State) error { return s.Reset() },
		"reset some": func(s *mockserver.Server, _ *mockserver.Playing, _ mockserver.State) error {
			return s.Reset(mockserver.Parts()...)
		},
		"restore": func(s *mockserver.Server, _ *mockserver.Playing, st mockserver.State) error { return s.Restore(st) },
		"close":   func(s *mockserver.Server, _ *mockserver.Playing, _ mockserver.State) error { return s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := badDay(t)
			key := srv.Keys().Issue("imkit", mockserver.Lasting())
			before := srv.Snapshot()
			p := play(t, srv,
				mockserver.Step{At: "0s", Storm: &mockserver.StormStep{For: long}}, mockserver.Step{At: "0s", Outage: &mockserver.OutageStep{Provider: "imin", For: long}},
				mockserver.Step{At: "0s", Limit: &mockserver.LimitStep{Requests: 1, Per: long, For: long}}, mockserver.Step{At: "0s", Suspend: &mockserver.SuspendStep{For: long}},
				mockserver.Step{At: "1m", Revoke: &mockserver.RevokeStep{}},
			)
			if got := len(srv.Injections()); got != 2 || statusOf(t, srv, key) != 429 {
				t.Fatalf("%d faults", got)
			}
			if err := stop(srv, p, before); err != nil {
				t.Fatal(err)
			}
			srv.Clock().Advance(time.Hour)
			after := srv.Snapshot()
			for i := range after.Namespaces[0].Keys {
				after.Namespaces[0].Keys[i].LastUsed = time.Time{}
			}
			after.Namespaces[0].Clock = before.Namespaces[0].Clock
			if d := cmp.Diff(before, after); d != "" || p.State() != mockserver.ScenarioStopped {
				t.Errorf("%s (-before +after):\n%s", p.State(), d)
			}
			if name != "close" && statusOf(t, srv, key) != 200 {
				t.Error("the key is not what it was")
			}
		})
	}
}

func TestOneScenarioPlaysAtATimeInEachNamespace(t *testing.T) {
	t.Parallel()
	srv := badDay(t)
	storm := mockserver.Scenario{Name: "s", Steps: []mockserver.Step{{At: "1m", Storm: &mockserver.StormStep{For: minute}}}}
	p, err := srv.Play(storm)
	if err != nil || srv.Playing() != p {
		t.Fatal(err)
	}
	if _, err := srv.Play(storm); !errors.Is(err, mockserver.ErrScenarioPlays) {
		t.Errorf("a second one: %v", err)
	}
	other := srv.InNamespace("other")
	if _, err := other.Play(storm, "imin"); err != nil {
		t.Errorf("in another namespace: %v", err)
	}
	a, b, c := srv.Keys().Issue("imkit"), other.Keys().Issue("imin"), other.Keys().Issue("imkit")
	other.Clock().Advance(time.Minute)
	if d := cmp.Diff([]int{200, 429, 200}, []int{statusOf(t, srv, a), statusOf(t, srv, b), statusOf(t, srv, c)}); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	p.Stop()
	if _, err := srv.Play(storm); err != nil {
		t.Errorf("after a stop: %v", err)
	}
	if err := srv.DeleteNamespace("other"); err != nil || other.Playing().State() != mockserver.ScenarioStopped {
		t.Errorf("%v, %s", err, other.Playing().State())
	}
}

func TestAStepThatCannotBeSaysSoAndTheNextFollows(t *testing.T) {
	t.Parallel()
	srv := badDay(t)
	p := play(t, srv,
		mockserver.Step{At: "0s", Revoke: &mockserver.RevokeStep{Key: "nobody"}}, mockserver.Step{At: "1s", Enable: &mockserver.EnableStep{}},
		mockserver.Step{At: "2s", Rotate: &mockserver.RotateStep{}}, mockserver.Step{At: "3s", Limit: &mockserver.LimitStep{}},
	)
	srv.Clock().Advance(time.Minute)
	st := p.Status()
	var got []bool
	for _, r := range st.Done {
		got = append(got, r.Problem != "")
	}
	if d := cmp.Diff([]bool{true, true, true, false}, got); d != "" {
		t.Errorf("%+v\n%s", st, d)
	}
}

func TestAMistakeInAScenarioIsNamedByItsMember(t *testing.T) {
	t.Parallel()
	step := func(s mockserver.Step) mockserver.Scenario {
		if s.At == "" {
			s.At = "1m"
		}
		return mockserver.Scenario{Name: "x", Steps: []mockserver.Step{{At: "0s", Enable: &mockserver.EnableStep{}}, s}}
	}
	for _, tt := range []struct {
		s       mockserver.Scenario
		member  string
		problem string
	}{
		{mockserver.Scenario{}, "name", "no name"},
		{mockserver.Scenario{Name: "Bad Day"}, "name", "small letters"},
		{mockserver.Scenario{Name: "x"}, "steps", "there is none"},
		{mockserver.Scenario{Name: "x", Steps: make([]mockserver.Step, 1001)}, "steps", "1001"},
		{mockserver.Scenario{Name: "x", About: "a\x1b[31m", Steps: make([]mockserver.Step, 1)}, "about", "text"},
		{step(mockserver.Step{}), "steps[1]", "it takes one of rotate"},
		{step(mockserver.Step{At: "soon", Storm: &mockserver.StormStep{}}), "steps[1].at", "10:00 is in UTC"},
		{step(mockserver.Step{At: "-1m", Storm: &mockserver.StormStep{}}), "steps[1].at", "not between"},
		{step(mockserver.Step{At: "25:00", Storm: &mockserver.StormStep{}}), "steps[1].at", "no moment"},
		{step(mockserver.Step{At: "2020-01-01", Storm: &mockserver.StormStep{}}), "steps[1].at", "is past"},
		{step(mockserver.Step{At: "3020-01-01", Storm: &mockserver.StormStep{}}), "steps[1].at", "2150"},
		{step(mockserver.Step{Rotate: &mockserver.RotateStep{}, Storm: &mockserver.StormStep{}}), "steps[1].storm", "one thing"},
		{step(mockserver.Step{Rotate: &mockserver.RotateStep{Provider: "imkitt"}}), "steps[1].rotate.provider", "did you mean imkit?"},
		{step(mockserver.Step{Rotate: &mockserver.RotateStep{Overlap: -1}}), "steps[1].rotate.overlap", "not between"},
		{step(mockserver.Step{Revoke: &mockserver.RevokeStep{Which: "curren"}}), "steps[1].revoke.which", "did you mean current?"},
		{step(mockserver.Step{Limit: &mockserver.LimitStep{Requests: 3}}), "steps[1].limit.per", "missing"},
		{step(mockserver.Step{Limit: &mockserver.LimitStep{Requests: -3}}), "steps[1].limit.requests", "not between"},
		{step(mockserver.Step{Storm: &mockserver.StormStep{Share: 2}}), "steps[1].storm.share", "not between"},
		{step(mockserver.Step{Storm: &mockserver.StormStep{For: -1}}), "steps[1].storm.for", "not between"},
		{step(mockserver.Step{Outage: &mockserver.OutageStep{How: "hng"}}), "steps[1].outage.how", "did you mean hang?"},
		{step(mockserver.Step{Outage: &mockserver.OutageStep{How: mockserver.OutageSlow}}), "steps[1].outage.delay", "missing"},
		{step(mockserver.Step{Outage: &mockserver.OutageStep{Delay: second}}), "steps[1].outage.delay", "belongs to how: slow"},
		{step(mockserver.Step{Outage: &mockserver.OutageStep{Status: 200}}), "steps[1].outage.status", "400 and 599"},
		{step(mockserver.Step{Fault: &mockserver.FaultStep{Fault: mockserver.Fault{Kind: "latncy"}}}), "steps[1].fault.fault", "unknown kind"},
		{step(mockserver.Step{Fault: &mockserver.FaultStep{Match: mockserver.Match{Status: 3}, Fault: mockserver.Stall()}}), "steps[1].fault.match", "known only after"},
	} {
		srv := badDay(t)
		_, err := srv.Play(tt.s)
		wrong, ok := errors.AsType[*mockserver.ScenarioError](err)
		if !ok || wrong.Member != tt.member || !strings.Contains(wrong.Problem, tt.problem) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want %s: … %s", tt.s, err, tt.member, tt.problem)
		}
		if srv.Playing() != nil {
			t.Error("it plays")
		}
	}
}

func TestAScenarioEndsBeforeTimeDoes(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)))
	_, err := srv.Play(mockserver.Scenario{Name: "x", Steps: []mockserver.Step{{At: "1h", Storm: &mockserver.StormStep{For: 90 * 365 * 24 * 60 * minute}}}})
	if wrong, ok := errors.AsType[*mockserver.ScenarioError](err); !ok || wrong.Member != "steps[0].at" {
		t.Errorf("got %v", err)
	}
}

func TestTheReadyScenariosPlayAgainstEveryProvider(t *testing.T) {
	t.Parallel()
	acme := mockserver.API{Name: "acme", Schemes: []mockserver.Scheme{{Header: "X-Acme"}}, Routes: []mockserver.Route{{Pattern: "GET /resource"}}}
	var names []string
	for _, s := range mockserver.Scenarios() {
		names = append(names, s.Name)
		srv := badDay(t, mockserver.WithAPI(acme))
		for _, p := range srv.Providers() {
			key := srv.Keys().Issue(p)
			if err := s.ValidFor([]mockserver.Provider{p}); err != nil {
				t.Fatal(err)
			}
			played, err := srv.Play(s, p)
			if err != nil {
				t.Fatal(err)
			}
			bad := false
			for range 15 {
				srv.Clock().Advance(time.Minute)
				if s.Name != "outage" || srv.Clock().Now().Sub(dawn)%(15*time.Minute) != time.Minute { // a slow answer waits for the clock
					bad = statusOf(t, srv, key) != 200 || bad
				}
			}
			st := played.Status()
			if !bad || st.State != mockserver.ScenarioFinished || slices.ContainsFunc(st.Done, func(r mockserver.StepReport) bool { return r.Problem != "" }) {
				t.Errorf("%s, %s: %v %+v", s.Name, p, bad, st)
			}
		}
	}
	if d := cmp.Diff([]string{"expiry", "outage", "rotation-with-overlap", "rotation-without-overlap", "storm"}, names); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
