package strictyaml_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/strictyaml"
)

// document has a member of every kind that a file can have.
type document struct {
	inner

	Text     string            `json:"text"`
	Int      int               `json:"int"`
	Big      uint64            `json:"big"`
	Float    float64           `json:"float"`
	Bool     bool              `json:"bool"`
	Life     time.Duration     `json:"life"`
	Length   length            `json:"length"`
	Level    level             `json:"level"`
	List     []string          `json:"list"`
	Pair     [2]string         `json:"pair"`
	Names    map[string]string `json:"names"`
	Items    []item            `json:"items"`
	Pointer  *item             `json:"pointer"`
	Own      own               `json:"own"`
	ByMember byMember          `json:"byMember"`
	Hidden   func()            `json:"-"`
	Unnamed  string
	Never    chan int `json:"never"`
}

type inner struct {
	Embedded string `json:"embedded"`
}

type item struct {
	Name string `json:"name"`
	Sub  []item `json:"sub"`
}

// length is a duration with text of its own.
type length time.Duration

func (l length) Std() time.Duration { return time.Duration(l) }

// level reads text.
type level string

func (l *level) UnmarshalText(text []byte) error {
	if s := string(text); s != "low" && s != "high" {
		return fmt.Errorf("%.20q is neither low\nnor high", s)
	}
	*l = level(text)
	return nil
}

// own reads JSON itself.
type own struct{ Seen string }

func (o *own) UnmarshalJSON(data []byte) error {
	o.Seen = string(data)
	if strings.Contains(o.Seen, "wrong") {
		return errors.New("it is wrong")
	}
	return nil
}

// byMember reads JSON itself, and is read member by member all the same.
type byMember struct {
	Kind string `json:"kind"`
}

func (*byMember) UnmarshalJSON([]byte) error { return errors.New("nobody calls it") }

func reader() strictyaml.Reader {
	return strictyaml.Reader{Needs: "text and int", ByMember: []reflect.Type{reflect.TypeFor[byMember]()}, Duration: time.ParseDuration}
}

func decode(text string) (document, *strictyaml.Lines, error) {
	var d document
	lines, err := reader().Decode("f.yaml", []byte(text), &d)
	return d, lines, err
}

func TestEveryKindOfMemberIsRead(t *testing.T) {
	t.Parallel()
	want := document{
		inner: inner{"e"}, Text: "t", Int: -5, Big: math.MaxUint64, Float: 0.5, Bool: true, Life: 90 * time.Second, Length: length(time.Hour), Level: "high",
		List: []string{"a", "b"}, Pair: [2]string{"a", "b"}, Names: map[string]string{"a b": "c", "": "empty"},
		Items: []item{{Name: "x", Sub: []item{{Name: "y"}}}}, Pointer: &item{Name: "z"}, Own: own{`{"a":[1,null]}`}, ByMember: byMember{"k"},
	}
	for name, text := range map[string]string{
		"YAML": "embedded: e\ntext: t\nint: -5\nbig: 18446744073709551615\nfloat: .5\nbool: true\nlife: 90s\nlength: 1h\nlevel: high\nlist: [a, b]\npair: [a, b]\n" +
			"names: {a b: c, '': empty}\nitems:\n  - name: x\n    sub: [{name: y}]\npointer: {name: z}\nown: {a: [1, null]}\nbyMember: {kind: k}\n",
		"JSON": `{"embedded":"e","text":"t","int":-5,"big":18446744073709551615,"float":5e-1,"bool":true,"life":"90s","length":"1h","level":"high","list":["a","b"],"pair":["a","b"],` +
			`"names":{"a b":"c","":"empty"},"items":[{"name":"x","sub":[{"name":"y"}]}],"pointer":{"name":"z"},"own":{"a":[1,null]},"byMember":{"kind":"k"}}`,
		"with a byte order mark": "\ufeffembedded: e\ntext: t\nint: -5\nbig: 18446744073709551615\nfloat: .5\nbool: true\nlife: 90s\nlength: 1h\nlevel: high\nlist: [a, b]\npair: [a, b]\n" +
			"names: {a b: c, '': empty}\nitems:\n  - name: x\n    sub: [{name: y}]\npointer: {name: z}\nown: {a: [1, null]}\nbyMember: {kind: k}\n",
	} {
		got, _, err := decode(text)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(document{})); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, d)
		}
	}
}

