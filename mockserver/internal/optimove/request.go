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

	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// refusal is an error response in plain text. The vendor documents only the body
// of the 429; plain text is assumed for all others.
type refusal struct {
	status int
	text   string
}

// reply is a response with a status other than 200; a nil body means no payload.
type reply struct {
	status int
	body   any
}

func invalid(text string) refusal { return refusal{http.StatusBadRequest, text} }

// notFound is the response to a lookup without a result, as in the fixtures of
// a public client.
func notFound() refusal { return refusal{http.StatusNotFound, "Not Found"} }

func text(w http.ResponseWriter, status int, s string) {
	surface.Raw(w, status, "text/plain; charset=utf-8", []byte(s))
}

// request parses one request. It records the first invalid parameter in
// badRequest; the methods that read parameters then return zero values.
type request struct {
	*surface.Call
	query      map[string]string // by lower-case name: the vendor's spelling varies
	badRequest string
	denial     string // the right that the key lacks
}

// serve writes the response that a function returns.
func serve(w http.ResponseWriter, c *surface.Call, d *data, answer func(*data, *request) any) {
	d.announce(c.Now)
	req := newRequest(c)
	out := any(nil)
	if req.badRequest == "" {
		out = answer(d, req)
	}
	switch {
	case req.badRequest != "":
		text(w, http.StatusBadRequest, req.badRequest)
		return
	case req.denial != "":
		c.Deny(req.denial)
		return
	}
	if _, refused := out.(refusal); !refused && c.Method != http.MethodGet {
		d.env.NotifyChanged()
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

func newRequest(c *surface.Call) *request {
	req := &request{Call: c, query: make(map[string]string)}
	// The vendor's samples contain an unescaped semicolon:
	// CustomerAttributes=Alias;Country.
	values, err := url.ParseQuery(strings.ReplaceAll(c.URL.RawQuery, ";", "%3B"))
	if err != nil {
		req.reject("The query string is malformed")
	}
	for name, v := range values {
		req.query[strings.ToLower(name)] = v[0]
	}
	return req
}

func (req *request) reject(text string) {
	if req.badRequest == "" {
		req.badRequest = text
	}
}

func (req *request) get(name string) string { return req.query[strings.ToLower(name)] }

// text reads a required parameter.
func (req *request) text(name string) string {
	v := req.get(name)
	if v == "" {
		req.reject(name + " is required")
	}
	return v
}

// id reads a required integer, which is 0 or more (page "General Information",
// data types).
func (req *request) id(name string) int {
	if req.text(name) == "" {
		return 0
	}
	return req.number(name, 0)
}

// number reads an optional integer.
func (req *request) number(name string, missing int) int {
	v := req.get(name)
	if v == "" {
		return missing
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		req.reject(name + " must be an integer of 0 or more")
		return missing
	}
	return n
}

// flag reads an optional boolean.
func (req *request) flag(name string) bool {
	switch strings.ToLower(req.get(name)) {
	case "", "false", "0":
		return false
	case "true", "1":
		return true
	}
	req.reject(name + " must be true or false")
	return false
}

// date reads the required parameter Date, with or without a time of day.
func (req *request) date() time.Time {
	v := req.text("Date")
	t, err := parseDate(v)
	if err != nil && v != "" {
		req.reject("Date must be a date, YYYY-MM-DD")
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

// midnight returns the start of t's calendar day, in UTC.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// channel reads the required channel ID and checks that the key is enabled for
// it.
func (req *request) channel() int {
	id := req.id("ChannelID")
	req.requireChannel(id)
	return id
}

func (req *request) requireChannel(channel int) {
	if !req.channelEnabled(channel) && req.denial == "" {
		req.denial = req.Caller.KeyID + " is not enabled for this channel"
	}
}

func (req *request) channelEnabled(channel int) bool {
	return len(req.Caller.Channels) == 0 || slices.Contains(req.Caller.Channels, channel)
}

// maxPage bounds a page of customers. The page about unsubscribers documents
// 10,000; for customers the vendor documents no bound.
const maxPage = 10_000

// page applies $skip and $top to rows.
func page[T any](req *request, rows []T) []T {
	top, skip := min(req.number("$top", maxPage), maxPage), req.number("$skip", 0)
	rows = rows[min(skip, len(rows)):]
	return rows[:min(top, len(rows))]
}

// list is the response with rows. For no rows it is [], or 404 if the profile
// says so.
func list[T any](req *request, rows []T) any {
	if len(rows) == 0 {
		if req.Variants&surface.EmptyNotFound != 0 {
			return notFound()
		}
		return []T{}
	}
	return rows
}

// pagedList is list with $top and $skip applied.
func pagedList[T any](req *request, rows []T) any { return list(req, page(req, rows)) }

// body decodes the request body: one JSON value without unknown members.
func (req *request) body(into any) bool {
	if ct := req.Header.Get("Content-Type"); ct != "" {
		if kind, _, err := mime.ParseMediaType(ct); err != nil || kind != "application/json" {
			req.reject("Content-Type must be application/json")
			return false
		}
	}
	d := json.NewDecoder(bytes.NewReader(req.Data))
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
		req.reject("The request body is invalid: wrong type of " + strictjson.Member(wrong, into))
	case errors.As(err, &wrong):
		req.reject("The request body is invalid: wrong type")
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		req.reject("The request body is invalid: it has an unknown field")
	default:
		req.reject("The request body is not valid JSON")
	}
	return false
}
