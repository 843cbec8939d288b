package mockserver

import (
	"cmp"
	"slices"
	"strings"
)

// A partial segment is text with wildcards in it, "{id}.json" or "{from}-{to}": a wildcard
// takes at least one character, and as few as the text behind it allows.

// partial is a partial segment and what is behind it.
type partial struct {
	segment string
	node    *node
}

// isPartial reports whether a segment has braces and is not one wildcard.
func isPartial(segment string) bool {
	open := strings.IndexByte(segment, '{')
	return open >= 0 && (open > 0 || strings.IndexByte(segment, '}') < len(segment)-1)
}

// pieces takes a partial segment apart: texts has one more than names, and surrounds them.
// ok is false for braces that are not closed.
func pieces(segment string) (texts, names []string, ok bool) {
	for {
		text, rest, more := strings.Cut(segment, "{")
		texts = append(texts, text)
		if !more {
			return texts, names, !strings.Contains(text, "}")
		}
		name, behind, closed := strings.Cut(rest, "}")
		if !closed || strings.Contains(text, "}") {
			return nil, nil, false
		}
		names, segment = append(names, name), behind
	}
}

// namesIn lists the wildcards of a segment.
func namesIn(segment string) []string {
	_, names, _ := pieces(segment)
	return names
}

// valuesOf matches a segment of a path, as it was sent, with a partial one.
func valuesOf(segment, sent string) (values []string, fits bool) {
	texts, names, _ := pieces(segment)
	rest, fits := strings.CutPrefix(sent, texts[0])
	for i := range names {
		text, last := texts[i+1], i == len(names)-1
		end := len(rest) - len(text)
		if !last && rest != "" {
			end = strings.Index(rest[1:], text) + 1
			if end == 0 {
				return nil, false
			}
		}
		if !fits || end < 1 || rest[end:end+len(text)] != text {
			return nil, false
		}
		values, rest = append(values, rest[:end]), rest[end+len(text):]
	}
	return values, fits && rest == ""
}

// partialChild is the node behind a partial segment. Two that differ in names only are one.
func (nd *node) partialChild(segment string) *node {
	texts, _, _ := pieces(segment)
	for i := range nd.partial {
		if same, _, _ := pieces(nd.partial[i].segment); slices.Equal(texts, same) {
			return nd.partial[i].node
		}
	}
	next := new(node)
	nd.partial = append(nd.partial, partial{segment, next})
	slices.SortStableFunc(nd.partial, func(a, b partial) int { return cmp.Compare(textLength(b.segment), textLength(a.segment)) })
	return next
}

// textLength counts what is no wildcard.
func textLength(segment string) int {
	texts, _, _ := pieces(segment)
	return len(strings.Join(texts, ""))
}
