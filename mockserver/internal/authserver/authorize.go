package authserver

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// authRequest is an authorization request whose client and redirect URI are known.
type authRequest struct {
	client   surface.Client
	redirect string // redirect URI of the response
	sent     string // redirect_uri parameter; empty if the request had none
	form     form
	scopes   []string
}

// authorize implements the authorization endpoint, RFC 6749 section 4.1.1. It
// serves no login page: the test sets the user's decision beforehand.
func (s *server) authorize(w http.ResponseWriter, c *surface.Call) {
	values, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		invalid("the query string is malformed").write(w)
		return
	}
	f, fault := newForm(values)
	req, bad := s.target(c, f, values)
	if bad != nil { // "MUST NOT redirect the user-agent to the invalid redirection URI"
		bad.write(w)
		return
	}
	if fault == nil {
		fault = req.check()
	}
	if fault != nil {
		req.respond(w, url.Values{"error": {fault.code}, "error_description": {fault.description}})
		return
	}
	s.consent(w, c, req)
}

// target finds the client and the redirect URI of the response, which must be
// exactly one of the registered URIs.
func (s *server) target(c *surface.Call, f form, values url.Values) (*authRequest, *refusal) {
	if len(values["client_id"]) > 1 || len(values["redirect_uri"]) > 1 {
		return nil, invalid("client_id or redirect_uri is sent more than once")
	}
	client, ok := s.env.Authority.Client(values.Get("client_id"))
	if !ok {
		c.Explain(unknownKey, "no client of this server has this client_id; register one with "+s.Handle+".Register")
		return nil, invalid("client_id is missing or unknown")
	}
	req := &authRequest{client: client, sent: values.Get("redirect_uri"), form: f}
	switch {
	case req.sent == "" && len(client.Redirects) == 1: // RFC 6749 section 3.1.2.3
		req.redirect = client.Redirects[0]
	case !slices.Contains(client.Redirects, req.sent):
		return nil, invalid("redirect_uri is missing or is not exactly one that the client registered")
	default:
		req.redirect = req.sent
	}
	return req, nil
}

// check validates the request against RFC 6749 and RFC 7636.
func (req *authRequest) check() *refusal {
	switch req.form["response_type"] {
	case "":
		return invalid("response_type is required")
	case "code":
	default:
		return &refusal{code: "unsupported_response_type", description: "response_type must be code"}
	}
	scopes, ok := req.form.scopes()
	if !ok || !containsAll(req.client.Scopes, scopes) {
		return &refusal{code: "invalid_scope", description: "a scope is not one of the client's"}
	}
	if req.scopes = scopes; len(scopes) == 0 {
		req.scopes = req.client.Scopes
	}
	challenge, method := req.form["code_challenge"], req.form["code_challenge_method"]
	switch {
	case challenge == "" && method != "":
		return invalid("code_challenge is required with code_challenge_method")
	case challenge == "" && req.client.Public:
		return invalid("code_challenge is required for a public client")
	case challenge != "" && method != "S256": // an absent method means plain, RFC 7636 section 4.3
		return invalid("transform algorithm not supported: code_challenge_method must be S256")
	case challenge != "" && !validChallenge(challenge):
		return invalid("code_challenge is not a base64url-encoded SHA-256")
	}
	return nil
}

func validChallenge(s string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(sum) == 32
}

// consent reads the user's decision and responds with a code or an error.
func (s *server) consent(w http.ResponseWriter, c *surface.Call, req *authRequest) {
	decision := s.env.Authority.Consent()
	granted := req.scopes
	if decision.Scopes != nil {
		granted = slices.DeleteFunc(slices.Clone(granted), func(scope string) bool { return !slices.Contains(decision.Scopes, scope) })
	}
	if decision.Denied || len(granted) == 0 && len(req.scopes) > 0 {
		c.Explain(accessDenied, "the user denied the request: "+s.Handle+".DenyNext, or ApproveNext without any of the requested scopes")
		req.respond(w, url.Values{"error": {"access_denied"}, "error_description": {"the user denied the request"}})
		return
	}
	code, _ := s.env.Authority.Issue(surface.Grant{
		Use: surface.Code, Client: req.client.ID, User: decision.User, Scopes: granted, Family: s.env.Authority.NewFamily(),
		Redirect: req.sent, Challenge: req.form["code_challenge"],
	})
	req.respond(w, url.Values{"code": {code}})
}

// respond redirects with the parameters and the state. It keeps the query of
// the redirect URI (RFC 6749 section 3.1.2).
func (req *authRequest) respond(w http.ResponseWriter, params url.Values) {
	if state := req.form["state"]; state != "" {
		params.Set("state", state)
	}
	separator := "?"
	if strings.Contains(req.redirect, "?") {
		separator = "&"
	}
	noStore(w)
	w.Header().Set("Location", req.redirect+separator+params.Encode())
	w.WriteHeader(http.StatusFound)
}

func containsAll(all, some []string) bool {
	for _, s := range some {
		if !slices.Contains(all, s) {
			return false
		}
	}
	return true
}
