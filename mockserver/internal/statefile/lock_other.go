//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package statefile

import "io/fs"

// lock holds nothing: this system has no flock.
func lock(string) (unlock func(), err error) { return func() {}, nil }

// links returns 1: this system does not say how many names a file has.
func links(fs.FileInfo) uint64 { return 1 }
