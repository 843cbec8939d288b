package keyfit

import "errors"

// Priority decides the order among those who wait at a [Gate]; it changes nothing where
// nobody has to wait. The zero value is an ordinary call.
type Priority int8

// The priorities. A probe decides whether a key may be used, and many may be waiting for
// that. Nobody waits for the result of a batch: calls overtake it, but at most seven in a
// row, so it makes progress however many calls there are.
const (
	PriorityBatch Priority = -1
	PriorityCall  Priority = 0
	PriorityProbe Priority = 1
)

// WithPriority sets the order among callers who wait for the provider's limit; the default
// is [PriorityCall]. [Gate] describes the order. To have all calls of a part of the program
// wait behind the others, derive a client for it:
//
//	nightly, err := client.With(keyfit.WithPriority(keyfit.PriorityBatch))
func WithPriority(p Priority) SharedOption {
	var err error
	if p < PriorityBatch || p > PriorityProbe {
		err = errors.New("the priority is none of the three that exist")
	}
	return sharedOption{
		name:   "WithPriority",
		client: func(c *config) error { c.priority = p; return err },
		call:   func(c *callConfig) error { c.priority = &p; return err },
	}
}
