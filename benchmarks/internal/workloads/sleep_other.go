//go:build !linux

package workloads

import "time"

// preciseSleep is as precise as the runtime's timers are.
func preciseSleep(d time.Duration) { time.Sleep(d) }
