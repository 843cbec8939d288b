package imin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// maxURL is the maximum length of a URL, in characters (page "Understanding Responses").
const maxURL = 2048

// host is one of imin's hosts; client may be nil.
type host struct {
	name   string
	client *keyfit.Client
}

// get requests a path with a query and decodes a T.
func get[T any](ctx context.Context, h host, path string, query url.Values, opts []keyfit.CallOption) (T, error) {
	var none T
	if h.client == nil {
		return none, fmt.Errorf("imin: there is no client for %s: use New, or pass one to FromClients", h.name)
	}
	if n := len("https://"+h.name+path+"?") + len(query.Encode()); len(query) > 0 && n > maxURL {
		return none, fmt.Errorf("imin: the URL of the search would have %d characters; the maximum is %d", n, maxURL)
	}
	own := []keyfit.CallOption{route(path)}
	if len(query) > 0 {
		own = append(own, keyfit.Params(query))
	}
	return keyfit.Get[T](ctx, h.client, path, slices.Concat(own, opts)...)
}

// route names the operation of a call for hooks and log.
func route(template string) keyfit.CallOption {
	return keyfit.WithRoute(http.MethodGet + " " + template)
}

// getByID reads a T by its ID.
func getByID[T any](ctx context.Context, h host, template, id string, opts []keyfit.CallOption) (T, error) {
	path, err := wire.Path(template, id)
	if err != nil {
		var none T
		return none, fmt.Errorf("imin: %w", err)
	}
	return get[T](ctx, h, path, nil, slices.Concat([]keyfit.CallOption{route(template)}, opts))
}

// list reads one page of a search.
func list[T any](ctx context.Context, h host, path string, q interface{ params() (url.Values, error) }, opts []keyfit.CallOption) (Page[T], error) {
	query, err := q.params()
	if err != nil {
		return Page[T]{}, err
	}
	return get[Page[T]](ctx, h, path, query, opts)
}
