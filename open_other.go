//go:build !unix

package keyfit

import "os"

// openNow opens a file to read it.
func openNow(path string) (*os.File, error) { return os.Open(path) } //nolint:gosec // the path is the operator's, who names the file that holds the key
