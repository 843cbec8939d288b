//go:build unix

package workloads

import (
	"syscall"
	"time"
)

// cpuTime is the processor time that this process has used, its collector's included. On a
// machine that others use as well it says more than the clock.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
