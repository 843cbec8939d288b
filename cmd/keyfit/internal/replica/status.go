package replica

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

// Status is what matters here of a replica's Keyring.Status(). It is another program's text: none
// of it is printed but fingerprints that are ones, numbers and times.
type Status struct {
	Provider     string   `json:"provider"`
	Current      *Key     `json:"current"`
	Previous     *Key     `json:"previous"`
	Staged       *Key     `json:"staged"`
	SafeToRevoke []string `json:"safe_to_revoke"`
	Source       struct {
		Stale bool `json:"stale"`
	} `json:"source"`
	Circuit struct {
		Open    bool `json:"open"`
		Holding int  `json:"holding"`
	} `json:"circuit"`
}

// Key is one key of a replica.
type Key struct {
	Generation  uint64    `json:"generation"`
	Fingerprint string    `json:"fingerprint"`
	State       string    `json:"state"`
	LastUsed    time.Time `json:"last_used"`
	InFlight    int       `json:"in_flight"`
}

// Released reports whether the replica will not send the old key again: it names the key as safe
// to revoke, or it never had the old one.
func (s *Status) Released(old string) bool {
	if s.Current == nil || s.Current.Fingerprint == "" || s.Current.Fingerprint == old || s.Contradicts() {
		return false
	}
	return slices.Contains(s.SafeToRevoke, old) || s.Key(old) == nil && s.toldAll()
}

// toldAll reports whether the status has every key that the replica ever used: it counts as many
// as there were generations.
func (s *Status) toldAll() bool {
	used := map[string]bool{}
	for _, fp := range s.SafeToRevoke {
		used[fp] = true
	}
	for _, k := range []*Key{s.Current, s.Previous} {
		if k != nil && k.Generation > 0 {
			used[k.Fingerprint] = true
		}
	}
	return s.Current.Generation > 0 && uint64(len(used)) >= s.Current.Generation
}

// Contradicts reports whether the status cannot be true: a key that is in use, or that the source
// offers, is not safe to revoke.
func (s *Status) Contradicts() bool {
	return slices.ContainsFunc(s.SafeToRevoke, func(fp string) bool {
		k := s.Key(fp)
		return s.Current != nil && s.Current.Fingerprint == fp || k != nil && (k.InFlight > 0 || k == s.Staged)
	})
}

// Describe says for a person what the replica does with the old key.
func (s *Status) Describe(old string) string {
	if s.Current == nil {
		return "reports no current key"
	}
	text := fmt.Sprintf("generation %d, %s is current", s.Current.Generation, SafeFingerprint(s.Current.Fingerprint))
	switch k := s.Key(old); {
	case s.Released(old):
		return text + "; the old key is released"
	case s.Contradicts():
		return text + "; it contradicts itself: it names a key safe to revoke and uses it"
	case s.Current.Fingerprint == old:
		return text + ", which is the old key" + s.obstacle()
	case k == nil:
		return text + "; the old key is not yet named safe to revoke"
	case k.LastUsed.IsZero():
		return text + fmt.Sprintf("; old key: %d in flight", k.InFlight)
	default:
		return text + fmt.Sprintf("; old key: %d in flight, last used %s", k.InFlight, cli.Time(k.LastUsed))
	}
}

// obstacle says why the replica may still use the old key; "" if nothing is known.
func (s *Status) obstacle() string {
	switch known := []string{"staged", "verified", "rejected"}; {
	case s.Source.Stale:
		return "; it cannot read its key source"
	case s.Staged != nil && slices.Contains(known, s.Staged.State):
		return "; " + SafeFingerprint(s.Staged.Fingerprint) + " is " + s.Staged.State
	}
	return ""
}

// Key returns the key of that fingerprint, or nil.
func (s *Status) Key(fingerprint string) *Key {
	for _, k := range []*Key{s.Current, s.Previous, s.Staged} {
		if k != nil && k.Fingerprint == fingerprint {
			return k
		}
	}
	return nil
}

// SafeFingerprint returns a replica's fingerprint if it is one. Anything else could steer the
// terminal, or be a key.
func SafeFingerprint(fp string) string {
	if !isFingerprint(fp) {
		return "a key without a fingerprint"
	}
	return fp
}

func isFingerprint(fp string) bool {
	return fp != "" && len(fp) <= 64 && strings.Trim(fp, "0123456789abcdef") == ""
}

// decode reads a status or a list of them, without those that report no key.
func decode(data []byte) ([]*Status, error) {
	var list []*Status
	if err := json.Unmarshal(data, &list); err != nil {
		var one Status
		if json.Unmarshal(data, &one) != nil {
			return nil, errors.New("the answer is not the JSON of a Keyring.Status()")
		}
		list = []*Status{&one}
	}
	return slices.DeleteFunc(list, func(s *Status) bool { return s == nil || s.Current == nil }), nil
}

// Of returns the status of a provider's ring. Of several it prefers one that has not released the
// old key, since a process is as far as its last ring, and then one that knows a key of this rotation.
func Of(list []*Status, provider, old string, others ...string) (*Status, error) {
	list = slices.DeleteFunc(slices.Clone(list), func(s *Status) bool { return s.Provider != provider && s.Provider != "" })
	if len(list) == 0 {
		return nil, fmt.Errorf("the answer reports no key of %s", provider)
	}
	if i := slices.IndexFunc(list, func(s *Status) bool { return s.Knows(old) && !s.Released(old) }); i >= 0 {
		return list[i], nil
	}
	known := append([]string{old}, others...)
	return list[max(slices.IndexFunc(list, func(s *Status) bool { return slices.ContainsFunc(known, s.Knows) }), 0)], nil
}

// Knows reports whether a key is in the status.
func (s *Status) Knows(fp string) bool {
	return s.Key(fp) != nil || slices.Contains(s.SafeToRevoke, fp)
}
