package authserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// form holds request parameters. It omits empty ones, which "MUST be treated as
// if they were omitted" (RFC 6749 section 3.2).
type form map[string]string

// refusal is an error response, RFC 6749 section 5.2.
type refusal struct {
	status      int
	code        string
	description string
	challenge   string // of a 401
}

func (r *refusal) Error() string { return r.code + ": " + r.description }

func invalid(description string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "invalid_request", description: description}
}

// write sends the refusal. A 401 carries the challenge for clients.
func (r *refusal) write(w http.ResponseWriter) {
	noStore(w)
	if r.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", r.challenge)
	}
	surface.JSON(w, r.status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{r.code, r.description})
}

// noStore forbids caching, RFC 6749 section 5.1.
func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}

// readForm reads the parameters of a POST. It detects the format from the body,
// because the vendor's example of a token request declares application/json and
// sends a form.
func readForm(c *surface.Call) (form, *refusal) {
	if ct := c.Header.Get("Content-Type"); ct != "" {
		kind, _, err := mime.ParseMediaType(ct)
		if err != nil || kind != "application/x-www-form-urlencoded" && kind != "application/json" {
			return nil, invalid("Content-Type must be application/x-www-form-urlencoded or application/json")
		}
	}
	return parseBody(c.Data)
}

// IsJSON reports whether a body looks like a JSON object or array.
func IsJSON(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

// ClientID returns the client_id in a body; "" if there is none or the body is
// malformed.
func ClientID(body []byte) string {
	f, _ := parseBody(body)
	return f["client_id"]
}

func parseBody(body []byte) (form, *refusal) {
	if IsJSON(body) {
		return parseJSON(body)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalid("the form is malformed")
	}
	return newForm(values)
}

// newForm refuses a repeated parameter (RFC 6749 section 3.2).
func newForm(values url.Values) (form, *refusal) {
	f := make(form, len(values))
	for name, v := range values {
		if len(v) > 1 {
			return f, invalid("a parameter is sent more than once")
		}
		if len(v[0]) > maxParameterSize {
			return f, invalid("a parameter is too long")
		}
		if v[0] != "" {
			f[name] = v[0]
		}
	}
	return f, nil
}

// parseJSON reads one JSON object whose values are strings.
func parseJSON(body []byte) (form, *refusal) {
	d := json.NewDecoder(bytes.NewReader(body))
	f := form{}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, invalid("the body is not a JSON object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, invalid("the JSON is malformed")
		}
		value, err := d.Token()
		if err != nil {
			return nil, invalid("the JSON is malformed")
		}
		text, ok := value.(string)
		key, _ := name.(string) // the name of a member is a string, or Token would have failed
		switch _, twice := f[key]; {
		case !ok:
			return nil, invalid("a parameter is not a string")
		case twice:
			return nil, invalid("a parameter is sent more than once")
		case len(text) > maxParameterSize:
			return nil, invalid("a parameter is too long")
		}
		f[key] = text
	}
	if _, err := d.Token(); err != nil {
		return nil, invalid("the JSON is malformed")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid("there is more than one JSON value")
	}
	for name, v := range f {
		if v == "" {
			delete(f, name)
		}
	}
	return f, nil
}

// scopes splits the scope parameter; an absent parameter returns nil and true.
func (f form) scopes() (list []string, ok bool) {
	if f["scope"] == "" {
		return nil, true
	}
	for s := range strings.SplitSeq(f["scope"], " ") {
		if !ValidScope(s) {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}
