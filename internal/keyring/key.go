package keyring

import (
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
)

// Key is a credential as the engine knows it. The zero Key stands for none.
type Key struct {
	Fingerprint string    // names the key; two keys with the same fingerprint are the same
	Expires     time.Time // zero if not known
	Issued      time.Time // zero if not known
	Place       string    // where the source found it; may be ""
	Version     string    // the source's name for it; may be ""
	Fixed       bool      // its place cannot have another one while the program runs
	Material    any       // the key itself, opaque to the engine
}

// sameDetails reports whether the source gives the same details of a key as before.
func (k Key) sameDetails(other Key) bool {
	return k.Expires.Equal(other.Expires) && k.Issued.Equal(other.Issued) && k.Version == other.Version && k.Place == other.Place
}

// Versions is all that a source knows.
type Versions struct {
	Current  Key // what the source wants used
	Previous Key // what Current replaced; zero if not known
	Pending  Key // what the source prepares; zero if nothing
}

// Generation is a key of a ring. Its number counts up from 1 as keys become current, and is
// never used twice; a key that has not been current has number 0.
type Generation struct {
	Key
	Number uint64
	Since  time.Time // when it came into its present state

	usage *usage
}

func newGeneration(k Key) Generation {
	return Generation{Key: k, Since: time.Now(), usage: &usage{met: time.Now()}}
}

// Begin records that an attempt with the key is about to be sent. [Generation.End] must
// follow.
func (g *Generation) Begin() { g.usage.inFlight.Add(1) }

// End records that an attempt is over that was sent at the given time by the ring's clock.
func (g *Generation) End(sent time.Duration) {
	if g.usage.accepted.Load() < sent {
		g.usage.sent.Observe(sent)
	}
	g.usage.inFlight.Add(-1)
}

// worksBetterThan reports whether a key was accepted when it was last tried, and other not.
func (g *Generation) worksBetterThan(other *Generation) bool {
	return other.usage.refusals.Load() > 0 && g.usage.refusals.Load() == 0 && g.usage.accepted.Load() != 0
}

// isUntried reports whether no attempt with the key has been answered yet.
func (g *Generation) isUntried() bool {
	return g.usage.refusals.Load() == 0 && g.usage.accepted.Load() == 0
}

// usage is what the calls with a key have shown. All generations of the key share it.
type usage struct {
	met      time.Time // when the ring first saw the key
	inFlight atomic.Int64
	sent     clock.Latest // when the last attempt was sent; one that was accepted is only in accepted
	accepted clock.Latest // when the last attempt was sent that was accepted
	vain     clock.Latest // when calls last waited in vain for another key than this one
	refusals atomic.Int32 // in a row
	served   routes       // what was answered with success
	denied   routes       // what was refused while other routes were not
}

// lastUsed returns when the last attempt was sent, whether it was accepted or not.
func (u *usage) lastUsed() time.Duration { return max(u.sent.Load(), u.accepted.Load()) }

// accept records that an attempt was accepted, and for which route; 0 for none.
func (u *usage) accept(sent time.Duration, route uint64) {
	u.accepted.Observe(sent)
	if u.refusals.Load() != 0 {
		u.refusals.Store(0)
	}
	if route != 0 {
		u.served.add(route)
		u.denied.drop(route)
	}
}

// routes is a set of routes that forgets old ones. It is a table without a lock, with two
// places in each row, the newer route first; a third route of a row replaces the older one.
// A forgotten route costs one replay that is not made, or one call that opens the circuit.
type routes [32][2]atomic.Uint64

func (rs *routes) row(route uint64) *[2]atomic.Uint64 { return &rs[route%uint64(len(rs))] }

func (rs *routes) add(route uint64) {
	row := rs.row(route)
	newer := row[0].Load()
	if newer == route {
		return
	}
	row[1].Store(newer)
	row[0].Store(route)
}

func (rs *routes) drop(route uint64) {
	for row, i := rs.row(route), 0; i < len(row); i++ {
		if row[i].Load() == route { // reading is cheaper than swapping, and nearly always enough
			row[i].CompareAndSwap(route, 0)
		}
	}
}

func (rs *routes) has(route uint64) bool {
	row := rs.row(route)
	return row[0].Load() == route || row[1].Load() == route
}
