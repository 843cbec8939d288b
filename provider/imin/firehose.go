package imin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// FirehoseService reads the feeds of the Firehose whose paths imin documents.
type FirehoseService struct {
	host
	polls *polls
}

// Datasets is the attribution catalogue: every dataset behind imin, and its licence (page
// "Attribution Catalog Endpoint").
func (s *FirehoseService) Datasets() *Feed[Dataset] {
	return &Feed[Dataset]{host: s.host, polls: s.polls, path: "/firehose/datasets"}
}

// BookableSellers is the feed of the sellers that a broker may book with; the feed of
// "{broker}-test" is for tests (page "Bookable Sellers Feeds"). An empty broker is an error
// of the first read.
func (s *FirehoseService) BookableSellers(broker string) *Feed[Seller] {
	f := &Feed[Seller]{host: s.host, polls: s.polls}
	if f.path, f.err = wire.Path("/firehose/bookable-sellers/{broker}", broker); f.err != nil {
		f.err = fmt.Errorf("imin: %w", f.err)
	}
	return f
}

// Position is a place in a feed: the Next of the page before it. "" is the beginning. A
// program that keeps a copy of a feed saves the position after each page that it has
// processed, and goes on from there.
type Position string

// Feed is one feed, paged as OpenActive's Realtime Paged Data Exchange 1.0 says: items
// ordered by when they changed, an item anew when it changes again, and a last page
// without items, which one asks for again to see what is new.
//
// imin permits one poll of the last page in 8 seconds, and any number of reads of other
// pages (page "Firehose Usage Policy and Restrictions"). All reads of one [Client] keep to
// that: one that would ask for the last page too early waits first. If that wait cannot end
// before the context's deadline, the error is a [*keyfit.RateLimitError] at once.
//
// Errors are otherwise those of [keyfit.Get]; a position on another host than the
// client's is [keyfit.ErrCrossOrigin].
type Feed[T any] struct {
	host  host
	polls *polls
	path  string
	err   error
}

// FeedPage is one page of a feed.
type FeedPage[T any] struct {
	Next    Position                   `json:"next,omitempty"`
	Items   []FeedItem[T]              `json:"items"`
	License string                     `json:"license,omitempty"` // a URL
	Extra   map[string]json.RawMessage `json:"-"`
}

// Last reports whether this is the last page at the moment: it has no items.
func (p FeedPage[T]) Last() bool { return len(p.Items) == 0 }

// FeedItem is a record as it is since Modified, or the news that it is gone.
type FeedItem[T any] struct {
	State    string                     `json:"state,omitempty"` // updated or deleted
	Kind     string                     `json:"kind,omitempty"`
	ID       Scalar                     `json:"id,omitempty"`
	Modified Scalar                     `json:"modified,omitempty"` // grows with each change; no unit is documented
	Data     *T                         `json:"data,omitempty"`     // nil if deleted
	Extra    map[string]json.RawMessage `json:"-"`
}

// Deleted reports whether the record is gone.
func (i FeedItem[T]) Deleted() bool { return i.State == "deleted" }

// UnmarshalJSON keeps unknown members in Extra.
func (p *FeedPage[T]) UnmarshalJSON(b []byte) error {
	type plain FeedPage[T]
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the members of Extra too, and items also when there are none, as RPDE
// requires.
func (p FeedPage[T]) MarshalJSON() ([]byte, error) {
	type plain FeedPage[T]
	if p.Items == nil {
		p.Items = []FeedItem[T]{}
	}
	return wire.Encode(plain(p), p.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (i *FeedItem[T]) UnmarshalJSON(b []byte) error {
	type plain FeedItem[T]
	return wire.Decode(b, (*plain)(i), &i.Extra)
}

// MarshalJSON writes the members of Extra too.
func (i FeedItem[T]) MarshalJSON() ([]byte, error) {
	type plain FeedItem[T]
	return wire.Encode(plain(i), i.Extra)
}

// List reads the page at a position.
func (f *Feed[T]) List(ctx context.Context, at Position, opts ...keyfit.CallOption) (FeedPage[T], error) {
	if f.err != nil {
		return FeedPage[T]{}, f.err
	}
	url := string(at)
	if at == "" {
		url = f.path
	}
	if err := f.polls.wait(ctx, f.path, url); err != nil {
		return FeedPage[T]{}, err
	}
	page, err := get[FeedPage[T]](ctx, f.host, url, nil, opts)
	if err == nil && page.Last() {
		f.polls.seen(f.path, url)
	}
	return page, err
}

// All ranges over the items from a position to the last page. To read on later without
// reading all again, use List or Follow, which give positions.
func (f *Feed[T]) All(ctx context.Context, from Position, opts ...keyfit.CallOption) iter.Seq2[FeedItem[T], error] {
	return wire.Items(from, nil, func(at Position) ([]FeedItem[T], Position, bool, error) {
		page, err := f.List(ctx, at, opts...)
		if err == nil && !page.Last() {
			err = advances(at, page.Next)
		}
		return page.Items, page.Next, !page.Last(), err
	})
}

// Follow ranges over the pages from a position and does not end: at the last page it
// yields the empty page, then polls for what is new, every 8 seconds. It ends with the
// loop that ranges over it, or with the first error, which may be the context's; begin
// again at the Next of the last good page.
func (f *Feed[T]) Follow(ctx context.Context, from Position, opts ...keyfit.CallOption) iter.Seq2[FeedPage[T], error] {
	return func(yield func(FeedPage[T], error) bool) {
		for at := from; ; {
			page, err := f.List(ctx, at, opts...)
			if err == nil && !page.Last() {
				err = advances(at, page.Next)
			}
			if !yield(page, err) || err != nil {
				return
			}
			if page.Next != "" { // an empty page may leave it out: the position stays
				at = page.Next
			}
		}
	}
}

// advances checks that a page with items leads on.
func advances(at, next Position) error {
	switch next {
	case "":
		return errors.New("imin: a page of the feed has items and no next")
	case at:
		return errors.New("imin: the feed does not advance: the next page is the same")
	}
	return nil
}
