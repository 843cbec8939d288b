package imin

import (
	"encoding/json"
	"fmt"
	"iter"

	"github.com/keyfit/keyfit/internal/wire"
)

const (
	maxLimit = 50 // items per page (page "Events API")
	maxPage  = 1 << 30
)

// Page is one page of a search (imin:RestrictedCollection).
type Page[T any] struct {
	Context List[string] `json:"@context,omitempty"`
	ID      string       `json:"id,omitempty"` // the URL of the request
	Type    string       `json:"type,omitempty"`
	// TotalItems is the number of items on all pages. It is exact for a single page and
	// approximate otherwise (page "Understanding Responses"); nil if imin does not send it.
	TotalItems *int                       `json:"imin:totalItems,omitempty"`
	View       View                       `json:"view,omitzero"`
	Items      []T                        `json:"imin:item,omitempty"`
	Extra      map[string]json.RawMessage `json:"-"`
}

// View describes the page and the search. Its ID contains the server's default filters.
type View struct {
	ID           string                     `json:"id,omitempty"`
	Type         string                     `json:"type,omitempty"`
	First        string                     `json:"first,omitempty"` // URL of the first page
	Last         string                     `json:"last,omitempty"`  // URL of the last page
	CurrentPage  int                        `json:"imin:currentPage,omitempty"`
	ItemsPerPage int                        `json:"imin:itemsPerPage,omitempty"`
	TotalPages   int                        `json:"imin:totalPages,omitempty"`
	URLTemplate  string                     `json:"urlTemplate,omitempty"`
	Extra        map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps unknown members in Extra.
func (p *Page[T]) UnmarshalJSON(b []byte) error {
	type plain Page[T]
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the members of Extra too.
func (p Page[T]) MarshalJSON() ([]byte, error) {
	type plain Page[T]
	return wire.Encode(plain(p), p.Extra)
}

// allPages returns the page size and the first page for reading all pages: the largest size
// and page 1, unless the query has other values.
func allPages(limit, page int) (most, first int) {
	if limit == 0 {
		limit = maxLimit
	}
	return limit, max(page, 1)
}

// iterate yields the items of all pages. key returns the identity of an item.
func iterate[T any](first int, key func(T) string, read func(page int) (Page[T], error)) iter.Seq2[T, error] {
	return wire.Items(first, key, func(at int) ([]T, int, bool, error) {
		p, err := read(at)
		if err != nil {
			return nil, 0, false, err
		}
		if is := p.View.CurrentPage; is != 0 && is != at {
			return nil, 0, false, fmt.Errorf("imin: page %d was requested but page %d was returned", at, is)
		}
		// An empty page follows the last one: totals are approximate, and sessions are
		// archived during the iteration.
		more := len(p.Items) > 0 && (p.View.TotalPages == 0 || at < p.View.TotalPages)
		return p.Items, at + 1, more, nil
	})
}
