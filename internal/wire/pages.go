package wire

import (
	"errors"
	"fmt"
	"iter"
	"slices"
)

// ErrPaging is under the errors of [Items] itself, which name no API.
var ErrPaging = errors.New("paging does not advance")

// Items yields the items of all pages. read reads the page at a cursor and returns its
// items, the cursor of the next page, and whether there is one; the first page is at
// first. After an error nothing more is yielded. Ranging again begins anew.
//
// A server that repeats itself does not hold the loop for ever: a cursor seen before is
// an error, and so is a page with the same keys as the one before it. key returns what
// tells items apart; nil leaves the second check out.
func Items[T any, C comparable](first C, key func(T) string, read func(at C) (items []T, next C, more bool, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var last []string
		seen := map[C]bool{}
		for at, more := first, true; more; {
			if seen[at] {
				yield(none, fmt.Errorf("%w: the server leads back to a page that was read", ErrPaging))
				return
			}
			seen[at] = true
			items, next, further, err := read(at)
			if err != nil {
				yield(none, err)
				return
			}
			if keys := keysOf(items, key); len(keys) > 0 {
				if slices.Equal(keys, last) {
					yield(none, fmt.Errorf("%w: the server repeats a page", ErrPaging))
					return
				}
				last = keys
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			at, more = next, further
		}
	}
}

func keysOf[T any](items []T, key func(T) string) []string {
	if key == nil {
		return nil
	}
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = key(item)
	}
	return keys
}
