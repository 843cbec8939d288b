package keyfit

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Scheme says where a credential goes in a request. Apply is given a copy of the request
// that it may change (URL and header are its own) just before the request goes out, and
// is called from many goroutines at once.
//
// [Header], [Authorization], [Bearer], [Query] and [Pair] cover the five providers; any
// other scheme is a type of the caller's with this one method.
type Scheme interface {
	Apply(req *http.Request, c Credential) error
}

var (
	errSchemeWantsKey  = errors.New("the scheme sends a single key, and the credential is a pair")
	errSchemeWantsPair = errors.New("the scheme sends a pair, and the credential has only one half")
)

// Header sends the key alone in the named header: X-API-KEY: k.
func Header(name string) Scheme { return headerScheme{name: http.CanonicalHeaderKey(name)} }

// Authorization sends the key behind a word of the vendor's: Authorization: ApiKey-v2 k.
func Authorization(word string) Scheme {
	return headerScheme{name: "Authorization", prefix: word + " "}
}

// Bearer sends a token as RFC 6750, section 2.1 says: Authorization: Bearer t.
func Bearer() Scheme { return Authorization("Bearer") }

// Query sends the key as a query parameter: ?api_key=k. A URL is written into the logs of
// every proxy and server on the way, so prefer a header wherever the API takes one.
func Query(param string) Scheme { return queryScheme{param: param} }

// Pair sends both halves of a credential, each in its header, always from the same
// generation: IM-CLIENT-KEY: id and IM-Authorization: key.
func Pair(idHeader, keyHeader string) Scheme {
	return pairScheme{id: http.CanonicalHeaderKey(idHeader), key: http.CanonicalHeaderKey(keyHeader)}
}

// headerOnly is a scheme that leaves the URL alone, which spares a copy of it.
type headerOnly interface {
	put(h http.Header, c Credential) error
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
	return nil
}

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

// strip takes the parameter off a URL. It is there when a provider redirects with the
// query that it was sent, or links to a next page with it: an older key, perhaps, and one
// that must not stay in a URL which others see.
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
	return nil
}

func (ps pairScheme) validate() error {
	if !validToken(ps.id) || !validToken(ps.key) || ps.id == ps.key {
		return errors.New("the scheme's two header names must be different header names")
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
