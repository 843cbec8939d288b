package keyfit

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Scheme puts a credential on a request.
//
// [Header], [Authorization], [Bearer], [Query] and [Pair] cover the five providers, and [Basic],
// [BasicUser] and [Cookie] most others. Any other scheme is a type of the caller's with this
// one method; one that signs requests finds the digest of the body with [BodySHA256].
type Scheme interface {
	// Apply puts c on req just before req is sent. req is a copy: Apply may change its header
	// and the path and query of its URL. If the URL or the Host is another origin's afterwards,
	// nothing is sent and the call fails with [ErrCrossOrigin]. Apply must be safe for
	// concurrent use. If it returns an error, nothing is sent and the call fails.
	//
	// What Apply sets replaces every other spelling of that header name in the caller's
	// header, and is kept from an [net/http/httptrace.ClientTrace] of the caller. A context that
	// Apply gives to req is not used.
	Apply(req *http.Request, c Credential) error
}

var (
	errSchemeWantsKey  = errors.New("the scheme sends a single key, and the credential is a pair")
	errSchemeWantsPair = errors.New("the scheme sends a pair, and the credential has only one half: Provider.EnvID names the variable of the other, and KeyPair makes a pair")
)

// suits returns an error if a scheme of this package cannot send the ring's key, such as a single
// key as a pair. A scheme of the caller's own shows that at the first call.
func (c *Client) suits(ring *Keyring) error {
	if _, own := c.provider.Scheme.(schemeValidator); !own {
		return nil
	}
	cred := credentialOf(ring.engine.Load().Pick(true).Key)
	if err := c.provider.Scheme.Apply(&http.Request{Header: http.Header{}, URL: new(url.URL)}, cred); err != nil {
		return fmt.Errorf("%s: %s: %w", c.provider.Name, cred.placeOr(), err)
	}
	return nil
}

// Header returns a scheme that sends the key in the named header: X-API-KEY: k.
func Header(name string) Scheme { return headerScheme{name: http.CanonicalHeaderKey(name)} }

// Authorization returns a scheme that sends the key after a vendor-specific prefix:
// Authorization: ApiKey-v2 k.
func Authorization(word string) Scheme {
	return headerScheme{name: "Authorization", prefix: word + " "}
}

// Bearer returns a scheme that sends a token as in RFC 6750, section 2.1: Authorization:
// Bearer t.
func Bearer() Scheme { return Authorization("Bearer") }

// Query returns a scheme that sends the key as a query parameter: ?api_key=k. Proxies and
// servers on the path write URLs into their logs, so prefer a header if the API accepts
// one.
func Query(param string) Scheme { return queryScheme{param: param} }

// Pair returns a scheme that sends both halves of a credential, each in its header and
// always of the same generation: IM-CLIENT-KEY: id and IM-Authorization: key.
func Pair(idHeader, keyHeader string) Scheme {
	return pairScheme{id: http.CanonicalHeaderKey(idHeader), key: http.CanonicalHeaderKey(keyHeader)}
}

// headerOnly is implemented by schemes that do not change the URL, so it need not be
// copied.
type headerOnly interface {
	put(h http.Header, c Credential) error
}

// pathField is the header field of HTTP/2 that contains path and query.
const pathField = ":path"

// sameField reports whether a server may take two header names for the same one: case does
// not matter (RFC 9110, section 5.1), and gateways in the manner of CGI read an underscore as
// a hyphen (RFC 3875, section 4.1.18), some of them every character that is neither a letter
// nor a digit.
func sameField(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if fieldByte(a[i]) != fieldByte(b[i]) {
			return false
		}
	}
	return true
}

func fieldByte(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		return c
	}
	return '-'
}

// removeFraming removes other spellings of the fields that net/http writes itself: to which
// host a request goes, and where its body ends. net/http ignores the caller's under their own
// names alone, so another spelling would be sent as a second one, which a proxy may believe:
// the key would go to another host of the same address, or into another request.
func removeFraming(h http.Header) {
	for name := range h {
		if isOtherFraming(name) {
			delete(h, name)
		}
	}
}

func isOtherFraming(name string) bool {
	var of string
	switch len(name) {
	case len("Host"):
		of = "Host"
	case len("Trailer"):
		of = "Trailer"
	case len("Content-Length"):
		of = "Content-Length"
	case len("Transfer-Encoding"):
		of = "Transfer-Encoding"
	default:
		return false
	}
	return name != of && sameField(name, of)
}

// removeOtherSpellings removes what a caller has put under another spelling of a header
// name, beside which the key would be one of two.
func removeOtherSpellings(h http.Header, name string) {
	for other := range h {
		if other != name && sameField(other, name) {
			delete(h, other)
		}
	}
}

type headerScheme struct{ name, prefix string }

func (hs headerScheme) Apply(req *http.Request, c Credential) error {
	return hs.put(req.Header, c)
}

func (hs headerScheme) put(h http.Header, c Credential) error {
	if !c.ID.IsZero() {
		return errSchemeWantsKey
	}
	h[hs.name] = []string{hs.prefix + c.Key.Reveal()}
	removeOtherSpellings(h, hs.name)
	return nil
}

func (hs headerScheme) fields() []string { return []string{hs.name} }

func (hs headerScheme) validate() error {
	if !validToken(hs.name) {
		return errors.New("the scheme's header name is empty or not a header name")
	}
	if hs.prefix == " " || strings.ContainsAny(hs.prefix, "\r\n") {
		return errors.New("the scheme's authorization word is empty or has a line break")
	}
	return nil
}

type queryScheme struct{ param string }

func (qs queryScheme) Apply(req *http.Request, c Credential) error {
	if !c.ID.IsZero() {
		return errSchemeWantsKey
	}
	qs.strip(req.URL)
	pair := url.QueryEscape(qs.param) + "=" + url.QueryEscape(c.Key.Reveal())
	if req.URL.RawQuery != "" {
		pair = req.URL.RawQuery + "&" + pair
	}
	req.URL.RawQuery = pair
	return nil
}

// strip removes the parameter from a URL. It is there if a provider redirects with the
// query that it received, or links to the next page with it: an outdated key, perhaps, and
// one that must not stay in a URL that others see.
func (qs queryScheme) strip(u *url.URL) {
	if u.RawQuery == "" {
		return
	}
	var others []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(name); err != nil || name != qs.param {
			others = append(others, pair)
		}
	}
	u.RawQuery = strings.Join(others, "&")
}

// fields names the field of HTTP/2 that holds the query.
func (qs queryScheme) fields() []string { return []string{pathField} }

func (qs queryScheme) validate() error {
	if qs.param == "" {
		return errors.New("the scheme's query parameter has no name")
	}
	return nil
}

type pairScheme struct{ id, key string }

func (ps pairScheme) Apply(req *http.Request, c Credential) error {
	return ps.put(req.Header, c)
}

func (ps pairScheme) put(h http.Header, c Credential) error {
	if c.ID.IsZero() || c.Key.IsZero() {
		return errSchemeWantsPair
	}
	h[ps.id], h[ps.key] = []string{c.ID.Reveal()}, []string{c.Key.Reveal()}
	removeOtherSpellings(h, ps.id)
	removeOtherSpellings(h, ps.key)
	return nil
}

func (ps pairScheme) fields() []string { return []string{ps.id, ps.key} }

func (ps pairScheme) validate() error {
	if !validToken(ps.id) || !validToken(ps.key) || ps.id == ps.key {
		return errors.New("the scheme needs two different header names")
	}
	return nil
}

// validToken reports whether s is a token of RFC 9110, section 5.6.2, as header names are.
func validToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}
