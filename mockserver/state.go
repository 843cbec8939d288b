package mockserver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	stateFormat  = "keyfit-mock-state"
	stateVersion = 1
)

// State is what a server remembers, as one JSON document: the state file, an
// export, an import and a fixture under version control are all this. It holds
// SHA-256 sums of keys and never a value. Requests, rate-limit windows and the
// vendors' data are not in it.
type State struct {
	Format     string           `json:"format"`  // "keyfit-mock-state"
	Version    int              `json:"version"` // 1
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
}

// ProviderState is what was changed about one vendor.
type ProviderState struct {
	Limit   Limit   `json:"limit"`
	Profile Profile `json:"profile"`
}

// KeyState is one key at rest.
type KeyState struct {
	ID           string     `json:"id"`
	Provider     Provider   `json:"provider"`
	Kind         KeyKind    `json:"kind"`
	SHA256       string     `json:"sha256"` // hex; of the value as the client sends it
	Name         string     `json:"name,omitempty"`
	Contact      string     `json:"contact,omitempty"`
	Scopes       []string   `json:"scopes,omitempty"`
	Access       AccessType `json:"access,omitempty"`
	User         string     `json:"user,omitempty"`
	Limit        *Limit     `json:"limit,omitempty"`
	Life         Duration   `json:"life,omitzero"`  // what a rotation gives anew
	Until        time.Time  `json:"until,omitzero"` // or the fixed end that it keeps
	Created      time.Time  `json:"created"`
	Expires      time.Time  `json:"expires,omitzero"`
	LastUsed     time.Time  `json:"lastUsed,omitzero"`
	Revoked      time.Time  `json:"revoked,omitzero"`
	RevokeReason string     `json:"revokeReason,omitempty"`
	Replaces     string     `json:"replaces,omitempty"`
	ReplacedBy   string     `json:"replacedBy,omitempty"`
	Partner      string     `json:"partner,omitempty"` // of a pair: the token issued with it
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
		Format  *string `json:"format"`
		Version *int    `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return State{}, fmt.Errorf("state: %w", plainJSONError(err, len(data)))
	}
	switch {
	case head.Format == nil || *head.Format != stateFormat:
		return State{}, fmt.Errorf("state: it is no state document: its format is not %q", stateFormat)
	case head.Version == nil || *head.Version < 1:
		return State{}, errors.New("state: it has no version")
	case *head.Version > stateVersion:
		return State{}, fmt.Errorf("state: version %d is %w, this one reads up to %d", *head.Version, ErrNewerState, stateVersion)
	}
	var st State
	if err := strict(data, &st); err != nil {
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
// windows start anew; requests and the vendors' data stay.
func (n *Namespace) Restore(st State) error {
	if len(st.Namespaces) != 1 {
		return fmt.Errorf("mockserver: restore: the document has %d namespaces, one is wanted here", len(st.Namespaces))
	}
	if err := n.restore(&st.Namespaces[0]); err != nil {
		return fmt.Errorf("mockserver: restore: %w", err)
	}
	if err := n.srv.file.flush(); err != nil {
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
	if err := s.file.flush(); err != nil {
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
		if err := s.InNamespace(st.Namespaces[i].Name).restore(&st.Namespaces[i]); err != nil {
			return err
		}
	}
	return nil
}

// validNamespace checks a name that comes from outside: it must fit into a
// host name and must not be taken for a vendor.
func validNamespace(name string, rows []*vendor) error {
	ok := name != "" && len(name) <= 63 && name[0] != '-' && name[len(name)-1] != '-'
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return fmt.Errorf("namespace name %.70q: use up to 63 of a-z, 0-9 and '-', as in a host name", name)
	}
	for _, v := range rows {
		if string(v.provider) == name {
			return fmt.Errorf("namespace name %q is a provider's", name)
		}
	}
	return nil
}

// show describes the namespace.
func (n *Namespace) show() NamespaceState {
	out := NamespaceState{Name: n.title(), Clock: n.clock.show(), Keys: n.keys.show()}
	for i, v := range n.srv.vendors {
		if st := &n.vendors[i]; st.changed.Load() {
			if out.Providers == nil {
				out.Providers = make(map[Provider]ProviderState)
			}
			out.Providers[v.provider] = ProviderState{*st.limit.Load(), *st.profile.Load()}
		}
	}
	for _, i := range n.Injections() {
		i.mu.Lock()
		out.Faults = append(out.Faults, FaultState{i.ID, i.Match, i.Fault, i.When, i.seen, i.hits})
		i.mu.Unlock()
	}
	return out
}

// title is the name as it is written outside.
func (n *Namespace) title() string {
	if n.name == "" {
		return DefaultNamespace
	}
	return n.name
}

func (n *Namespace) restore(st *NamespaceState) error {
	alive, err := n.revive(st)
	if err != nil {
		return err
	}
	if taken := n.keys.replace(alive.keys, alive.seq); taken != nil {
		return fmt.Errorf("%s: the key is known in another namespace", strings.TrimPrefix(taken.id, n.prefix()))
	}
	n.faults.replace(alive.faults, alive.faultSeq)
	for i, v := range n.srv.vendors {
		n.configure(i, &n.srv.opts)
		if p, ok := st.Providers[v.provider]; ok {
			n.vendors[i].limit.Store(&p.Limit)
			n.vendors[i].profile.Store(&p.Profile)
			n.vendors[i].changed.Store(true)
		}
	}
	n.clock.restore(st.Clock)
	return nil
}

// revived is a namespace's state checked and made ready.
type revived struct {
	keys     map[string]*record
	seq      uint64
	faults   []*Injection
	faultSeq int
}

func (n *Namespace) revive(st *NamespaceState) (revived, error) {
	out := revived{keys: make(map[string]*record, len(st.Keys))}
	sums := make(map[digest]string, len(st.Keys))
	for i := range st.Keys {
		k := &st.Keys[i]
		rec, err := n.keys.revive(k)
		if err != nil {
			return out, fmt.Errorf("keys[%d]: %w", i, err)
		}
		if out.keys[rec.id] != nil {
			return out, fmt.Errorf("keys[%d]: %s stands in it twice", i, k.ID)
		}
		if other, taken := sums[rec.hash]; taken {
			return out, fmt.Errorf("keys[%d]: %s and %s are the same key", i, other, k.ID)
		}
		sums[rec.hash] = k.ID
		out.keys[rec.id] = rec
		out.seq = max(out.seq, rec.seq)
	}
	for i := range st.Keys {
		if p := st.Keys[i].Partner; p != "" {
			partner := out.keys[n.prefix()+p]
			if partner == nil || partner.spec.kind != KindToken {
				return out, fmt.Errorf("keys[%d]: partner %q is no token in it", i, p)
			}
			out.keys[n.prefix()+st.Keys[i].ID].partner = partner
		}
	}
	for p := range st.Providers {
		if n.srv.vendor(p) == nil {
			return out, fmt.Errorf("providers: %w: %q", ErrNoSuchVendor, p)
		}
	}
	for i, f := range st.Faults {
		number, ok := numbered(f.ID, "fault_")
		if !ok {
			return out, fmt.Errorf("faults[%d]: id %q is not of the form fault_1", i, f.ID)
		}
		if err := f.Fault.valid(); err != nil {
			return out, fmt.Errorf("faults[%d]: %w", i, err)
		}
		in := newInjection(n, f.Match, f.Fault, f.When)
		in.ID, in.seen, in.hits = f.ID, f.Seen, f.Hits
		out.faults = append(out.faults, in)
		out.faultSeq = max(out.faultSeq, int(number))
	}
	return out, nil
}

// show lists the keys at rest in the order of issue.
func (k *Keys) show() []KeyState {
	k.ops.Lock()
	defer k.ops.Unlock()
	k.mu.RLock()
	recs := make([]*record, 0, len(k.byID))
	for _, r := range k.byID {
		recs = append(recs, r)
	}
	k.mu.RUnlock()
	slices.SortFunc(recs, func(a, b *record) int { return int(a.seq) - int(b.seq) })
	out := make([]KeyState, 0, len(recs))
	for _, r := range recs {
		out = append(out, r.show())
	}
	return out
}

func (r *record) show() KeyState {
	l, bare := r.life.Load(), func(id string) string { return strings.TrimPrefix(id, r.ns.prefix()) }
	st := KeyState{
		ID: bare(r.id), Provider: r.vendor.provider, Kind: r.spec.kind, SHA256: hex.EncodeToString(r.hash[:]),
		Name: r.spec.name, Contact: r.spec.contact, Scopes: r.spec.scopes, Access: r.spec.access, User: r.spec.user,
		Limit: r.spec.limit, Life: Duration(r.spec.life), Until: r.spec.until,
		Created: r.created, Expires: fromNano(l.expires), LastUsed: fromNano(r.lastUsed.Load()),
		Revoked: fromNano(l.revoked), RevokeReason: l.reason,
		Replaces: bare(l.replaces), ReplacedBy: bare(l.replacedBy),
	}
	if r.partner != nil {
		st.Partner = bare(r.partner.id)
	}
	return st
}

// revive makes the record that show described.
func (k *Keys) revive(st *KeyState) (*record, error) {
	v := k.ns.srv.vendor(st.Provider)
	if v == nil {
		return nil, fmt.Errorf("%w: %q", ErrNoSuchVendor, st.Provider)
	}
	seq, ok := numbered(st.ID, "key_")
	if !ok {
		return nil, fmt.Errorf("id %q is not of the form key_000001", st.ID)
	}
	if !slices.Contains([]KeyKind{KindKey, KindPair, KindToken, KindBearer}, st.Kind) {
		return nil, fmt.Errorf("kind %q is none of key, pair, token, bearer", st.Kind)
	}
	sum, err := hex.DecodeString(st.SHA256)
	if err != nil || len(sum) != sha256.Size {
		return nil, errors.New("sha256 is not 64 hexadecimal digits")
	}
	full := func(id string) string {
		if id == "" {
			return ""
		}
		return k.ns.prefix() + id
	}
	spec := keySpec{kind: st.Kind, name: st.Name, contact: st.Contact, scopes: st.Scopes, scoped: true,
		access: st.Access, user: st.User, life: st.Life.std(), until: st.Until, limit: st.Limit}
	r := k.record(v, spec, st.Created)
	r.seq, r.id, r.hash = seq, full(st.ID), digest(sum)
	r.caller.KeyID = r.id
	r.lastUsed.Store(toNano(st.LastUsed))
	r.life.Store(&life{expires: toNano(st.Expires), revoked: toNano(st.Revoked), reason: st.RevokeReason,
		replaces: full(st.Replaces), replacedBy: full(st.ReplacedBy)})
	return r, nil
}

// numbered reads the number of an ID such as key_000001.
func numbered(id, prefix string) (uint64, bool) {
	digits, ok := strings.CutPrefix(id, prefix)
	n, err := strconv.ParseUint(digits, 10, 63)
	return n, ok && err == nil && n > 0
}

// replace puts other keys in the place of all of them. It returns a record
// whose value another namespace has, and changes nothing then.
func (k *Keys) replace(next map[string]*record, seq uint64) *record {
	k.ops.Lock()
	defer k.ops.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if next == nil {
		next = make(map[string]*record)
	}
	if taken := k.ns.srv.vault.swap(k.byID, next); taken != nil {
		return taken
	}
	k.byID, k.seq, k.tokens = next, seq, make(map[string][]*record)
	for _, r := range next {
		if r.spec.kind == KindToken {
			k.tokens[r.spec.user] = append(k.tokens[r.spec.user], r)
		}
	}
	return nil
}

// replace puts other injections in the place of all of them.
func (f *faults) replace(next []*Injection, seq int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq = max(f.seq, seq)
	if len(next) == 0 {
		f.list.Store(nil)
		return
	}
	f.list.Store(&next)
}
