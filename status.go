package keyfit

import (
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
)

// KeyringStatus is a snapshot of a [Keyring], suitable for a health page: it contains no
// key. Its JSON is stable; `keyfit rotate --watch` reads it.
type KeyringStatus struct {
	Provider string `json:"provider,omitempty"` // "" if the ring does not know it; see [ForProvider]
	// Healthy is false if calls are expected to fail because of the key: the circuit is open; or
	// the provider refused the current key when it last judged it, and no previous key works; or
	// the key has expired by its date and was not accepted since. A failing source leaves it
	// true, because the last good key stays in use. A readiness check may return it.
	Healthy bool `json:"healthy"`
	// Attention lists what somebody should look at, as long as it lasts, in the words of the
	// events and in this order: [CircuitOpen], [KeyRefused], [KeyExpired], [KeyExpiring] (30
	// days or less are left), [KeyRotationDue], [KeyRejected] (the provider refused the key that
	// the source offers), [SourceStale].
	Attention []KeyEventKind `json:"attention,omitempty"`
	Current   KeyStatus      `json:"current"`
	Previous  *KeyStatus     `json:"previous,omitempty"` // nil if there is none
	Staged    *KeyStatus     `json:"staged,omitempty"`   // nil if the source offers no other key
	Source    SourceStatus   `json:"source"`
	Circuit   CircuitStatus  `json:"circuit"`
	// SafeToRevoke lists the fingerprints of replaced keys that this program has not used
	// for the [DrainTime], while their successor was accepted. Other programs may still use
	// them.
	SafeToRevoke []string `json:"safe_to_revoke,omitempty"`
}

// KeyState is the state of a key in a ring.
type KeyState string

// The states of a key in a ring.
const (
	StateStaged   KeyState = "staged"   // offered by the source, and not verified yet
	StateVerified KeyState = "verified" // accepted by the provider, and not current yet
	StateRejected KeyState = "rejected" // offered by the source and refused by the provider; it is probed again
	StateCurrent  KeyState = "current"  // used for new attempts
	StatePrevious KeyState = "previous" // replaced, and usable during its grace period
)

// KeyStatus describes one key of a ring.
type KeyStatus struct {
	Generation   uint64    `json:"generation,omitempty"` // counts the keys that were current, from 1; 0 if this one was not
	Fingerprint  string    `json:"fingerprint"`
	State        KeyState  `json:"state"`
	Place        string    `json:"place,omitempty"`        // where the source found it, see [Credential]; "" if unknown
	Version      string    `json:"version,omitempty"`      // the source's name for it
	Since        time.Time `json:"since,omitzero"`         // when it entered this state
	Issued       time.Time `json:"issued,omitzero"`        // when the provider issued it; zero if unknown
	Expires      time.Time `json:"expires,omitzero"`       // when it expires; zero if unknown
	DaysLeft     *int      `json:"days_left,omitempty"`    // whole days until then, rounded down: -1 on the first day after it; nil if Expires is unknown
	RotateBy     time.Time `json:"rotate_by,omitzero"`     // when it should be replaced; zero if its expiry is known, or without [Provider.RotateEvery]
	Until        time.Time `json:"until,omitzero"`         // end of its grace period; zero unless it is the previous key
	LastUsed     time.Time `json:"last_used,omitzero"`     // when the last attempt that is over was sent with it
	LastAccepted time.Time `json:"last_accepted,omitzero"` // when the last attempt that the provider accepted was sent
	InFlight     int       `json:"in_flight"`              // attempts without a response
}

// SourceStatus describes the last time that the source was asked.
type SourceStatus struct {
	Stale    bool      `json:"stale"`             // the source failed; the last good key stays current
	Error    string    `json:"error,omitempty"`   // why; "" if it did not fail
	Answered time.Time `json:"answered,omitzero"` // when it last answered without an error
}

