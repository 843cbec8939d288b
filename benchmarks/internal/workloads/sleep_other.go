//go:build !linux

package workloads

import "time"

// preciseSleep has the precision of the runtime's timers.
func preciseSleep(d time.Duration) { time.Sleep(d) }
