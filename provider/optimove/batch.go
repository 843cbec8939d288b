package optimove

import (
	"context"
	"fmt"
)

// The documented maximum sizes of a batch.
const (
	// MaxCustomers is the maximum number of customers that one call updates or inserts.
	MaxCustomers = 1000
	// MaxAttributes is the maximum number of attributes that one call sets per customer.
	MaxAttributes = 10
	// MaxPromotions is the maximum number of promotions that one call adds.
	MaxPromotions = 100
	// MaxInteractions is the maximum number of customers in one call of UpdateInteractions.
	MaxInteractions = 10_000
	// MaxRecipients is the maximum number of recipients of one transactional mail.
	MaxRecipients = 200
	// MaxEntries is the maximum number of templates, apps or metrics in one call. It is not
	// documented; a public client uses it.
	MaxEntries = 100
)

// Progress is the progress of a split batch.
type Progress struct {
	Done     int // entries that Optimove has accepted
	Total    int // all entries
	Requests int // successful calls
}

// BatchError is returned if a call of a split batch fails. Optimove has accepted the first
// Done of Total entries, and possibly some entries of the failed call.
type BatchError struct {
	Done, Total int
	Err         error // error of the failed call
}

// Error returns one line.
func (e *BatchError) Error() string {
	return fmt.Sprintf("after %d of %d entries: %v", e.Done, e.Total, e.Err)
}

// Unwrap returns the error of the failed call.
func (e *BatchError) Unwrap() error { return e.Err }

// chunks splits items into pieces of at most size items, in order. A piece never contains two
// items with the same key, so that the later one takes effect.
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

// inBatches sends the pieces one after the other. The gate of the client paces the calls.
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

// checkSize checks the size of a batch.
func checkSize(field string, n, most int) error {
	if n == 0 {
		return fmt.Errorf("%s is empty", field)
	}
	if n > most {
		return fmt.Errorf("%s has %d entries; the maximum per call is %d", field, n, most)
	}
	return nil
}
