package authserver

import (
	"net/http"
	"net/url"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

func (s *server) invalidClient(description string) *refusal {
	return &refusal{http.StatusUnauthorized, "invalid_client", description, `Basic realm="` + s.Realm + `"`}
}

// The outcomes of package mockserver that this package reports.
const (
	missingKey   = "missing_key"
	unknownKey   = "unknown_key"
	wrongScheme  = "wrong_scheme"
	duplicateKey = "duplicate_key"
	expired      = "expired"
	revoked      = "revoked"
	accessDenied = "access_denied"
)

// authenticateClient identifies the client by client_secret_basic,
// client_secret_post, or a public client's ID alone (RFC 6749 section 2.3). It
// refuses a request that uses more than one method.
func (s *server) authenticateClient(c *surface.Call, f form) (surface.Client, *refusal) {
	id, secret := f["client_id"], f["client_secret"]
	if c.Header.Get("Authorization") != "" {
		user, password, ok := c.BasicAuth()
		if !ok {
			c.Explain(wrongScheme, "`Authorization` has another scheme; a client authenticates with Basic or in the body")
			return surface.Client{}, s.invalidClient("the Authorization header does not use the Basic scheme")
		}
		// Both parts are form-encoded, RFC 6749 section 2.3.1.
		user, err1 := url.QueryUnescape(user)
		password, err2 := url.QueryUnescape(password)
		switch {
		case err1 != nil || err2 != nil:
			return surface.Client{}, invalid("the Basic credentials are not form-encoded")
		case secret != "" || id != "" && id != user:
			c.Explain(duplicateKey, "the client authenticates both in the header and in the body")
			return surface.Client{}, invalid("more than one client authentication")
		}
		id, secret = user, password
	}
	return s.identify(c, id, secret)
}

func (s *server) identify(c *surface.Call, id, secret string) (surface.Client, *refusal) {
	if id == "" {
		c.Explain(missingKey, "no client_id was sent, neither in `Authorization: Basic ...` nor in the body")
		return surface.Client{}, s.invalidClient("no client authentication")
	}
	if secret != "" {
		client, p := s.env.Authority.Authenticate(id, secret)
		if p.Outcome != "" {
			c.Explain(p.Outcome, p.Why)
			return surface.Client{}, s.invalidClient("client authentication failed")
		}
		return client, nil
	}
	client, ok := s.env.Authority.Client(id)
	switch {
	case !ok:
		c.Explain(unknownKey, "no client of this server has this client_id; register one with "+s.Handle+".Register")
		return surface.Client{}, s.invalidClient("client authentication failed")
	case !client.Public:
		c.Explain(missingKey, "client_id was sent without its client_secret; this client is not a public client")
		return surface.Client{}, s.invalidClient("client authentication failed")
	}
	return client, nil
}
