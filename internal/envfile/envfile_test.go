package envfile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"
)

// corpus are files whose reading the tests compare with godotenv's.
var corpus = []string{
	"", "\n", " \t\n\r\n", "A=1", "A=1\n", "A=1\r\nexport B=2\r\n", "export A=1", "export\tA = 1 \n", "export", "exportA=1", "export=1", "A: 1\n", "A:=1", "A==1",
	"# c", "# c\nA=1", "#c\r\n#d\r\nA=1 # c", "A=1 #c", "A=1#c", "A=#c", "A=# c", "A=# c # d", "A= #", "A=1 # c # d", "A= # c # d", "A=1 #b#c #d", "A=\t#c", "A=\u00a0#c",
	"A=", "A=\nB=2", "A=   \nB=2", "A", "A\n", "A\nB=2", "A=1\nB", "=1", " =1\nB=2", "export =1", "A B=1", "A-B=1", "A.b=1", "\u00e9=1", "\u00ea=1", "a\u00a0=1",
	`A="1"`, `A='1'`, `A="a\"b"`, `A='a\'b'`, `A="a\\"`, `A="a\nb\rc"`, "A=\"1\n2\"\nB=3", "A='1\r\n2'\r\nB=3", `A='1' B=2`, `A='1' # c`, `A='1'B`, `A="1`, `A='1`, "A=\"\nB=2", "A=\"1\nB=\"2\"", `A=""`, `A=''''`, `A=1"`, `A=a'b'c`, `A="a # b" # c`, `A="a"#b`,
	"A=x$B", "B=1\nA=x$B", "B=1\nA=\"x${B}\"", "A='x$B'", "A=$(B)", `A=\$B`, `A="\$B"`, `A='\$B'`, `A=\\$B`, `A="\\$B"`, `A='\\$B'`, "A=$$x$", "A$B=1", "$=1",
	"\ufeffA=1", "\ufeff", "\ufeff# c", "A=\ufeff1", "A=1\rB=2", "A=\rB=2", "A=\r\r\nB=2", "A\r=1", "# c\rA=1", "A=1\r", "A=\r# c",
	"A=\xff", "A=\xff # c", "A='\xff'", "\xff=1", "\x85A=1", "A=\x851", "A=\u00851\u0085", "A=\v1\f", "A=1\x00", "\x00", "\ue000A=1", "A=\ue000$B",
}

// differ returns why two readings of a file differ where the table of the package's comment
// does not say so; "" where they agree as they should.
func differ(content string) string {
	ours, err := Parse([]byte(content))
	theirs, theirErr := readUnexpanded(content)
	_, nameless := theirs[""]
	if err != nil || theirErr != nil || nameless {
		if (err != nil) != (theirErr != nil || nameless) {
			return fmt.Sprintf("one error alone: %v here, %v of godotenv, without a name: %v", err, theirErr, nameless)
		}
		return ""
	}
	names := map[string]bool{}
	for _, a := range ours {
		names[a.Name] = true
	}
	if len(names) != len(theirs) {
		return fmt.Sprintf("godotenv has %d names, not %d", len(theirs), len(names))
	}
	for name, want := range theirs {
		got, ok := ours.Lookup(name)
		all := ours.named(name)
		if ok && got != want && all[len(all)-1].span.quote == 0 {
			onlyComment := strings.HasPrefix(want, "#") && got == "" // A= # note, not A=# note # more
			if want = withoutComment(want); onlyComment {
				want = ""
			}
		}
		if !ok || got != want {
			return fmt.Sprintf("%q is %q, and %q to godotenv", name, got, want)
		}
	}
	return ""
}

