package keyfit

import "errors"

// Priority says who goes first of those who wait at a [Gate]; it changes nothing where
// nobody has to wait. The zero value is an ordinary call.
type Priority int8

// The priorities. A probe decides whether a key may be used, and many may be waiting for
// that. A batch has nobody waiting for it: calls overtake it, seven at a time at most, so
// that it goes on, if slowly, however many calls there are.
const (
	PriorityBatch Priority = -1
	PriorityCall  Priority = 0
	PriorityProbe Priority = 1
)

// The classes of those who wait, as they are served.
const (
	probes = iota
	calls
	batches
	classes
)

func (p Priority) class() int {
	switch {
	case p > PriorityCall:
		return probes
	case p < PriorityCall:
		return batches
	}
	return calls
}

// WithPriority says who goes first where callers have to wait for the provider's limit; the
// default is [PriorityCall]. See [Gate] for the order. To have all calls of a part of the
// program wait behind the others, derive a client for it:
//
//	nightly, err := client.With(keyfit.WithPriority(keyfit.PriorityBatch))
func WithPriority(p Priority) SharedOption {
	var err error
	if p < PriorityBatch || p > PriorityProbe {
		err = errors.New("the priority is none of the three that there are")
	}
	return sharedOption{
		name:   "WithPriority",
		client: func(c *config) error { c.priority = p; return err },
		call:   func(c *callConfig) error { c.priority = &p; return err },
	}
}
