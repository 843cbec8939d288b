package mockserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
	"github.com/keyfit/keyfit/mockserver/internal/statefile"
	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

const (
	stateFormat  = "keyfit-mock-state"
	stateVersion = 3
	dataVersion  = 2 // the first that has the vendors' data
)

// State is what a server remembers, as one JSON document: the state file, an
// export, an import and a fixture under version control are all this. It holds
// SHA-256 sums of keys and never a value. Requests, rate-limit windows and what
// a vendor's mock derives from seed and clock are not in it; nor is the data of
// a vendor whose data is as at the start.
//
// Version 1 had no data: restoring such a document leaves the data as it is.
// Versions 1 and 2 had no fingerprints: a key from such a document has none
// until it is used.
type State struct {
	Format     string           `json:"format"`  // "keyfit-mock-state"
	Version    int              `json:"version"` // 3
	Namespaces []NamespaceState `json:"namespaces"`
}

// NamespaceState is one namespace at rest. Its keys' IDs are written without
// the namespace's name, so that it can be restored into another one.
type NamespaceState struct {
	Name      string                     `json:"name"` // "default" is the default one
	Clock     ClockState                 `json:"clock,omitzero"`
	Providers map[Provider]ProviderState `json:"providers,omitempty"`
	Keys      []KeyState                 `json:"keys"`
	Faults    []FaultState               `json:"faults,omitempty"`
	Data      map[Provider]DataState     `json:"data,omitempty"` // of vendors whose data changed
}

// ProviderState is what was changed about one vendor.
type ProviderState struct {
	Limit   Limit   `json:"limit"`
	Profile Profile `json:"profile"`
}

// KeyState is one key at rest.
type KeyState struct {
	ID           string      `json:"id"`
	Provider     Provider    `json:"provider"`
	Kind         KeyKind     `json:"kind"`
	SHA256       string      `json:"sha256"` // hex; of the value as the client sends it
	Fingerprint  string      `json:"fingerprint,omitempty"`
	Name         string      `json:"name,omitempty"`
	Contact      string      `json:"contact,omitempty"`
	Scopes       []string    `json:"scopes,omitempty"`
	Access       AccessType  `json:"access,omitempty"`
	User         string      `json:"user,omitempty"`
	Attributes   []string    `json:"attributes,omitempty"` // Optimove: all that it shares
	Channels     []int       `json:"channels,omitempty"`   // Optimove: all that are enabled
	Grant        *OAuthGrant `json:"grant,omitempty"`
	Limit        *Limit      `json:"limit,omitempty"`
	Life         Duration    `json:"life,omitzero"`  // what a rotation gives anew
	Until        time.Time   `json:"until,omitzero"` // or the fixed end that it keeps
	Created      time.Time   `json:"created"`
	Expires      time.Time   `json:"expires,omitzero"`
	LastUsed     time.Time   `json:"lastUsed,omitzero"`
	Revoked      time.Time   `json:"revoked,omitzero"`
	RevokeReason string      `json:"revokeReason,omitempty"`
	Replaces     string      `json:"replaces,omitempty"`
	ReplacedBy   string      `json:"replacedBy,omitempty"`
	Partner      string      `json:"partner,omitempty"` // of a pair: the token issued with it
}

// FaultState is one injection at rest. A probability draws anew after a
// restore.
type FaultState struct {
	ID    string `json:"id"`
	Match Match  `json:"match"`
	Fault Fault  `json:"fault"`
	When  []When `json:"when,omitempty"`
	Seen  int    `json:"seen,omitempty"`
	Hits  int    `json:"hits,omitempty"`
}

// ErrNewerState says that a state document was written by a newer keyfit.
var ErrNewerState = errors.New("written by a newer keyfit")

