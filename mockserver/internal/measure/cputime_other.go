//go:build !unix && !windows

package main

import (
	"errors"
	"time"
)

// cpuTime fails: this system does not tell a process its CPU time.
func cpuTime() (time.Duration, error) {
	return 0, errors.New("CPU time is not known on this system")
}
