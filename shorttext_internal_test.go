package keyfit

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestAnErrorTextBecomesOneLineOfLimitedLength(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		limit      int
		want       string
	}{
		{"as it is", "no such user", 20, "no such user"},
		{"breaks and runs of space", "  no\n\t such\r\n  user ", 20, "no such user"},
		{"control, format and invalid characters", "no\x00such\u200b\u2028us\xffer", 20, "no such us er"},
		{"exactly the limit", "abc d", 5, "abc d"},
		{"over the limit", "abc de", 5, "abc d…"},
		{"space after the limit", "abc d  \n", 5, "abc d"},
		{"runes, not bytes", "äöüß", 3, "äöü…"},
		{"nothing", " \n ", 5, ""},
	} {
		if got := oneLine(test.text, test.limit); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestAShortReadIsTheBodyOrItsBeginning(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, size := range []int{0, 1, 2047, 2048, 2049, 5000} {
		text := strings.Repeat("x", size)
		for name, body := range map[string]io.Reader{
			"at once":     strings.NewReader(text),
			"in bytes":    iotest.OneByteReader(strings.NewReader(text)),
			"end at once": iotest.DataErrReader(strings.NewReader(text)),
		} {
			got, err := readShort(body, 4096)
			if diff := cmp.Diff(text[:min(size, 4096)], string(got)); err != nil || diff != "" {
				t.Errorf("%d bytes %s: %v (-want +got):\n%s", size, name, err, diff)
			}
		}
		got, err := readShort(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), 8192)
		if len(got) != size || !errors.Is(err, broken) {
			t.Errorf("%d bytes and an error: %d bytes and %v", size, len(got), err)
		}
	}
}
