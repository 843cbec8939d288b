package mockserver

import (
	"crypto/sha256"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

type digest [sha256.Size]byte

// hashCredential hashes without an allocation for keys of usual length.
func hashCredential(value string) digest {
	if len(value) <= 64 { // clearing a buffer takes time too
		var buf [64]byte
		return sha256.Sum256(buf[:copy(buf[:], value)])
	}
	var buf [512]byte
	if len(value) <= len(buf) {
		return sha256.Sum256(buf[:copy(buf[:], value)])
	}
	return sha256.Sum256([]byte(value))
}

// vault finds records by the hash of a presented value. It serves all namespaces
// of a server, because the key selects the namespace. It is sharded, so that
// readers of different keys rarely share a lock.
type vault struct {
	shapes  mockkey.Shapes               // of all credentials that the server makes
	stored  atomic.Uint64                // incremented with every stored credential
	lengths atomic.Pointer[[]int]        // of stored values that no mock made
	sent    atomic.Pointer[headerMemory] // the last one that an exchange kept
	shards  [64]struct {
		sync.RWMutex
		m map[digest]*record
	}
}

// maxLengths bounds the lengths that a redactor searches for.
const maxLengths = 16

// lengthen stores the length of a value that no mock made; a redactor needs it to
// find the value in a text.
func (vt *vault) lengthen(n int) {
	for n >= redact.MinSecret {
		old := vt.lengths.Load()
		next := vt.Lengths()
		if slices.Contains(next, n) || len(next) >= maxLengths {
			return
		}
		next = append(slices.Clone(next), n)
		if vt.lengths.CompareAndSwap(old, &next) {
			return
		}
	}
}

// Lengths implements redact.Known.
func (vt *vault) Lengths() []int {
	if l := vt.lengths.Load(); l != nil {
		return *l
	}
	return nil
}

// Stored implements redact.Known.
func (vt *vault) Stored(value string) bool { return vt.find(hashCredential(value)) != nil }

// Minted implements redact.Known.
func (vt *vault) Minted(text string) (from, to int) { return vt.shapes.Find(text) }

// Version implements redact.Known.
func (vt *vault) Version() uint64 { return vt.stored.Load() }

func (vt *vault) drop(r *record) {
	s := &vt.shards[r.hash[0]%64]
	s.Lock()
	delete(s.m, r.hash)
	s.Unlock()
}

func (vt *vault) find(h digest) *record {
	s := &vt.shards[h[0]%64]
	s.RLock()
	r := s.m[h]
	s.RUnlock()
	return r
}

// put stores r. It reports false if the value is stored already.
func (vt *vault) put(r *record) bool {
	s := &vt.shards[r.hash[0]%64]
	s.Lock()
	defer s.Unlock()
	if _, taken := s.m[r.hash]; taken {
		return false
	}
	if s.m == nil {
		s.m = make(map[digest]*record)
	}
	s.m[r.hash] = r
	vt.stored.Add(1)
	return true
}

// swap replaces the old records by the new ones; a value in both is never unknown
// in between. If a new value belongs to a record that is not old, swap returns
// the new record and changes nothing.
func (vt *vault) swap(old, next map[string]*record) *record {
	mine := make(map[*record]bool, len(old))
	for _, r := range old {
		mine[r] = true
	}
	for _, r := range next {
		if now := vt.find(r.hash); now != nil && !mine[now] {
			return r
		}
	}
	stays := make(map[digest]bool, len(next))
	for _, r := range next {
		stays[r.hash] = true
		s := &vt.shards[r.hash[0]%64]
		s.Lock()
		if s.m == nil {
			s.m = make(map[digest]*record)
		}
		s.m[r.hash] = r
		s.Unlock()
		vt.stored.Add(1)
	}
	for _, r := range old {
		if !stays[r.hash] {
			s := &vt.shards[r.hash[0]%64]
			s.Lock()
			delete(s.m, r.hash)
			s.Unlock()
		}
	}
	return nil
}
