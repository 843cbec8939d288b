package main

import (
	"syscall"
	"time"
)

// cpuTime returns the CPU time, user and system, that this process has used.
func cpuTime() (time.Duration, error) {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0, err
	}
	var created, ended, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &created, &ended, &kernel, &user); err != nil {
		return 0, err
	}
	return elapsed(kernel) + elapsed(user), nil
}

// elapsed converts a length of time in units of 100 ns. Filetime.Nanoseconds
// would take it for a date.
func elapsed(t syscall.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
}
