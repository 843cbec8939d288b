package workloads

import (
	"syscall"
	"time"
)

// preciseSleep sleeps with a precision of some tens of microseconds.
func preciseSleep(d time.Duration) {
	if d <= 0 {
		return
	}
	ts := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&ts, nil) // a signal may end the sleep early, which makes the next turn early
}
