// Package envfile reads a .env file, and changes one variable of it while every other byte
// stays as it is: comments, order, quotes, line ends.
//
// The grammar is that of github.com/joho/godotenv: its parser reads every value. This
// package finds where each assignment stands, so that an error can name the line and an edit
// can replace the value alone. The process environment is neither read nor written.
//
// The two differ in these points and in no other:
//
//	text                         godotenv                    this package
//	A=x$B, A="x${B}", A=$(B)     puts in the value of B      keeps the text: a key may have a $ in it
//	A='x\$y'                     x\$y                        x$y, as without quotes and in double quotes
//	A= # note                    the value is "# note"       the value is empty
//	A=x # note # more            the value is "x # note"     the value is "x": a comment begins at the first #
//	                                                         that follows a blank
//	=x                           a variable without a name   an error
//	A (the last line, no = or :) a variable without a name   an error
//	a byte order mark            an error                    skipped
//	an error                     quotes the file             a [SyntaxError]: the line number alone
package envfile

import (
	"fmt"
	"slices"
)

// Assignment is one NAME=value of a .env file.
type Assignment struct {
	Name, Value string
	Line        int // where the name stands, from 1

	span span
}

// Assignments are those of a file, in its order.
type Assignments []Assignment

// Lookup returns the value of a variable. Where a file assigns a name more than once, the
// last assignment counts.
func (as Assignments) Lookup(name string) (value string, ok bool) {
	for _, a := range slices.Backward(as) {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// named returns the assignments of one name.
func (as Assignments) named(name string) Assignments {
	var found Assignments
	for _, a := range as {
		if a.Name == name {
			found = append(found, a)
		}
	}
	return found
}

// SyntaxError says which line of a file is no assignment. It holds nothing of the file, whose
// lines may be keys.
type SyntaxError struct {
	Line int // from 1
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d cannot be parsed: want NAME=value", e.Line)
}

const byteOrderMark = "\ufeff"

// Parse returns the assignments of a .env file. An error is a [*SyntaxError].
func Parse(content []byte) (Assignments, error) {
	s := newScanner(content)
	var found Assignments
	for s.nextStatement() {
		at, ok := s.assignment()
		if ok {
			var a Assignment
			if a.Name, a.Value, ok = interpret(content, at); ok {
				a.Line, a.span = at.line, at
				found = append(found, a)
				continue
			}
		}
		line := at.line
		if n := len(found); n > 0 && found[n-1].span.endLine == line {
			// Text behind a quoted value: most likely the quote was meant to end earlier.
			line = found[n-1].Line
		}
		return nil, &SyntaxError{Line: line}
	}
	return found, nil
}
