package keyfit

import "errors"

// Priority is the order among attempts that wait at a [Gate]. It has no effect if nothing
// has to wait. The zero value is [PriorityCall].
type Priority int8

// The priorities. A probe decides whether a key may be used, and many calls may wait for
// that. Batch attempts wait behind calls; while both wait, at least every eighth attempt is
// a batch's.
const (
	PriorityBatch Priority = -1
	PriorityCall  Priority = 0
	PriorityProbe Priority = 1
)

// WithPriority sets the order among calls that wait for the provider's limit. The default
// is [PriorityCall]; [Gate] describes the order. To make all calls of one part of the
// program wait behind the others, derive a client for it:
//
//	nightly, err := client.With(keyfit.WithPriority(keyfit.PriorityBatch))
func WithPriority(p Priority) SharedOption {
	var err error
	if p < PriorityBatch || p > PriorityProbe {
		err = errors.New("the priority is not one of the three that exist")
	}
	return sharedOption{
		name:   "WithPriority",
		client: func(c *config) error { c.priority = p; return err },
		call:   func(c *callConfig) error { c.priority = &p; return err },
	}
}
