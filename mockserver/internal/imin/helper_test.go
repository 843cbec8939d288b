package imin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// noon is a Wednesday.
var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

// client sends requests to one mock, frozen at noon, with one key.
type client struct {
	srv *mockserver.Server
	key mockserver.Issued
}

func newClient(tb testing.TB) client {
	tb.Helper()
	srv := mockserver.New(tb, mockserver.WithSeed(7), mockserver.WithFrozenClock(noon), mockserver.WithJournal(0, 0)) // nobody reads it
	return client{srv, srv.Keys().Issue(mockserver.Imin)}
}

// ask sends a GET request to the vendor's real host; path may be a full URL.
func (c client) ask(tb testing.TB, path string) (status int, body string, header http.Header) {
	tb.Helper()
	if strings.HasPrefix(path, "/") {
		path = "https://search.imin.co" + path
	}
	u, err := url.Parse(strings.ReplaceAll(path, " ", "%20"))
	if err != nil {
		tb.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody).WithContext(tb.Context())
	r.URL, r.Host, r.RequestURI = u, u.Host, u.RequestURI()
	c.key.Apply(r)
	w := httptest.NewRecorder()
	c.srv.ServeHTTP(w, r)
	return w.Code, w.Body.String(), w.Header()
}

type object = map[string]any

// get requests JSON and fails the test on any other response.
func (c client) get(tb testing.TB, path string) object {
	tb.Helper()
	status, body, _ := c.ask(tb, path)
	var out object
	if err := json.Unmarshal([]byte(body), &out); err != nil || status != http.StatusOK {
		tb.Fatalf("%s: %d %s", path, status, body)
	}
	return out
}

// whole reads every page of a search, with 50 items per page.
func (c client) whole(tb testing.TB, path string) []object {
	tb.Helper()
	var out []object
	for page := 1; ; page++ {
		doc := c.get(tb, path+"&limit=50&page="+digits(page))
		out = append(out, list(doc, "imin:item")...)
		if float64(page) >= dig[float64](doc, "view", "imin:totalPages") {
			if total := dig[float64](doc, "imin:totalItems"); int(total) != len(out) {
				tb.Fatalf("%s: imin:totalItems is %v, there are %d", path, total, len(out))
			}
			return out
		}
	}
}

func digits(n int) string {
	b, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// list returns an array of objects; nil if it is missing.
func list(o object, name string) []object {
	raw, _ := o[name].([]any)
	var out []object
	for _, v := range raw {
		out = append(out, v.(object))
	}
	return out
}

// dig returns the value at a path of names; zero if it is missing or has
// another type.
func dig[T any](o object, names ...string) T {
	var v any = o
	for _, n := range names {
		m, _ := v.(object)
		v = m[n]
	}
	out, _ := v.(T)
	return out
}

// sessions returns the ScheduledSessions of an EventSeries.
func sessions(item object) []object {
	var out []object
	for _, run := range list(item, "subEvent") {
		out = append(out, list(run, "subEvent")...)
	}
	return out
}

func moment(tb testing.TB, o object) time.Time {
	tb.Helper()
	t, err := time.Parse(time.RFC3339, dig[string](o, "startDate"))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

const (
	events = "/events-api/v2/event-series?"
	oxford = "geo[radial]=51.7520131,-1.2578499,20"
)
