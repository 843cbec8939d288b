package optimove

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// DefaultPageSize is how many rows [List.All] asks for at a time if [Window.Top] is 0.
// Optimove documents no largest page.
const DefaultPageSize = 1000

// Window is a part of a list.
type Window struct {
	// Top is how many rows a page has at most ($top); 0 leaves it to Optimove, and in
	// [List.All] is [DefaultPageSize].
	Top int
	// Skip is how many rows to leave out before the first ($skip).
	Skip int
}

// Query is what a [List] is asked with: a struct of this package that has the inputs of
// one function, and the [Window] in it.
type Query interface {
	window() Window
	params() *params
}

func (w Window) window() Window  { return w }
func (w Window) params() *params { return new(params) }

// List is a function of Optimove that answers rows in pages. Q is its inputs, T a row. It
// is safe for concurrent use.
//
// The errors of its methods say which input is wrong if nothing was sent, and are those of
// [keyfit.Get] otherwise.
type List[Q Query, T any] struct {
	client   *keyfit.Client
	function string
}

func newList[Q Query, T any](c *keyfit.Client, function string) *List[Q, T] {
	return &List[Q, T]{c, function}
}

// Page is one answer of [List.List].
type Page[T any] struct {
	// Items are the rows, nil if there are none.
	Items []T
	// Next is the window after this one. Optimove does not tell whether there is more:
	// the list is over when a page has no items.
	Next Window
}

// List reads one page: at most Top rows after the first Skip, or as many as Optimove
// gives if Top is 0.
func (l *List[Q, T]) List(ctx context.Context, query Q, opts ...keyfit.CallOption) (Page[T], error) {
	return l.page(ctx, query, query.window(), opts)
}

// All ranges over all rows, page by page: Top is the size of a page ([DefaultPageSize] if
// 0), Skip where the first begins.
//
// The list ends with a page that is empty, or shorter than the page before; since Optimove
// documents no largest page, a first page that is short does not end it. After an error
// nothing more is yielded; a server that repeats a page is one. Leaving the loop stops the
// requests.
func (l *List[Q, T]) All(ctx context.Context, query Q, opts ...keyfit.CallOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		top := query.window().Top
		if top == 0 {
			top = DefaultPageSize
		}
		longest := 0
		read := func(skip int) ([]T, int, bool, error) {
			page, err := l.page(ctx, query, Window{Top: top, Skip: skip}, opts)
			n := len(page.Items)
			more := n > 0 && n >= longest
			longest = max(longest, n)
			return page.Items, page.Next.Skip, more, err
		}
		for item, err := range wire.Items(query.window().Skip, asText[T], read) {
			if !yield(item, err) {
				return
			}
		}
	}
}

// asText tells rows apart: a customer may have several.
func asText[T any](row T) string {
	b, err := json.Marshal(row)
	if err != nil {
		return ""
	}
	return string(b)
}

func (l *List[Q, T]) page(ctx context.Context, query Q, w Window, opts []keyfit.CallOption) (Page[T], error) {
	p := query.params()
	if w.Top < 0 || w.Skip < 0 {
		p.err = errors.New("the window's Top and Skip must be 0 or more")
	}
	if w.Top > 0 {
		p.set("$top", strconv.Itoa(w.Top))
	}
	if w.Skip > 0 {
		p.set("$skip", strconv.Itoa(w.Skip))
	}
	items, err := rows[T](ctx, l.client, l.function, p, opts)
	return Page[T]{Items: items, Next: Window{Top: w.Top, Skip: w.Skip + len(items)}}, err
}

// Attributes are the values of the customer attributes that a query named, in its order.
//
// The documentation has them as an array in CustomerAttributes; the live API was seen to
// send CustomerAttribute, one string. Both are the same here, but for a string whose
// values have a "|" in them: it stays in one piece.
type Attributes []string

// delimiter is what the client asks Optimove to put between values in one string.
const delimiter = "|"

// attributed is a row that may have its attributes in one string.
type attributed interface{ separate(n int) }

// separate cuts the one string into the n values that were asked for.
func (a *Attributes) separate(n int) {
	if len(*a) == 1 && n > 1 {
		if parts := strings.Split((*a)[0], delimiter); len(parts) == n {
			*a = parts
		}
	}
}

// UnmarshalJSON reads an array of strings, or one string. Numbers and booleans are read as
// they are written, null as "".
func (a *Attributes) UnmarshalJSON(b []byte) error {
	raw, err := wire.OneOrMany[json.RawMessage](b)
	if err != nil {
		return errors.New("not a list of values")
	}
	var values Attributes
	for _, r := range raw {
		text, ok := wire.String(r)
		if !ok && len(r) > 0 && strings.IndexByte(`{["`, r[0]) >= 0 {
			return errors.New("not a list of values")
		}
		if !ok && string(r) != "null" {
			text = string(r)
		}
		values = append(values, text)
	}
	*a = values
	return nil
}

// single moves the member CustomerAttribute to where CustomerAttributes is.
func single(a *Attributes, extra *map[string]json.RawMessage) error { //nolint:gocritic // the map may become nil
	raw, ok := (*extra)["CustomerAttribute"]
	if !ok || len(*a) > 0 && string(raw) != "null" {
		return nil
	}
	if len(*a) == 0 {
		if err := json.Unmarshal(raw, a); err != nil {
			return err
		}
	}
	delete(*extra, "CustomerAttribute")
	if len(*extra) == 0 {
		*extra = nil
	}
	return nil
}
