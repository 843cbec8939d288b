package keyfit

import (
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
)

// KeyringStatus is a snapshot of a [Keyring], fit for a health page: it holds no key. Its JSON
// is stable; `keyfit rotate --watch` reads it.
type KeyringStatus struct {
	Provider string        `json:"provider,omitempty"` // "" if not known, see [ForProvider]
	Current  KeyStatus     `json:"current"`
	Previous *KeyStatus    `json:"previous,omitempty"` // nil if none is held
	Staged   *KeyStatus    `json:"staged,omitempty"`   // nil if no key waits to become current
	Source   SourceStatus  `json:"source"`
	Circuit  CircuitStatus `json:"circuit"`
	// SafeToRevoke names the keys that were replaced and that nobody has used for the
	// [DrainTime], while their successor was accepted. It covers this program only.
	SafeToRevoke []string `json:"safe_to_revoke,omitempty"`
}

// KeyState is where a key stands.
type KeyState string

// The states of a key that a ring holds.
const (
	StateStaged   KeyState = "staged"   // offered, and not tried yet
	StateVerified KeyState = "verified" // accepted by the provider, and waiting for its turn
	StateRejected KeyState = "rejected" // offered, and refused by the provider; it is tried again
	StateCurrent  KeyState = "current"
	StatePrevious KeyState = "previous"
)

// KeyStatus is what is known of one key.
type KeyStatus struct {
	Generation   uint64    `json:"generation,omitempty"` // numbers the keys in the order in which they became current, from 1; 0 if it has not been current
	Fingerprint  string    `json:"fingerprint"`
	State        KeyState  `json:"state"`
	Place        string    `json:"place,omitempty"`        // where the source found it, see [Credential]; "" if not known
	Version      string    `json:"version,omitempty"`      // the source's name for it
	Since        time.Time `json:"since,omitzero"`         // when it came into this state
	Expires      time.Time `json:"expires,omitzero"`       // when it ends; zero if not known
	Until        time.Time `json:"until,omitzero"`         // when it is dropped; zero but for the previous key
	LastUsed     time.Time `json:"last_used,omitzero"`     // when the last attempt with it left that is not in flight any more
	LastAccepted time.Time `json:"last_accepted,omitzero"` // when the last attempt left that the provider accepted
	InFlight     int       `json:"in_flight"`              // attempts without an answer
}

// SourceStatus is how the source answered when it was last asked.
type SourceStatus struct {
	Stale    bool      `json:"stale"`             // it failed; the last good key is in use
	Error    string    `json:"error,omitempty"`   // why; "" if it did not fail
	Answered time.Time `json:"answered,omitzero"` // when it last did not fail
}

// CircuitStatus says whether calls are held or refused because the provider refuses every
// key. The circuit counts as open while trial requests are out.
type CircuitStatus struct {
	Open     bool      `json:"open"`
	Since    time.Time `json:"since,omitzero"`
	Next     time.Time `json:"next,omitzero"` // when the next trial request is due
	Holding  int       `json:"holding"`       // calls that wait for a usable key
	Refusals int       `json:"refusals"`      // in a row, of any key
}

// Status returns a snapshot.
func (ring *Keyring) Status() KeyringStatus {
	s := ring.engine.Status()
	return KeyringStatus{
		Provider: ring.provider,
		Current:  *keyStatus(&s.Current), Previous: keyStatus(s.Previous), Staged: keyStatus(s.Candidate),
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
	// A source may name a place by its content, which must not appear in the snapshot.
	redactor := redactorOf(credentialOf(s.Key))
	return &KeyStatus{
		Generation: s.Number, Fingerprint: s.Fingerprint, State: KeyState(s.State.String()),
		Place: redactor.Text(s.Place), Version: redactor.Text(s.Version), Since: s.Since, Expires: s.Expires, Until: s.Until,
		LastUsed: s.LastUsed, LastAccepted: s.LastAccepted, InFlight: s.InFlight,
	}
}