// CircuitStatus is the state of the circuit, which is open while the provider refuses every
// key.
type CircuitStatus struct {
	Open     bool      `json:"open"`           // also while a trial request is in flight
	Since    time.Time `json:"since,omitzero"` // when it opened
	Next     time.Time `json:"next,omitzero"`  // when the next trial request is due
	Holding  int       `json:"holding"`        // calls that wait for a key that works
	Refusals int       `json:"refusals"`       // refusals in a row, of any key
}

// Status returns a snapshot. It is safe for concurrent use.
func (ring *Keyring) Status() KeyringStatus {
	s := ring.engine.Status()
	healthy, attention := health(&s, time.Now())
	return KeyringStatus{
		Provider: ring.provider, Healthy: healthy, Attention: attention,
		Current: *keyStatus(&s.Current), Previous: keyStatus(s.Previous), Staged: keyStatus(s.Candidate),
		Source: SourceStatus{Stale: s.Source.Error != "", Error: s.Source.Error, Answered: s.Source.Answered},
		Circuit: CircuitStatus{
			Open: s.Circuit.State != keyring.Closed, Since: s.Circuit.Since, Next: s.Circuit.Next,
			Holding: s.Circuit.Waiting, Refusals: s.Circuit.Refusals,
		},
		SafeToRevoke: s.SafeToRevoke,
	}
}

func keyStatus(s *keyring.KeyStatus) *KeyStatus {
	if s == nil {
		return nil
	}
	// A source may put the key into the place; the snapshot must not show it.
	redactor := redactorOf(credentialOf(s.Key))
	return &KeyStatus{
		Generation: s.Number, Fingerprint: s.Fingerprint, State: KeyState(s.State.String()),
		Place: redactor.Text(s.Place), Version: redactor.Text(s.Version), Since: s.Since,
		Issued: s.Issued, Expires: s.Expires, DaysLeft: daysUntil(s.Expires, time.Now()), RotateBy: s.RotateBy, Until: s.Until,
		LastUsed: s.LastUsed, LastAccepted: s.LastAccepted, InFlight: s.InFlight,
	}
}

// daysUntil returns the whole days until a time, rounded down; nil if the time is not known.
func daysUntil(at, now time.Time) *int {
	if at.IsZero() {
		return nil
	}
	const day = 24 * 60 * 60
	left := at.Unix() - now.Unix() // a time.Duration ends at 292 years, and 9999-12-31 is "never" in some stores
	if at.Nanosecond() < now.Nanosecond() {
		left--
	}
	days := int(left / day)
	if left < 0 && left%day != 0 {
		days--
	}
	return &days
}

// health returns [KeyringStatus.Healthy] and [KeyringStatus.Attention].
func health(s *keyring.Status, now time.Time) (healthy bool, attention []KeyEventKind) {
	cur := &s.Current
	ended := !cur.Expires.IsZero() && !now.Before(cur.Expires)
	wrongDate := cur.LastAccepted.After(cur.Expires) // or our clock is
	fallback := s.Previous != nil && s.Previous.Refusals == 0 && !s.Previous.LastAccepted.IsZero()
	bad := false
	for _, sign := range [...]struct {
		kind  KeyEventKind
		shows bool
		fatal bool
	}{
		{CircuitOpen, s.Circuit.State != keyring.Closed, true},
		{KeyRefused, cur.Refusals > 0, !fallback},
		{KeyExpired, ended, !wrongDate},
		{KeyExpiring, !cur.Expires.IsZero() && !ended && cur.Expires.Sub(now) <= keyring.AttentionWithin, false},
		{KeyRotationDue, !cur.RotateBy.IsZero() && !now.Before(cur.RotateBy), false},
		{KeyRejected, s.Candidate != nil && s.Candidate.State == keyring.Rejected, false},
		{SourceStale, s.Source.Error != "", false},
	} {
		if sign.shows {
			attention = append(attention, sign.kind)
			bad = bad || sign.fatal
		}
	}
	return !bad, attention
}
