package keyfit

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// AllowOperations makes the client refuse every request but these before anything is sent, with
// [ErrNotAllowed]: a key often may do more than a program should. An operation is a method and
// a path below the base URL:
//
//	keyfit.AllowOperations("GET /admin/clients", "POST /rooms/{room}/message", "* /mail/…")
//
// {name} stands for one segment, and … (or ... or {name...}) at the end for any number. GET
// allows HEAD too, and * any method. Letters count as they are; an escaped slash is part of no
// segment, and a path that a server may read as a shorter one matches nothing. What asks a server
// for another method or path, as the header X-HTTP-Method-Override or the field _method of a form
// does, is refused, except in the body of a stream. Redirects are checked too. [Provider.Probe]
// stays allowed as it is, because the keyring verifies keys with it. In [Client.With] it takes
// further operations away, and adds none.
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
	case strings.ContainsFunc(method, unicode.IsLower):
		return operation{}, fmt.Errorf("%q: methods are written in capital letters, and nothing else would match", text)
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
			if segment != "" && mayVanish(plain) {
				return operation{}, fmt.Errorf("%q has a segment that a server may leave out", text)
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
	probe  *url.URL        // the path and query of the provider's probe, which is always allowed; nil for none
	prefix string          // the escaped path of the base URL
}

// check returns an error unless the request, whose path is below the base URL's, is allowed.
func (ops *operationCheck) check(req *http.Request) error {
	if len(ops.lists) == 0 {
		return nil
	}
	return ops.checkAll(req, ops.probe != nil && req.URL.RawQuery == ops.probe.RawQuery)
}

// recheck checks a request that a scheme has changed: its query may have the key in it.
func (ops *operationCheck) recheck(out *http.Request) error {
	if len(ops.lists) == 0 {
		return nil
	}
	return ops.checkAll(out, ops.probe != nil)
}

func (ops *operationCheck) checkAll(req *http.Request, mayBeProbe bool) error {
	refused := "the request was not sent"
	if req.Response != nil {
		refused = "the redirect was not followed"
	}
	if what := override(req); what != "" {
		return &finalError{refused, fmt.Errorf("%w: its %s asks for another method or path", ErrNotAllowed, what)}
	}
	path := strings.TrimPrefix(req.URL.EscapedPath(), ops.prefix)
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	if mayBeProbe && method == http.MethodGet && path == ops.probe.EscapedPath() {
		return nil
	}
	segments, ok := plainSegments(path)
	for _, list := range ops.lists {
		if !ok || !slices.ContainsFunc(list, func(op operation) bool { return op.matches(method, segments) }) {
			return &finalError{refused, ErrNotAllowed}
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
			if strings.Contains(plain, "/") || strings.Contains(plain, "\\") || segment != "" && mayVanish(plain) {
				return nil, false
			}
			plain = unescapeLeniently(plain)
		}
		segments[i] = unescapeLeniently(segment)
	}
	return segments, true
}

// mayVanish reports whether a server may leave a segment out of a path: one that names the
// directory itself, or of which nothing is left without its parameters (";x"), spaces and
// control characters.
func mayVanish(segment string) bool { return strings.Trim(plainName(segment), ".") == "" }

// probeURL returns the path and query of the provider's probe; nil if it has none.
func (c *Client) probeURL() *url.URL {
	u, err := url.Parse(c.provider.Probe)
	if err != nil || c.provider.Probe == "" {
		return nil
	}
	return u
}
