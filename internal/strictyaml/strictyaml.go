// Package strictyaml reads what people write in YAML or JSON into a Go value, strictly, by the
// json tags of its type.
//
// A member that does not exist, a value of another kind and a member given twice are errors
// that name the line, the member, what is allowed and the nearest name. It reads the document
// and nothing else: aliases, includes and tags of YAML are refused.
package strictyaml

import (
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/smallfile"
)

// MaxSize is the largest document, in bytes.
const MaxSize = 4 << 20

// Error is a mistake in a file.
type Error struct {
	File    string
	Line    int    // from 1; 0 is unknown
	Member  string // such as "schemes[0].header"; empty is the whole file
	Problem string
}

// Error is one line: "acme.yaml:3: schemes[0].heder: there is no such member; …".
func (e *Error) Error() string {
	out := e.File
	if e.Line > 0 {
		out = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.Member != "" {
		out += ": " + e.Member
	}
	return out + ": " + e.Problem
}

// Read reads a file of at most longest bytes. It may be a pipe, such as the shell makes of
// <(command): that is read until its writer is done, for a few seconds at most. Errors name
// the file, once.
func Read(path string, longest int64) ([]byte, error) {
	data, err := smallfile.Read(path, longest)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return data, nil
}

// Lines are the places of the members of a document.
type Lines struct {
	file  string
	lines map[string]int // by member
}

// Reader reads documents of one kind. Its methods may be called by several goroutines.
type Reader struct {
	Needs    string                                   // what such a document must have, in words
	Duration func(text string) (time.Duration, error) // reads "90s"
	ByMember []reflect.Type                           // structs that read JSON themselves, and are read member by member all the same
}

// Wrong returns the error for a member that was found to be wrong after decoding.
func (ln *Lines) Wrong(member, problem string) *Error {
	return &Error{ln.file, ln.of(member), member, problem}
}

// OneLine is the text of an error without line breaks and without the library's prefix.
func OneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	return strings.ReplaceAll(strings.TrimPrefix(text, "yaml: "), ": yaml: ", ": ") // "acme.yaml: …" is a file
}

// of returns the line of a member, or of the nearest one around it.
func (ln *Lines) of(member string) int {
	for member != "" {
		if line, ok := ln.lines[member]; ok {
			return line
		}
		member = member[:max(0, strings.LastIndexAny(member, ".["))]
	}
	return ln.lines[""]
}