func TestAMistakeNamesItsLineAndMember(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]strictyaml.Error{ // Problem: what it must contain
		"":                             {Problem: "it is empty; it needs text and int"},
		"# a comment\n":                {Problem: "it is empty"},
		"---\n":                        {Line: 2, Problem: "an empty value is not a mapping"},
		"a: b\n---\nc: d":              {Line: 2, Problem: "more than one document"},
		"a: [b":                        {Problem: "neither YAML nor JSON"},
		"\t":                           {Problem: "it is empty"},
		"text: \x00":                   {Problem: "neither YAML nor JSON"},
		"[]":                           {Line: 1, Problem: "a list is not a mapping"},
		"hello":                        {Line: 1, Problem: `"hello" is not a mapping`},
		"\ntxt: a":                     {Line: 2, Member: "txt", Problem: "did you mean text?"},
		"TEXT: a":                      {Line: 1, Member: "TEXT", Problem: "did you mean text?"},
		"zzzzzz: a":                    {Line: 1, Member: "zzzzzz", Problem: "there is no such member; there are embedded, text"},
		"Unnamed: a":                   {Line: 1, Member: "Unnamed", Problem: "there is no such member"},
		"Hidden: a":                    {Line: 1, Member: "Hidden", Problem: "there is no such member"},
		"-: a":                         {Line: 1, Member: "-", Problem: "there is no such member"},
		"never: 1":                     {Line: 1, Member: "never", Problem: "cannot be given in a file"},
		"text: a\ntext: b":             {Line: 2, Member: "text", Problem: "first in line 1"},
		`{"int":1,"int":2}`:            {Line: 1, Member: "int", Problem: "given twice"},
		"names: {a: b, a: c}":          {Line: 1, Member: "names.a", Problem: "given twice"},
		"text: 1":                      {Line: 1, Member: "text", Problem: `"1" is not text; put it in quotes`},
		"text: yes\nint: yes":          {Line: 2, Member: "int", Problem: `"yes" is not a whole number`},
		"text: true":                   {Line: 1, Member: "text", Problem: "put it in quotes"},
		"text: 2027-01-31":             {Line: 1, Member: "text", Problem: "put it in quotes"},
		"text:":                        {Line: 1, Member: "text", Problem: "an empty value"},
		"text: ~":                      {Line: 1, Member: "text", Problem: "an empty value"},
		"text: [a]":                    {Line: 1, Member: "text", Problem: "a list is not text"},
		"text: {a: b}":                 {Line: 1, Member: "text", Problem: "a mapping is not text"},
		"int: 1.5":                     {Line: 1, Member: "int", Problem: "not a whole number"},
		"int: '1'":                     {Line: 1, Member: "int", Problem: "not a whole number"},
		"int: 1e3":                     {Line: 1, Member: "int", Problem: "not a whole number"},
		"int: 99999999999999999999999": {Line: 1, Member: "int", Problem: "whole number"},
		"big: -1":                      {Line: 1, Member: "big", Problem: "0 or more"},
		"float: half":                  {Line: 1, Member: "float", Problem: "not a number"},
		"bool: on":                     {Line: 1, Member: "bool", Problem: "true or false"},
		"bool: 1":                      {Line: 1, Member: "bool", Problem: "true or false"},
		"life: 90":                     {Line: 1, Member: "life", Problem: "no duration"},
		"life: soon":                   {Line: 1, Member: "life", Problem: `"soon" is no duration`},
		"length: [1h]":                 {Line: 1, Member: "length", Problem: "a list is no duration"},
		"level: middle":                {Line: 1, Member: "level", Problem: "neither low nor high"},
		"level: 3":                     {Line: 1, Member: "level", Problem: "not text"},
		"list: a":                      {Line: 1, Member: "list", Problem: `"a" is not a list`},
		"list:\n  - a\n  - 2":          {Line: 3, Member: "list[1]", Problem: "not text"},
		"pair: [a]":                    {Line: 1, Member: "pair", Problem: "1 elements, and 2 are wanted"},
		"pair: [a, b, c]":              {Line: 1, Member: "pair", Problem: "3 elements"},
		"names: [a]":                   {Line: 1, Member: "names", Problem: "not a mapping"},
		"names: {a: [b]}":              {Line: 1, Member: "names.a", Problem: "not text"},
		"names:\n  ? [a]\n  : b":       {Line: 2, Member: "names", Problem: "a name is plain text"},
		"items:\n- name: x\n- nme: y":  {Line: 3, Member: "items[1].nme", Problem: "did you mean name?"},
		"items:\n- sub:\n  - nam: y":   {Line: 3, Member: "items[0].sub[0].nam", Problem: "did you mean name?"},
		"pointer:":                     {Line: 1, Member: "pointer", Problem: "empty value"},
		"own:":                         {Line: 1, Member: "own", Problem: "empty value"},
		"own: wrong":                   {Line: 1, Member: "own", Problem: "it is wrong"},
		"own: {1: a}":                  {Line: 1, Member: "own", Problem: ""},
		"byMember: {knd: k}":           {Line: 1, Member: "byMember.knd", Problem: "did you mean kind?"},
		"text: &a b":                   {Line: 1, Member: "text", Problem: "anchors and aliases"},
		"list: &a [x]\nnames: *a":      {Line: 1, Member: "list", Problem: "anchors and aliases"},
		"own: [&a 1, *a]":              {Line: 1, Member: "own", Problem: "anchors and aliases"},
		"&a text: b":                   {Line: 1, Problem: "plain text"},
		"text: !!str 1":                {Line: 1, Member: "text", Problem: "tags"},
		"own: !x 1":                    {Line: 1, Member: "own", Problem: "tags"},
		"<<: {text: a}":                {Line: 1, Member: "<<", Problem: "no such member"},
		"text: !include /etc/passwd":   {Line: 1, Member: "text", Problem: "tags"},
	} {
		_, _, err := decode(text)
		wrong, ok := errors.AsType[*strictyaml.Error](err)
		if want.Problem == "" && err == nil {
			continue // both are right: a name of JSON is text
		}
		if !ok || wrong.Line != want.Line || wrong.Member != want.Member || !strings.Contains(wrong.Problem, want.Problem) || strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("%q: %v, want %+v", text, err, want)
		}
	}
}

