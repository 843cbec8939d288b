package imin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// FirehoseService reads the documented feeds of the Firehose.
type FirehoseService struct {
	host
	polls *polls
}

// Datasets returns the feed of the attribution catalogue: every dataset used by imin, with
// its licence (page "Attribution Catalog Endpoint").
func (s *FirehoseService) Datasets() *Feed[Dataset] {
	return &Feed[Dataset]{host: s.host, polls: s.polls, path: "/firehose/datasets", template: "/firehose/datasets"}
}

// BookableSellers returns the feed of the sellers that a broker may book; the feed of
// "{broker}-test" is for tests (page "Bookable Sellers Feeds"). With an empty broker, reading
// the feed returns an error.
func (s *FirehoseService) BookableSellers(broker string) *Feed[Seller] {
	f := &Feed[Seller]{host: s.host, polls: s.polls, template: "/firehose/bookable-sellers/{broker}"}
	if f.path, f.err = wire.Path(f.template, broker); f.err != nil {
		f.err = fmt.Errorf("imin: %w", f.err)
	}
	return f
}

// Position is a position in a feed: the Next of the previous page. "" is the start of the
// feed. A program that mirrors a feed stores the position after each processed page and
// continues from there.
type Position string

// Feed is a feed of OpenActive's Realtime Paged Data Exchange 1.0. Items are ordered by the
// time of their last change, and a changed item appears again. The last page has no items;
// clients poll it for new items.
//
// imin permits one poll of the last page every 8 seconds, and any number of reads of other
// pages (page "Firehose Usage Policy and Restrictions"). All reads of one [Client] respect
// that limit: a read that would poll the last page too early waits first. If the wait would
// exceed the context's deadline, the read returns a [*keyfit.RateLimitError] immediately.
//
// Otherwise the methods return the errors of [keyfit.Get]; a position on another host is
// [keyfit.ErrCrossOrigin].
type Feed[T any] struct {
	host  host
	polls *polls
	path  string
	err   error

	template string // of path
}

// FeedPage is one page of a feed.
type FeedPage[T any] struct {
	Next    Position                   `json:"next,omitempty"`
	Items   []FeedItem[T]              `json:"items"`
	License string                     `json:"license,omitempty"` // a URL
	Extra   map[string]json.RawMessage `json:"-"`
}

// Last reports whether this is currently the last page, which has no items.
func (p FeedPage[T]) Last() bool { return len(p.Items) == 0 }

// FeedItem is the current state of a record, or its deletion.
type FeedItem[T any] struct {
	State    string                     `json:"state,omitempty"` // updated or deleted
	Kind     string                     `json:"kind,omitempty"`
	ID       Scalar                     `json:"id,omitempty"`
	Modified Scalar                     `json:"modified,omitempty"` // increases with each change; its unit is not documented
	Data     *T                         `json:"data,omitempty"`     // nil if deleted
	Extra    map[string]json.RawMessage `json:"-"`
}

// Deleted reports whether the record was deleted.
func (i FeedItem[T]) Deleted() bool { return i.State == "deleted" }

// UnmarshalJSON keeps unknown members in Extra.
func (p *FeedPage[T]) UnmarshalJSON(b []byte) error {
	type plain FeedPage[T]
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the members of Extra too, and the member items even if it is empty, as
// RPDE requires.
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
	url := f.locate(at)
	if err := f.polls.wait(ctx, f.path, url); err != nil {
		return FeedPage[T]{}, err
	}
	page, err := get[FeedPage[T]](ctx, f.host, url, nil, slices.Concat([]keyfit.CallOption{route(f.template)}, opts))
	if err == nil && page.Last() {
		f.polls.seen(f.path, url)
	}
	return page, err
}

// locate returns the path or URL of a position. The call says what is wrong with one that is
// neither.
func (f *Feed[T]) locate(at Position) string {
	if at == "" {
		return f.path
	}
	if f.host.client == nil {
		return string(at)
	}
	if url, err := f.host.client.ResolveLink(f.path, string(at)); err == nil {
		return url
	}
	return string(at)
}

// All iterates over the items from a position to the last page. To continue later without
// reading everything again, use List or Follow, which return positions.
func (f *Feed[T]) All(ctx context.Context, from Position, opts ...keyfit.CallOption) iter.Seq2[FeedItem[T], error] {
	return wire.Items(from, nil, func(at Position) ([]FeedItem[T], Position, bool, error) {
		page, err := f.List(ctx, at, opts...)
		if err == nil && !page.Last() {
			err = advances(at, page.Next)
		}
		return page.Items, page.Next, !page.Last(), err
	})
}

// Follow iterates over the pages from a position without end: it yields the empty last page
// and then polls for new items every 8 seconds. It ends when the caller leaves the loop, or
// with the first error, which may be that of the context. To resume, start at the Next of
// the last successful page.
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
			if page.Next != "" { // an empty page may omit it; the position then stays the same
				at = page.Next
			}
		}
	}
}

// advances checks that a page with items links to another page.
func advances(at, next Position) error {
	switch next {
	case "":
		return errors.New("imin: a page of the feed has items and no next")
	case at:
		return errors.New("imin: the feed does not advance: the next page is the same")
	}
	return nil
}
