// Package singleflight shares the result of one execution among all who want it.
//
// A [Flight] is one execution under way. Who starts it keeps it where others find it, under
// the lock that guards what the execution changes, and takes it away under the same lock as
// it writes the result there: so nobody joins a flight whose result is old. That is why this
// package has no map and no lock of its own, as golang.org/x/sync/singleflight has.
//
//	mu.Lock()
//	f := flight
//	if f == nil {
//		f = singleflight.New[result]()
//		flight = f
//		go run(f) // ends with: mu.Lock(); flight = nil; …; mu.Unlock(); f.Land(r)
//	}
//	mu.Unlock()
//	select {
//	case <-f.Landed():
//		use(f.Result())
//	case <-ctx.Done():
//	}
package singleflight

// Flight is one execution, and its result once it has landed. [New] makes one. All methods
// are safe for concurrent use.
type Flight[T any] struct {
	landed chan struct{}
	result T
}

// New returns a flight that has not landed.
func New[T any]() *Flight[T] { return &Flight[T]{landed: make(chan struct{})} }

// Land ends the flight with its result. It is called once.
func (f *Flight[T]) Land(result T) {
	f.result = result
	close(f.landed)
}

// Landed returns a channel that is closed when the flight has landed.
func (f *Flight[T]) Landed() <-chan struct{} { return f.landed }

// HasLanded reports whether the flight has landed.
func (f *Flight[T]) HasLanded() bool {
	select {
	case <-f.landed:
		return true
	default:
		return false
	}
}

// Result waits until the flight has landed and returns its result.
func (f *Flight[T]) Result() T {
	<-f.landed
	return f.result
}
