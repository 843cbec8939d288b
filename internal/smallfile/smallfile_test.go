package smallfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/smallfile"
)

const limit = 64

func TestASmallFileIsReadWhole(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty": "", "text": "lorem fitsum\n", "exactly the limit": strings.Repeat("x", limit),
		"UTF-8 with its mark": "\xef\xbb\xbfa", "one byte of a UTF-16 mark": "\xff",
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := smallfile.Read(path, limit)
		if diff := cmp.Diff(content, string(got)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestWhatIsNoSmallFileIsAnErrorWithoutPathAndContent(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		strings.Repeat("canary", limit): "larger than 64 bytes, so it is not what was meant",
		"\xff\xfec\x00":                 "is saved as UTF-16: save it as UTF-8",
		"\xfe\xff\x00c":                 "is saved as UTF-16: save it as UTF-8",
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := smallfile.Read(path, limit)
		if err == nil || got != nil || err.Error() != want {
			t.Errorf("%q, %v; want the error %q alone", got, err, want)
		}
	}
	dir := filepath.Join(t.TempDir(), "canary")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := smallfile.Read(path, limit); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("want an error without the path, got %v", err)
		}
	}
	if _, err := smallfile.Read(filepath.Join(dir, "none"), limit); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, want fs.ErrNotExist", err)
	}
}
