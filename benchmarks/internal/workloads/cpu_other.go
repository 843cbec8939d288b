//go:build !unix

package workloads

import "time"

// cpuTime returns 0: it is not supported on this platform.
func cpuTime() time.Duration { return 0 }
