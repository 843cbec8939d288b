package iiniit

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// request is an authorization request whose client and redirect URI are known.
type request struct {
	client   surface.Client
	redirect string // where the answer goes
	sent     string // redirect_uri as sent, empty if left out
	form     form
	scopes   []string
}

// authorize is the authorization endpoint, RFC 6749 section 4.1.1. There is no
// page to click on: the answer of the user was given beforehand.
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
		req.answer(w, url.Values{"error": {fault.code}, "error_description": {fault.description}})
		return
	}
	s.consent(w, c, req)
}

// target finds the client and where the answer may go: exactly one of the
// registered URIs.
func (s *server) target(c *surface.Call, f form, values url.Values) (*request, *refusal) {
	if len(values["client_id"]) > 1 || len(values["redirect_uri"]) > 1 {
		return nil, invalid("client_id or redirect_uri is sent more than once")
	}
	client, ok := s.env.Authority.Client(values.Get("client_id"))
	if !ok {
		c.Explain(unknownKey, "no client of this server has this client_id; register one with OAuth().Register")
		return nil, invalid("client_id is missing or unknown")
	}
	req := &request{client: client, sent: values.Get("redirect_uri"), form: f}
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

// check holds the request against RFC 6749 and RFC 7636.
func (r *request) check() *refusal {
	switch r.form["response_type"] {
	case "":
		return invalid("response_type is required")
	case "code":
	default:
		return &refusal{code: "unsupported_response_type", description: "response_type must be code"}
	}
	scopes, ok := r.form.scopes()
	if !ok || !containsAll(r.client.Scopes, scopes) {
		return &refusal{code: "invalid_scope", description: "a scope is not one of the client's"}
	}
	if r.scopes = scopes; len(scopes) == 0 {
		r.scopes = r.client.Scopes
	}
	challenge, method := r.form["code_challenge"], r.form["code_challenge_method"]
	switch {
	case challenge == "" && method != "":
		return invalid("code_challenge is required with code_challenge_method")
	case challenge == "" && r.client.Public:
		return invalid("code_challenge is required for a public client")
	case challenge != "" && method != "S256": // left out it is plain, RFC 7636 section 4.3
		return invalid("transform algorithm not supported: code_challenge_method must be S256")
	case challenge != "" && !validChallenge(challenge):
		return invalid("code_challenge is no SHA-256 in base64url")
	}
	return nil
}

func validChallenge(s string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(sum) == 32
}

// consent asks the user and sends the code.
func (s *server) consent(w http.ResponseWriter, c *surface.Call, req *request) {
	answer := s.env.Authority.Consent()
	granted := req.scopes
	if answer.Scopes != nil {
		granted = slices.DeleteFunc(slices.Clone(granted), func(scope string) bool { return !slices.Contains(answer.Scopes, scope) })
	}
	if answer.Denied || len(granted) == 0 {
		c.Explain(accessDenied, "the user refused: OAuth().DenyNext, or ApproveNext without a scope that was asked for")
		req.answer(w, url.Values{"error": {"access_denied"}, "error_description": {"the user denied the request"}})
		return
	}
	code, _ := s.env.Authority.Issue(surface.Grant{
		Use: surface.Code, Client: req.client.ID, User: answer.User, Scopes: granted, Family: s.env.Authority.NewFamily(),
		Redirect: req.sent, Challenge: req.form["code_challenge"],
	})
	req.answer(w, url.Values{"code": {code}})
}

// answer redirects with the parameters and the state, keeping a query that the
// redirect URI has (RFC 6749 section 3.1.2).
func (r *request) answer(w http.ResponseWriter, params url.Values) {
	if state := r.form["state"]; state != "" {
		params.Set("state", state)
	}
	separator := "?"
	if strings.Contains(r.redirect, "?") {
		separator = "&"
	}
	noStore(w)
	w.Header().Set("Location", r.redirect+separator+params.Encode())
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
