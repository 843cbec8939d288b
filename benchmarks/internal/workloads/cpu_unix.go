//go:build unix

package workloads

import (
	"syscall"
	"time"
)

// cpuTime returns the CPU time that this process has used, including the garbage collector. On
// a shared machine it is more reliable than the wall clock.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
