//go:build !unix

package smallfile

import "os"

// open opens a file for reading.
func open(path string) (*os.File, error) { return os.Open(path) } //nolint:gosec // the path is the operator's, who names the file that holds the key
