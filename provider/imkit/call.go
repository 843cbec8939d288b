package imkit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// caller sends the requests of the services.
type caller struct {
	client  *keyfit.Client
	user    string // the user of the calls; "" for the administrator
	byAdmin bool   // the administrator calls on behalf of user
}

// request is one operation with its arguments. template is the vendor's path template.
type request struct {
	method, template string
	values           []string
	query            url.Values
	body             any
	secret           string // in the body; "" for none
	asUser           bool   // the operation requires IM-CLIENT-ID even with a pair
	err              error  // an invalid argument
}

func (s *caller) options(r *request, opts []keyfit.CallOption) ([]keyfit.CallOption, error) {
	own := []keyfit.CallOption{keyfit.WithRoute(r.method + " " + r.template)}
	if len(r.query) > 0 {
		own = append(own, keyfit.Params(r.query))
	}
	if s.byAdmin || r.asUser {
		if err := headerValue(s.user); err != nil {
			return nil, err
		}
		own = append(own, keyfit.WithHeader("IM-CLIENT-ID", s.user))
	}
	if r.secret != "" {
		own = append(own, keyfit.WithSecret(r.secret))
	}
	return slices.Concat(own, opts), nil
}

// call sends a request and removes the envelope from the response.
func call[T any](ctx context.Context, s *caller, r request, opts []keyfit.CallOption) (T, error) {
	var none T
	path, err := wire.Path(r.template, r.values...)
	if err = cmp.Or(r.err, err); err == nil {
		opts, err = s.options(&r, opts)
	}
	if err != nil {
		return none, fmt.Errorf("imkit: %s %s: %w", r.method, r.template, err)
	}
	result, err := keyfit.Send[Result[T]](ctx, s.client, r.method, path, r.body, opts...)
	switch {
	case err != nil:
		return none, err
	case result.RC != 0:
		return none, &keyfit.APIError{
			Provider: "imkit", Method: r.method, Path: path, StatusCode: result.RC, Attempts: 1,
			Note: "the response has a successful status but an RC other than 0",
		}
	}
	return result.Value, nil
}

// Result is the vendor's envelope, {"RC": 0, "RM": "OK", "result": …}, for untyped calls:
//
//	r, err := keyfit.Get[imkit.Result[imkit.User]](ctx, c, "/me")
//
// A response without the envelope, as on the token pages, also decodes, with RC 0.
type Result[T any] struct {
	RC    int    `json:"RC"` // 0, or the HTTP status of an error
	RM    string `json:"RM"` // free text
	Value T      `json:"result"`
}

// UnmarshalJSON decodes a response with or without the envelope.
func (r *Result[T]) UnmarshalJSON(b []byte) error {
	type plain Result[T]
	*r = Result[T]{}
	if enveloped(b) {
		return json.Unmarshal(b, (*plain)(r))
	}
	return json.Unmarshal(b, &r.Value)
}

func enveloped(b []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(b, &members) == nil && members["RC"] != nil
}

// Page is one page of a list. It decodes with or without the envelope, so that untyped calls
// can use it.
type Page[T any] struct {
	// TotalCount is the number of items on all pages; for messages, of all in the room.
	TotalCount int `json:"totalCount"`
	Items      []T `json:"data"`
	// UserDeletedIDs holds the IDs of messages that the user has deleted for itself.
	UserDeletedIDs []string `json:"userDeletedIDs,omitempty"`
	// Inspect is diagnostic data of the vendor: the query in the syntax of its database.
	Inspect json.RawMessage            `json:"inspect,omitempty"`
	Extra   map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a page and keeps unknown fields.
func (p *Page[T]) UnmarshalJSON(b []byte) error {
	type plain Page[T]
	if enveloped(b) {
		var r Result[json.RawMessage]
		if err := json.Unmarshal(b, &r); err != nil {
			return err
		}
		if b = r.Value; len(b) == 0 {
			b = []byte("{}")
		}
	}
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON encodes a page, unknown fields included, without the envelope.
func (p Page[T]) MarshalJSON() ([]byte, error) {
	type plain Page[T]
	return wire.Encode(plain(p), p.Extra)
}

// items iterates over pages and adds the name of the list to a paging error.
func items[T any, C comparable](template string, first C, key func(T) string, read func(C) ([]T, C, bool, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range wire.Items(first, key, read) {
			if errors.Is(err, wire.ErrPaging) {
				err = fmt.Errorf("imkit: %s %s: %w", http.MethodGet, template, err)
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// bySkip iterates over the pages of a list with skip and totalCount.
func bySkip[T any](template string, first int, key func(T) string, read func(skip int) (Page[T], error)) iter.Seq2[T, error] {
	return items(template, first, key, func(skip int) ([]T, int, bool, error) {
		p, err := read(skip)
		next := skip + len(p.Items)
		return p.Items, next, len(p.Items) > 0 && (next < p.TotalCount || p.TotalCount == 0), err
	})
}

// whole iterates over a list with a single page.
func whole[T any](read func() (Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		p, err := read()
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, item := range p.Items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// atMost returns an error if n is negative or above highest; highest 0 means no maximum.
func atMost(name string, n, highest int) error {
	switch {
	case n < 0:
		return fmt.Errorf("%s is %d, which is negative", name, n)
	case highest > 0 && n > highest:
		return fmt.Errorf("%s is %d, above the documented %d", name, n, highest)
	}
	return nil
}

// each returns an error if a list is empty or has an empty element.
func each(name string, list []string) error {
	if len(list) == 0 {
		return fmt.Errorf("%s is empty", name)
	}
	if i := slices.Index(list, ""); i >= 0 {
		return fmt.Errorf("%s[%d] is empty", name, i)
	}
	return nil
}
