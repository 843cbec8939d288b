package mockserver

import (
	"bytes"
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
	stateVersion = 4
	dataVersion  = 2 // the first that has the vendors' data
)

// State is the state of a server as one JSON document, for the state file, for
// export and import, and for fixtures under version control. It holds SHA-256
// sums and fingerprints of keys and never a value. It does not hold requests,
// rate-limit windows, what a vendor's mock derives from seed and clock, and the
// data of a vendor whose data was never changed.
//
// Versions 1 to 3 still load. Version 1 had no data: restoring such a document does not change the data.
// Versions 1 and 2 had no fingerprints: a key from such a document has none
// until it is used.
type State struct {
	Format     string           `json:"format"`  // "keyfit-mock-state"
	Version    int              `json:"version"` // 4
	Namespaces []NamespaceState `json:"namespaces"`
	// Changes is set in the state file of a running server whose changes are appended to a
	// file beside it: the document alone is not the state, so Restore refuses it.
	Changes bool `json:"changes,omitempty"`
}

// NamespaceState is the state of one namespace. The IDs of its keys are without
// the namespace's name, so that it can be restored into another namespace.
type NamespaceState struct {
	Name      string                     `json:"name"` // "default" is the default namespace
	Clock     ClockState                 `json:"clock,omitzero"`
	Providers map[Provider]ProviderState `json:"providers,omitempty"`
	Keys      []KeyState                 `json:"keys"`
	Faults    []FaultState               `json:"faults,omitempty"`
	Data      map[Provider]DataState     `json:"data,omitempty"` // of vendors whose data changed
}

// ProviderState is the limit and profile of a vendor, if they were changed.
type ProviderState struct {
	Limit   Limit   `json:"limit"`
	Profile Profile `json:"profile"`
}

// KeyState is the state of one key.
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
	Attributes   []string    `json:"attributes,omitempty"` // Optimove: nil is all
	Channels     []int       `json:"channels,omitempty"`   // Optimove: nil is all
	Lasting      bool        `json:"lasting,omitempty"`    // Reset leaves it
	Grant        *OAuthGrant `json:"grant,omitempty"`
	Limit        *Limit      `json:"limit,omitempty"`
	Life         Duration    `json:"life,omitzero"`  // starts again with a rotation
	Until        time.Time   `json:"until,omitzero"` // or the fixed expiry that a rotation keeps
	Created      time.Time   `json:"created"`
	Expires      time.Time   `json:"expires,omitzero"`
	LastUsed     time.Time   `json:"lastUsed,omitzero"`
	Revoked      time.Time   `json:"revoked,omitzero"`
	Suspended    time.Time   `json:"suspended,omitzero"`
	RevokeReason string      `json:"revokeReason,omitempty"`
	Replaces     string      `json:"replaces,omitempty"`
	ReplacedBy   string      `json:"replacedBy,omitempty"`
	Partner      string      `json:"partner,omitempty"` // of a pair: the token issued with it
}

// FaultState is the state of one injection. After a restore a probability is drawn
// from the start of its seed.
type FaultState struct {
	ID    string `json:"id"`
	Match Match  `json:"match"`
	Fault Fault  `json:"fault"`
	When  []When `json:"when,omitempty"`
	Seen  int    `json:"seen,omitempty"`
	Hits  int    `json:"hits,omitempty"`
}

// ErrNewerState means that a state document was written by a newer keyfit.
var ErrNewerState = errors.New("written by a newer keyfit")

// ParseState reads a state document. It fails on one that is cut short, of another
// shape or from a newer version (ErrNewerState), and then reads nothing. The
// error says what is wrong and where.
func ParseState(data []byte) (State, error) {
	data = strictjson.Bare(data)
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
	if err := refuseNull(data); err != nil {
		return State{}, fmt.Errorf("state: %w", err)
	}
	var st State
	if err := strictjson.Decode(data, &st); err != nil {
		return State{}, fmt.Errorf("state: %w", err)
	}
	return st, nil
}

