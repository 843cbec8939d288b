package keyfit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// DotEnv offers the key in a .env file, by the rules of [Env]: the first of names that is
// in it, NAME_FILE, NAME_EXPIRES and NAME_ISSUED beside it. The process environment is
// neither read nor written. A relative path is taken from the working directory at the
// time of the call, and is not searched for in parent folders.
//
// The value is what stands in the file: a $ in it is a $, and nothing is expanded. A file
// that cannot be parsed gets an error with the line number and none of its content.
func DotEnv(path string, names ...string) Source {
	return variableSource{vars: newDotEnvFile(path), names: names}
}

// DotEnvPair offers the pair whose halves are in two entries of a .env file; see [EnvPair].
func DotEnvPair(path, idName, keyName string) Source {
	return variableSource{vars: newDotEnvFile(path), names: []string{keyName}, idName: idName}
}

// maxDotEnv is far above any .env file that a person wrote.
const maxDotEnv = 1 << 20

type dotEnvFile struct{ path string }

func newDotEnvFile(path string) dotEnvFile {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return dotEnvFile{path: path}
}

func (f dotEnvFile) place(name string) string {
	if name == "" {
		return f.path
	}
	return name + " in " + f.path
}

func (f dotEnvFile) load() (func(string) (string, bool), error) {
	content, err := readSmallFile(f.path, maxDotEnv)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the file does not exist (%w)", ErrNoKey)
	}
	if err != nil {
		return nil, err
	}
	vars, err := parseDotEnv(content)
	if err != nil {
		return nil, err
	}
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, nil
}

// lookupVariable reads one variable that is not a key, such as a base URL, from the
// process environment or else from the .env file. A missing file is not an error here.
func lookupVariable(_ context.Context, name string, places ...variables) (value, place string, err error) {
	for _, vars := range places {
		lookup, err := vars.load()
		if errors.Is(err, ErrNoKey) {
			continue
		}
		if err != nil {
			return "", "", &sourceError{vars.place(name), err}
		}
		if value, ok := lookup(name); ok && strings.TrimSpace(value) != "" {
			return strings.TrimSpace(value), vars.place(name), nil
		}
	}
	return "", "", nil
}

// parseDotEnv parses a .env file with godotenv, without two of its habits: it expands
// $NAME in values from the file itself, which silently damages a key that has a $ in it,
// and its errors quote the file, which is where the keys are.
func parseDotEnv(content []byte) (map[string]string, error) {
	content = bytes.TrimPrefix(content, []byte(byteOrderMark))
	dollar := placeholder(content)
	text := strings.ReplaceAll(string(content), "$", dollar)
	text = onlyComment.ReplaceAllString(text, "$1")
	vars, err := parseLines(text)
	if err != nil {
		if line := brokenLine(text); line > 0 {
			return nil, fmt.Errorf("line %d cannot be parsed: want NAME=value", line)
		}
		return nil, errors.New("the file cannot be parsed: want lines of NAME=value")
	}
	for name, value := range vars {
		value = strings.ReplaceAll(value, `\`+dollar, "$") // \$ is the usual way to write a $
		vars[name] = strings.ReplaceAll(value, dollar, "$")
	}
	return vars, nil
}

// onlyComment is a line whose value is nothing but a comment, which godotenv would take
// for the value: NAME= # from the dashboard.
var onlyComment = regexp.MustCompile(`(?m)^([ \t]*(?:export[ \t]+)?[\w.]+[ \t]*[=:])[ \t]+#.*$`)

var errNameless = errors.New("a value without a name")

// parseLines is godotenv's parser without a gap: to it a line that begins with =, and a last
// line that has no = at all, are values without a name.
func parseLines(text string) (map[string]string, error) {
	vars, err := godotenv.Parse(strings.NewReader(text))
	if _, nameless := vars[""]; nameless && err == nil {
		err = errNameless
	}
	return vars, err
}

// placeholder returns a character that stands for $ while godotenv parses: one of the
// private use area that the file itself does not use.
func placeholder(content []byte) string {
	for r := rune(0xe000); r < 0xf8ff; r++ {
		if !bytes.ContainsRune(content, r) {
			return string(r)
		}
	}
	return "$"
}

// brokenLine returns the number of the line that makes the text unparsable: the one after
// the longest prefix of lines that parses. It is 0 for a file too long to look.
func brokenLine(text string) int {
	const maxLines = 1000
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if len(lines) > maxLines {
		return 0
	}
	for n := range slices.Backward(lines) {
		if _, err := parseLines(strings.Join(lines[:n], "\n")); err == nil {
			return n + 1
		}
	}
	return 0
}
