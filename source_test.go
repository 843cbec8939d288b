package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/keyfit/keyfit"
)

// sourceCanary stands in every value that must not come back in an error.
const sourceCanary = "c4n4rY"

// sourceAnswer is what a source had, and why it had nothing: one place and reason.
type sourceAnswer struct{ Key, Place, Reason string }

// askSource asks as a client does, so what it returns is what a caller of New meets.
func askSource(t *testing.T, src keyfit.Source) sourceAnswer {
	t.Helper()
	ring, err := keyfit.NewKeyring(t.Context(), src)
	if err == nil {
		cred, err := ring.Credential(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return sourceAnswer{Key: cred.Key.Reveal()}
	}
	none, ok := errors.AsType[*keyfit.NoKeyError](err)
	if !ok || !errors.Is(err, keyfit.ErrNoKey) || len(none.Tried) != 1 {
		t.Fatalf("want a *NoKeyError with one place, got %T: %v", err, err)
	}
	if strings.Contains(err.Error(), sourceCanary) || strings.ContainsAny(err.Error(), "\n\r\x00") {
		t.Errorf("the error quotes the value or has more than one line: %q", err)
	}
	return sourceAnswer{Place: none.Tried[0].Place, Reason: none.Tried[0].Reason}
}

func sourceFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sourceValues are values as a person or a tool leaves them, and what they are where
// nothing interprets them: in the program, in the environment, in a file of their own.
var sourceValues = []struct{ name, raw, key, reason string }{
	{"plain", "abc123", "abc123", ""},
	{"base64", "MjJZcFlIRGFRbElRbERTdlZMQ0xMbzJNUHpGZlZtOWpZcHh3MnZ1QnJtaz0=", "MjJZcFlIRGFRbElRbERTdlZMQ0xMbzJNUHpGZlZtOWpZcHh3MnZ1QnJtaz0=", ""},
	{"trailing newline", "abc\n", "abc", ""},
	{"trailing CRLF", "abc\r\n", "abc", ""},
	{"space around", "  abc\t ", "abc", ""},
	{"no-break space after", "abc\u00a0", "abc", ""},
	{"byte order mark", "\ufeffabc\n", "abc", ""},
	{"double quotes", `"abc"`, "abc", ""},
	{"single quotes", `'abc'`, "abc", ""},
	{"quotes, space, newline", " \" abc \" \n", "abc", ""},
	{"quotes in quotes", `"'abc'"`, "abc", ""},
	{"quote at one end", `c4n4rY"`, "", "the value begins or ends with a quotation mark that has no counterpart"},
	{"quotes that differ", `"c4n4rY'`, "", "the value begins or ends with a quotation mark that has no counterpart"},
	{"one quote alone", `"`, "", "the value begins or ends with a quotation mark that has no counterpart"},
	{"quote inside", `a"b'c`, `a"b'c`, ""},
	{"dollar and name", "a$ABC$DEF", "a$ABC$DEF", ""},
	{"dollar and command", "$(x)", "$(x)", ""},
	{"backslash dollar", `\$x`, `\$x`, ""},
	{"hash", "a#b#c", "a#b#c", ""},
	{"spaces inside", sourceCanary + " b  c", "", "the value has white space inside: a key is one word"},
	{"a word of a scheme", "Bearer " + sourceCanary, "", "the value begins with the name of an authentication scheme, which keyfit adds itself: give the key alone"},
	{"a header", "X-API-KEY: " + sourceCanary, "", "the value is a whole header line: give the key alone"},
	{"an assignment", "IMKIT_API_KEY=" + sourceCanary, "", "the value is an assignment with a name in it: give the key alone"},
	{"JSON", `{"key":"` + sourceCanary + `"}`, "", "the value is JSON or XML: give the key alone"},
	{"a placeholder", "<your-api-key>", "", "the value is a template that was not filled in: write the key itself"},
	{"a template", "{{ .Values." + sourceCanary + " }}", "", "the value is a template that was not filled in: write the key itself"},
	{"every printable character", strings.Trim(sourcePrintable(), " "), strings.Trim(sourcePrintable(), " "), ""},
	{"empty", "", "", "the value is empty"},
	{"only spaces", " \t ", "", "the value is empty"},
	{"only newline", "\r\n", "", "the value is empty"},
	{"only quotes", `""`, "", "the value is empty"},
	{"only quoted spaces", `"  "`, "", "the value is empty"},
	{"only a byte order mark", "\ufeff", "", "the value is empty"},
	{"two lines", sourceCanary + "\n" + sourceCanary, "", "the value has a line break at byte 7 of 13: a key is one line"},
	{"two lines, CRLF", sourceCanary + "\r\n" + sourceCanary + "\r\n", "", "the value has a line break at byte 7 of 14: a key is one line"},
	{"control character", sourceCanary + "\x01x", "", "the value has a control character at byte 7 of 8"},
	{"tab inside", sourceCanary + "\tx", "", "the value has a control character at byte 7 of 8"},
	{"delete character", sourceCanary + "\x7fx", "", "the value has a control character at byte 7 of 8"},
	{"curly quotes", "“" + sourceCanary + "”", "", "the value has a non-ASCII character at byte 1 of 12: look for curly quotes or an invisible space"},
	{"umlaut", sourceCanary + "ü", "", "the value has a non-ASCII character at byte 7 of 8: look for curly quotes or an invisible space"},
	{"invisible space inside", sourceCanary + "\u200bx", "", "the value has a non-ASCII character at byte 7 of 10: look for curly quotes or an invisible space"},
	{"not UTF-8", sourceCanary + "\xffx", "", "the value has a non-ASCII character at byte 7 of 8: look for curly quotes or an invisible space"},
	{"reference", "${" + sourceCanary + "}", "", sourceReference},
	{"quoted reference", `"${` + sourceCanary + `}"`, "", sourceReference},
}

const sourceReference = "the value is a reference to another variable such as ${NAME}, and references in keys are not expanded: write the key itself"

func sourcePrintable() string {
	var b strings.Builder
	for c := byte(' '); c <= '~'; c++ {
		b.WriteByte(c)
	}
	return b.String()
}

func TestAKeyGivenInTheProgramIsTheOneMeant(t *testing.T) {
	t.Parallel()
	for _, tt := range sourceValues {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := sourceAnswer{Key: tt.key, Reason: tt.reason}
			if tt.reason != "" {
				want.Place = "the key given in the program"
			}
			if diff := cmp.Diff(want, askSource(t, keyfit.Static(keyfit.APIKey(tt.raw)))); diff != "" {
				t.Errorf("Static (-want +got):\n%s", diff)
			}
			user := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) { return keyfit.APIKey(tt.raw), nil })
			if tt.reason != "" {
				want.Place = "the key that the source offered"
			}
			if diff := cmp.Diff(want, askSource(t, user)); diff != "" {
				t.Errorf("a source of the caller's (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAKeyInTheEnvironmentIsTheOneMeant(t *testing.T) {
	for _, tt := range sourceValues {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("KEYFIT_TEST_KEY", tt.raw)
			want := sourceAnswer{Key: tt.key, Reason: tt.reason}
			if tt.reason != "" {
				want.Place = "environment variable KEYFIT_TEST_KEY"
			}
			if diff := cmp.Diff(want, askSource(t, keyfit.Env("KEYFIT_TEST_NONE", "KEYFIT_TEST_KEY"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAKeyInAFileIsTheOneMeant(t *testing.T) {
	t.Parallel()
	for _, tt := range sourceValues {
		if tt.name == "JSON" { // which is one way to write a file: see TestAKeyFileMayBeAnObject
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := sourceFile(t, "key", tt.raw)
			want := sourceAnswer{Key: tt.key, Reason: tt.reason}
			if tt.reason != "" {
				want.Place = "file " + path
			}
			if diff := cmp.Diff(want, askSource(t, keyfit.File(path))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFileThatIsNoKeyFileIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tests := []struct{ name, path, reason string }{
		{"missing", filepath.Join(dir, "none"), "does not exist"},
		{"directory", dir, "is a directory"},
		{"under a file", filepath.Join(sourceFile(t, "key", "abc"), "key"), "not a directory"},
		{"huge", sourceFile(t, "key", strings.Repeat(sourceCanary, 20_000)), "larger than 65536 bytes, so it is not what was meant"},
		{"UTF-16, little end first", sourceFile(t, "key", "\xff\xfea\x00b\x00"), "is saved as UTF-16: save it as UTF-8"},
		{"UTF-16, big end first", sourceFile(t, "key", "\xfe\xff\x00a\x00b"), "is saved as UTF-16: save it as UTF-8"},
		{"UTF-16 without its mark", sourceFile(t, "key", "a\x00b\x00"), "the value has a control character at byte 2 of 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := sourceAnswer{Place: "file " + tt.path, Reason: tt.reason}
			if diff := cmp.Diff(want, askSource(t, keyfit.File(tt.path))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// In .env the line has a grammar; what stands behind the = is the key all the same.
func TestAKeyInDotEnvIsTheOneMeant(t *testing.T) {
	t.Parallel()
	const notSet = "not set"
	tests := []struct{ name, content, key, reason string }{
		{"plain", "KEY=abc123\n", "abc123", ""},
		{"no newline at the end", "A=1\nKEY=abc", "abc", ""},
		{"CRLF", "A=1\r\nKEY=abc\r\nB=2\r\n", "abc", ""},
		{"byte order mark", "\ufeffKEY=abc\n", "abc", ""},
		{"byte order mark and CRLF", "\ufeffKEY=abc\r\n", "abc", ""},
		{"export", "export KEY=abc\n", "abc", ""},
		{"export and tab", "export\tKEY=abc\n", "abc", ""},
		{"space around the name", "  KEY = abc  \n", "abc", ""},
		{"colon", "KEY: abc\n", "abc", ""},
		{"comments and empty lines", "# KEY=no\n\n  # more\nKEY=abc\n", "abc", ""},
		{"duplicate names: the last", "KEY=first\nA=1\nKEY=last\n", "last", ""},
		{"name in another case", "key=abc\n", "", notSet},
		{"name as a part", "MY_KEY=abc\nKEY2=x\n", "", notSet},
		{"commented out", "#KEY=abc\n", "", notSet},
		{"empty file", "", "", notSet},

		{"double quotes", `KEY="abc"`, "abc", ""},
		{"single quotes", `KEY='abc'`, "abc", ""},
		{"quotes in quotes", `KEY='"abc"'`, "abc", ""},
		{"quote at the end alone", "KEY=c4n4rY\"\n", "", "the value begins or ends with a quotation mark that has no counterpart"},
		{"quote inside", `KEY=a"b'c`, `a"b'c`, ""},
		{"escaped quote inside", `KEY="a\"b"`, `a"b`, ""},
		{"escaped backslash", `KEY="a\\b"`, `a\b`, ""},
		{"backslash without quotes", `KEY=a\b`, `a\b`, ""},

		{"dollar and name", "ABC=no\nKEY=a$ABC\n", "a$ABC", ""},
		{"dollar and name, double quotes", "ABC=no\nKEY=\"a$ABC\"\n", "a$ABC", ""},
		{"dollar and name, single quotes", "ABC=no\nKEY='a$ABC'\n", "a$ABC", ""},
		{"dollar and name of the environment", "KEY=a$PATH$HOME\n", "a$PATH$HOME", ""},
		{"dollar and braces inside", "ABC=no\nKEY=a${ABC}b\n", "a${ABC}b", ""},
		{"dollar and command", "KEY=a$(x)\n", "a$(x)", ""},
		{"dollar and command, double quotes", `KEY="a$(x)"`, "a$(x)", ""},
		{"dollar and command, single quotes", `KEY='a$(x)'`, "a$(x)", ""},
		{"backslash dollar", `KEY=a\$x`, "a$x", ""},
		{"backslash dollar, double quotes", `KEY="a\$x"`, "a$x", ""},
		{"backslash dollar, single quotes", `KEY='a\$x'`, "a$x", ""},
		{"dollars", "KEY=$$a$\n", "$$a$", ""},
		{"a dollar beside the character that stands for it", "# \ue000\nKEY=a$B\n", "a$B", ""},

		{"hash", "KEY=a#b\n", "a#b", ""},
		{"comment after the key", "KEY=a #b\n", "a", ""},
		{"comment after the key with a second #", "KEY=a # see # 12\n", "a", ""},
		{"hash in double quotes", `KEY="a#b"`, "a#b", ""},
		{"hash and space in double quotes", `KEY="a #b"`, "", "the value has white space inside: a key is one word"},
		{"hash and space in single quotes", `KEY='a #b'`, "", "the value has white space inside: a key is one word"},
		{"comment after quotes", "KEY=\"a\" # b\n", "a", ""},
		{"hash at the start", "KEY=#ab\n", "#ab", ""},
		{"a comment in place of the key", "KEY= # " + sourceCanary + "\n", "", "the value is empty"},
		{"a comment in place of the key, CRLF", "export KEY= # " + sourceCanary + "\r\nB=2\r\n", "", "the value is empty"},

		{"spaces inside", "KEY=a b  c\n", "", "the value has white space inside: a key is one word"},
		{"empty", "KEY=\n", "", "the value is empty"},
		{"empty before another line", "KEY=\nB=2\n", "", "the value is empty"},
		{"empty quotes", `KEY=""`, "", "the value is empty"},
		{"only spaces", "KEY=   \n", "", "the value is empty"},
		{"only quoted spaces", `KEY="   "`, "", "the value is empty"},
		{"escaped line break", `KEY="` + sourceCanary + `\nx"`, "", "the value has a line break at byte 7 of 8: a key is one line"},
		{"line break in quotes", "KEY=\"" + sourceCanary + "\nx\"\n", "", "the value has a line break at byte 7 of 8: a key is one line"},
		{"control character", "KEY=" + sourceCanary + "\x01x\n", "", "the value has a control character at byte 7 of 8"},
		{"curly quotes", "KEY=“" + sourceCanary + "”\n", "", "the value has a non-ASCII character at byte 1 of 12: look for curly quotes or an invisible space"},
		{"reference", "OTHER=x\nKEY=${OTHER}\n", "", sourceReference},
		{"reference, double quotes", "OTHER=x\nKEY=\"${OTHER}\"\n", "", sourceReference},
		{"reference, single quotes", "OTHER=x\nKEY='${OTHER}'\n", "", sourceReference},

		{"UTF-16", "\xff\xfeK\x00E\x00Y\x00=\x00a\x00", "", "is saved as UTF-16: save it as UTF-8"},
		{"huge", "KEY=abc\n" + strings.Repeat("#"+sourceCanary+"\n", 150_000), "", "larger than 1048576 bytes, so it is not what was meant"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := sourceFile(t, ".env", tt.content)
			want := sourceAnswer{Key: tt.key, Reason: tt.reason}
			if tt.reason != "" {
				want.Place = "KEY in " + path
			}
			if diff := cmp.Diff(want, askSource(t, keyfit.DotEnv(path, "KEY"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// godotenv's own error would quote the file from the fault on: joho/godotenv v1.5.1,
// parser.go, "unexpected character … near".
func TestABrokenLineOfDotEnvIsNamedByItsNumberAlone(t *testing.T) {
	t.Parallel()
	const canary = sourceCanary
	tests := []struct {
		name, content string
		line          int
	}{
		{"no equals sign", "A=1\n" + canary + "\nKEY=abc\n", 2},
		{"no equals sign, last line", "KEY=abc\nA=1\n" + canary, 3},
		{"no equals sign, only line", canary, 1},
		{"no equals sign, CRLF", "KEY=abc\r\n" + canary + "\r\n", 2},
		{"no name", "KEY=abc\n=" + canary + "\n", 2},
		{"a name that is none", "KEY=abc\nA-B=" + canary + "\n", 2},
		{"quoted name", "KEY=abc\n\"A\"=" + canary + "\n", 2},
		{"double quote that never ends", "A=1\nB=2\nKEY=\"" + canary + "\nC=3\n", 3},
		{"single quote that never ends", "A=1\nKEY='" + canary + "\nC=3\n", 2},
		{"quote that ends in a later line", "A=1\nKEY=\"" + canary + "\nC=\"3\"\n", 2},
		{"text after a quoted value", "A=1\nKEY=\"abc\"" + canary + "\n", 2},
		{"after a value of several lines", "A=\"1\n2\n3\"\n\n" + canary + "\nKEY=abc\n", 5},
		{"after empty lines and comments", "# a\n\n# b\n" + canary + "\n", 4},
		{"a key that stands alone", "# the key:\nexport " + canary + "\n", 2},
		{"in a long file", strings.Repeat("A=1\n", 1000) + canary + "\n", 1001},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := sourceFile(t, ".env", tt.content)
			want := sourceAnswer{Place: "KEY in " + path, Reason: fmt.Sprintf("line %d cannot be parsed: want NAME=value", tt.line)}
			if diff := cmp.Diff(want, askSource(t, keyfit.DotEnv(path, "KEY"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestADotEnvThatIsNoFileIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, tt := range []struct{ name, path, reason string }{
		{"missing", filepath.Join(dir, ".env"), "the file does not exist"},
		{"directory", dir, "is a directory"},
	} {
		want := sourceAnswer{Place: "A, KEY in " + tt.path, Reason: tt.reason}
		if diff := cmp.Diff(want, askSource(t, keyfit.DotEnv(tt.path, "A", "KEY"))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// NAME_FILE and NAME_EXPIRES, with the same rules in the environment and in .env.
func TestAVariableMayNameAFileAndAnEnd(t *testing.T) {
	dir := t.TempDir() // of the .env file, too
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	missing, good, two := filepath.Join(dir, "none"), write("key", "abc\n"), write("two", sourceCanary+"\nx\n")
	type answer struct {
		Answer  sourceAnswer
		Expires time.Time
	}
	date := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name   string
		vars   map[string]string
		want   answer // the place is the variable, to be completed
		suffix string // of the variable that the error names
	}{
		{name: "file", vars: map[string]string{"K_FILE": good}, want: answer{sourceAnswer{Key: "abc"}, time.Time{}}},
		{
			name: "missing file", vars: map[string]string{"K_FILE": missing}, suffix: "_FILE",
			want: answer{sourceAnswer{Reason: "file " + missing + ": does not exist"}, time.Time{}},
		},
		{
			name: "directory", vars: map[string]string{"K_FILE": dir}, suffix: "_FILE",
			want: answer{sourceAnswer{Reason: "file " + dir + ": is a directory"}, time.Time{}},
		},
		{
			name: "file of two lines", vars: map[string]string{"K_FILE": two}, suffix: "_FILE",
			want: answer{sourceAnswer{Reason: "file " + two + ": the value has a line break at byte 7 of 8: a key is one line"}, time.Time{}},
		},
		{
			name: "empty file name", vars: map[string]string{"K_FILE": ""}, suffix: "_FILE",
			want: answer{sourceAnswer{Reason: "the value is empty"}, time.Time{}},
		},
		{
			name: "key and file", vars: map[string]string{"K": sourceCanary, "K_FILE": good},
			want: answer{sourceAnswer{Reason: "both K and K_FILE are set: unset one"}, time.Time{}},
		},
		{name: "date", vars: map[string]string{"K": "abc", "K_EXPIRES": " 2027-01-31 "}, want: answer{sourceAnswer{Key: "abc"}, date}},
		{name: "date beside a file", vars: map[string]string{"K_FILE": good, "K_EXPIRES": "2027-01-31"}, want: answer{sourceAnswer{Key: "abc"}, date}},
		{
			name: "time", vars: map[string]string{"K": "abc", "K_EXPIRES": "2027-01-31T12:00:00Z"},
			want: answer{sourceAnswer{Key: "abc"}, date.Add(12 * time.Hour)},
		},
		{
			name: "time with an offset", vars: map[string]string{"K": "abc", "K_EXPIRES": "2027-01-31T12:00:00+02:00"},
			want: answer{sourceAnswer{Key: "abc"}, date.Add(10 * time.Hour)},
		},
		{name: "empty end", vars: map[string]string{"K": "abc", "K_EXPIRES": ""}, want: answer{sourceAnswer{Key: "abc"}, time.Time{}}},
		{
			name: "bad end", vars: map[string]string{"K": "abc", "K_EXPIRES": "31.1.2027 " + sourceCanary}, suffix: "_EXPIRES",
			want: answer{sourceAnswer{Reason: "not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)"}, time.Time{}},
		},
		{name: "end in a file", vars: map[string]string{"K_FILE": good, "K_EXPIRES_FILE": write("end", "\ufeff 2027-01-31\r\n")}, want: answer{sourceAnswer{Key: "abc"}, date}},
		{name: "end in a file, key not", vars: map[string]string{"K": "abc", "K_EXPIRES_FILE": filepath.Join(dir, "end")}, want: answer{sourceAnswer{Key: "abc"}, date}},
		{name: "end in an empty file", vars: map[string]string{"K_FILE": good, "K_EXPIRES_FILE": write("no-end", " \n")}, want: answer{sourceAnswer{Key: "abc"}, time.Time{}}},
		{
			name: "end in a file that has a key", vars: map[string]string{"K_FILE": good, "K_EXPIRES_FILE": two}, suffix: "_EXPIRES_FILE",
			want: answer{sourceAnswer{Reason: "file " + two + ": not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)"}, time.Time{}},
		},
		{
			name: "end in no file", vars: map[string]string{"K_FILE": good, "K_EXPIRES_FILE": missing}, suffix: "_EXPIRES_FILE",
			want: answer{sourceAnswer{Reason: "file " + missing + ": does not exist"}, time.Time{}},
		},
		{
			name: "end in a file without a name", vars: map[string]string{"K_FILE": good, "K_EXPIRES_FILE": ""}, suffix: "_EXPIRES_FILE",
			want: answer{sourceAnswer{Reason: "the value is empty"}, time.Time{}},
		},
		{
			name: "end and its file", vars: map[string]string{"K_FILE": good, "K_EXPIRES": "2027-01-31", "K_EXPIRES_FILE": good}, suffix: "_EXPIRES",
			want: answer{sourceAnswer{Reason: "both K_EXPIRES and K_EXPIRES_FILE are set: unset one"}, time.Time{}},
		},
		{name: "end without a key", vars: map[string]string{"K_EXPIRES": "2027-01-31"}, want: answer{sourceAnswer{Reason: "not set"}, time.Time{}}},
	}
	ask := func(t *testing.T, src keyfit.Source) (got answer) {
		t.Helper()
		got.Answer = askSource(t, src)
		if cred, err := src.Credential(t.Context()); err == nil {
			got.Expires = cred.Expires.UTC()
		}
		return got
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines strings.Builder
			for name, value := range tt.vars {
				t.Setenv(strings.Replace(name, "K", "KEYFIT_TEST_K", 1), value)
				fmt.Fprintf(&lines, "%s='%s'\n", name, value)
			}
			path := write(".env", lines.String())
			want := tt.want
			if want.Answer.Reason != "" {
				want.Answer.Place = "K" + tt.suffix + " in " + path
			}
			if diff := cmp.Diff(want, ask(t, keyfit.DotEnv(path, "K"))); diff != "" {
				t.Errorf(".env (-want +got):\n%s", diff)
			}
			want.Answer.Reason = strings.NewReplacer("K and K_FILE", "KEYFIT_TEST_K and KEYFIT_TEST_K_FILE", "K_EXPIRES and K_EXPIRES_FILE", "KEYFIT_TEST_K_EXPIRES and KEYFIT_TEST_K_EXPIRES_FILE").Replace(want.Answer.Reason)
			if want.Answer.Reason != "" {
				want.Answer.Place = "environment variable KEYFIT_TEST_K" + tt.suffix
			}
			if diff := cmp.Diff(want, ask(t, keyfit.Env("KEYFIT_TEST_K"))); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPairIsWholeOrAnError(t *testing.T) {
	const id, key = "KEYFIT_TEST_ID", "KEYFIT_TEST_TOKEN"
	type pair struct{ ID, Key, Place, Reason string }
	half := func(other string) string {
		return "not set, and half a pair is no credential: " + other + " has the other half"
	}
	tests := []struct {
		name string
		vars map[string]string
		want pair // Place as the environment says it
	}{
		{"both", map[string]string{id: " i ", key: "k\n"}, pair{ID: "i", Key: "k"}},
		{"neither", nil, pair{Place: id + " and " + key, Reason: "not set"}},
		{"public half alone", map[string]string{id: sourceCanary}, pair{Place: key, Reason: half(id)}},
		{"secret half alone", map[string]string{key: sourceCanary}, pair{Place: id, Reason: half(key)}},
		{"public half empty", map[string]string{id: "", key: sourceCanary}, pair{Place: id, Reason: "the value is empty"}},
		{"secret half empty", map[string]string{id: sourceCanary, key: ""}, pair{Place: key, Reason: "the value is empty"}},
		{"public half broken", map[string]string{id: sourceCanary + "\x01", key: sourceCanary}, pair{Place: id, Reason: "the value has a control character at byte 7 of 7"}},
		{"secret half ends", map[string]string{id: "i", key: "k", key + "_EXPIRES": "soon"}, pair{Place: key + "_EXPIRES", Reason: "not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)"}},
	}
	ask := func(t *testing.T, src keyfit.Source) pair {
		t.Helper()
		a := askSource(t, src)
		got := pair{Key: a.Key, Place: a.Place, Reason: a.Reason}
		if cred, err := src.Credential(t.Context()); err == nil {
			got.ID = cred.ID.Reveal()
		}
		return got
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines strings.Builder
			for name, value := range tt.vars {
				t.Setenv(name, value)
				fmt.Fprintf(&lines, "%s='%s'\n", name, value)
			}
			path := sourceFile(t, ".env", lines.String())
			want := tt.want
			if want.Reason != "" {
				want.Place = tt.want.Place + " in " + path
			}
			if diff := cmp.Diff(want, ask(t, keyfit.DotEnvPair(path, id, key))); diff != "" {
				t.Errorf(".env (-want +got):\n%s", diff)
			}
			if want.Reason != "" {
				want.Place = "environment variable " + tt.want.Place
			}
			if diff := cmp.Diff(want, ask(t, keyfit.EnvPair(id, key))); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

// sourceEnds ends a chain with a key that must not be used.
var sourceEnds = keyfit.Static(keyfit.APIKey("of-lower-priority"))

func TestAChainGoesOnOnlyPastAPlaceWithNothingInIt(t *testing.T) {
	t.Setenv("KEYFIT_TEST_EMPTY", "")
	dir := t.TempDir()
	failing := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
		return keyfit.Credential{}, errors.New("the vault is sealed")
	})
	tests := []struct {
		name   string
		source keyfit.Source
		stops  bool
	}{
		{"variable not set", keyfit.Env("KEYFIT_TEST_NONE"), false},
		{"no .env", keyfit.DotEnv(filepath.Join(dir, ".env"), "KEY"), false},
		{".env without the name", keyfit.DotEnv(sourceFile(t, ".env", "A=1"), "KEY"), false},
		{"pair not set", keyfit.EnvPair("KEYFIT_TEST_NONE", "KEYFIT_TEST_NONE2"), false},
		{"no file", keyfit.File(filepath.Join(dir, "key")), false},
		{"source with nothing", keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
			return keyfit.Credential{}, fmt.Errorf("nothing yet: %w", keyfit.ErrNoKey)
		}), false},
		{"chain with nothing", keyfit.Chain(keyfit.Env("KEYFIT_TEST_NONE")), false},
		{"empty chain", keyfit.Chain(), false},
		{"variable set and empty", keyfit.Env("KEYFIT_TEST_EMPTY"), true},
		{"broken .env", keyfit.DotEnv(sourceFile(t, ".env", "broken"), "KEY"), true},
		{"empty file", keyfit.File(sourceFile(t, "key", "")), true},
		{"half a pair", keyfit.EnvPair("KEYFIT_TEST_EMPTY", "KEYFIT_TEST_NONE"), true},
		{"failing source", failing, true},
		{"failing source in a chain", keyfit.Chain(keyfit.Env("KEYFIT_TEST_NONE"), failing), true},
		{"failing source in a wrapped chain", keyfit.SourceFunc(func(ctx context.Context) (keyfit.Credential, error) {
			cred, err := keyfit.Chain(failing).Credential(ctx)
			return cred, fmt.Errorf("wrapped: %w", err)
		}), true},
		{"no source at all", nil, true},
	}
	for _, tt := range tests {
		cred, err := keyfit.Chain(tt.source, sourceEnds).Credential(t.Context())
		if stopped := err != nil; stopped != tt.stops {
			t.Errorf("%s: stops: want %v, got %v (%v)", tt.name, tt.stops, stopped, err)
		}
		if !tt.stops && cred.Key.Reveal() != "of-lower-priority" {
			t.Errorf("%s: the chain did not come to its end", tt.name)
		}
		if tt.stops && !errors.Is(err, keyfit.ErrNoKey) {
			t.Errorf("%s: the error is no ErrNoKey: %v", tt.name, err)
		}
	}
}

func TestNoKeyErrorListsEveryPlaceInOrder(t *testing.T) {
	t.Setenv("KEYFIT_TEST_BROKEN", sourceCanary+"\x02")
	dir := t.TempDir()
	env := sourceFile(t, ".env", "A=1\n")
	cause := errors.New("asked too often")
	src := keyfit.Chain(
		keyfit.Env("KEYFIT_TEST_NONE", "KEYFIT_TEST_NONE2"),
		keyfit.Chain(keyfit.DotEnv(env, "KEY"), keyfit.DotEnvPair(filepath.Join(dir, "none.env"), "ID", "KEY")),
		keyfit.File(filepath.Join(dir, "key")),
		keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
			return keyfit.Credential{}, fmt.Errorf("the vault has none: %w: %w", cause, keyfit.ErrNoKey)
		}),
		keyfit.Env("KEYFIT_TEST_BROKEN"),
		sourceEnds,
	)
	_, err := src.Credential(t.Context())
	none, ok := errors.AsType[*keyfit.NoKeyError](err)
	if !ok {
		t.Fatalf("want a *NoKeyError, got %v", err)
	}
	want := []keyfit.Tried{
		{Place: "environment variable KEYFIT_TEST_NONE, KEYFIT_TEST_NONE2", Reason: "not set"},
		{Place: "KEY in " + env, Reason: "not set"},
		{Place: "ID and KEY in " + filepath.Join(dir, "none.env"), Reason: "the file does not exist"},
		{Place: "file " + filepath.Join(dir, "key"), Reason: "does not exist"},
		{Place: "source 4 (keyfit.SourceFunc)", Reason: "the vault has none: asked too often: no key"},
		{Place: "environment variable KEYFIT_TEST_BROKEN", Reason: "the value has a control character at byte 7 of 7"},
	}
	if diff := cmp.Diff(want, none.Tried); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	line := "no key"
	for i, tried := range want {
		line += map[bool]string{true: ": ", false: "; "}[i == 0] + tried.Place + ": " + tried.Reason
	}
	if diff := cmp.Diff(line, err.Error()); diff != "" {
		t.Errorf("the line (-want +got):\n%s", diff)
	}
	if !errors.Is(err, keyfit.ErrNoKey) || !errors.Is(err, cause) {
		t.Errorf("the error must be ErrNoKey and lead to the places' own errors: %v", err)
	}
	_, err = keyfit.Chain(keyfit.File(dir)).Credential(t.Context())
	if errors.Is(err, fs.ErrNotExist) || !errors.Is(err, keyfit.ErrNoKey) {
		t.Errorf("a directory is there, and no key: %v", err)
	}
}

func TestAContextThatEndedIsNotAMissingKey(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := keyfit.NewKeyring(ctx, keyfit.SourceFunc(func(ctx context.Context) (keyfit.Credential, error) {
		return keyfit.Credential{}, fmt.Errorf("asking the vault: %w", ctx.Err())
	}))
	if !errors.Is(err, context.Canceled) || errors.Is(err, keyfit.ErrNoKey) {
		t.Errorf("want the context's error alone, got %v", err)
	}
}

// sourceClient makes a client in an empty working directory and returns what it sends.
func sourceClient(t *testing.T, p keyfit.Provider, opts ...keyfit.Option) (url, key string, err error) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
		url, key = req.URL.String(), req.Header.Get("IM-API-KEY")
		return httpmock.NewStringResponse(http.StatusOK, "{}"), nil
	})
	c, err := keyfit.New(p, append(opts, keyfit.WithHTTPClient(&http.Client{Transport: mock}))...)
	if err != nil {
		return "", "", err
	}
	if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); err != nil {
		t.Fatal(err)
	}
	return url, key, nil
}

func TestExplicitBeforeEnvironmentBeforeDotEnv(t *testing.T) {
	const both = "IMKIT_API_KEY=from-dotenv\nIMKIT_BASE_URL=https://dotenv.example\n"
	tests := []struct {
		name             string
		env              map[string]string
		dotenv           string
		opts             []keyfit.Option
		url, key, errors string
	}{
		{name: "environment", env: map[string]string{"IMKIT_API_KEY": "from-env"}, url: "https://app.imkit.io/x", key: "from-env"},
		{name: ".env", dotenv: "IMKIT_API_KEY=from-dotenv\n", url: "https://app.imkit.io/x", key: "from-dotenv"},
		{name: "environment before .env", env: map[string]string{"IMKIT_API_KEY": "from-env"}, dotenv: "IMKIT_API_KEY=from-dotenv\n", url: "https://app.imkit.io/x", key: "from-env"},
		{name: "both from .env", dotenv: both, url: "https://dotenv.example/x", key: "from-dotenv"},
		{
			name: "base URL of the environment before that of .env", dotenv: both,
			env: map[string]string{"IMKIT_BASE_URL": " https://env.example/ "}, url: "https://env.example/x", key: "from-dotenv",
		},
		{name: "empty base URL is none", dotenv: both, env: map[string]string{"IMKIT_BASE_URL": ""}, url: "https://dotenv.example/x", key: "from-dotenv"},
		{
			name: "explicit base URL", dotenv: both, env: map[string]string{"IMKIT_BASE_URL": "broken " + sourceCanary},
			opts: []keyfit.Option{keyfit.WithBaseURL("https://explicit.example")}, url: "https://explicit.example/x", key: "from-dotenv",
		},
		{
			name: "explicit key silences a broken one", env: map[string]string{"IMKIT_API_KEY": sourceCanary + "\x01"},
			opts: []keyfit.Option{keyfit.WithKey("explicit")}, url: "https://app.imkit.io/x", key: "explicit",
		},
		{
			name: "explicit source silences the environment", env: map[string]string{"IMKIT_API_KEY": "from-env"}, dotenv: both,
			opts: []keyfit.Option{keyfit.WithSource(keyfit.Static(keyfit.APIKey("source")))}, url: "https://app.imkit.io/x", key: "source",
		},
		{
			name: "a broken explicit key is not replaced by the environment's", env: map[string]string{"IMKIT_API_KEY": "from-env"},
			opts: []keyfit.Option{keyfit.WithKey(" ")}, errors: "imkit: no key: the key given in the program: the value is empty",
		},
		{
			name: "a broken variable is not replaced by .env", env: map[string]string{"IMKIT_API_KEY": ""}, dotenv: both,
			errors: "imkit: no key: environment variable IMKIT_API_KEY: the value is empty",
		},
		{name: "without .env", dotenv: both, opts: []keyfit.Option{keyfit.WithoutDotEnv()}, errors: "imkit: no key: environment variable IMKIT_API_KEY: not set"},
		{name: "neither", errors: "imkit: no key: environment variable IMKIT_API_KEY: not set; IMKIT_API_KEY in DIR/.env: the file does not exist"},
		{
			name: "bad base URL in the environment", env: map[string]string{"IMKIT_API_KEY": "k", "IMKIT_BASE_URL": "https://u:" + sourceCanary + "@h"},
			errors: "imkit: environment variable IMKIT_BASE_URL: the base URL has user information in it: keys come from a source, not from the URL",
		},
		{
			name: "bad base URL in .env", dotenv: "IMKIT_API_KEY=k\nIMKIT_BASE_URL=https://h/?k=" + sourceCanary + "\n",
			errors: "imkit: IMKIT_BASE_URL in DIR/.env: the base URL has a query or fragment: give scheme, host, port and path alone",
		},
		{
			name: "base URL without a scheme", env: map[string]string{"IMKIT_API_KEY": "k", "IMKIT_BASE_URL": sourceCanary + ".example"},
			errors: "imkit: environment variable IMKIT_BASE_URL: the base URL needs a scheme and a host, as in https://api.example.com",
		},
		{
			name: "base URL with a path that leads upwards", env: map[string]string{"IMKIT_API_KEY": "k", "IMKIT_BASE_URL": "https://h/../" + sourceCanary},
			errors: "imkit: environment variable IMKIT_BASE_URL: the path of the base URL has a dot segment, an empty segment, a parameter or an escaped slash, backslash or percent sign: give plain segments, as in https://gateway.example/imkit",
		},
		{
			name: "base URL that is none", env: map[string]string{"IMKIT_API_KEY": "k", "IMKIT_BASE_URL": "https://h:" + sourceCanary},
			errors: "imkit: environment variable IMKIT_BASE_URL: the base URL cannot be parsed",
		},
		{
			name: "base URL over plain http", env: map[string]string{"IMKIT_API_KEY": "k", "IMKIT_BASE_URL": "http://h.example"},
			errors: "imkit: refused to send a key over plain http: the base URL is not https; WithAllowHTTP allows it",
		},
		{
			name: "broken .env where the base URL is looked for", env: map[string]string{"IMKIT_API_KEY": "k"}, dotenv: "A=1\n" + sourceCanary + "\n",
			url: "https://app.imkit.io/x", key: "k", // nothing of it is needed
		},
	}
	for _, name := range []string{"IMKIT_API_KEY", "IMKIT_BASE_URL"} {
		t.Setenv(name, "") // restored at the end
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			if tt.dotenv != "" {
				if err := os.WriteFile(".env", []byte(tt.dotenv), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			url, key, err := sourceClient(t, keyfit.IMKIT("app"), tt.opts...)
			said := ""
			if err != nil {
				resolved, evalErr := filepath.EvalSymlinks(dir)
				if evalErr != nil {
					t.Fatal(evalErr)
				}
				said = strings.NewReplacer(dir, "DIR", resolved, "DIR").Replace(err.Error())
			}
			if diff := cmp.Diff([]string{tt.url, tt.key, tt.errors}, []string{url, key, said}); diff != "" {
				t.Errorf("url, key, error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheProcessEnvironmentIsNotWritten(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("IMKIT_API_KEY", "from-env")
	content := "IMKIT_API_KEY=from-dotenv\nIMKIT_BASE_URL=https://dotenv.example\nKEYFIT_TEST_NEW=x\nexport KEYFIT_TEST_NEW2=y\n"
	if err := os.WriteFile(".env", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	before := os.Environ()
	if _, _, err := sourceClient(t, keyfit.IMKIT("app")); err != nil {
		t.Fatal(err)
	}
	if got := askSource(t, keyfit.DotEnv(".env", "KEYFIT_TEST_NEW")); got.Key != "x" {
		t.Fatalf("the file was not read: %+v", got)
	}
	after := os.Environ()
	slices.Sort(before)
	slices.Sort(after)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the environment changed (-before +after):\n%s", diff)
	}
}

// A date in the environment cannot change without a restart, and the file that is named beside it
// can: the date is that of the key that the file had first.
func TestADateBesideAKeyFileIsThatOfItsFirstKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	t.Setenv("DATED_API_KEY_FILE", file)
	t.Setenv("DATED_API_KEY_EXPIRES", "2031-01-31")
	t.Setenv("DATED_API_KEY_ISSUED", "2030-01-31")
	src := keyfit.Env("DATED_API_KEY")
	var got []string
	read := func(key string) {
		if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cred, err := src.Credential(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dates := key
		for _, date := range []time.Time{cred.Expires, cred.Issued} {
			if !date.IsZero() {
				dates += " " + date.Format(time.DateOnly)
			}
		}
		got = append(got, dates)
	}
	read("lorem-fitsum-1")
	read("lorem-fitsum-1")
	read("lorem-fitsum-2")
	read("lorem-fitsum-1") // it has come back
	t.Setenv("DATED_API_KEY_EXPIRES", "2032-01-31")
	read("lorem-fitsum-2")
	want := []string{"lorem-fitsum-1 2031-01-31 2030-01-31", "lorem-fitsum-1 2031-01-31 2030-01-31", "lorem-fitsum-2", "lorem-fitsum-1 2031-01-31 2030-01-31", "lorem-fitsum-2 2032-01-31 2030-01-31"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The file says when its key was issued, and the variable when it ends: neither hides the other.
func TestTheEndOfAKeyComesFromTheFirstPlaceThatSaysIt(t *testing.T) {
	t.Parallel()
	const key, end, issued = "lorem-fitsum-1", "2031-01-31", "2030-01-31"
	for name, tt := range map[string]struct{ file, expires, issued, want string }{
		"issued in the file, ends by the variable":  {`{"key":"` + key + `","issued_at":"2029-05-05"}`, end, "", "2031-01-31 2029-05-05"},
		"the file's issue goes before the variable": {`{"key":"` + key + `","issued_at":"2029-05-05"}`, end, issued, "2031-01-31 2029-05-05"},
		"both in the file":                          {`{"key":"` + key + `","issued_at":"2029-05-05","not_after":"2032-02-02"}`, end, issued, "2032-02-02 2029-05-05"},
		"the end in the file":                       {`{"key":"` + key + `","not_after":"2032-02-02"}`, end, issued, "2032-02-02 0001-01-01"},
		"neither in the file":                       {`{"key":"` + key + `"}`, end, issued, "2031-01-31 2030-01-31"},
	} {
		file := sourceFile(t, "key", tt.file)
		dotenv := filepath.Join(filepath.Dir(file), ".env")
		lines := "DATED_API_KEY_FILE=key\nDATED_API_KEY_EXPIRES=" + tt.expires + "\nDATED_API_KEY_ISSUED=" + tt.issued + "\n"
		if err := os.WriteFile(dotenv, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		cred, err := keyfit.DotEnv(dotenv, "DATED_API_KEY").Credential(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := cred.Expires.Format(time.DateOnly) + " " + cred.Issued.Format(time.DateOnly); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
