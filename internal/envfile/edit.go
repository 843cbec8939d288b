package envfile

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
)

var (
	errCannotEdit = errors.New("the file cannot be changed without changing what else is in it: edit it by hand")
	errCannotHold = errors.New("the value has characters that a .env file cannot hold in any quotes")
)

// Set gives every assignment of name the value, or adds an assignment at the end if there is
// none. lines are those that changed. The quotes of an assignment stay as they are if they
// can hold the value. All of several assignments change: programs differ in which one they
// take, and an old key should be left nowhere.
//
// The result is read back: the variable has its new value, for this package and for
// godotenv, and every other variable the value it had. Where that is impossible, Set returns
// an error and no content.
func Set(content []byte, name, value string) (out []byte, lines []int, err error) {
	before, err := Parse(content)
	if err != nil {
		return nil, nil, err
	}
	out = content
	for _, a := range slices.Backward(before.named(name)) { // from the end: the spans before it stay true
		if out, err = replace(out, a, value); err != nil {
			return nil, nil, err
		}
		lines = append(lines, a.Line)
	}
	slices.Reverse(lines)
	if len(lines) == 0 {
		var line int
		if out, line, err = add(content, name, value); err != nil {
			return nil, nil, err
		}
		lines = []int{line}
	}
	if err := checkEdit(before, out, name, value); err != nil {
		return nil, nil, err
	}
	return out, lines, nil
}

// replace writes the value of one assignment in the first form that is read back.
func replace(content []byte, a Assignment, value string) ([]byte, error) {
	for _, form := range forms(value, a.span.quote) {
		out := slices.Concat(content[:a.span.from], []byte(form), content[a.span.to:])
		if holds(out, a.span.start, a.Name, value) {
			return out, nil
		}
	}
	return nil, errCannotHold
}

// add appends an assignment, with the line ends that the file has.
func add(content []byte, name, value string) (out []byte, line int, err error) {
	eol := "\n"
	if first := bytes.IndexByte(content, '\n'); first > 0 && content[first-1] == '\r' {
		eol = "\r\n"
	}
	head := content
	if len(content) > 0 && !bytes.HasSuffix(content, []byte("\n")) && string(content) != byteOrderMark {
		head = slices.Concat(content, []byte(eol)) // the last line has no end yet
	}
	for _, form := range forms(value, 0) {
		out := slices.Concat(head, []byte(name+"="+form+eol))
		start := len(head)
		if holds(out, start, name, value) {
			return out, bytes.Count(head, []byte("\n")) + 1, nil
		}
	}
	return nil, 0, errCannotHold
}

// holds reports whether the assignment at start has the value, for this package and for
// godotenv. They differ where a comment has a second #: NAME=x # note # more.
func holds(content []byte, start int, name, value string) bool {
	all, err := Parse(content)
	i := slices.IndexFunc(all, func(a Assignment) bool { return a.span.start == start })
	if err != nil || i < 0 || all[i].Name != name || all[i].Value != value {
		return false
	}
	end := len(content)
	if i+1 < len(all) {
		end = all[i+1].span.start
	}
	return godotenvReads(content[start:end], name, value)
}

// checkEdit returns an error unless name has the value in the content and every other
// assignment is as it was.
func checkEdit(before Assignments, content []byte, name, value string) error {
	after, err := Parse(content)
	if err != nil {
		return errCannotEdit
	}
	if got, ok := after.Lookup(name); !ok || got != value || !sameOthers(before, after, name) {
		return errCannotEdit
	}
	return nil
}

// sameOthers reports whether two files assign the same to every name but one, in one order.
func sameOthers(a, b Assignments, name string) bool {
	others := func(as Assignments) Assignments {
		return slices.DeleteFunc(slices.Clone(as), func(a Assignment) bool { return a.Name == name })
	}
	return slices.EqualFunc(others(a), others(b), func(a, b Assignment) bool { return a.Name == b.Name && a.Value == b.Value })
}

// forms are the ways to write a value, the one with the given quote first.
func forms(value string, quote byte) []string {
	var found []string
	if plain(value) {
		found = append(found, value)
	}
	if !strings.Contains(value, "'") {
		found = append(found, "'"+value+"'")
	}
	found = append(found, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", `\$`).Replace(value)+`"`)
	for i, form := range found {
		if quote != 0 && form[0] == quote {
			return slices.Concat(found[i:i+1], found[:i], found[i+1:])
		}
	}
	return found
}

// plain reports whether the value needs no quotes: it has only characters that every shell
// leaves as they are.
func plain(value string) bool {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/=.:@%,"
	return value != "" && strings.Trim(value, safe) == ""
}

// Remove takes every assignment of name out, each with its line.
func Remove(content []byte, name string) (out []byte, lines []int, err error) {
	before, err := Parse(content)
	if err != nil {
		return nil, nil, err
	}
	out = content
	for _, a := range slices.Backward(before.named(name)) {
		from, to := lineStart(out, a.span.start), len(out)
		if end := bytes.IndexByte(out[a.span.to:], '\n'); end >= 0 {
			to = a.span.to + end + 1
		}
		out = slices.Concat(out[:from], out[to:])
		lines = append(lines, a.Line)
	}
	slices.Reverse(lines)
	after, err := Parse(out)
	if err != nil {
		return nil, nil, errCannotEdit
	}
	if _, still := after.Lookup(name); still || !sameOthers(before, after, name) {
		return nil, nil, errCannotEdit // another assignment stood on one of the lines
	}
	return out, lines, nil
}

// lineStart returns where the line begins that content[at] is in, behind a byte order mark.
func lineStart(content []byte, at int) int {
	if newline := bytes.LastIndexByte(content[:at], '\n'); newline >= 0 {
		return newline + 1
	}
	if bytes.HasPrefix(content, []byte(byteOrderMark)) {
		return len(byteOrderMark)
	}
	return 0
}

// Mentions returns the lines that contain a secret, in a comment for example. It does not look
// for a secret of less than eight bytes, which would be found by chance.
func Mentions(content []byte, secret string) []int {
	const shortest = 8
	if len(secret) < shortest {
		return nil
	}
	var lines []int
	for n, line := range bytes.Split(content, []byte("\n")) {
		if bytes.Contains(line, []byte(secret)) {
			lines = append(lines, n+1)
		}
	}
	return lines
}

// Describe names lines for a person: "line 3", "lines 3 and 7".
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
