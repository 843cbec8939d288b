package keyinput

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/keyfit/keyfit/internal/smallfile"
)

// maxKey is far above any key and keeps a wrong file from filling memory.
const maxKey = 64 << 10

// Lines reads all lines that are not empty.
func Lines(in io.Reader) ([]string, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxKey+1))
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	if len(data) > maxKey {
		return nil, fmt.Errorf("the key is larger than %d bytes, so it is not what was meant", maxKey)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// FileLines reads all lines of a file that are not empty. An error names the flag that gave the
// path, and not the path: it may be the key itself, given by mistake.
func FileLines(flag, path string) ([]string, error) {
	content, err := smallfile.Read(path, maxKey) // which does not wait for a pipe that nobody writes to
	if err != nil {
		return nil, fmt.Errorf("%s: %w; it takes the path of a file with the key in it", flag, err)
	}
	return Lines(bytes.NewReader(content))
}
