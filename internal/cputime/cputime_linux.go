package cputime

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Of runs f and returns the processor time of its thread: nothing that f starts in other
// goroutines counts.
func Of(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := used()
	f()
	return used() - began
}

func used() time.Duration {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &at); err != nil {
		panic(err) // every Linux has this clock
	}
	return time.Duration(at.Nano())
}