// refuseNull returns an error for a null in the place of namespaces or keys: it would be
// read as none, and all of them would be deleted.
func refuseNull(data []byte) error {
	if !bytes.Contains(data, []byte("null")) {
		return nil
	}
	var doc struct {
		Namespaces json.RawMessage `json:"namespaces"`
	}
	var spaces []map[string]json.RawMessage
	_ = json.Unmarshal(data, &doc) // strictjson says what is wrong
	if string(doc.Namespaces) == "null" {
		return errors.New("namespaces is null; [] is none")
	}
	_ = json.Unmarshal(doc.Namespaces, &spaces) // as above
	for i, ns := range spaces {
		if string(ns["keys"]) == "null" {
			return fmt.Errorf("namespaces[%d]: keys is null; [] is none", i)
		}
	}
	return nil
}

// Encode writes the document, indented.
func (st State) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(st, "", " ")
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return append(data, '\n'), nil
}

// Snapshot returns the state of the namespace, as a document with one namespace.
func (n *Namespace) Snapshot() State {
	return State{Format: stateFormat, Version: stateVersion, Namespaces: []NamespaceState{n.show()}}
}

// errPartOfState says that a document is the state file of a running server.
var errPartOfState = errors.New("it is the state file of a running mock, which has further changes in the file beside it; export the state of that mock, or stop it first")

// Restore sets the namespace to the state of the document's one namespace,
// whatever its name. It checks everything before it changes anything. New
// rate-limit windows start; requests stay. It fails if the state file could not be
// written; then nothing has changed.
func (n *Namespace) Restore(st State) error {
	if st.Changes {
		return fmt.Errorf("mockserver: restore: %w", errPartOfState)
	}
	if len(st.Namespaces) != 1 {
		return fmt.Errorf("mockserver: restore: the document has %d namespaces, one is wanted here", len(st.Namespaces))
	}
	before := n.memento()
	err := n.restore(&st.Namespaces[0], st.Version >= dataVersion)
	if err == nil {
		err = n.saveWhole(before)
	}
	if err != nil {
		return fmt.Errorf("mockserver: restore: %w", err)
	}
	return nil
}

// SnapshotAll returns the state of every namespace.
func (s *Server) SnapshotAll() State {
	st := State{Format: stateFormat, Version: stateVersion}
	for _, n := range s.Namespaces() {
		st.Namespaces = append(st.Namespaces, n.show())
	}
	return st
}

// RestoreAll sets the server to the state of the document. Namespaces that are not
// in it are deleted, the default one is reset. It checks everything before it
// changes anything, and undoes everything if the state file could not be written.
func (s *Server) RestoreAll(st State) error {
	if st.Changes {
		return fmt.Errorf("mockserver: restore: %w", errPartOfState)
	}
	before := make(map[*Namespace]memento)
	for _, n := range s.Namespaces() {
		before[n] = n.memento()
	}
	if err := s.restoreAll(st); err != nil {
		return fmt.Errorf("mockserver: restore: %w", err)
	}
	s.unsaved.everything()
	if err := s.file.Flush(); err != nil {
		s.recallAll(before)
		return fmt.Errorf("mockserver: restore: nothing was changed: %w", err)
	}
	for n := range before {
		if s.existing(n.title()) != n {
			n.origins.close(s)
		}
	}
	return nil
}

// recallAll makes the server what it was.
func (s *Server) recallAll(before map[*Namespace]memento) {
	for _, n := range s.Namespaces() { // remove all keys first: a key may have moved between namespaces
		n.keys.replace(nil, 0)
		if _, was := before[n]; !was {
			s.forget(n)
		}
	}
	for n, m := range before {
		s.remember(n, m)
	}
	s.unsaved.everything()
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
			return fmt.Errorf("namespace %q occurs twice", ns.Name)
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
	for _, n := range s.Namespaces() { // remove all keys first: a key may have moved between namespaces
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

// newStateFile returns the file of WithStateFile.
func (s *Server) newStateFile() *statefile.File {
	return statefile.New(statefile.Config{
		Path: s.opts.statePath,
		Snapshot: func(changes bool) ([]byte, error) {
			st := s.SnapshotAll()
			st.Changes = changes
			return st.Encode()
		},
		Changes: s.changes,
		Load: func(data []byte, changes [][]byte) error {
			st, err := ParseState(data)
			if err == nil && st.Changes && changes == nil {
				err = fmt.Errorf("what changed since it was written is missing: no %s.changes that belongs to it; bring that file back, "+
					"or take \"changes\" out of the document to do without", s.opts.statePath)
			}
			if err == nil {
				err = st.apply(changes)
			}
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
