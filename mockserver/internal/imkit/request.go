package imkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// decode reads the JSON object of the request. Unknown members are ignored: no
// page refuses them, and one of the vendor's own examples has one. The error
// is made by invalid and names members, never values.
func decode(c *surface.Call, into any, invalid func(string) *apiError) error {
	if len(c.Data) > maxRequest {
		return invalid("Request body is larger than 1 MiB")
	}
	body := bytes.TrimSpace(c.Data)
	if len(body) == 0 || body[0] != '{' {
		return invalid("Request body must be a valid JSON object")
	}
	err := json.Unmarshal(body, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return invalid(wrong.Field + " has the wrong type")
	case err != nil:
		return invalid("Request body must be a valid JSON object")
	}
	return nil
}

// given reports whether a raw member is there and not null.
func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// number reads a whole number of at least low from the query.
func number(q url.Values, name string, otherwise, low int) (int, error) {
	if !q.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < low {
		return 0, invalidQuery(name + " must be a number of at least " + strconv.Itoa(low))
	}
	return n, nil
}

// parseTime reads what the pages allow for a time: ISO 8601 or, where epoch is
// set, milliseconds since 1970.
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

// queryTime reads a time from the query; the zero time when it is absent.
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

// isAdmin reports whether the caller is the platform, not a user.
func isAdmin(c *surface.Call) bool { return c.Caller.Kind == surface.Key }

// viewer is the user for whom the call is made: the token's, or with an API
// key that of IM-CLIENT-ID (assumed: the key page says that a key may call
// everything, not as whom). It is "" for a key alone.
func (a *app) viewer(c *surface.Call) (string, error) {
	if !isAdmin(c) {
		return c.Caller.User, a.meet(c.Caller.User, c.Now)
	}
	id := c.Header.Get("IM-CLIENT-ID")
	if id != "" && a.users[id] == nil {
		return "", clientNotFound()
	}
	return id, nil
}

// caller is viewer where there must be one.
func (a *app) caller(c *surface.Call) (*user, error) {
	id, err := a.viewer(c)
	switch {
	case err != nil:
		return nil, err
	case id == "":
		return nil, missing("IM-CLIENT-ID header")
	}
	return a.users[id], nil
}
