// Package heaproom lets the garbage collector run less often in a server that holds little.
//
// The collector runs when the heap has doubled. A heap of a few megabytes doubles every few
// thousand requests, and each run costs the same, so that such a server spends a part of
// its time on it that a larger one does not. A higher GOGC would help it as much, and would make
// the heap of a large one many times as large.
package heaproom

import "runtime"

// Size is how much larger the heap looks, in bytes, and about how much more of it may be
// garbage.
const Size = 32 << 20

// Keep makes the heap look larger until release is called. It costs address space and no
// memory: nothing is written into the room, and the collector does not search it.
func Keep() (release func()) {
	room := make([]byte, Size)
	return func() { runtime.KeepAlive(room) }
}
