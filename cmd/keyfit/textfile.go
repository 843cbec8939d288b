package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxText is above every file that a mock takes: states have up to 64 MiB.
const maxText = 80 << 20

// readText reads a text that a person or a program has written, from a file or, for "-", from
// the standard input. It reads over the byte order mark that some editors and PowerShell put
// before UTF-8. The error does not name the file.
func (a *app) readText(name string) ([]byte, error) {
	if name == "-" {
		return readAllText(a.In)
	}
	return readTextFile(name)
}

func readTextFile(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the user's own choice
	if err != nil {
		return nil, rootCause(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return readAllText(f)
}

func readAllText(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxText+1))
	switch {
	case err != nil:
		return nil, rootCause(err)
	case len(data) > maxText:
		return nil, fmt.Errorf("is larger than %d MiB", maxText>>20)
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return nil, errors.New("is in UTF-16; save it as UTF-8")
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), nil
}
