package mockserver

import (
	"fmt"
	"strings"
	"sync"
)

// slab allocates records and IDs in blocks, which makes a million keys cheap for
// the garbage collector. Its first blocks are small, because most tests issue few
// keys.
type slab struct {
	mu      sync.Mutex
	records []record
	made    int

	ids  []string // of the numbers from on, parts of one string
	from uint64
}

const maxSlab = 128

// record returns a new record. A block is freed as a whole, so short-lived records
// must not come from here.
func (s *slab) record() *record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) == 0 {
		s.records = make([]record, min(max(1, s.made), maxSlab))
	}
	r := &s.records[0]
	s.records = s.records[1:]
	s.made++
	return r
}

// id returns the ID of a number. The caller holds the lock of Keys.
func (s *slab) id(prefix string, seq uint64) string {
	if i := seq - s.from; seq >= s.from && i < uint64(len(s.ids)) {
		return s.ids[i]
	}
	s.from, s.ids = seq, s.ids[:0]
	var b strings.Builder
	ends := make([]int, 0, maxSlab)
	for i := range min(max(1, seq/2), maxSlab) {
		_, _ = fmt.Fprintf(&b, "%skey_%06d", prefix, seq+i) // a Builder does not fail
		ends = append(ends, b.Len())
	}
	all, start := b.String(), 0
	for _, end := range ends {
		s.ids = append(s.ids, all[start:end])
		start = end
	}
	return s.ids[0]
}
