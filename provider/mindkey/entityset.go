package mindkey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// DefaultPageSize is how many entities [EntitySet.All] asks for at a time if
// [Query.Top] is 0. MindKey documents no size.
const DefaultPageSize = 100

// EntitySet is the entities of one kind. A set of [Client] is typed by what MindKey's
// pages say; [Entity] makes one of any kind and Go type. It is safe for concurrent use.
//
// The errors of its methods say what is wrong with the query if nothing was sent, and are
// those of [keyfit.Get] otherwise. A query that MindKey refuses is a [*keyfit.APIError]
// that is [keyfit.ErrBadRequest] and has MindKey's words in Message.
type EntitySet[T any] struct {
	client *keyfit.Client
	name   string
	raw    bool
}

// Entity returns the entities of a kind that the package does not know, or knows with
// fewer properties than T has. T is a struct with json tags, or [Record].
func Entity[T any](c *Client, name string) *EntitySet[T] {
	return &EntitySet[T]{client: c.keyfit, name: name}
}

// Raw returns the same entities in raw mode: with the property names that lie beneath
// MindKey's mapping, in queries too. Page: Error handling, Raw query mode.
func (s *EntitySet[T]) Raw() *EntitySet[Record] {
	return &EntitySet[Record]{client: s.client, name: s.name, raw: true}
}

// Page is one answer of [EntitySet.List].
type Page[T any] struct {
	// Items are the entities, nil if there are none.
	Items []T `json:"value,omitempty"`
	// Count is how many entities the filter selects on all pages together; nil unless
	// [Query.Count] asked for it.
	Count *int64 `json:"@odata.count,omitempty"`
	// NextLink is where the server has more; "" if it does not say.
	NextLink string `json:"@odata.nextLink,omitempty"`
	// Extra has the other members of the answer, @odata.context among them.
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

// List reads one page: at most Top entities after the first Skip, or as many as MindKey
// gives if Top is 0.
func (s *EntitySet[T]) List(ctx context.Context, query Query, opts ...keyfit.CallOption) (Page[T], error) {
	values, err := query.values()
	if err != nil {
		return Page[T]{}, s.wrong(err)
	}
	return s.page(ctx, s.path(), append([]keyfit.CallOption{keyfit.Params(values)}, opts...))
}

// Count tells how many entities the filter selects, all of them for the zero Filter. No
// entity is sent.
func (s *EntitySet[T]) Count(ctx context.Context, filter Filter, opts ...keyfit.CallOption) (int64, error) {
	values, err := Query{Filter: filter, Count: true}.values()
	if err != nil {
		return 0, s.wrong(err)
	}
	values.Set("$top", "0")
	page, err := s.page(ctx, s.path(), append([]keyfit.CallOption{keyfit.Params(values)}, opts...))
	if err == nil && page.Count == nil {
		err = s.wrong(errors.New("the answer has no @odata.count"))
	}
	if err != nil {
		return 0, err
	}
	return *page.Count, nil
}

// Get reads the entity with a key ("EMP001"). Of the query, Select and Expand apply; any
// other field is an error. An entity that is not there is a [*keyfit.PermissionError] with
// Ambiguous set, see the package comment.
func (s *EntitySet[T]) Get(ctx context.Context, key string, query Query, opts ...keyfit.CallOption) (T, error) {
	var none T
	path, err := wire.Path("/odata/v2/"+url.PathEscape(s.name)+"/{key}", key)
	if err != nil {
		return none, s.wrong(err)
	}
	if !query.onlyShape() {
		return none, s.wrong(errors.New("only Select and Expand apply to one entity"))
	}
	values, err := query.values()
	if err != nil {
		return none, s.wrong(err)
	}
	return keyfit.Get[T](ctx, s.client, path, s.options(append([]keyfit.CallOption{keyfit.Params(values)}, opts...))...)
}

// All ranges over all entities that the query selects, page by page: Top is the size of a
// page ([DefaultPageSize] if 0), Skip where the first begins. Order by a property that is
// unique, lest entities change pages while they are read.
//
// The pages end where the server says so, by @odata.nextLink or @odata.count, or with one
// that is empty. After an error nothing more is yielded; a server that repeats a page is
// one. Leaving the loop stops the requests.
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

// cursor is where a page begins: at a link of the server's, or after so many entities.
type cursor struct {
	link string
	skip int
}

// pages reads the pages of one range over All.
type pages[T any] struct {
	set   *EntitySet[T]
	ctx   context.Context //nolint:containedctx // lives as long as the loop that it belongs to
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
	// Different entities look alike when few properties are selected: that they come
	// again is a sign only where no count bounds the pages.
	if more && (page.Count == nil || len(p.query.Select) == 0) {
		this, err := json.Marshal(page.Items)
		if err != nil || bytes.Equal(this, p.last) {
			return nil, next, false, p.set.wrong(errors.New("paging does not advance: the server repeats a page"))
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

// resolve makes a server's link a path or URL that a request can have. OData's links may
// be relative to the request.
func (s *EntitySet[T]) resolve(link string) (string, error) {
	if link == "" {
		return "", nil
	}
	u, err := url.Parse(link)
	if err != nil {
		return "", s.wrong(errors.New("the server's next link is not a URL"))
	}
	return (&url.URL{Path: s.path()}).ResolveReference(u).String(), nil
}

func (s *EntitySet[T]) path() string { return "/odata/v2/" + url.PathEscape(s.name) }

func (s *EntitySet[T]) page(ctx context.Context, path string, opts []keyfit.CallOption) (Page[T], error) {
	if s.name == "" {
		return Page[T]{}, s.wrong(errors.New("the name of the entity is empty"))
	}
	return keyfit.Get[Page[T]](ctx, s.client, path, s.options(opts)...)
}

// options adds what raw mode needs.
func (s *EntitySet[T]) options(opts []keyfit.CallOption) []keyfit.CallOption {
	if !s.raw {
		return opts
	}
	return append([]keyfit.CallOption{keyfit.WithHeader("Accept", "application/json; mindkey.raw=true")}, opts...)
}

func (s *EntitySet[T]) wrong(err error) error { return fmt.Errorf("mindkey: %s: %w", s.name, err) }
