package keyfit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Paging says how an API divides a list into pages: where a page has its items, and how the
// next page is asked for. [LinkHeader], [NextLink], [NextCursor], [PageNumber] and [Offset]
// return the usual ones; [Paging.In] and [Paging.More] say where in the body they find
// things. A Paging is a value, and does not change.
type Paging struct {
	items string // the field with the list; "" if the body is the list, or has one alone
	more  string // the field that says whether there is another page; "" for none
	next  func(*listPage) (pageRequest, error)

	counts  bool // next counts, whatever the page says
	unnamed bool // of the field or the parameter that next needs
}

// LinkHeader follows the link of relation "next" in the Link header (RFC 8288), as at GitHub.
func LinkHeader() Paging {
	return Paging{next: func(p *listPage) (pageRequest, error) {
		return p.follow(nextInHeader(p.header["Link"]))
	}}
}

// NextLink follows the link that a field of the body holds, such as "next", "links.next" or
// "@odata.nextLink": a URL, a path, or a query. The last page has no such field, or it is
// empty or null, so a field that is spelled wrong ends the list after the first page.
func NextLink(field string) Paging {
	return Paging{unnamed: field == "", next: func(p *listPage) (pageRequest, error) {
		link, err := p.text(field)
		if err != nil {
			return pageRequest{}, err
		}
		return p.follow(link)
	}}
}

// NextCursor asks for the next page with the cursor that a field of the body holds, in a query
// parameter: NextCursor("cursor", "response_metadata.next_cursor"). The last page has no such
// field, or it is empty or null, so a field that is spelled wrong ends the list after the first
// page.
func NextCursor(param, field string) Paging {
	return Paging{unnamed: param == "" || field == "", next: func(p *listPage) (pageRequest, error) {
		cursor, err := p.text(field)
		if err != nil || cursor == "" {
			return pageRequest{}, err
		}
		return p.again(param, cursor), nil
	}}
}

// PageNumber counts the pages in a query parameter, from the value that the first call gives
// it, or from 1: without a value the first request has no such parameter, and the second one
// asks for page 2. An API whose first page is 0 needs Param(param, "0"), or a page is left out.
// The list ends with an empty page.
func PageNumber(param string) Paging { return counted(param, 1, func(*listPage) int { return 1 }) }

// Offset counts the items before a page in a query parameter, from the value that the first
// call gives it, or from 0. The list ends with an empty page.
func Offset(param string) Paging {
	return counted(param, 0, func(p *listPage) int { return len(p.items) })
}

func counted(param string, first int, step func(*listPage) int) Paging {
	return Paging{counts: true, unnamed: param == "", next: func(p *listPage) (pageRequest, error) {
		if len(p.items) == 0 {
			return pageRequest{}, nil
		}
		at := first
		if given := p.request.query.Get(param); given != "" {
			var err error
			if at, err = strconv.Atoi(given); err != nil {
				return pageRequest{}, fmt.Errorf("the parameter %s is not a number", param)
			}
		}
		return p.again(param, strconv.Itoa(at+step(p))), nil
	}}
}

// In says which field of the body holds the items: In("data"), In("result.rooms"). Without it
// the body is an array, or an object with one array in it.
func (by Paging) In(field string) Paging { by.items = field; return by }

// More says which field of the body is true if there is a further page: More("has_more"). If it
// is false, null or missing, as one that is spelled wrong is, the list ends, whatever else the
// page says.
func (by Paging) More(field string) Paging { by.more = field; return by }

