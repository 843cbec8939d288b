package keyfit

import (
	"slices"
	"sync"
	"time"
	"weak"

	"github.com/keyfit/keyfit/internal/keyring"
)

// pastKeys are the keys that a ring has or had, whether they became current or not. They are
// kept by the rules of a [keyMemory], which reads them when there is something to redact: a
// rotation costs nothing else.
type pastKeys struct {
	mu    sync.Mutex
	keys  []pastKey
	came  uint64                   // how many came in all
	tells []weak.Pointer[ringNews] // what is told of further keys
	ring  weak.Pointer[Keyring]    // whose keys these are, once something is told
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
	for _, news := range past.tells {
		if to := news.Value(); to != nil {
			to.add(past.ring)
		}
	}
	for len(past.keys) > maxHeld || len(past.keys) > 1 && now.Sub(past.keys[1].at) > keyMemoryTime { // since it was replaced
		past.keys = past.keys[1:]
	}
}

// tell has a family told of the keys, of those so far too.
func (past *pastKeys) tell(of weak.Pointer[Keyring], news *ringNews) {
	past.mu.Lock()
	defer past.mu.Unlock()
	past.ring = of
	past.tells = slices.DeleteFunc(past.tells, func(old weak.Pointer[ringNews]) bool { return old.Value() == nil })
	past.tells = append(past.tells, weak.Make(news))
	news.add(of)
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

// ringNews are the rings that have keys which were not read yet. A ring refers to it weakly.
type ringNews struct {
	mu    sync.Mutex
	rings map[weak.Pointer[Keyring]]struct{}
}

func (news *ringNews) add(ring weak.Pointer[Keyring]) {
	news.mu.Lock()
	defer news.mu.Unlock()
	if news.rings == nil {
		news.rings = make(map[weak.Pointer[Keyring]]struct{})
	}
	news.rings[ring] = struct{}{}
}

// take returns the rings, and forgets them.
func (news *ringNews) take() map[weak.Pointer[Keyring]]struct{} {
	news.mu.Lock()
	defer news.mu.Unlock()
	rings := news.rings
	news.rings = nil
	return rings
}
