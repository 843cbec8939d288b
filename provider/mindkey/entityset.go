package mindkey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// DefaultPageSize is the number of entities per page of [EntitySet.All] if [Query.Top] is 0.
// MindKey documents no page size.
const DefaultPageSize = 100

// EntitySet is an entity set of MindKey. The sets of [Client] have the types of this
// package; [Entity] returns any set with any Go type. It is safe for concurrent use.
//
// The methods return an error for an invalid query before they send a request, and
// otherwise the errors of [keyfit.Get]. If MindKey refuses a query, the error is a
// [*keyfit.APIError] that matches [keyfit.ErrBadRequest] and has MindKey's text in Message.
type EntitySet[T any] struct {
	client *keyfit.Client
	name   string
	raw    bool
}

// Entity returns an entity set by name, for entities or properties that this package does
// not define. T is a struct with json tags, or [Record].
func Entity[T any](c *Client, name string) *EntitySet[T] {
	return &EntitySet[T]{client: c.keyfit, name: name}
}

// Raw returns the same entity set in raw mode, which uses unmapped property names, also in
// queries. Page: Error handling, Raw query mode.
func (s *EntitySet[T]) Raw() *EntitySet[Record] {
	return &EntitySet[Record]{client: s.client, name: s.name, raw: true}
}

// Page is one page of entities.
type Page[T any] struct {
	// Items holds the entities; nil if there are none.
	Items []T `json:"value,omitempty"`
	// Count is the number of selected entities on all pages; nil unless [Query.Count] was
	// set.
	Count *int64 `json:"@odata.count,omitempty"`
	// NextLink is the server's link to the next page; "" if it sent none.
	NextLink string `json:"@odata.nextLink,omitempty"`
	// Extra holds the other members of the response, such as @odata.context.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (p *Page[T]) UnmarshalJSON(b []byte) error {
	type plain Page[T]
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (p Page[T]) MarshalJSON() ([]byte, error) {
	type plain Page[T]
	return wire.Encode(plain(p), p.Extra)
}

// List reads one page: at most Top entities after the first Skip. If Top is 0, MindKey
// chooses the page size.
func (s *EntitySet[T]) List(ctx context.Context, query Query, opts ...keyfit.CallOption) (Page[T], error) {
	values, err := query.values()
	if err != nil {
		return Page[T]{}, s.wrap(err)
	}
	return s.page(ctx, s.path(), append([]keyfit.CallOption{keyfit.Params(values)}, opts...))
}

// Count returns the number of entities that the filter selects; the zero Filter selects
// all. It reads no entities.
func (s *EntitySet[T]) Count(ctx context.Context, filter Filter, opts ...keyfit.CallOption) (int64, error) {
	values, err := Query{Filter: filter, Count: true}.values()
	if err != nil {
		return 0, s.wrap(err)
	}
	values.Set("$top", "0")
	page, err := s.page(ctx, s.path(), append([]keyfit.CallOption{keyfit.Params(values)}, opts...))
	if err == nil && page.Count == nil {
		err = s.wrap(errors.New("the response has no @odata.count"))
	}
	if err != nil {
		return 0, err
	}
	return *page.Count, nil
}

// Get reads the entity with a key ("EMP001"). The query may only have Select and Expand. If
// the entity does not exist, the error is a [*keyfit.PermissionError] with Ambiguous set, see
// the package comment.
func (s *EntitySet[T]) Get(ctx context.Context, key string, query Query, opts ...keyfit.CallOption) (T, error) {
	var none T
	path, err := wire.Path("/odata/v2/"+url.PathEscape(s.name)+"/{key}", key)
	if err != nil {
		return none, s.wrap(err)
	}
	if !query.onlyShape() {
		return none, s.wrap(errors.New("only Select and Expand apply to one entity"))
	}
	values, err := query.values()
	if err != nil {
		return none, s.wrap(err)
	}
	return keyfit.Get[T](ctx, s.client, path, s.options("/{key}", append([]keyfit.CallOption{keyfit.Params(values)}, opts...))...)
}

// All iterates over all selected entities, page by page. Top is the page size
// ([DefaultPageSize] if 0); Skip is the number of entities to skip. Order by a unique
// property, so that entities do not move between pages during the iteration.
//
// The iteration ends as indicated by @odata.nextLink or @odata.count, or with an empty page.
// It stops after yielding an error; a repeated page is an error. Leaving the loop stops the
// requests.
func (s *EntitySet[T]) All(ctx context.Context, query Query, opts ...keyfit.CallOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		reader := pages[T]{set: s, ctx: ctx, query: query, opts: opts}
		for item, err := range wire.Items(cursor{skip: query.Skip}, nil, reader.read) {
			if !yield(item, err) {
				return
			}
		}
	}
}