// Items yields the items of a list of any API, page by page, with one [Get] for each page:
//
//	for user, err := range keyfit.Items[User](ctx, c, "/users", keyfit.LinkHeader(), keyfit.Param("role", "admin")) {
//
// The path and the options are those of the first page. A cursor, a number and an offset are
// added to them. A link of the server replaces the parameters, because it is complete, unless
// it is a query alone, to which those that it does not name are added; it is resolved as
// [Client.ResolveLink] says, and the key does not follow it to another origin.
//
// Nothing more is yielded after an error, which is one of Get, or says that a page has no
// list or that the server repeats itself. Leaving the loop stops the requests; ranging again
// begins anew, and concurrent loops do not disturb each other.
func Items[T any](ctx context.Context, c Caller, path string, by Paging, opts ...CallOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for page, err := range listPages(ctx, c, path, by, opts) {
			if err != nil {
				yield(none, err)
				return
			}
			for _, raw := range page.items {
				item, err := decodeItem[T](page, raw)
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

// pageRequest is the path and the parameters of a page; path is "" after the last.
type pageRequest struct {
	path  string
	query url.Values // nil if path has it
}

func (pr pageRequest) key() string { return pr.path + "?" + pr.query.Encode() }

// listPage is a page that was read.
type listPage struct {
	caller  Caller
	request pageRequest
	by      Paging
	header  map[string][]string
	status  int
	body    json.RawMessage
	items   []json.RawMessage
}

// listPages yields the pages of a list.
func listPages(ctx context.Context, c Caller, path string, by Paging, opts []CallOption) iter.Seq2[*listPage, error] {
	return func(yield func(*listPage, error) bool) {
		fail := func(err error) { yield(nil, fmt.Errorf("%s: %w", c.Provider().Name, err)) }
		at, err := firstPage(path, by, opts)
		if err != nil {
			fail(err)
			return
		}
		turns := newTurns(at)
		for last := (*listPage)(nil); ; {
			page, err := readPage(ctx, c, at, by, opts)
			if err != nil {
				yield(nil, err) // it has its own words
				return
			}
			if page.repeats(last) {
				fail(errRepeats)
				return
			}
			if !yield(page, nil) {
				return
			}
			if at, err = page.following(); err == nil && at.path == "" {
				return
			}
			if err == nil {
				err = turns.take(at)
			}
			if err != nil {
				fail(err)
				return
			}
			last = page
		}
	}
}

// firstPage collects the parameters of path and options in one place.
func firstPage(path string, by Paging, opts []CallOption) (pageRequest, error) {
	if by.next == nil {
		return pageRequest{}, errors.New("the Paging is empty: use LinkHeader, NextLink, NextCursor, PageNumber or Offset")
	}
	if by.unnamed {
		return pageRequest{}, errors.New("the Paging names no parameter or no field: both have to be those of the API")
	}
	var o callConfig
	if err := o.apply(opts); err != nil {
		return pageRequest{}, err
	}
	path, rawQuery, _ := strings.Cut(path, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return pageRequest{}, errors.New("the query of the path cannot be parsed")
	}
	for name, values := range o.query {
		query[name] = append(query[name], values...)
	}
	return pageRequest{path, query}, nil
}

// readPage makes the call for a page.
func readPage(ctx context.Context, c Caller, at pageRequest, by Paging, opts []CallOption) (*listPage, error) {
	var told Response
	var given *Response // of the caller
	all := callOption(func(o *callConfig) error {
		if err := o.apply(opts); err != nil {
			return err
		}
		given, o.response, o.query = o.response, &told, at.query
		return nil
	})
	body, err := Get[json.RawMessage](ctx, c, at.path, all)
	if given != nil {
		*given = told
	}
	if err != nil {
		return nil, err
	}
	p := &listPage{caller: c, request: at, by: by, header: told.Header, status: told.StatusCode, body: bytes.TrimPrefix(body, []byte("\ufeff"))}
	if p.items, err = p.list(); err != nil {
		return nil, p.decodeError(by.items, err)
	}
	return p, nil
}

// following returns the request for the page after this one.
func (lp *listPage) following() (pageRequest, error) {
	if lp.by.more != "" {
		if raw, ok := field(lp.body, lp.by.more); !ok || string(raw) != "true" {
			return pageRequest{}, nil
		}
	}
	return lp.by.next(lp)
}

// again is the same request with a parameter set.
func (lp *listPage) again(param, value string) pageRequest {
	query := maps.Clone(lp.request.query)
	if query == nil {
		query = url.Values{}
	}
	query.Set(param, value)
	return pageRequest{lp.request.path, query}
}

// follow is the request for a link; "" ends the list.
func (lp *listPage) follow(link string) (pageRequest, error) {
	if link == "" {
		return pageRequest{}, nil
	}
	to, err := resolveLink(lp.caller, lp.request.path, link)
	if err != nil {
		return pageRequest{}, errors.New("the link to the next page is not a URL")
	}
	if !strings.HasPrefix(link, "?") {
		return pageRequest{path: to}, nil
	}
	path, rawQuery, _ := strings.Cut(to, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return pageRequest{}, errors.New("the link to the next page is not a URL")
	}
	for name, values := range lp.request.query {
		if !query.Has(name) {
			query[name] = values
		}
	}
	return pageRequest{path, query}, nil
}

var errRepeats = errors.New("paging does not advance: the server repeats a page")

// repeats reports whether a counted page has the very items of the one before it, as with a
// server that ignores the parameter: such a list would have no end.
func (lp *listPage) repeats(last *listPage) bool {
	return lp.by.counts && last != nil && len(lp.items) > 0 &&
		slices.EqualFunc(lp.items, last.items, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })
}

// turns finds a circle in the requests without remembering them all: it keeps one, and takes a
// newer one each time it has waited twice as long (Brent's algorithm).
type turns struct {
	kept        string
	steps, wait int
}

func newTurns(first pageRequest) *turns { return &turns{kept: first.key(), wait: 1} }

func (circle *turns) take(at pageRequest) error {
	key := at.key()
	if key == circle.kept {
		return errors.New("paging does not advance: the server leads back to an earlier page")
	}
	circle.steps++
	if circle.steps == circle.wait {
		circle.kept, circle.steps, circle.wait = key, 0, 2*circle.wait
	}
	return nil
}

// afterPage returns the path of the page that a link of the page at a path leads to. A link that
// cannot be resolved is left to the call, which says what is wrong with it.
func afterPage(c Caller, at, link string) string {
	to, err := resolveLink(c, at, link)
	if err != nil {
		return link
	}
	if !strings.HasPrefix(link, "?") {
		return to
	}
	path, own, _ := strings.Cut(to, "?")
	_, before, _ := strings.Cut(at, "?")
	merged, err := url.ParseQuery(before)
	named, wrong := url.ParseQuery(own)
	if err != nil || wrong != nil {
		return to
	}
	maps.Copy(merged, named)
	return path + "?" + merged.Encode()
}

// withoutQuery drops the query parameters of the options: those that a path names, or all.
func withoutQuery(opts []CallOption, path string) []CallOption {
	return []CallOption{callOption(func(o *callConfig) error {
		if err := o.apply(opts); err != nil {
			return err
		}
		_, named, some := strings.Cut(path, "?")
		drop, _ := url.ParseQuery(named)
		maps.DeleteFunc(o.query, func(name string, _ []string) bool { return !some || drop.Has(name) })
		return nil
	})}
}
