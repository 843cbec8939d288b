package mockserver

import (
	"strconv"
	"strings"
	"unicode"
)

// printable writes out what a terminal would act on, such as escapes and characters of
// direction, as in a Go string. It is for text that clients sent and people read.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
