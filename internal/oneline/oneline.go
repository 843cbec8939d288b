// Package oneline makes text of unknown origin fit for one line of a log or an error.
//
// Control and format characters, line breaks of every kind and invalid bytes become spaces,
// a run of spaces becomes one, and what is longer than the limit is cut and ends in an
// ellipsis. The text may be a whole error body: no more of it is read than is kept.
//
// Text that may hold a secret is redacted before it comes here, because a cut secret is no
// longer recognised. The one function keeps no state.
package oneline

import (
	"strings"
	"unicode"
)

// Text returns text on one line, at most limit runes of it.
func Text(text string, limit int) string {
	var out strings.Builder
	kept, space := 0, false
	for _, r := range text {
		if isSpace(r) {
			space = kept > 0
			continue
		}
		if space && kept < limit {
			out.WriteByte(' ')
			kept++
		}
		space = false
		if kept >= limit {
			return out.String() + "…"
		}
		out.WriteRune(r)
		kept++
	}
	return out.String()
}

// isSpace reports whether a rune has no place in one line of text.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar
}
