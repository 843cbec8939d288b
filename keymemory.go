package keyfit

import (
	"maps"
	"slices"
	"sync"
	"time"
	"weak"

	"github.com/keyfit/keyfit/internal/keyring"
	"github.com/keyfit/keyfit/internal/redact"
)

// keyMemory knows the keys of a family: a client, the clients that [Client.With] derives from
// it, and the calls with a key of their own. A provider, or a cache in front of it, may echo the
// key of one in the answer to another, so the texts of all are redacted of the keys of all.
//
// It knows every key that a ring of the family holds, and for [keyMemoryTime] at least what one
// has held or was offered and what a call was made with; of those, the last [maxHeld]. Rings are
// known weakly: a derived client that is dropped leaves its keys for that time only. What it
// costs depends on the rings that have changed, not on their number.
//
// The nil keyMemory knows nothing. A keyMemory is safe for concurrent use.
type keyMemory struct {
	index redact.Index
	news  *ringNews // of the rings of the family
	fixed []string  // what the scheme sends beside the keys

	mu    sync.Mutex
	rings map[weak.Pointer[Keyring]]uint64 // how many keys of each have been read
	sweep int                              // of rings, before those that are gone are forgotten
	held  map[string]heldKey               // by fingerprint
	epoch uint64                           // counts the keys that came
	limit int                              // of held, before the next eviction
}

func newKeyMemory(scheme Scheme) *keyMemory {
	m := &keyMemory{news: new(ringNews)}
	if s, ok := scheme.(interface{ secrets() []string }); ok {
		m.fixed = s.secrets()
		m.index.Add(m.fixed...)
	}
	return m
}

type heldKey struct {
	cred Credential
	at   time.Time // when it was last known to be held
}

const (
	// maxHeld is how many keys are remembered that no ring of the family holds any more.
	maxHeld = 1024
	// keyMemoryTime is how long such a key is remembered at least, if there are fewer.
	keyMemoryTime = time.Hour
)

// know makes a ring part of the family.
func (m *keyMemory) know(ring *Keyring) {
	if m == nil || ring == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rings == nil {
		m.rings = make(map[weak.Pointer[Keyring]]uint64)
	}
	p := weak.Make(ring)
	if _, known := m.rings[p]; known {
		return
	}
	if len(m.rings) >= m.sweep {
		maps.DeleteFunc(m.rings, func(p weak.Pointer[Keyring], _ uint64) bool { return p.Value() == nil })
		m.sweep = 2*len(m.rings) + 16
	}
	m.rings[p] = 0
	ring.past.tell(p, m.news)
}

// use remembers the key of a ring that a single call has.
func (m *keyMemory) use(ring *Keyring) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hold(ring.engine.Keys())
	m.evict()
}

// sync reads the rings that have changed, and returns the number of keys that have come so
// far. After it the index knows every key.
func (m *keyMemory) sync() uint64 {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.news.take() {
		ring := p.Value()
		if ring == nil {
			continue
		}
		keys, came := ring.past.since(m.rings[p])
		m.rings[p] = came
		m.hold(keys)
		m.hold(ring.engine.Keys())
	}
	m.evict()
	return m.epoch
}

// hold remembers keys. mu is held.
func (m *keyMemory) hold(keys []keyring.Key) {
	if m.held == nil {
		m.held = make(map[string]heldKey)
	}
	now := time.Now()
	for _, k := range keys {
		known, ok := m.held[k.Fingerprint]
		if !ok {
			known.cred = credentialOf(k)
			m.index.Add(known.cred.ID.Reveal(), known.cred.Key.Reveal())
			m.epoch++
		}
		known.at = now
		m.held[k.Fingerprint] = known
	}
}

// evict forgets the keys that no ring holds, the oldest first, once there are too many. It
// waits until a quarter more has come, so that its cost is shared by many. mu is held.
func (m *keyMemory) evict() {
	if len(m.held) <= max(m.limit, maxHeld) {
		return
	}
	live := make(map[string]bool)
	for p := range m.rings {
		if ring := p.Value(); ring != nil {
			for _, k := range ring.engine.Keys() {
				live[k.Fingerprint] = true
				if h, known := m.held[k.Fingerprint]; known {
					h.at = time.Now()
					m.held[k.Fingerprint] = h
				}
			}
		}
	}
	var others []string
	for fingerprint := range m.held {
		if !live[fingerprint] {
			others = append(others, fingerprint)
		}
	}
	slices.SortFunc(others, func(a, b string) int { return m.held[b].at.Compare(m.held[a].at) })
	for _, old := range others[min(len(others), maxHeld*3/4):] {
		delete(m.held, old)
	}
	m.limit = len(live) + maxHeld
	secrets := slices.Grow(slices.Clone(m.fixed), 2*len(m.held))
	for _, h := range m.held {
		secrets = append(secrets, h.cred.ID.Reveal(), h.cred.Key.Reveal())
	}
	m.index.Reset(secrets)
}

// redactor returns a redactor of the credentials and of every key of the family.
func (m *keyMemory) redactor(creds []Credential) redact.Redactor {
	if m == nil {
		return redactorOf(creds...)
	}
	m.sync()
	return redactorOf(creds...).Also(&m.index)
}
