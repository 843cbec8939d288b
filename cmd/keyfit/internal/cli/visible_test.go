package cli_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

func TestWhatSteersATerminalIsWrittenOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, line, several string }{
		{"harmless", "héllo, wörld → ✓ 世界 👍", "héllo, wörld → ✓ 世界 👍", "héllo, wörld → ✓ 世界 👍"},
		{"an escape", "\x1b[31m", `\u001b[31m`, `\u001b[31m`},
		{"C1", "\u009b31m\u0085", `\u009b31m\u0085`, `\u009b31m\u0085`},
		{"a byte of C1", "\x9b31m", "\ufffd31m", "\ufffd31m"},
		{"direction", "\u202ea\u2066\u200f\u061c", `\u202ea\u2066\u200f\u061c`, `\u202ea\u2066\u200f\u061c`},
		{"invisible", "a\ufeff\u00ad\U000e0041b", `a\ufeff\u00ad\udb40\udc41b`, `a\ufeff\u00ad\udb40\udc41b`},
		{"delete and backspace", "a\x7f\b", `a\u007f\u0008`, `a\u007f\u0008`},
		{"lines", "a\nb\tc", `a\u000ab\u0009c`, "a\nb\tc"},
		{"lines of another system", "a\r\nb\rc", `a\u000d\u000ab\u000dc`, "a\nb" + `\u000dc`},
		{"separators", "a\u2028b\u2029", `a\u2028b\u2029`, `a\u2028b\u2029`},
		{"joined signs", "👩\u200d🔬", "👩\u200d🔬", "👩\u200d🔬"},
	} {
		if diff := cmp.Diff([]string{tt.line, tt.several}, []string{cli.Line(tt.text), cli.Printable(tt.text)}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if diff := cmp.Diff("  a\n  b", cli.Block("a\nb")); diff != "" {
		t.Errorf("a block (-want +got):\n%s", diff)
	}
}

func TestRawIsWhatIsBelow(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if cli.Raw(cli.NewVisible(&out)) != &out || cli.Raw(&out) != &out {
		t.Error("another writer")
	}
}

// FuzzVisible: however a text is cut into writes, the same is written; nothing of it steers a
// terminal; and a JSON text keeps its value.
func FuzzVisible(f *testing.F) {
	f.Add("a\r\nb\x1b[0m\u009b\u202e\xff", 3)
	f.Add("→\U000e0041\r", 1)
	f.Add("\xf0\x9f\x91", 2)
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = max(1, min(size, 64))
		var out bytes.Buffer
		w := cli.NewVisible(&out)
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := w.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(cli.Printable(text), out.String()); diff != "" {
			t.Fatalf("in writes of %d bytes (-want +got):\n%s", size, diff)
		}
		for _, r := range out.String() {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q shows %U", text, r)
			}
		}
		if strings.ContainsFunc(cli.Line(text), func(r rune) bool { return r < ' ' }) || !utf8.ValidString(out.String()) {
			t.Fatalf("%q becomes %q", text, cli.Line(text))
		}
		coded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var before, after string
		_ = json.Unmarshal(coded, &before) // it was just made
		if err := json.Unmarshal([]byte(cli.Printable(string(coded))), &after); err != nil || before != after {
			t.Fatalf("%q becomes %q as JSON: %v", before, after, err)
		}
	})
}
