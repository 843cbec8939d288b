//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package mockserver

// lockFile holds nothing here: this system has no flock.
func lockFile(string) (release func(), err error) { return func() {}, nil }
