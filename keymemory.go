package keyfit

import (
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
// known weakly: a derived client that is dropped leaves its keys for that time only.
//
// The nil keyMemory knows nothing. A keyMemory is safe for concurrent use.
type keyMemory struct {
	index redact.Index

	mu    sync.Mutex
	rings map[weak.Pointer[Keyring]]uint64 // how many keys of each have been read
	held  map[string]heldKey               // by fingerprint
	epoch uint64                           // counts the keys that came
	limit int                              // of held, before the next eviction
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

// pastKeys are the keys that a ring has or had, whether they became current or not. They are
// kept by the rules of a [keyMemory], which reads them when there is something to redact: a
// rotation costs nothing else.
type pastKeys struct {
	mu   sync.Mutex
	keys []pastKey
	came uint64 // how many came in all
}

type pastKey struct {
	keyring.Key
	at time.Time
}

// add remembers keys; the zero Key is none.
func (past *pastKeys) add(keys ...keyring.Key) {
	past.mu.Lock()
	defer past.mu.Unlock()
	now := time.Now()
	for _, k := range keys {
		if k.Fingerprint == "" || len(past.keys) > 0 && past.keys[len(past.keys)-1].Fingerprint == k.Fingerprint {
			continue
		}
		past.keys = append(past.keys, pastKey{k, now})
		past.came++
	}
	for len(past.keys) > maxHeld || len(past.keys) > 1 && now.Sub(past.keys[1].at) > keyMemoryTime { // since it was replaced
		past.keys = past.keys[1:]
	}
}

// since returns the keys that came after the first n, and how many have come.
func (past *pastKeys) since(n uint64) (keys []keyring.Key, came uint64) {
	past.mu.Lock()
	defer past.mu.Unlock()
	fresh := min(past.came-n, uint64(len(past.keys)))
	for _, k := range past.keys[uint64(len(past.keys))-fresh:] {
		keys = append(keys, k.Key)
	}
	return keys, past.came
}

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
	if _, known := m.rings[p]; !known {
		m.rings[p] = 0
	}
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
	for p, last := range m.rings {
		ring := p.Value()
		if ring == nil {
			delete(m.rings, p)
			continue
		}
		if keys, came := ring.past.since(last); came != last {
			m.rings[p] = came
			m.hold(keys)
			m.hold(ring.engine.Keys())
		}
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
	secrets := make([]string, 0, 2*len(m.held))
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
