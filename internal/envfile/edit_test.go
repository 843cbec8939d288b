package envfile

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"
)

func TestSetChangesTheValueAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, value, after string
		lines                []int
	}{
		"alone":                     {"K=old", "new", "K=new", []int{1}},
		"amid others":               {"# c\n\nA=1\nK=old\nB=2\n", "new", "# c\n\nA=1\nK=new\nB=2\n", []int{4}},
		"CRLF":                      {"A=1\r\nK=old\r\nB=2\r\n", "new", "A=1\r\nK=new\r\nB=2\r\n", []int{2}},
		"CRLF and comment":          {"K=old # mine\r\nB=2", "new", "K=new # mine\r\nB=2", []int{1}},
		"export":                    {"export K=old\n", "new", "export K=new\n", []int{1}},
		"space around":              {"  export  K  =  old  \nB=2", "new", "  export  K  =  new  \nB=2", []int{1}},
		"as YAML":                   {"K: old\n", "new", "K: new\n", []int{1}},
		"double quotes":             {"K=\"old\" # c\n", "new", "K=\"new\" # c\n", []int{1}},
		"single quotes":             {"K='old'\n", "new", "K='new'\n", []int{1}},
		"quotes over lines":         {"K=\"a\nK=b\nc\"\nB=2\n", "new", "K=\"new\"\nB=2\n", []int{1}},
		"name within another value": {"A=\"1\nK=no\n\"\nK=old\n", "new", "A=\"1\nK=no\n\"\nK=new\n", []int{4}},
		"name within a comment":     {"# K=old\nK=old\n", "new", "# K=old\nK=new\n", []int{2}},
		"name within a name":        {"XK=1\nKX=2\nK=old\n", "new", "XK=1\nKX=2\nK=new\n", []int{3}},
		"twice":                     {"K=a\nB=2\nexport K='b'\n", "new", "K=new\nB=2\nexport K='new'\n", []int{1, 3}},
		"empty":                     {"K=\nB=2\n", "new", "K=new\nB=2\n", []int{1}},
		"a comment for a value":     {"K= # here\nB=2\n", "new", "K=new # here\nB=2\n", []int{1}},
		"a comment with a second #": {"K=old # see # 12\nB=2\n", "new", "K='new' # see # 12\nB=2\n", []int{1}},
		"a byte order mark":         {"\ufeffK=old\n", "new", "\ufeffK=new\n", []int{1}},
		"absent":                    {"A=1\n", "new", "A=1\nK=new\n", []int{2}},
		"absent, no last line end":  {"A=1", "new", "A=1\nK=new\n", []int{2}},
		"absent, CRLF":              {"A=1\r\nB=2", "new", "A=1\r\nB=2\r\nK=new\r\n", []int{3}},
		"an empty file":             {"", "new", "K=new\n", []int{1}},
		"a dollar":                  {"A=1\nK=old\n", "a$A", "A=1\nK='a$A'\n", []int{2}},
		"a dollar in quotes":        {"A=1\nK=\"old\"\n", "a$A", "A=1\nK=\"a\\$A\"\n", []int{2}},
		"a hash and space":          {"K=old\n", "a #b", "K='a #b'\n", []int{1}},
		"a single quote":            {"K=old\n", "a'b", "K=\"a'b\"\n", []int{1}},
		"base64":                    {"K=old\n", "MjJZ+/cA==", "K=MjJZ+/cA==\n", []int{1}},
		"one that B refers to":      {"K=old\nB=x$K\n", "new", "K=new\nB=x$K\n", []int{1}},
		"old Mac line ends":         {"A=1\rK=old\rB=2", "new", "A=1\rK=new\rB=2", []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, lines, err := Set([]byte(test.before), "K", test.value)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.after, string(out)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if d := cmp.Diff(test.lines, lines); d != "" {
				t.Errorf("lines (-want +got):\n%s", d)
			}
		})
	}
}

