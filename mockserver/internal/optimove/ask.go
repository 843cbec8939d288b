package optimove

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// refusal is an error in plain text, as every error but the 429 is assumed.
type refusal struct {
	status int
	text   string
}

// reply is an answer with a status of its own; a nil body has no payload.
type reply struct {
	status int
	body   any
}

func bad(text string) refusal { return refusal{http.StatusBadRequest, text} }

// notFound answers a look-up without a result, as a public client's fixtures do.
func notFound() refusal { return refusal{http.StatusNotFound, "Not Found"} }

func text(w http.ResponseWriter, status int, s string) {
	surface.Raw(w, status, "text/plain; charset=utf-8", []byte(s))
}

// ask reads one request. The first thing that is wrong with it stays in fault;
// readers go on with zero values.
type ask struct {
	*surface.Call
	query map[string]string // names in lower case: the vendor's differ by case
	fault string
	deny  string // a right that the key lacks
}

// run answers a request with what a function returns.
func run(w http.ResponseWriter, c *surface.Call, d *data, answer func(*data, *ask) any) {
	a := newAsk(c)
	out := any(nil)
	if a.fault == "" {
		out = answer(d, a)
	}
	switch {
	case a.fault != "":
		text(w, http.StatusBadRequest, a.fault)
		return
	case a.deny != "":
		c.Deny(a.deny)
		return
	}
	if _, refused := out.(refusal); !refused && c.Method != http.MethodGet {
		d.env.Tell()
	}
	switch out := out.(type) {
	case nil:
		w.WriteHeader(http.StatusOK)
	case refusal:
		text(w, out.status, out.text)
	case reply:
		if out.body == nil {
			w.WriteHeader(out.status)
			return
		}
		surface.JSON(w, out.status, out.body)
	default:
		surface.JSON(w, http.StatusOK, out)
	}
}

func newAsk(c *surface.Call) *ask {
	a := &ask{Call: c, query: make(map[string]string)}
	// The vendor's samples have CustomerAttributes=Alias;Country, unescaped.
	values, err := url.ParseQuery(strings.ReplaceAll(c.URL.RawQuery, ";", "%3B"))
	if err != nil {
		a.fail("The query string is malformed")
	}
	for name, v := range values {
		a.query[strings.ToLower(name)] = v[0]
	}
	return a
}

func (a *ask) fail(text string) {
	if a.fault == "" {
		a.fault = text
	}
}

func (a *ask) get(name string) string { return a.query[strings.ToLower(name)] }

// text reads a required parameter.
func (a *ask) text(name string) string {
	v := a.get(name)
	if v == "" {
		a.fail(name + " is required")
	}
	return v
}

// id reads a required integer. The vendor's integers start from 0 (page
// "General Information", data types).
func (a *ask) id(name string) int {
	if a.text(name) == "" {
		return 0
	}
	return a.number(name, 0)
}

// number reads an optional integer.
func (a *ask) number(name string, missing int) int {
	v := a.get(name)
	if v == "" {
		return missing
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		a.fail(name + " must be an integer of 0 or more")
		return missing
	}
	return n
}

// flag reads an optional boolean.
func (a *ask) flag(name string) bool {
	switch strings.ToLower(a.get(name)) {
	case "", "false", "0":
		return false
	case "true", "1":
		return true
	}
	a.fail(name + " must be true or false")
	return false
}

// date reads the required date, with or without a time of day.
func (a *ask) date() time.Time {
	v := a.text("Date")
	t, err := parseDate(v)
	if err != nil && v != "" {
		a.fail("Date must be a date, YYYY-MM-DD")
	}
	return t
}

func parseDate(v string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.Parse(layout, v); err == nil {
			return midnight(t), nil
		}
	}
	return time.Time{}, errors.New("no date")
}

// midnight keeps the calendar day that t shows.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// channel reads the channel ID and holds it against the channels that the key is
// enabled for.
func (a *ask) channel() int {
	id := a.id("ChannelID")
	a.mayUse(id)
	return id
}

func (a *ask) mayUse(channel int) {
	if !a.enabled(channel) && a.deny == "" {
		a.deny = a.Caller.KeyID + " is not enabled for this channel"
	}
}

func (a *ask) enabled(channel int) bool {
	return len(a.Caller.Channels) == 0 || slices.Contains(a.Caller.Channels, channel)
}

// maxPage bounds a page of customers. The unsubscribers' page says 10,000; for
// customers none is documented.
const maxPage = 10_000

// page cuts rows by $top and $skip.
func page[T any](a *ask, rows []T) []T {
	top, skip := min(a.number("$top", maxPage), maxPage), a.number("$skip", 0)
	rows = rows[min(skip, len(rows)):]
	return rows[:min(top, len(rows))]
}

// list answers rows. An empty list is [] or, by the profile, 404.
func list[T any](a *ask, rows []T) any {
	if len(rows) == 0 {
		if a.Variants&surface.EmptyNotFound != 0 {
			return notFound()
		}
		return []T{}
	}
	return rows
}

// customers is list for functions that page.
func customers[T any](a *ask, rows []T) any { return list(a, page(a, rows)) }

// body decodes the request's JSON: one value, no unknown members.
func (a *ask) body(into any) bool {
	if ct := a.Header.Get("Content-Type"); ct != "" {
		if kind, _, err := mime.ParseMediaType(ct); err != nil || kind != "application/json" {
			a.fail("Content-Type must be application/json")
			return false
		}
	}
	d := json.NewDecoder(bytes.NewReader(a.Data))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("more than one value")
		}
	}
	if err == nil {
		return true
	}
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		a.fail("The request body is invalid: wrong type of " + wrong.Field)
	case errors.As(err, &wrong):
		a.fail("The request body is invalid: wrong type")
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		a.fail("The request body is invalid: it has an unknown field")
	default:
		a.fail("The request body is not valid JSON")
	}
	return false
}
