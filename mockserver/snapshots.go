package mockserver

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrNoSuchSnapshot is returned for the name of no snapshot.
var ErrNoSuchSnapshot = errors.New("no such snapshot")

// maxSnapshots bounds the snapshots of a namespace, each of which may be large.
const maxSnapshots = 100

// SavedSnapshot describes a snapshot that SaveSnapshot took.
type SavedSnapshot struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"` // mock clock
	Keys int       `json:"keys"`
}

// snapshots are the named states of a namespace. They are kept in memory.
type snapshots struct {
	mu  sync.Mutex
	all map[string]savedState
}

type savedState struct {
	SavedSnapshot

	state State
}

// SaveSnapshot keeps the state of the namespace under a name, in the place of a snapshot
// of that name: keys, clock, limits, profiles, faults and data, as Snapshot returns
// them. RestoreSnapshot goes back to it, any number of times. Snapshots are kept in
// memory, at most 100, and end with the server; for a file, use Snapshot. The name has 1
// to 63 of a-z, A-Z, 0-9, '-', '_' and '.'.
func (n *Namespace) SaveSnapshot(name string) error {
	_, err := n.saveSnapshot(name)
	return err
}

func (n *Namespace) saveSnapshot(name string) (SavedSnapshot, error) {
	if !validSnapshot(name) {
		return SavedSnapshot{}, fmt.Errorf("mockserver: snapshot %.300q: a name has 1 to 63 of a-z, A-Z, 0-9, '-', '_' and '.'", name)
	}
	st := n.Snapshot()
	s := savedState{SavedSnapshot{name, n.clock.Now(), len(st.Namespaces[0].Keys)}, st}
	n.saved.mu.Lock()
	defer n.saved.mu.Unlock()
	if _, there := n.saved.all[name]; !there && len(n.saved.all) >= maxSnapshots {
		return SavedSnapshot{}, fmt.Errorf("mockserver: snapshot %q: there are %d already; drop some", name, maxSnapshots)
	}
	if n.saved.all == nil {
		n.saved.all = make(map[string]savedState)
	}
	n.saved.all[name] = s
	return s.SavedSnapshot, nil
}

func validSnapshot(name string) bool {
	return name != "" && len(name) <= 63 && name != "." && name != ".." && !strings.ContainsFunc(name, func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		return !letter && !strings.ContainsRune("-_.", c)
	})
}

// RestoreSnapshot returns the namespace to a snapshot, as Restore does: requests stay.
// It fails with ErrNoSuchSnapshot.
func (n *Namespace) RestoreSnapshot(name string) error {
	n.saved.mu.Lock()
	s, ok := n.saved.all[name]
	n.saved.mu.Unlock()
	if !ok {
		return fmt.Errorf("mockserver: snapshot %.300q: %w", name, ErrNoSuchSnapshot)
	}
	return n.Restore(s.state)
}

// Snapshots lists the snapshots by name.
func (n *Namespace) Snapshots() []SavedSnapshot {
	n.saved.mu.Lock()
	defer n.saved.mu.Unlock()
	out := make([]SavedSnapshot, 0, len(n.saved.all))
	for _, name := range slices.Sorted(maps.Keys(n.saved.all)) {
		out = append(out, n.saved.all[name].SavedSnapshot)
	}
	return out
}

// DropSnapshot forgets a snapshot. It fails with ErrNoSuchSnapshot.
func (n *Namespace) DropSnapshot(name string) error {
	n.saved.mu.Lock()
	defer n.saved.mu.Unlock()
	if _, ok := n.saved.all[name]; !ok {
		return fmt.Errorf("mockserver: snapshot %.300q: %w", name, ErrNoSuchSnapshot)
	}
	delete(n.saved.all, name)
	return nil
}

func snapshotRoutes() []adminRoute {
	const path = nsPath + "/snapshots"
	return []adminRoute{
		{method: "GET", path: path, summary: "List snapshots by name", out: page[SavedSnapshot]{}, handle: adminSnapshots},
		{method: "POST", path: path, summary: "Keep the state of a namespace in memory under a name", in: snapshotBody{}, out: SavedSnapshot{}, status: http.StatusCreated, handle: adminSaveSnapshot},
		{method: "POST", path: path + "/{name}/restore", summary: "Return to a snapshot; requests stay", out: namespaceView{}, handle: adminRestoreSnapshot},
		{method: "DELETE", path: path + "/{name}", summary: "Forget a snapshot", handle: func(c *adminCall) (any, error) { return nil, c.ns.DropSnapshot(c.PathValue("name")) }},
	}
}

type snapshotBody struct {
	Name string `json:"name" doc:"default if absent"`
}

func adminSnapshots(c *adminCall) (any, error) {
	return page[SavedSnapshot]{Items: c.ns.Snapshots()}, nil
}

func adminSaveSnapshot(c *adminCall) (any, error) {
	in := snapshotBody{Name: "default"}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	return c.ns.saveSnapshot(in.Name)
}

func adminRestoreSnapshot(c *adminCall) (any, error) {
	if err := c.ns.RestoreSnapshot(c.PathValue("name")); err != nil {
		return nil, err
	}
	return viewNamespace(c.ns), nil
}
