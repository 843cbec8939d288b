package scenariofile_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/scenariofile"
)

const minute = mockserver.Duration(60_000_000_000)

func TestEveryMemberOfAStepIsRead(t *testing.T) {
	t.Parallel()
	got, err := scenariofile.Parse("day.yaml", []byte(`
name: all
about: Every member.
steps:
  - {at: 10:00, note: n, rotate: {provider: imkit, key: k, overlap: 1h}}
  - {at: 2027-01-31T10:00:00Z, revoke: {provider: imkit, key: k, which: replaced, reason: leaked}}
  - {at: "1d", expire: {which: all, in: 7d}}
  - {at: 1m, suspend: {for: 2m}}
  - {at: 1m, enable: {key: k}}
  - {at: 1m, limit: {requests: 5, per: 1m, kind: sliding, for: 2m}}
  - {at: 1m, storm: {retryAfter: 1m, share: 0.5, for: 2m}}
  - {at: 1m, outage: {how: status, status: 502, retryAfter: 1m, share: 1, for: 2m}}
  - {at: 1m, fault: {match: {path: /a*, query: {q: x}, headers: [X-A]}, fault: {kind: jitter, delay: 1m, seed: 3}, when: [{first: 2, probability: 0.25, seed: 7}], for: 2m}}
`), mockserver.Providers()...)
	if err != nil {
		t.Fatal(err)
	}
	quarter := 0.25
	want := mockserver.Scenario{Name: "all", About: "Every member.", Steps: []mockserver.Step{
		{At: "10:00", Note: "n", Rotate: &mockserver.RotateStep{Provider: "imkit", Key: "k", Overlap: 60 * minute}},
		{At: "2027-01-31T10:00:00Z", Revoke: &mockserver.RevokeStep{Provider: "imkit", Key: "k", Which: mockserver.KeysReplaced, Reason: "leaked"}},
		{At: "1d", Expire: &mockserver.ExpireStep{Which: mockserver.KeysAll, In: 7 * 24 * 60 * minute}},
		{At: "1m", Suspend: &mockserver.SuspendStep{For: 2 * minute}},
		{At: "1m", Enable: &mockserver.EnableStep{Key: "k"}},
		{At: "1m", Limit: &mockserver.LimitStep{Requests: 5, Per: minute, Kind: mockserver.Sliding, For: 2 * minute}},
		{At: "1m", Storm: &mockserver.StormStep{RetryAfter: minute, Share: 0.5, For: 2 * minute}},
		{At: "1m", Outage: &mockserver.OutageStep{How: mockserver.OutageStatus, Status: 502, RetryAfter: minute, Share: 1, For: 2 * minute}},
		{At: "1m", Fault: &mockserver.FaultStep{
			Match: mockserver.Match{Path: "/a*", Query: map[string]string{"q": "x"}, Headers: []string{"X-A"}},
			Fault: mockserver.Fault{Kind: mockserver.FaultJitter, Delay: minute.Std(), Seed: 3},
			When:  []mockserver.When{{First: 2, Probability: &quarter, Seed: 7}}, For: 2 * minute,
		}},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	text, err := scenariofile.Write(got)
	if err != nil {
		t.Fatal(err)
	}
	again, err := scenariofile.Parse("again", text, mockserver.Providers()...)
	if d := cmp.Diff(want, again); d != "" || err != nil {
		t.Errorf("what was written: %v (-want +got):\n%s\n%s", err, d, text)
	}
}

func TestTheExampleOfThePageIsAScenario(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	text, _, _ := strings.Cut(rest, "```")
	got, err := scenariofile.Parse("my-day.yaml", []byte(text), mockserver.Providers()...)
	if err != nil || len(got.Steps) != 3 {
		t.Fatalf("%v: %+v", err, got)
	}
	_, err = scenariofile.Parse("my-day.yaml", []byte(strings.Replace(text, "overlap: 1h", "overlp: 1h", 1)), mockserver.Providers()...)
	if err == nil || !strings.Contains(string(page), "\n"+err.Error()+"\n") {
		t.Errorf("the page has another error than %v", err)
	}
}

func TestAMistakeIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	step := func(s string) string { return "name: x\nsteps:\n  - at: 1m\n    " + s + "\n" }
	for _, tt := range []struct {
		text string
		want scenariofile.Error // Problem: what it must contain
	}{
		{"", scenariofile.Error{Problem: "it needs name and steps"}},
		{"name: x", scenariofile.Error{Line: 1, Member: "steps", Problem: "there is none"}},
		{"name: X Y\nsteps: []", scenariofile.Error{Line: 1, Member: "name", Problem: "small letters"}},
		{"name: x\nstep: []", scenariofile.Error{Line: 2, Member: "step", Problem: "did you mean steps?"}},
		{"name: x\nsteps:\n  - storm: {}", scenariofile.Error{Line: 3, Member: "steps[0].at", Problem: "missing"}},
		{"name: x\nsteps:\n  - at: 5\n    storm: {}", scenariofile.Error{Line: 3, Member: "steps[0].at", Problem: "not text"}},
		{"name: x\nsteps:\n  - at: 26:00\n    storm: {}", scenariofile.Error{Line: 3, Member: "steps[0].at", Problem: "no moment"}},
		{step("strom: {}"), scenariofile.Error{Line: 4, Member: "steps[0].strom", Problem: "did you mean storm?"}},
		{step("storm:"), scenariofile.Error{Line: 4, Member: "steps[0].storm", Problem: "empty value"}},
		{step("storm: {for: 5}"), scenariofile.Error{Line: 4, Member: "steps[0].storm.for", Problem: "no duration"}},
		{step("storm: {share: half}"), scenariofile.Error{Line: 4, Member: "steps[0].storm.share", Problem: "not a number"}},
		{step("storm: {share: .nan}"), scenariofile.Error{Line: 4, Member: "steps[0].storm.share", Problem: "not between"}},
		{step("rotate: {provider: imkitt}"), scenariofile.Error{Line: 4, Member: "steps[0].rotate.provider", Problem: "did you mean imkit?"}},
		{step("outage: {how: hnag}"), scenariofile.Error{Line: 4, Member: "steps[0].outage.how", Problem: "status, reset, hang, slow"}},
		{step("outage: {status: many}"), scenariofile.Error{Line: 4, Member: "steps[0].outage.status", Problem: "whole number"}},
		{step("limit: {requests: 1, per: 1m, kind: slide}"), scenariofile.Error{Line: 4, Member: "steps[0].limit.kind", Problem: "neither fixed nor sliding"}},
		{step("revoke: {which: old}"), scenariofile.Error{Line: 4, Member: "steps[0].revoke.which", Problem: "current, replaced, all"}},
		{step("fault: {fault: {kind: latency, dely: 1s}}"), scenariofile.Error{Line: 4, Member: "steps[0].fault.fault.dely", Problem: "did you mean delay?"}},
		{step("fault: {fault: {kind: latency}}"), scenariofile.Error{Line: 4, Member: "steps[0].fault.fault", Problem: "does nothing"}},
		{step("fault: {match: {body: {a: 1}}, fault: {kind: stall}}"), scenariofile.Error{Line: 4, Member: "steps[0].fault.match.body.a", Problem: "cannot be given"}},
		{step("storm: {}\n    rotate: {}"), scenariofile.Error{Line: 4, Member: "steps[0].storm", Problem: "one thing"}},
		{step("storm: &a {}"), scenariofile.Error{Line: 4, Member: "steps[0].storm", Problem: "anchors"}},
	} {
		_, err := scenariofile.Parse("day.yaml", []byte(tt.text), mockserver.Providers()...)
		wrong, ok := errors.AsType[*scenariofile.Error](err)
		if !ok || wrong.Line != tt.want.Line || wrong.Member != tt.want.Member || !strings.Contains(wrong.Problem, tt.want.Problem) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %+v", tt.text, err, tt.want)
		}
	}
}

// FuzzParse holds that no file brings the reader down, that every mistake is one line, and
// that what it takes is written and read again, and plays but for a moment that is past.
func FuzzParse(f *testing.F) {
	for _, s := range mockserver.Scenarios() {
		text, err := scenariofile.Write(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range []string{"", "{}", "name: x\nsteps: [{at: 0s, fault: {fault: {kind: status, status: 500}, when: [{every: 2}]}}]", "steps: &a [*a]", "name: x\nsteps: [{at: 10:00, limit: {requests: 0}}]", "\x00", "name: x\nsteps: [{at: 1h, revoke: {reason: \"\u00e4\"}}]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		s, err := scenariofile.Parse("f", document, mockserver.Providers()...)
		if err != nil {
			if _, ok := errors.AsType[*scenariofile.Error](err); !ok || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			return
		}
		text, err := scenariofile.Write(s)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := scenariofile.Parse("f", text, mockserver.Providers()...); err != nil || cmp.Diff(s, again) != "" {
			t.Errorf("written as %s: %v", text, err)
		}
		srv, err := mockserver.NewHandler()
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		if _, err := srv.Play(s); err != nil && !strings.Contains(err.Error(), "is past") {
			t.Error(err)
		}
	})
}
