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

// DefaultPageSize is the number of rows per page of [List.All] if [Window.Top] is 0. Optimove
// documents no maximum.
const DefaultPageSize = 1000

// Window selects a part of a list.
type Window struct {
	// Top is the maximum number of rows per page ($top). If it is 0, Optimove chooses;
	// [List.All] uses [DefaultPageSize].
	Top int
	// Skip is the number of rows to skip ($skip).
	Skip int
}

// Query holds the inputs of a [List]. It is implemented by structs of this package that
// contain the inputs of one function and embed a [Window].
type Query interface {
	window() Window
	params() *params
}

func (w Window) window() Window  { return w }
func (w Window) params() *params { return new(params) }

// List is a function of Optimove that returns rows in pages. Q is the type of its inputs, T
// the type of a row. It is safe for concurrent use.
//
// The methods return an error for an invalid input before they send a request, and otherwise
// the errors of [keyfit.Get].
type List[Q Query, T any] struct {
	client   *keyfit.Client
	function string
}

func newList[Q Query, T any](c *keyfit.Client, function string) *List[Q, T] {
	return &List[Q, T]{c, function}
}

// Page is one page of rows.
type Page[T any] struct {
	// Items holds the rows; nil if there are none.
	Items []T
	// Next is the window after this one. Optimove does not say whether there are more rows:
	// the list ends with a page without items.
	Next Window
}

// List reads one page: at most Top rows after the first Skip. If Top is 0, Optimove chooses
// the page size.
func (l *List[Q, T]) List(ctx context.Context, query Q, opts ...keyfit.CallOption) (Page[T], error) {
	return l.page(ctx, query, query.window(), opts)
}

// All iterates over all rows, page by page. Top is the page size ([DefaultPageSize] if 0);
// Skip is the number of rows to skip.
//
// The iteration ends with a page that is empty or shorter than a previous page. A short first
// page does not end it, because Optimove documents no maximum page size. The iteration stops
// after yielding an error; a repeated page is an error. Leaving the loop stops the requests.
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

// asText returns the identity of a row; a customer may have several rows.
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

// Attributes holds the values of the requested customer attributes, in the order of the
// query.
//
// The documentation shows an array in CustomerAttributes; the live API was reported to send
// one string in CustomerAttribute. Both give the same result, except that a string is not
// split if its values contain a "|".
type Attributes []string

// delimiter is the requested delimiter between values in one string.
const delimiter = "|"

// attributed is a row whose attributes may be in one string.
type attributed interface{ separate(n int) }

// separate splits a single string into the n requested values.
func (a *Attributes) separate(n int) {
	if len(*a) == 1 && n > 1 {
		if parts := strings.Split((*a)[0], delimiter); len(parts) == n {
			*a = parts
		}
	}
}

// UnmarshalJSON decodes an array of strings, or one string. Numbers and booleans keep their
// literal text; null gives "".
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

// single moves the member CustomerAttribute to CustomerAttributes.
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
