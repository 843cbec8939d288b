package optimove

import (
	"context"
	"fmt"
)

// The largest batches of one call, as Optimove's pages have them.
const (
	// MaxCustomers is how many customers one call may update or insert.
	MaxCustomers = 1000
	// MaxAttributes is how many attributes one call may set of each customer.
	MaxAttributes = 10
	// MaxPromotions is how many promotions one call may add.
	MaxPromotions = 100
	// MaxInteractions is how many customers one call of UpdateInteractions may name.
	MaxInteractions = 10_000
	// MaxRecipients is how many recipients one transactional mail may have.
	MaxRecipients = 200
	// MaxEntries is how many templates, apps or metrics one call may have. No page says
	// so; a public client keeps to it.
	MaxEntries = 100
)

// Progress tells how far a split batch has come.
type Progress struct {
	Done     int // entries that Optimove has taken
	Total    int // entries altogether
	Requests int // calls made so far
}

// BatchError says that a split batch ended early. Optimove has taken the first Done of
// Total entries; of those in the call that failed it may have taken some.
type BatchError struct {
	Done, Total int
	Err         error // what ended it
}

// Error is one line.
func (e *BatchError) Error() string {
	return fmt.Sprintf("after %d of %d entries: %v", e.Done, e.Total, e.Err)
}

// Unwrap returns what ended the batch.
func (e *BatchError) Unwrap() error { return e.Err }

// chunks cuts items into pieces of at most size, in order. Items of the same key never
// are in one piece: the one that comes later is to win.
func chunks[T any](items []T, size int, key func(T) string) [][]T {
	var out [][]T
	from, seen := 0, map[string]bool{}
	for i, item := range items {
		k := key(item)
		if i-from == size || seen[k] {
			out = append(out, items[from:i])
			from = i
			clear(seen)
		}
		seen[k] = true
	}
	if from < len(items) {
		out = append(out, items[from:])
	}
	return out
}

// inBatches sends the pieces one after the other; the gate paces them.
func inBatches[T any](ctx context.Context, pieces [][]T, report func(Progress), send func(context.Context, []T) error) error {
	p := Progress{}
	for _, piece := range pieces {
		p.Total += len(piece)
	}
	for _, piece := range pieces {
		if err := send(ctx, piece); err != nil {
			return &BatchError{Done: p.Done, Total: p.Total, Err: err}
		}
		p.Done += len(piece)
		p.Requests++
		if report != nil {
			report(p)
		}
	}
	return nil
}

// checkSize holds a batch against its limit.
func checkSize(field string, n, most int) error {
	if n == 0 {
		return fmt.Errorf("%s is empty", field)
	}
	if n > most {
		return fmt.Errorf("%s has %d entries; one call takes at most %d", field, n, most)
	}
	return nil
}
