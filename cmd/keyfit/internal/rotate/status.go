package rotate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

// serviceStatus is what matters here of a service's Keyring.Status().
type serviceStatus struct {
	Provider     string      `json:"provider"`
	Current      *serviceKey `json:"current"`
	Previous     *serviceKey `json:"previous"`
	Staged       *serviceKey `json:"staged"`
	SafeToRevoke []string    `json:"safe_to_revoke"`
	Source       struct {
		Stale bool `json:"stale"`
	} `json:"source"`
}

// serviceKey is one key of a service.
type serviceKey struct {
	Generation  uint64    `json:"generation"`
	Fingerprint string    `json:"fingerprint"`
	State       string    `json:"state"`
	LastUsed    time.Time `json:"last_used"`
	InFlight    int       `json:"in_flight"`
}

// released reports whether the service will not send the old key again: it names the key as
// safe to revoke, or it was started with another key and never had the old one.
func (s *serviceStatus) released(old string) bool {
	holds := func(k *serviceKey) bool { return k != nil && k.Fingerprint == old }
	if s.Current == nil || s.Current.Fingerprint == "" || holds(s.Current) {
		return false
	}
	neverHad := s.Current.Generation == 1 && !holds(s.Previous) && !holds(s.Staged)
	return slices.Contains(s.SafeToRevoke, old) || neverHad
}

// describe says for a person what the service does with the old key.
func (s *serviceStatus) describe(old string) string {
	if s.Current == nil {
		return "reports no current key"
	}
	text := fmt.Sprintf("generation %d, %s is current", s.Current.Generation, safeFingerprint(s.Current.Fingerprint))
	switch k := s.key(old); {
	case s.released(old):
		return text + "; the old key is released"
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

// obstacle says why the service may still use the old key; "" if nothing is known.
func (s *serviceStatus) obstacle() string {
	switch known := []string{"staged", "verified", "rejected"}; {
	case s.Source.Stale:
		return "; it cannot read its key source"
	case s.Staged != nil && slices.Contains(known, s.Staged.State):
		return "; " + safeFingerprint(s.Staged.Fingerprint) + " is " + s.Staged.State
	}
	return ""
}

// key returns the key of that fingerprint, or nil.
func (s *serviceStatus) key(fingerprint string) *serviceKey {
	for _, k := range []*serviceKey{s.Current, s.Previous, s.Staged} {
		if k != nil && k.Fingerprint == fingerprint {
			return k
		}
	}
	return nil
}

// safeFingerprint returns a service's fingerprint if it is one. Anything else could steer the
// terminal, or be a key.
func safeFingerprint(fp string) string {
	if fp == "" || len(fp) > 64 || strings.Trim(fp, "0123456789abcdef") != "" {
		return "a key without a fingerprint"
	}
	return fp
}

// decodeStatus reads a status or a list of them, and returns the provider's. Of several it
// prefers one that knows a key of this rotation.
func decodeStatus(data []byte, provider string, fingerprints ...string) (*serviceStatus, error) {
	var list []serviceStatus
	if err := json.Unmarshal(data, &list); err != nil {
		var one serviceStatus
		if json.Unmarshal(data, &one) != nil {
			return nil, errors.New("the answer is not the JSON of a Keyring.Status()")
		}
		list = []serviceStatus{one}
	}
	list = slices.DeleteFunc(list, func(s serviceStatus) bool { return s.Current == nil || s.Provider != provider && s.Provider != "" })
	if len(list) == 0 {
		return nil, fmt.Errorf("the answer reports no key of %s", provider)
	}
	at := slices.IndexFunc(list, func(s serviceStatus) bool {
		return slices.ContainsFunc(fingerprints, func(fp string) bool { return s.key(fp) != nil || slices.Contains(s.SafeToRevoke, fp) })
	})
	return &list[max(at, 0)], nil
}