// ParseState reads a state document. It fails, saying what is wrong and where,
// on one that is cut short, of another shape or from a newer version
// (ErrNewerState); it never reads a part.
func ParseState(data []byte) (State, error) {
	var head struct {
		Format  json.RawMessage `json:"format"`
		Version json.RawMessage `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil && !strictjson.IsWrongType(err) {
		return State{}, fmt.Errorf("state: %w", strictjson.Explain(err, len(data)))
	}
	if string(head.Format) != strconv.Quote(stateFormat) {
		return State{}, fmt.Errorf("state: it is no state document: its format is not %q", stateFormat)
	}
	switch version, err := strconv.Atoi(string(head.Version)); {
	case err != nil || version < 1:
		return State{}, errors.New("state: it has no version")
	case version > stateVersion:
		return State{}, fmt.Errorf("state: version %d is %w, this one reads up to %d", version, ErrNewerState, stateVersion)
	}
	var st State
	if err := strictjson.Decode(data, &st); err != nil {
		return State{}, fmt.Errorf("state: %w", err)
	}
	return st, nil
}

// Encode writes the document, indented: readable, and quiet in a diff.
func (st State) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(st, "", " ")
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return append(data, '\n'), nil
}

// Snapshot returns the namespace at rest, as a document with one namespace.
func (n *Namespace) Snapshot() State {
	return State{Format: stateFormat, Version: stateVersion, Namespaces: []NamespaceState{n.show()}}
}

// Restore makes the namespace what the document's one namespace was, whatever
// its name. It checks everything before it changes anything. Rate-limit
// windows start anew; requests stay.
func (n *Namespace) Restore(st State) error {
	if len(st.Namespaces) != 1 {
		return fmt.Errorf("mockserver: restore: the document has %d namespaces, one is wanted here", len(st.Namespaces))
	}
	if err := n.restore(&st.Namespaces[0], st.Version >= dataVersion); err != nil {
		return fmt.Errorf("mockserver: restore: %w", err)
	}
	if err := n.srv.file.Flush(); err != nil {
		return fmt.Errorf("mockserver: restore: %w", err)
	}
	return nil
}

// SnapshotAll returns every namespace at rest.
func (s *Server) SnapshotAll() State {
	st := State{Format: stateFormat, Version: stateVersion}
	for _, n := range s.Namespaces() {
		st.Namespaces = append(st.Namespaces, n.show())
	}
	return st
}

// RestoreAll makes the server what the document says. Namespaces that it does
// not name are deleted; the default one is reset. It checks everything before
// it changes anything.
func (s *Server) RestoreAll(st State) error {
	if err := s.restoreAll(st); err != nil {
		return fmt.Errorf("mockserver: restore: %w", err)
	}
	if err := s.file.Flush(); err != nil {
		return fmt.Errorf("mockserver: restore: %w", err)
	}
	return nil
}

func (s *Server) restoreAll(st State) error {
	named, sums := make(map[string]bool), make(map[string]string)
	for i := range st.Namespaces {
		ns := &st.Namespaces[i]
		name := ns.Name
		if name == DefaultNamespace {
			name = ""
		}
		if named[name] {
			return fmt.Errorf("namespace %q stands in it twice", ns.Name)
		}
		named[name] = true
		if name != "" {
			if err := validNamespace(name, s.vendors); err != nil {
				return err
			}
		}
		if _, err := newNamespace(s, name).revive(ns); err != nil {
			return fmt.Errorf("namespace %q: %w", ns.Name, err)
		}
		for _, k := range ns.Keys {
			if other, taken := sums[k.SHA256]; taken {
				return fmt.Errorf("namespaces %q and %q have the same key", other, ns.Name)
			}
			sums[k.SHA256] = ns.Name
		}
	}
	for _, n := range s.Namespaces() { // first all out, then all in: keys may have moved
		if !named[n.name] && n.name != "" {
			s.forget(n)
		}
		n.keys.replace(nil, 0)
	}
	if !named[""] {
		st.Namespaces = append(st.Namespaces, NamespaceState{Name: DefaultNamespace})
	}
	for i := range st.Namespaces {
		if err := s.InNamespace(st.Namespaces[i].Name).restore(&st.Namespaces[i], st.Version >= dataVersion); err != nil {
			return err
		}
	}
	return nil
}

// newStateFile keeps the whole server in the file of WithStateFile.
func (s *Server) newStateFile() *statefile.File {
	return statefile.New(statefile.Config{
		Path:     s.opts.statePath,
		Snapshot: func() ([]byte, error) { return s.SnapshotAll().Encode() },
		Load: func(data []byte) error {
			st, err := ParseState(data)
			if err != nil {
				return err
			}
			return s.restoreAll(st)
		},
		After: clock.AfterMachineTime,
		OnError: func(err error) {
			if s.opts.logger != nil {
				s.opts.logger.Error("mock state not saved", "error", err)
			}
		},
	})
}