func TestRemoveTakesTheLineOut(t *testing.T) {
	t.Parallel()
	for before, after := range map[string]string{
		"A=1\nK=x # c\nB=2\n":     "A=1\nB=2\n",
		"A=1\r\nK='x'\r\nB=2\r\n": "A=1\r\nB=2\r\n",
		"\ufeffK=x\nB=2":          "\ufeffB=2",
		"K=1\nexport K=2":         "",
		"A=1\n":                   "A=1\n",
	} {
		out, _, err := Remove([]byte(before), "K")
		if err != nil || string(out) != after {
			t.Errorf("%q: want %q, got %q, %v", before, after, out, err)
		}
	}
	if out, _, err := Remove([]byte("A='1' K=2\n"), "K"); err == nil {
		t.Errorf("another variable on the line is gone: %q", out)
	}
}

func TestSetRefusesWhatItCannotDoWell(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, value, want string }{
		"no assignment":      {"A=1\nc4n4rY\nK=old\n", "new", "line 2 cannot be parsed"},
		"a quote left open":  {"A=1\nK=\"c4n4rY\n", "new", "line 2 cannot be parsed"},
		"no name":            {"=c4n4rY\n", "new", "line 1 cannot be parsed"},
		"a strange name":     {"A-c4n4rY=1\nK=old", "new", "cannot be parsed"},
		"no quotes hold it":  {"K=old\n", `c4n4rY'\`, "cannot hold"},
		"a line break in it": {"K=old\n", "a\nc4n4rY='", ""},
	} {
		out, _, err := Set([]byte(test.content), "K", test.value)
		if test.want == "" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "c4n4rY") || out != nil {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

func TestMentionsAndDescribe(t *testing.T) {
	t.Parallel()
	content := []byte("A=1\n# was 0123456789\nK=x0123456789x\n")
	got := []string{Describe(Mentions(content, "0123456789")), Describe(Mentions(content, "1")), Describe([]int{4}), Describe([]int{1, 2, 3})}
	if d := cmp.Diff([]string{"lines 2 and 3", "no line", "line 4", "lines 1, 2 and 3"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// without is the file with the values of a name taken out.
func without(t *testing.T, content []byte, name string) string {
	t.Helper()
	all, err := Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	at := 0
	for _, a := range all.named(name) {
		out.Write(content[at:a.span.from])
		at = a.span.to
	}
	out.Write(content[at:])
	return out.String()
}

func FuzzSet(f *testing.F) {
	for _, content := range []string{
		"", "K=old", "A=1\nK=old\nB=2\n", "A=1\r\nexport K='old' # c\r\n", "K: old\n", "K=\"a\nb\"\nB=$K\n", "\ufeffK=x", "K= # c\nK=2\n", "K= # #\nK=", "A=1\rK=2", "K=a\\", "A='\nK=1\n'\n", "A=\u00a0K\u0085", "A='1' K=2\n", "\xff",
	} {
		for _, value := range []string{"new", "a$A", "a'b", `a"b`, `a\`, "a #b", "MjJZ+/cA==", "`x`", "${K}"} {
			f.Add(content, value)
		}
	}
	f.Fuzz(func(t *testing.T, content, value string) {
		if value == "" || strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 || strings.TrimSpace(value) != value {
			return // keyfit takes no such key
		}
		out, lines, err := Set([]byte(content), "K", value)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("more than a line: %q", err)
			}
			return
		}
		text := func(b string) string { return strings.TrimPrefix(b, "\ufeff") }
		after, err := godotenv.Parse(strings.NewReader(text(string(out))))
		if err != nil || after["K"] != value || len(lines) == 0 {
			t.Fatalf("%q: godotenv reads %q, %v", out, after["K"], err)
		}
		// $ apart, which may refer to the changed variable.
		plain := func(b string) map[string]string {
			vars, err := godotenv.Parse(strings.NewReader(strings.ReplaceAll(text(b), "$", "\uf000")))
			if err != nil {
				t.Fatal(err)
			}
			delete(vars, "K")
			return vars
		}
		if d := cmp.Diff(plain(content), plain(string(out))); d != "" {
			t.Fatalf("%q became %q (-want +got):\n%s", content, out, d)
		}
		if rest := without(t, out, "K"); rest != without(t, []byte(content), "K") && !strings.HasPrefix(rest, content) {
			t.Fatalf("%q became %q", content, out)
		}
	})
}
