package mockserver

import (
	"fmt"
	"time"
)

// Scenario is a bad day: what happens to keys, limits and answers, and when. The steps are
// executed by the clock of the namespace that plays it (Namespace.Play). It is data and can
// be written as JSON; docs/scenarios.md describes the members.
//
// The zero Scenario is none. Scenarios returns five that are ready.
type Scenario struct {
	Name  string `json:"name" required:"true"`
	About string `json:"about,omitempty"`
	Steps []Step `json:"steps" required:"true"`
}

// Step is one event of a Scenario. Exactly one of the pointers is set. A member Provider
// that is empty stands for the providers that Play was given, by default all.
//
// A member For is how long the step is in force; 0 is to the end of the scenario and beyond.
// What a step has set for a time is undone at its end, and when the scenario is stopped.
type Step struct {
	At   Moment `json:"at" required:"true" doc:"10m (after the start), 10:00 (UTC, the next time that the clock shows it), or 2027-01-31T10:00:00Z"`
	Note string `json:"note,omitempty"` // for people: in the status and in the log

	Rotate  *RotateStep  `json:"rotate,omitempty"`
	Revoke  *RevokeStep  `json:"revoke,omitempty"`
	Expire  *ExpireStep  `json:"expire,omitempty"`
	Suspend *SuspendStep `json:"suspend,omitempty"`
	Enable  *EnableStep  `json:"enable,omitempty"`
	Limit   *LimitStep   `json:"limit,omitempty"`
	Storm   *StormStep   `json:"storm,omitempty"`
	Outage  *OutageStep  `json:"outage,omitempty"`
	Fault   *FaultStep   `json:"fault,omitempty"`
}

// RotateStep gives each key a successor, as Keys.Rotate does. Keys that have one already are
// not rotated. An IMKIT client key is replaced without overlap, as IMKIT does it.
type RotateStep struct {
	Provider Provider `json:"provider,omitempty"`
	Key      string   `json:"key,omitempty"     doc:"a name or an ID; absent: every key in use"`
	Overlap  Duration `json:"overlap,omitzero"  doc:"how long the old key stays valid; 0 if absent"`
}

// RevokeStep revokes keys, as Keys.Revoke does.
type RevokeStep struct {
	Provider Provider  `json:"provider,omitempty"`
	Key      string    `json:"key,omitempty"`
	Which    KeyChoice `json:"which,omitempty"`
	Reason   string    `json:"reason,omitempty"`
}

// ExpireStep moves the expiry of keys, never to a later time.
type ExpireStep struct {
	Provider Provider  `json:"provider,omitempty"`
	Key      string    `json:"key,omitempty"`
	Which    KeyChoice `json:"which,omitempty"`
	In       Duration  `json:"in,omitzero" doc:"how long they are still valid; 0 if absent"`
}

// SuspendStep suspends keys, as Keys.Suspend does.
type SuspendStep struct {
	Provider Provider  `json:"provider,omitempty"`
	Key      string    `json:"key,omitempty"`
	Which    KeyChoice `json:"which,omitempty"`
	For      Duration  `json:"for,omitzero"`
}

// EnableStep enables suspended keys, as Keys.Enable does.
type EnableStep struct {
	Provider Provider `json:"provider,omitempty"`
	Key      string   `json:"key,omitempty" doc:"a name or an ID; absent: every suspended key"`
}

// KeyChoice selects keys by their place in a rotation.
type KeyChoice string

// The choices of keys. None selects a key that is expired or revoked.
const (
	KeysInUse    KeyChoice = "current"  // that have no successor; the default
	KeysReplaced KeyChoice = "replaced" // that have one
	KeysAll      KeyChoice = "all"
)

// keyChoices lists them in a fixed order.
func keyChoices() []string {
	return []string{string(KeysInUse), string(KeysReplaced), string(KeysAll)}
}

// LimitStep sets the rate limit of every key without its own. Of several in force the one
// that began last counts. New windows start.
type LimitStep struct {
	Provider Provider  `json:"provider,omitempty"`
	Requests int       `json:"requests" doc:"0 is no limit"`
	Per      Duration  `json:"per,omitzero"`
	Kind     LimitKind `json:"kind,omitzero"`
	For      Duration  `json:"for,omitzero"`
}

