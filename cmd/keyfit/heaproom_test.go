package main

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/keyfit/keyfit/internal/heaproom"
)

// Garbage of half the size of the room makes the collector run several times, and not at all in
// the room.
//
//nolint:paralleltest // counts the runs of the collector
func TestTheCollectorRunsSeldomInTheRoomOfTheHeap(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	runs := func() uint32 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range heaproom.Size / 2 >> 16 {
			garbage = make([]byte, 1<<16)
		}
		runtime.ReadMemStats(&after)
		return after.NumGC - before.NumGC
	}
	without := runs()
	release := heaproom.Keep()
	with := runs()
	release()
	if without == 0 || with != 0 {
		t.Errorf("%d runs without the room and %d in it", without, with)
	}
}

// garbage makes what is stored in it escape to the heap.
var garbage []byte // of the package, so that the compiler cannot leave it out
