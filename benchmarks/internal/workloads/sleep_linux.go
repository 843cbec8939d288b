package workloads

import (
	"syscall"
	"time"
)

// preciseSleep sleeps to within some ten microseconds.
func preciseSleep(d time.Duration) {
	if d <= 0 {
		return
	}
	ts := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&ts, nil) // woken early by a signal, the next turn is early by as much
}