func (ls *LimitStep) limit() Limit { return Limit{ls.Requests, ls.Per.Std(), ls.Kind} }

// StormStep answers requests with the vendor's 429, whatever their keys have used.
type StormStep struct {
	Provider   Provider `json:"provider,omitempty"`
	RetryAfter Duration `json:"retryAfter,omitzero" doc:"the wait that the answer names"`
	Share      float64  `json:"share,omitempty"     doc:"of the requests, up to 1; absent: all"`
	For        Duration `json:"for,omitzero"`
}

// OutageStep makes a provider unreachable.
type OutageStep struct {
	Provider   Provider   `json:"provider,omitempty"`
	How        OutageKind `json:"how,omitempty"`
	Status     int        `json:"status,omitempty"     doc:"of how: status; 503 if absent"`
	RetryAfter Duration   `json:"retryAfter,omitzero"  doc:"of how: status; in whole seconds"`
	Delay      Duration   `json:"delay,omitzero"       doc:"of how: slow"`
	Share      float64    `json:"share,omitempty"      doc:"of the requests, up to 1; absent: all"`
	For        Duration   `json:"for,omitzero"`
}

// OutageKind is how a provider is unreachable.
type OutageKind string

// The kinds of outages.
const (
	OutageStatus OutageKind = "status" // answers with a status; the default
	OutageReset  OutageKind = "reset"  // resets connections
	OutageHang   OutageKind = "hang"   // never answers
	OutageSlow   OutageKind = "slow"   // answers late
)

// outageKinds lists them in a fixed order.
func outageKinds() []string {
	return []string{string(OutageStatus), string(OutageReset), string(OutageHang), string(OutageSlow)}
}

// FaultStep injects a fault, as Namespace.Inject does.
type FaultStep struct {
	Match Match    `json:"match,omitzero"`
	Fault Fault    `json:"fault" required:"true"`
	When  []When   `json:"when,omitempty"`
	For   Duration `json:"for,omitzero"`
}

// Moment is when a step is due: "10m" after the start of the scenario, "10:00" in UTC, the
// next time that the clock shows it, or a time such as "2027-01-31T10:00:00Z".
type Moment string

// UnmarshalText reads a moment and checks it.
func (mo *Moment) UnmarshalText(text []byte) error {
	if _, err := Moment(text).on(time.Unix(0, 0).UTC()); err != nil {
		return err
	}
	*mo = Moment(text)
	return nil
}

// on returns the time of a moment in a scenario that starts at a time.
func (mo Moment) on(start time.Time) (time.Time, error) {
	if d, err := ParseDuration(string(mo)); err == nil {
		if d < 0 || d.Std() > maxLife {
			return time.Time{}, fmt.Errorf("%.40q is not between 0s and %s", mo, Duration(maxLife))
		}
		return start.Add(d.Std()), nil
	}
	for _, layout := range []string{"15:04", time.TimeOnly} {
		t, err := time.Parse(layout, string(mo))
		if err != nil {
			continue
		}
		y, m, d := start.Date()
		at := time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
		if at.Before(start) {
			at = at.AddDate(0, 0, 1)
		}
		return at, nil
	}
	var at instant
	if err := at.UnmarshalText([]byte(mo)); err != nil {
		return time.Time{}, fmt.Errorf("%.40q is no moment: 10m is after the start, 10:00 is in UTC, 2027-01-31T10:00:00Z is a time", mo)
	}
	if at.Year() < 1970 || at.Year() > 2150 {
		return time.Time{}, fmt.Errorf("%.40q does not lie between 1970 and 2150", mo)
	}
	return at.Time, nil
}

// ScenarioError is a mistake in a scenario.
type ScenarioError struct {
	Member  string // such as "steps[1].rotate.overlap"
	Problem string
}

// Error is one line.
func (e *ScenarioError) Error() string {
	if e.Member == "" {
		return "scenario: " + e.Problem
	}
	return "scenario: " + e.Member + ": " + e.Problem
}
