package oneline_test

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/keyfit/keyfit/internal/oneline"
)

func TestTextBecomesOneLineOfLimitedLength(t *testing.T) {
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
		if got := oneline.Text(test.text, test.limit); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func FuzzOneLineIsWhatItSays(f *testing.F) {
	for _, text := range []string{"", "a  b", "line one\nline two\u2028three\x00\u202e", "\xff\xfe{", " \n ", "äöü…"} {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = min(max(limit, 0), 1000)
		got := oneline.Text(text, limit)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > limit+1 {
			t.Fatalf("%q becomes %q, limit %d", text, got, limit)
		}
		for _, r := range got {
			if r != ' ' && unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%q becomes %q, with %U in it", text, got, r)
			}
		}
	})
}
