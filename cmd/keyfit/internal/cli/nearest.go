package cli

import (
	"slices"
	"strings"
)

// Nearest returns the name that a person who typed word most likely meant, or "" if none of
// them is near: the same word in other letters, one that differs in a few characters, or the
// only one that begins with it.
func Nearest(word string, names []string) string {
	fold := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
	}
	typed := fold(word)
	if typed == "" || len(typed) > 64 {
		return ""
	}
	best, distance := "", max(1, min(3, len([]rune(typed))/3))+1
	var begin []string
	for _, name := range names {
		if d := edits([]rune(typed), []rune(fold(name))); d < distance {
			best, distance = name, d
		}
		if strings.HasPrefix(fold(name), typed) {
			begin = append(begin, name)
		}
	}
	if best == "" && len(begin) == 1 {
		return begin[0]
	}
	return best
}

// edits is the number of characters to insert, delete, replace or swap with their neighbour
// to turn a into b (the optimal string alignment distance).
func edits(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// List is names as a person reads them.
func List(names []string) string {
	const many = 30
	if len(names) > many {
		return strings.Join(slices.Concat(names[:many], []string{"…"}), ", ")
	}
	return strings.Join(names, ", ")
}
