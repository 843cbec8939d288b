package keyfit

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// AllowOperations makes the client refuse every request but these before anything is sent, with
// [ErrNotAllowed]: a key often may do more than a program should. An operation is a method and
// a path below the base URL:
//
//	keyfit.AllowOperations("GET /admin/clients", "POST /rooms/{room}/message", "* /mail/…")
//
// {name} stands for one segment, and … (or ... or {name...}) at the end for any number. GET
// allows HEAD too, and * any method. Letters count as they are, those of the method too, so "get"
// allows no GET; an escaped slash is part of no segment, and a path that a server may read as a
// shorter one matches nothing. Redirects are checked too. [Provider.Probe] stays allowed, because
// the keyring verifies keys with it. In [Client.With] it takes further operations away, and adds
// none.
func AllowOperations(operations ...string) Option {
	return one("AllowOperations", func(c *config) error {
		if len(operations) == 0 {
			return errors.New("no operation is given")
		}
		list := make(operationList, 0, len(operations))
		for _, text := range operations {
			op, err := parseOperation(text)
			if err != nil {
				return err
			}
			list = append(list, op)
		}
		c.allowed = append(slices.Clip(c.allowed), list)
		return nil
	})
}

// operation is a method and a pattern of a path. The empty segment stands for any one.
type operation struct {
	method   string
	segments []string
	rest     bool // any number of segments may follow
}

type operationList []operation

func parseOperation(text string) (operation, error) {
	method, path, ok := strings.Cut(text, " ")
	path = strings.TrimLeft(path, " ")
	switch {
	case !ok || !validToken(method) || !strings.HasPrefix(path, "/"):
		return operation{}, fmt.Errorf("%q is not a method and a path, as in \"GET /admin/clients\"", text)
	case strings.ContainsAny(path, "?#\\ "):
		return operation{}, fmt.Errorf("%q has a query, a fragment, a backslash or a space in its path", text)
	case hasParentSegment(path):
		return operation{}, fmt.Errorf("%q has a segment that stands for the parent directory", text)
	}
	op := operation{method: method, segments: strings.Split(path[1:], "/")}
	last := len(op.segments) - 1
	for i, segment := range op.segments {
		switch name, isWild := wildcard(segment); {
		case segment == "…" || segment == "..." || isWild && strings.HasSuffix(name, "..."):
			if i != last {
				return operation{}, fmt.Errorf("%q: what stands for the rest of a path must be its end", text)
			}
			op.rest, op.segments = true, op.segments[:last]
		case isWild && name != "":
			op.segments[i] = anySegment
		case isWild || strings.ContainsAny(segment, "{}*…"):
			return operation{}, fmt.Errorf("%q: {name} must be a whole segment", text)
		default:
			plain, err := url.PathUnescape(segment)
			if err != nil || strings.ContainsAny(plain, "/\\") {
				return operation{}, fmt.Errorf("%q has an escape that is none, or an escaped slash", text)
			}
			op.segments[i] = plain
		}
	}
	return op, nil
}

// anySegment can be no segment of a request's path, which has no slash in it.
const anySegment = "/"

func wildcard(segment string) (name string, ok bool) {
	name, opens := strings.CutPrefix(segment, "{")
	name, closes := strings.CutSuffix(name, "}")
	return name, opens && closes && !strings.ContainsAny(name, "{}")
}

func (op operation) matches(method string, segments []string) bool {
	switch {
	case op.method != "*" && op.method != method && (op.method != http.MethodGet || method != http.MethodHead),
		len(segments) < len(op.segments), !op.rest && len(segments) > len(op.segments):
		return false
	}
	for i, want := range op.segments {
		if got := segments[i]; got != want && (want != anySegment || got == "") {
			return false
		}
	}
	return true
}

// operationCheck refuses what the client's operations do not allow.
type operationCheck struct {
	lists  []operationList // each of them has to allow a request
	probe  string          // the path of the provider's probe, which is always allowed
	prefix string          // the escaped path of the base URL
}

// check returns an error unless the request, whose path is below the base URL's, is allowed.
func (ops *operationCheck) check(req *http.Request) error {
	if len(ops.lists) == 0 {
		return nil
	}
	path := strings.TrimPrefix(req.URL.EscapedPath(), ops.prefix)
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	if method == http.MethodGet && ops.probe != "" && path == ops.probe {
		return nil
	}
	for _, name := range [...]string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"} {
		for given := range req.Header {
			if sameField(given, name) {
				return &finalError{"the request was not sent", fmt.Errorf("%w: its header %s asks for another method", ErrNotAllowed, name)}
			}
		}
	}
	segments, ok := plainSegments(path)
	for _, list := range ops.lists {
		if !ok || !slices.ContainsFunc(list, func(op operation) bool { return op.matches(method, segments) }) {
			return &finalError{"the request was not sent", ErrNotAllowed}
		}
	}
	return nil
}

// plainSegments returns the segments of an escaped path with their escapes undone. It is not
// ok if a server may see other segments there.
func plainSegments(path string) (segments []string, ok bool) {
	if hasParentSegment(path) || !strings.HasPrefix(path, "/") {
		return nil, false
	}
	segments = strings.Split(path[1:], "/")
	for i, segment := range segments {
		plain := segment
		for range maxUnescapes {
			if strings.Contains(plain, "/") || strings.Contains(plain, "\\") || plain == "." {
				return nil, false
			}
			plain = unescapeLeniently(plain)
		}
		segments[i] = unescapeLeniently(segment)
	}
	return segments, true
}

// probePath returns the escaped path of the provider's probe; "" if it has none.
func (c *Client) probePath() string {
	u, err := url.Parse(c.provider.Probe)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}
