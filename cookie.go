package keyfit

import (
	"errors"
	"net/http"
	"strings"
)

// Cookie returns a scheme that sends the key as a cookie: Cookie: name=key. It takes the place
// of a cookie of that name of the caller or of the cookie jar; other cookies stay.
func Cookie(name string) Scheme { return cookieScheme{name: name} }

type cookieScheme struct{ name string }

var errCookieValue = errors.New("the key has a character that a cookie may not have (RFC 6265, section 4.1.1)")

func (cs cookieScheme) Apply(req *http.Request, c Credential) error {
	return cs.put(req.Header, c)
}

func (cs cookieScheme) put(h http.Header, c Credential) error {
	if !c.ID.IsZero() {
		return errSchemeWantsKey
	}
	key := c.Key.Reveal()
	for i := range len(key) {
		if b := key[i]; b <= ' ' || b >= 0x7f || strings.IndexByte(`",;\`, b) >= 0 {
			return errCookieValue
		}
	}
	pairs := []string{cs.name + "=" + key}
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			if name, _, _ := strings.Cut(pair, "="); pair != "" && strings.TrimSpace(name) != cs.name {
				pairs = append(pairs, pair)
			}
		}
	}
	h["Cookie"] = []string{strings.Join(pairs, "; ")}
	removeOtherSpellings(h, "Cookie")
	return nil
}

func (cs cookieScheme) fields() []string { return []string{"Cookie"} }

func (cs cookieScheme) validate() error {
	if !validToken(cs.name) {
		return errors.New("the scheme's cookie name is empty or not a cookie name")
	}
	return nil
}

// isKeyCookie reports whether the scheme sends the key as the cookie of this name.
func isKeyCookie(scheme Scheme, name string) bool {
	cs, ok := scheme.(cookieScheme)
	return ok && cs.name == name
}