// readUnexpanded is godotenv's reading with two rows of the table applied: no expansion, no
// byte order mark. A character that the file does not have stands for $.
func readUnexpanded(content string) (map[string]string, error) {
	content = strings.TrimPrefix(content, byteOrderMark)
	dollar := rune(0xe000)
	for strings.ContainsRune(content, dollar) {
		dollar++
	}
	vars, err := godotenv.Parse(strings.NewReader(strings.ReplaceAll(content, "$", string(dollar))))
	for name, value := range vars {
		value = strings.ReplaceAll(value, `\`+string(dollar), "$")
		vars[name] = strings.ReplaceAll(value, string(dollar), "$")
	}
	return vars, err
}

// withoutComment is the row of the table about comments in an unquoted value.
func withoutComment(value string) string {
	comment := regexp.MustCompile(`[\t\v\f \x{85}\x{a0}]#`)
	if at := comment.FindStringIndex(value); at != nil {
		value = value[:at[0]]
	}
	return strings.TrimRightFunc(value, isBlank)
}

func TestParseReadsWhatGodotenvReads(t *testing.T) {
	t.Parallel()
	for _, content := range corpus {
		if why := differ(content); why != "" {
			t.Errorf("%q: %s", content, why)
		}
	}
}

// The table of the package's comment, row by row. A new version of godotenv that reads one of
// them otherwise fails here.
func TestParseDiffersFromGodotenvWhereTheTableSaysSo(t *testing.T) {
	t.Parallel()
	type reading struct {
		Value string
		OK    bool
	}
	for content, want := range map[string]struct{ Ours, Theirs reading }{
		"B=1\nA=x$B":          {reading{"x$B", true}, reading{"x1", true}},
		"B=1\nA=\"x${B}\"":    {reading{"x${B}", true}, reading{"x1", true}},
		"A=$(B)":              {reading{"$(B)", true}, reading{")", true}},
		`A='x\$y'`:            {reading{"x$y", true}, reading{`x\$y`, true}},
		"A= # note":           {reading{"", true}, reading{"# note", true}},
		"A=x # note # more":   {reading{"x", true}, reading{"x # note", true}},
		"A=x #note #more\r\n": {reading{"x", true}, reading{"x #note", true}},
		"A=x\n=y":             {reading{"", false}, reading{"x", true}},
		"A=x\nB":              {reading{"", false}, reading{"x", true}},
		"\ufeffA=x":           {reading{"x", true}, reading{"", false}},
	} {
		got := want
		got.Ours, got.Theirs = reading{}, reading{}
		if all, err := Parse([]byte(content)); err == nil {
			got.Ours.Value, got.Ours.OK = all.Lookup("A")
		}
		if vars, err := godotenv.Unmarshal(content); err == nil {
			got.Theirs.Value, got.Theirs.OK = vars["A"]
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", content, d)
		}
	}
}

func TestAnErrorNamesTheLineAndQuotesNothing(t *testing.T) {
	t.Parallel()
	for content, line := range map[string]int{
		"c4n4rY":                              1,
		"A=1\nc4n4rY\nB=2":                    2,
		"A=1\r\n=c4n4rY\r\n":                  2,
		"A-B=c4n4rY":                          1,
		"A=1\nK=\"c4n4rY\nB=2":                2,
		"A=1\nK=\"c4n4rY\nB=\"2\"":            2,
		"A=\"1\n2\n3\"\n\nc4n4rY\nB=":         5,
		"A=1\rc4n4rY":                         1,
		strings.Repeat("\n", 5000) + "c4n4rY": 5001,
	} {
		_, err := Parse([]byte(content))
		syntax, ok := errors.AsType[*SyntaxError](err)
		if !ok || syntax.Line != line || err.Error() != fmt.Sprintf("line %d cannot be parsed: want NAME=value", line) {
			t.Errorf("%q: want an error of line %d, got %v", content, line, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, content := range corpus {
		f.Add(content, "c4n4rY")
	}
	for _, value := range []string{
		"MjJZcFlIRGFRbElRbERTdlZMQ0xMbzJNUHpGZlZtOWpZcHh3MnZ1QnJtaz0=", "a$ABC", "$(x)", "${OTHER}", `\$x`, "a#b", "a #b", " # b", `"a"`, `"a`, "'a'", `a"`,
		"\u201ca\u201d", "a\u00a0", "a=b:c", "$\ue000$", `a\nb`, "", "  ",
	} {
		f.Add("KEY="+value+"\n", value)
	}
	f.Fuzz(func(t *testing.T, content, value string) {
		if !strings.Contains(content, `\\$`) { // the reading to compare with takes one backslash too many off
			if why := differ(content); why != "" {
				t.Fatalf("%q: %s", content, why)
			}
		}
		if _, err := Parse([]byte(content)); err != nil && !regexp.MustCompile(`^line [0-9]+ cannot be parsed: want NAME=value$`).MatchString(err.Error()) {
			t.Fatalf("%q: %v", content, err)
		}
		want := asUnquoted(value)
		if want == "" {
			return
		}
		for _, line := range []string{"KEY=%s", "KEY=%s\n", "export KEY = %s \r\n", "A=1\nKEY=%s\nB=$KEY\n", "KEY: %s # c\n", "KEY=%s # c # d\n"} {
			content := strings.Replace(line, "%s", want, 1)
			all, err := Parse([]byte(content))
			if got, _ := all.Lookup("KEY"); err != nil || got != want {
				t.Fatalf("%q: want %q, got %q, %v", content, want, got, err)
			}
		}
	})
}

// asUnquoted is a text without what has a meaning in an unquoted value: quotes, backslashes,
// control characters, blanks around it, a comment behind it.
func asUnquoted(raw string) string {
	v := strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"'\\\u0085", r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(raw, ""))
	v = strings.TrimSpace(v)
	if strings.HasPrefix(v, "#") { // part of the value, or a comment, by the blank before it
		return ""
	}
	return strings.TrimSpace(withoutComment(v))
}
