package wire

import (
	"errors"
	"fmt"
	"iter"
	"slices"
)

// ErrPaging is wrapped by the errors that [Items] itself returns.
var ErrPaging = errors.New("paging does not advance")

// Items yields the items of all pages, starting with the page at the cursor first. read
// reads the page at a cursor and returns its items, the cursor of the next page, and
// whether there is one. Items stops after yielding an error. Ranging again starts over.
//
// Items detects a server that repeats itself: a repeated cursor is an error, and so is a
// page whose items have the same keys as those of the previous page. key returns the
// identity of an item; if key is nil, Items skips the second check.
func Items[T any, C comparable](first C, key func(T) string, read func(at C) (items []T, next C, more bool, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var last []string
		seen := map[C]bool{}
		for at, more := first, true; more; {
			if seen[at] {
				yield(none, fmt.Errorf("%w: the server leads back to an earlier page", ErrPaging))
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
