package keyfit

import (
	"fmt"
	"net/url"
	"strings"
)

// A base URL may have a path, as that of a gateway in front of a provider does:
// https://gateway.example/imkit. The paths of calls are appended to it, and the key goes to
// no other path of that origin, behind which the gateway may have another service.
//
// What leaves the path is decided on the path as it is sent, in every way in which a server
// may read it: with escapes undone once or more often, and with what some servers take for a
// slash or for the name of a parent directory. It is refused rather than tidied, because a
// signature, a cache or another guard has seen the same text.

// prefixed appends the path of u, which begins with a slash, to the path of the base URL.
func (c *Client) prefixed(u *url.URL) {
	if c.base.Path == "" {
		return
	}
	if u.RawPath != "" || c.base.RawPath != "" {
		u.RawPath = c.base.EscapedPath() + u.EscapedPath()
	}
	u.Path = c.base.Path + u.Path
}

// resolve gives u the origin of the base URL. Dot segments that are written as such are
// resolved against the base URL's path, above which they do not lead (RFC 3986, section 5.2.4).
func (c *Client) resolve(u *url.URL) *url.URL {
	at := (&url.URL{Scheme: c.base.Scheme, Host: c.base.Host}).ResolveReference(u)
	if u.Host == "" && at.Opaque == "" {
		if at.Path == "" && c.base.Path != "" {
			at.Path = "/"
		}
		c.prefixed(at)
	}
	return at
}

// checkPrefix returns an error if a server may read the path of u as one outside of the path
// of the base URL, of which prefix is the escaped form.
func checkPrefix(prefix string, u *url.URL) error {
	sent := u.EscapedPath()
	below, ok := strings.CutPrefix(sent, prefix)
	switch {
	case !ok, below != "" && below[0] != '/':
		return fmt.Errorf("%w: the request's path is not below %s, the path of the base URL", ErrCrossOrigin, prefix)
	case hasParentSegment(below):
		return fmt.Errorf("%w: the request's path has a segment that stands for the parent directory, and may lead out of %s", ErrCrossOrigin, prefix)
	}
	return nil
}

// maxUnescapes bounds how often escapes of escapes are undone. What is escaped more often
// counts as a way out.
const maxUnescapes = 4

// hasParentSegment reports whether a server may read a segment of an escaped path as "..".
func hasParentSegment(escaped string) bool {
	for range maxUnescapes {
		if isParentIn(escaped) {
			return true
		}
		plain := unescapeLeniently(escaped)
		if plain == escaped {
			return false
		}
		escaped = plain
	}
	return true
}

// isParentIn looks for a segment ".." where a backslash counts as a slash, path parameters
// (";x") do not belong to the name, and neither do spaces and control characters.
func isParentIn(path string) bool {
	if !strings.Contains(path, ".") {
		return false
	}
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if plainName(segment) == ".." {
			return true
		}
	}
	return false
}

// plainName is the name of a segment without path parameters, spaces and control characters.
func plainName(segment string) string {
	name, _, _ := strings.Cut(segment, ";")
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return -1
		}
		return r
	}, name)
}

// unescapeLeniently undoes the escapes of a path once, and leaves what is none as it is.
func unescapeLeniently(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if plain, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(plain)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// basePath checks the path of a base URL and returns it without slashes at its end.
func basePath(u *url.URL) (path, raw string, err error) {
	escaped := strings.TrimRight(u.EscapedPath(), "/")
	plain := strings.TrimRight(u.Path, "/")
	lower := strings.ToLower(escaped)
	switch {
	case escaped == "":
		return "", "", nil
	case strings.Contains(escaped, "//"), strings.Contains(escaped, "/./"), strings.HasSuffix(escaped, "/."), hasParentSegment(escaped),
		strings.Contains(lower, "%2f"), strings.Contains(lower, "%5c"), strings.Contains(lower, "%25"), strings.Contains(lower, "%3b"), strings.Contains(escaped, ";"):
		return "", "", errBasePath
	}
	if u.RawPath != "" {
		raw = escaped
	}
	return plain, raw, nil
}

// ResolveLink returns the path for a further call of a link that a response has in it: to the
// next page, or to a resource. from is the path of the call that was answered.
//
// A link that begins with a slash is a path as that of a call, unless it has the path of the
// base URL, or of [Provider.BaseURL], in it already; others without an origin are relative to
// from. A link to the provider's own origin is followed at the client's base URL, because a
// provider behind a gateway may not know of it. Any other link is returned as it is: a call
// refuses it with [ErrCrossOrigin] if it leads elsewhere. The error says that the link is not
// a URL.
func (c *Client) ResolveLink(from, link string) (string, error) {
	return (&linkBase{&c.provider, c.base}).resolve(from, link)
}

// linkBase is what links are resolved against.
type linkBase struct {
	provider *Provider
	base     *url.URL
}

// resolveLink is [Client.ResolveLink] for any Caller.
func resolveLink(c Caller, from, link string) (string, error) {
	if client, ok := c.(*Client); ok {
		return client.ResolveLink(from, link)
	}
	p := c.Provider()
	base, err := parseBaseURL(p.BaseURL)
	if err != nil {
		base = new(url.URL) // a fake needs none
	}
	return (&linkBase{&p, base}).resolve(from, link)
}

func (lb *linkBase) resolve(from, link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil || u.Opaque != "" {
		return "", fmt.Errorf("%s: the link in the response is not a URL", lb.provider.Name)
	}
	u.Fragment, u.RawFragment = "", ""
	switch {
	case u.Scheme != "" || u.Host != "":
		return lb.ownLink(u), nil
	case strings.HasPrefix(u.Path, "/"):
		own, err := parseBaseURL(lb.provider.BaseURL)
		switch {
		case lb.base.Path != "" && checkPrefix(lb.base.EscapedPath(), u) == nil:
			u.Scheme, u.Host = lb.base.Scheme, lb.base.Host
		case err == nil && own.Path != "" && checkPrefix(own.EscapedPath(), u) == nil:
			return belowOwn(own, u), nil
		}
		return u.String(), nil
	}
	at, err := url.Parse(from)
	if err != nil {
		return "", fmt.Errorf("%s: the path of the call is not a URL", lb.provider.Name)
	}
	return at.ResolveReference(u).String(), nil
}

// ownLink turns a link to the provider's own origin into a path, if the client's base URL is
// another.
func (lb *linkBase) ownLink(u *url.URL) string {
	own, err := parseBaseURL(lb.provider.BaseURL)
	if u.Scheme == "" {
		if u.Scheme = lb.base.Scheme; err == nil && u.Host != lb.base.Host {
			u.Scheme = own.Scheme
		}
	}
	if err != nil || *own == *lb.base || originOf(u) != originOf(own) || u.User != nil || checkPrefix(own.EscapedPath(), u) != nil {
		return u.String()
	}
	return belowOwn(own, u)
}

// belowOwn returns a link below the provider's own base URL as the path of a call.
func belowOwn(own, u *url.URL) string {
	path := strings.TrimPrefix(u.EscapedPath(), own.EscapedPath())
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path
}
