//go:build unix

package smallfile

import (
	"os"
	"syscall"
)

// open opens a file for reading without waiting. In place of the file there may be a named
// pipe that nobody writes to: it is opened all the same, and reads as empty.
func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the path is the operator's, who names the file that holds the key
}

// openIn does the same in a directory that it cannot leave.
func openIn(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
