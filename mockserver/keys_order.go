package mockserver

import (
	"cmp"
	"slices"
	"time"
)

// append adds a record with the highest number. The caller holds k.mu.
func (k *Keys) append(rec *record) {
	if len(k.order) > 2*len(k.byID)+64 { // more than half were forgotten
		k.order = slices.DeleteFunc(k.order, k.forgotten)
	}
	k.order = append(k.order, rec)
}

// forgotten reports whether a record of k.order is no longer stored.
func (k *Keys) forgotten(rec *record) bool { return k.byID[rec.id] != rec }

// inOrder returns the stored records in the order of issue. The caller holds k.mu.
func (k *Keys) inOrder() []*record {
	out := make([]*record, 0, len(k.byID))
	for _, rec := range k.order {
		if !k.forgotten(rec) {
			out = append(out, rec)
		}
	}
	return out
}

// page returns up to limit of the selected keys with a number above after, in the order
// of issue, and the number of the last one if there are more, else 0. Reading all pages
// takes time in proportion to the number of keys.
func (k *Keys) page(f KeyFilter, after uint64, limit int) (keys []Key, last uint64) {
	keys = []Key{}
	now := k.ns.clock.Now()
	k.mu.RLock()
	defer k.mu.RUnlock()
	from, _ := slices.BinarySearchFunc(k.order, after+1, func(r *record, seq uint64) int { return cmp.Compare(r.seq, seq) })
	for _, rec := range k.order[from:] {
		if k.forgotten(rec) || !f.selects(rec, now) {
			continue
		}
		if len(keys) == limit {
			return keys, last
		}
		keys, last = append(keys, rec.key(now)), rec.seq
	}
	return keys, 0
}

// selects reports whether the filter selects a record.
func (f *KeyFilter) selects(rec *record, now time.Time) bool {
	return (f.Provider == "" || rec.vendor.provider == f.Provider) && (f.Kind == "" || rec.spec.kind == f.Kind) &&
		(f.Name == "" || rec.now().name == f.Name) &&
		(f.Status == "" || rec.status(now) == f.Status) &&
		(f.UnusedSince.IsZero() || fromNano(rec.lastUsed.Load()).Before(f.UnusedSince))
}