// TestWhatIsFoundLaterHasALineToo asks for members that the document has, and for others:
// those have the line of what is around them.
func TestWhatIsFoundLaterHasALineToo(t *testing.T) {
	t.Parallel()
	_, lines, err := decode("text: a\nitems:\n  - name: x\n    sub:\n      - name: y\nnames:\n  a: b\n")
	if err != nil {
		t.Fatal(err)
	}
	for member, want := range map[string]string{
		"":                        "f.yaml:1: p",
		"text":                    "f.yaml:1: text: p",
		"items[0].sub[0].name":    "f.yaml:5: items[0].sub[0].name: p",
		"items[0].sub[0].missing": "f.yaml:5: items[0].sub[0].missing: p",
		"items[3].name":           "f.yaml:3: items[3].name: p",
		"names.a":                 "f.yaml:7: names.a: p",
		"nowhere.at.all":          "f.yaml:1: nowhere.at.all: p",
	} {
		if d := cmp.Diff(want, lines.Wrong(member, "p").Error()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

func TestAFileIsReadWithinItsBound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(path, []byte("text: a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := strictyaml.Read(path, 7); string(got) != "text: a" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_, err := strictyaml.Read(path, 6)
	if err == nil || !strings.Contains(err.Error(), "larger than 6 bytes") || strings.Count(err.Error(), path) != 1 {
		t.Error(err)
	}
	if _, err := strictyaml.Read(path+"x", 6); !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), path) != 1 {
		t.Error(err)
	}
	_, _, err = decode("text: '" + strings.Repeat("a", strictyaml.MaxSize) + "'")
	if err == nil || !strings.Contains(err.Error(), "more than 4194304 bytes") {
		t.Error(err)
	}
}

func TestATextOfTheLibraryIsOneLineAndKeepsTheNamesOfFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"yaml: line 3:\n  did not find": "line 3: did not find",
		"open acme.yaml: no such file":  "open acme.yaml: no such file",
		"read: yaml: bad":               "read: bad",
	} {
		if d := cmp.Diff(want, strictyaml.OneLine(errors.New(text))); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

// FuzzDecode holds that no document brings the reader down, that a mistake is one line with a
// line of the document, and that what is read has no alias's size.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"", "{}", "text: a", "own: {a: 1}", "items: [{sub: [{sub: [{name: a}]}]}]", "names: {a: b}", "a: &a [*a]", "<<: *a", "? {a: b}\n: c", "int: 0x10", "int: 1_000",
		"float: .inf", "float: .nan", "list: []", "pair: ['', '']", "\ufeff{}", "text: |\n  a\n  b", "text: >-\n a", "---\n...\n", "%YAML 1.1\n---\ntext: a", "life: -1s", "text: \"\\ud800\"",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, lines, err := decode(string(text))
		if err != nil {
			wrong, ok := errors.AsType[*strictyaml.Error](err)
			if !ok || strings.ContainsAny(err.Error(), "\n") || wrong.Line < 0 || wrong.Line > len(text)+1 {
				t.Errorf("%q: %q", text, err)
			}
			return
		}
		if len(got.Text) > 4*len(text)+4 || len(got.Own.Seen) > 16*len(text)+16 {
			t.Errorf("%d bytes became %d and %d", len(text), len(got.Text), len(got.Own.Seen))
		}
		if lines.Wrong("", "p").Line < 0 {
			t.Error("a document without a line")
		}
	})
}
