package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Visible is a writer to a terminal that shows what would steer it: control characters but
// line feed and tab, the C1 controls, characters of direction, and what is no UTF-8. They
// are written as escapes of JSON, so that a JSON text stays the same text. Everything that
// the program prints passes through one, whatever it is and wherever it comes from.
//
// A line feed may also come from outside and forge a line. That is for [Line], because the
// writer cannot tell.
type Visible struct {
	mu      sync.Mutex
	to      io.Writer
	pending []byte // the beginning of a character, or a carriage return
	failed  error  // of the first write that failed
}

// NewVisible returns a writer to w.
func NewVisible(w io.Writer) *Visible { return &Visible{to: w} }

// Raw returns what is below a [Visible], for a child process, for the output of a program
// that another one reads, and for lines that are overwritten.
func Raw(w io.Writer) io.Writer {
	if v, ok := w.(*Visible); ok {
		return v.to
	}
	return w
}

// Write writes p. What it ends in may wait for the next Write, or for Flush.
func (v *Visible) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	text := append(append([]byte(nil), v.pending...), p...)
	end := len(text)
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if last := text[len(text)-back:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) || string(last) == "\r" {
				end -= back
			}
			break
		}
	}
	v.pending = text[end:]
	if err := v.print(text[:end]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// print writes a text if there is one: the reader of a pipe has to take an empty one too.
func (v *Visible) print(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	_, err := io.WriteString(v.to, visible(string(text), "\n\t"))
	if v.failed == nil {
		v.failed = err
	}
	return err //nolint:wrapcheck // the writer's own
}

// Flush writes what waits. It returns the first error of all that was written so far: a
// command does not have to look at each line that it prints.
func (v *Visible) Flush() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = v.print(v.pending) // kept in failed
	v.pending = nil
	return v.failed
}

// Line returns a text from outside as part of one line.
func Line(text string) string { return visible(text, "") }

// Printable returns a text of several lines from outside.
func Printable(text string) string { return visible(text, "\n\t") }

// Block returns a text of several lines from outside, each of them indented: none can pass
// for a line of ours.
func Block(text string) string {
	return "  " + strings.ReplaceAll(visible(text, "\n\t"), "\n", "\n  ")
}

// visible writes out what a terminal acts on, but the characters in keep.
func visible(text, keep string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return steers(r) && !strings.ContainsRune(keep, r) || r == utf8.RuneError }) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case strings.ContainsRune(keep, r) && r != utf8.RuneError, !steers(r):
			b.WriteRune(r) // a byte that is no UTF-8 becomes U+FFFD
		case r == '\r' && keep != "" && strings.HasPrefix(text[i:], "\r\n"): // the line feed is enough
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// steers reports whether a terminal acts on a character, or does not show it: controls of C0
// and C1, characters of format but the joiners of words, and separators of lines.
func steers(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 ||
		r > 0xa0 && unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && r != '\u200c' && r != '\u200d'
}
