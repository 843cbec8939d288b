//go:build !unix

package smallfile

import "os"

// open opens a file for reading.
func open(path string) (*os.File, error) { return os.Open(path) } //nolint:gosec // the path is the operator's, who names the file that holds the key

// openIn opens a file in a directory that it cannot leave.
func openIn(root *os.Root, name string) (*os.File, error) { return root.Open(name) }