// cursor is the start of a page: a link of the server, or a number of entities to skip.
type cursor struct {
	link string
	skip int
}

// pages reads the pages of one iteration of All.
type pages[T any] struct {
	set   *EntitySet[T]
	ctx   context.Context //nolint:containedctx // lives only as long as the loop
	query Query
	opts  []keyfit.CallOption
	last  []byte
}

func (p *pages[T]) read(at cursor) (items []T, next cursor, more bool, err error) {
	page, err := p.page(at)
	if err != nil {
		return nil, next, false, err
	}
	next.skip = at.skip + len(page.Items)
	if next.link, err = p.set.resolve(page.NextLink); err != nil {
		return nil, next, false, err
	}
	more = len(page.Items) > 0 && (page.Count == nil || int64(next.skip) < *page.Count)
	// If few properties are selected, different entities can look the same. A repeated
	// page is therefore an error only if no count bounds the iteration.
	if more && (page.Count == nil || len(p.query.Select) == 0) {
		this, err := json.Marshal(page.Items)
		if err != nil || bytes.Equal(this, p.last) {
			return nil, next, false, p.set.wrap(errors.New("paging does not advance: the server repeats a page"))
		}
		p.last = this
	}
	return page.Items, next, more || next.link != "", nil
}

func (p *pages[T]) page(at cursor) (Page[T], error) {
	if at.link != "" {
		return p.set.page(p.ctx, at.link, p.opts)
	}
	query := p.query
	query.Skip, query.Count = at.skip, true
	if query.Top == 0 {
		query.Top = DefaultPageSize
	}
	return p.set.List(p.ctx, query, p.opts...)
}

// resolve turns a link of the server into a path or URL for a request. OData links may be
// relative to the request.
func (s *EntitySet[T]) resolve(link string) (string, error) {
	if link == "" {
		return "", nil
	}
	at, err := s.client.ResolveLink(s.path(), link)
	if err != nil {
		return "", s.wrap(errors.New("the server's next link is not a URL"))
	}
	return at, nil
}

func (s *EntitySet[T]) path() string { return "/odata/v2/" + url.PathEscape(s.name) }

func (s *EntitySet[T]) page(ctx context.Context, path string, opts []keyfit.CallOption) (Page[T], error) {
	if s.name == "" {
		return Page[T]{}, s.wrap(errors.New("the name of the entity is empty"))
	}
	return keyfit.Get[Page[T]](ctx, s.client, path, s.options("", opts)...)
}

// options adds the name of the operation, whose path ends in rest, and the header of raw mode.
func (s *EntitySet[T]) options(rest string, opts []keyfit.CallOption) []keyfit.CallOption {
	own := []keyfit.CallOption{keyfit.WithRoute(http.MethodGet + " " + s.path() + rest)}
	if s.raw {
		own = append(own, keyfit.WithHeader("Accept", "application/json; mindkey.raw=true"))
	}
	return append(own, opts...)
}

func (s *EntitySet[T]) wrap(err error) error { return fmt.Errorf("mindkey: %s: %w", s.name, err) }
