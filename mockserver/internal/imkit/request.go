package imkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/url"
	"strconv"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// decode decodes the JSON object in the request body. It ignores unknown members,
// because no page refuses them and one of the vendor's examples has one. invalid
// creates the error, whose text names members, never values.
func decode(c *surface.Call, into any, invalid func(string) *apiError) error {
	if len(c.Data) > maxRequest {
		return invalid("Request body is larger than 1 MiB")
	}
	body := bytes.TrimSpace(c.Data)
	if err := checkType(c, body, invalid); err != nil {
		return err
	}
	if len(body) == 0 || body[0] != '{' {
		return invalid("Request body must be a valid JSON object")
	}
	err := json.Unmarshal(body, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return invalid(strictjson.Member(wrong, into) + " has the wrong type")
	case err != nil:
		return invalid("Request body must be a valid JSON object")
	}
	return nil
}

// checkType refuses a body of another Content-Type than JSON, or without one: every
// page prints application/json with a body.
func checkType(c *surface.Call, body []byte, invalid func(string) *apiError) error {
	if len(body) == 0 {
		return nil
	}
	sent := c.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(sent)
	switch {
	case err == nil && kind == "application/json":
		return nil
	case sent == "":
		c.Explain("ok", "the body came without a Content-Type; IMKIT's pages print application/json; charset=utf-8")
	default:
		c.Explain("ok", "the body has another Content-Type than application/json, which IMKIT's pages print")
	}
	return invalid("Content-Type must be application/json")
}

// present reports whether a raw member exists and is not null.
func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// number reads an integer of at least low from the query; fallback if it is
// missing.
func number(q url.Values, name string, fallback, low int) (int, error) {
	if !q.Has(name) {
		return fallback, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < low {
		return 0, invalidQuery(name + " must be a number of at least " + strconv.Itoa(low))
	}
	return n, nil
}

// parseTime parses a time: ISO 8601 or, if epoch is set, milliseconds since 1970.
func parseTime(s string, epoch bool) (time.Time, bool) {
	if epoch {
		if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
			return time.UnixMilli(ms), true
		}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// queryTime reads a time from the query; the zero time if it is missing.
func queryTime(q url.Values, name string) (time.Time, error) {
	if !q.Has(name) {
		return time.Time{}, nil
	}
	t, ok := parseTime(q.Get(name), true)
	if !ok {
		return t, invalidQuery(name + " must be an ISO 8601 time or milliseconds since 1970")
	}
	return t, nil
}

// isAdmin reports whether the caller is the platform rather than a user.
func isAdmin(c *surface.Call) bool { return c.Caller.Kind == surface.Key }

// viewer returns the user on whose behalf the call is made: the user of the token
// or, with an API key, the user in IM-CLIENT-ID. That header is assumed, because
// the page about keys does not say as which user a key calls. viewer returns ""
// for an API key without the header.
func (a *app) viewer(c *surface.Call) (string, error) {
	if !isAdmin(c) {
		return c.Caller.User, a.ensureUser(c.Caller.User, c.Now)
	}
	id := c.Header.Get("IM-CLIENT-ID")
	if id != "" && a.users[id] == nil {
		return "", clientNotFound()
	}
	return id, nil
}

// caller returns the viewer, or an error if there is none.
func (a *app) caller(c *surface.Call) (*user, error) {
	id, err := a.viewer(c)
	switch {
	case err != nil:
		return nil, err
	case id == "":
		c.Explain("ok", "the API Key page lets a key alone call this, the operation's page wants a user's token; name the user in `IM-CLIENT-ID`")
		return nil, missing("IM-CLIENT-ID header")
	}
	return a.users[id], nil
}
