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
func (sl *slab) record() *record {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if len(sl.records) == 0 {
		sl.records = make([]record, min(max(1, sl.made), maxSlab))
	}
	r := &sl.records[0]
	sl.records = sl.records[1:]
	sl.made++
	return r
}

// id returns the ID of a number. The caller holds the lock of Keys.
func (sl *slab) id(prefix string, seq uint64) string {
	if i := seq - sl.from; seq >= sl.from && i < uint64(len(sl.ids)) {
		return sl.ids[i]
	}
	sl.from, sl.ids = seq, sl.ids[:0]
	var b strings.Builder
	ends := make([]int, 0, maxSlab)
	for i := range min(max(1, seq/2), maxSlab) {
		_, _ = fmt.Fprintf(&b, "%skey_%06d", prefix, seq+i) // a Builder does not fail
		ends = append(ends, b.Len())
	}
	all, start := b.String(), 0
	for _, end := range ends {
		sl.ids = append(sl.ids, all[start:end])
		start = end
	}
	return sl.ids[0]
}
