// Package envfile changes one variable of a .env file and leaves every other byte of it
// alone: comments, order, quotes, line ends.
//
// An edit is believed only after godotenv has read the result: the variable must have its
// new value and every other variable the value it had. Where that cannot be had, there is
// an error and no edit.
package envfile

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/joho/godotenv"
)

// Set gives every assignment of name the value, or adds one at the end if there is none.
// lines are those that were changed. The quotes of an assignment stay as they are if they
// can hold the value. All of several assignments are changed: readers differ in which one
// they take, and the old value is to be nowhere.
func Set(content []byte, name, value string) (out []byte, lines []int, err error) {
	entries, err := named(content, name)
	if err != nil {
		return nil, nil, err
	}
	if len(entries) == 0 {
		return add(content, name, value)
	}
	out = content
	for _, e := range slices.Backward(entries) {
		edit := func(form string) []byte {
			edited := slices.Concat(out[:e.from], []byte(form), out[e.to:])
			if !assigns(edited, e.start, form) {
				return nil
			}
			return edited
		}
		if out, err = firstGood(content, name, value, e.quote, edit, len(lines) == len(entries)-1); err != nil {
			return nil, nil, err
		}
		lines = append(lines, e.Line)
	}
	slices.Reverse(lines)
	return out, lines, nil
}

// assigns reports whether the assignment that begins at start has that value and no more: in
// NAME= # a comment # a remark, what stands before the last # would be the value's.
func assigns(content []byte, start int, form string) bool {
	entries, err := Entries(content)
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.start == start })
	return err == nil && i >= 0 && string(content[entries[i].from:entries[i].to]) == form
}

// Remove takes every assignment of name out, each with its line.
func Remove(content []byte, name string) (out []byte, lines []int, err error) {
	entries, err := named(content, name)
	if err != nil {
		return nil, nil, err
	}
	out = content
	for _, e := range slices.Backward(entries) {
		from, to := e.start, len(out)
		for from > 0 && out[from-1] != '\n' && !bytes.HasSuffix(out[:from], []byte(byteOrderMark)) {
			from--
		}
		if end := bytes.IndexByte(out[e.to:], '\n'); end >= 0 {
			to = e.to + end + 1
		}
		out = slices.Concat(out[:from], out[to:])
		lines = append(lines, e.Line)
	}
	slices.Reverse(lines)
	after, err := read(out)
	if err != nil {
		return nil, nil, errCannotEdit
	}
	before, err := read(content)
	if err != nil {
		return nil, nil, errCannotEdit
	}
	if _, still := after.raw[name]; still || !sameBut(name, before.raw, after.raw) {
		return nil, nil, errCannotEdit
	}
	return out, lines, nil
}

func named(content []byte, name string) ([]Entry, error) {
	entries, err := Entries(content)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(entries, func(e Entry) bool { return e.Name != name }), nil
}

// add puts an assignment behind the last line, with the line ends that the file has.
func add(content []byte, name, value string) (out []byte, lines []int, err error) {
	eol := "\n"
	if first := bytes.IndexByte(content, '\n'); first > 0 && content[first-1] == '\r' {
		eol = "\r\n"
	}
	before := ""
	if len(content) > 0 && !bytes.HasSuffix(content, []byte("\n")) && string(content) != byteOrderMark {
		before = eol
	}
	line := bytes.Count(content, []byte("\n")) + 1
	if before != "" {
		line++
	}
	build := func(form string) []byte { return slices.Concat(content, []byte(before+name+"="+form+eol)) }
	if out, err = firstGood(content, name, value, 0, build, true); err != nil {
		return nil, nil, err
	}
	return out, []int{line}, nil
}

var (
	errCannotEdit = errors.New("the file cannot be changed without changing what else is in it: edit it by hand")
	errCannotHold = errors.New("the value has characters that a .env file cannot hold in any quotes")
)

// firstGood returns what build makes of the first form of the value that is read back as
// it was meant; build gives nil for a form that cannot stand there. Before the last of several
// edits the result is not looked at yet.
func firstGood(content []byte, name, value string, quote byte, build func(form string) []byte, look bool) ([]byte, error) {
	before, err := read(content)
	if err != nil {
		return nil, err
	}
	for _, form := range forms(value, quote) {
		out := build(form)
		if out == nil {
			continue
		}
		if !look {
			return out, nil
		}
		after, err := read(out)
		if err != nil {
			continue
		}
		if after.raw[name] != value || after.expanded[name] != value {
			continue
		}
		if !sameBut(name, before.raw, after.raw) {
			return nil, errCannotEdit
		}
		return out, nil
	}
	return nil, errCannotHold
}

func sameBut(name string, a, b map[string]string) bool {
	a, b = maps.Clone(a), maps.Clone(b)
	delete(a, name)
	delete(b, name)
	return maps.Equal(a, b)
}

// forms are the ways to write a value, the one with the given quote first. Without quotes
// only what no shell reads otherwise.
func forms(value string, quote byte) []string {
	var found []string
	plain := value != "" && strings.IndexFunc(value, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/=.:@%,", r)
	}) < 0
	if plain {
		found = append(found, value)
	}
	if !strings.Contains(value, "'") {
		found = append(found, "'"+value+"'")
	}
	double := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", `\$`).Replace(value) + `"`
	found = append(found, double)
	slices.SortStableFunc(found, func(a, b string) int {
		has := func(s string) int {
			if quote != 0 && s != "" && s[0] == quote {
				return 0
			}
			return 1
		}
		return has(a) - has(b)
	})
	return found
}

// readings are what a file says to godotenv.
type readings struct {
	expanded map[string]string // as it is: $NAME in a value stands for another variable
	raw      map[string]string // with each $ as a $, which is how keyfit reads
}

func read(content []byte) (readings, error) {
	text := strings.TrimPrefix(string(content), byteOrderMark)
	dollar := unused(text)
	expanded, err := godotenv.Parse(strings.NewReader(text))
	raw, err2 := godotenv.Parse(strings.NewReader(strings.ReplaceAll(text, "$", dollar)))
	_, nameless := expanded[""]
	if err != nil || err2 != nil || nameless { // its errors quote the file
		return readings{}, errors.New("the file cannot be parsed: want lines of NAME=value")
	}
	for name, value := range raw {
		raw[name] = strings.ReplaceAll(strings.ReplaceAll(value, `\`+dollar, "$"), dollar, "$")
	}
	return readings{expanded, raw}, nil
}

// unused returns a character of the private use area that the text does not have.
func unused(text string) string {
	for r := rune(0xe000); r < 0xf8ff; r++ {
		if !strings.ContainsRune(text, r) {
			return string(r)
		}
	}
	return "$"
}

// Mentions returns the lines in which a secret stands, in a comment for example. Secrets of
// less than eight bytes are not looked for: they would be found by chance.
func Mentions(content []byte, secret string) []int {
	var lines []int
	if len(secret) < 8 {
		return nil
	}
	for n, line := range bytes.Split(content, []byte("\n")) {
		if bytes.Contains(line, []byte(secret)) {
			lines = append(lines, n+1)
		}
	}
	return lines
}

// Describe says for a person which lines they are: "line 3", "lines 3 and 7".
func Describe(lines []int) string {
	words := make([]string, 0, len(lines))
	for _, n := range lines {
		words = append(words, strconv.Itoa(n))
	}
	switch len(words) {
	case 0:
		return "no line"
	case 1:
		return "line " + words[0]
	}
	return "lines " + strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
