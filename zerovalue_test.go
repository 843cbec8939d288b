package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// The errors are made by hand in tests of programs: as zero values, with a base or without.
func TestAnErrorMadeByHandPrints(t *testing.T) {
	t.Parallel()
	base := &keyfit.APIError{Provider: "p", Method: "GET", Path: "/x", StatusCode: 400}
	for want, err := range map[string]error{
		"no response":                (*keyfit.APIError)(nil),
		"not sent":                   &keyfit.APIError{},
		"p: GET /x: 400 Bad Request": base,
		"404 Not Found: NO_ROOM":     &keyfit.APIError{StatusCode: 404, Code: "NO_ROOM"},
		"503 Service Unavailable (retry after 2m0s)": &keyfit.APIError{StatusCode: 503, RetryAfter: 2 * time.Minute},
		"the provider received no key":               &keyfit.MissingKeyError{},
		"the provider refused the key":               &keyfit.InvalidKeyError{},
		"the limit is used up":                       &keyfit.RateLimitError{},
		"the limit is used up: retry after 1s":       &keyfit.RateLimitError{RetryAfter: time.Second},
		"429 Too Many Requests: retry after 1s":      &keyfit.RateLimitError{APIError: &keyfit.APIError{StatusCode: 429, RetryAfter: time.Second}, RetryAfter: time.Second},
		"the key lacks the permission":               &keyfit.PermissionError{},
		"no usable response":                         &keyfit.RequestError{},
		"p: GET /x: EOF":                             &keyfit.RequestError{Provider: "p", Method: "GET", Path: "/x", Err: io.EOF},
		"0 response cannot be decoded":               &keyfit.DecodeError{},
		"no key: no source was given: set Provider.EnvVar, or give WithKey or WithSource": &keyfit.NoKeyError{},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%T: %q, want %q", err, got, want)
		}
		for _, target := range []error{keyfit.ErrRateLimited, keyfit.ErrUnauthorized, context.DeadlineExceeded, io.ErrUnexpectedEOF} {
			_ = errors.Is(err, target)
		}
		if under, ok := errors.AsType[*keyfit.APIError](err); ok && under == nil && reflect.TypeOf(err) != reflect.TypeFor[*keyfit.APIError]() {
			t.Errorf("%T wraps a nil *APIError, which panics where it is used", err)
		}
		if v, ok := err.(slog.LogValuer); ok {
			_ = v.LogValue().String()
		}
		_ = fmt.Sprintf("%v %+v %#v %q", err, err, err, err)
	}
	if body := (*keyfit.APIError)(nil).Body(); body != nil {
		t.Error(body)
	}
	if _, ok := (&keyfit.APIError{}).Details(); ok {
		t.Error("details of nothing")
	}
}

// fakeAPI answers calls without a server.
type fakeAPI func(*http.Request) (*http.Response, error)

func (f fakeAPI) Do(req *http.Request) (*http.Response, error) { return f(req) }

func (fakeAPI) Provider() keyfit.Provider { return keyfit.IMKIT("app") }

// lookUp is code that is to be tested without a server.
func lookUp(ctx context.Context, c keyfit.Caller) (user, error) {
	return keyfit.Get[user](ctx, c, "/admin/clients/u1", keyfit.Param("full", "1"))
}

func TestAFakeStandsForAClient(t *testing.T) {
	t.Parallel()
	var asked string
	answer := respond(nil, 200, `{"_id":"u1","nickname":"Alice"}`, "X-Request-Id: r-1")
	api := fakeAPI(func(req *http.Request) (*http.Response, error) {
		asked = req.Method + " " + req.URL.String() + " " + req.Header.Get("Idempotency-Key")
		return answer, nil
	})
	got, err := lookUp(t.Context(), api)
	if diff := cmp.Diff(user{ID: "u1", Nickname: "Alice"}, got); diff != "" || err != nil || asked != "GET /admin/clients/u1?full=1 " {
		t.Errorf("%s: %v (-want +got):\n%s", asked, err, diff)
	}

	answer = respond(nil, 404, `{"error":"CLIENT_NOT_FOUND","message":"no"}`)
	_, err = lookUp(t.Context(), api)
	if e, ok := errors.AsType[*keyfit.APIError](err); !ok || e.Code != "CLIENT_NOT_FOUND" || e.Path != "/admin/clients/u1" || !errors.Is(err, keyfit.ErrNotFound) {
		t.Errorf("%T: %v", err, err)
	}
	answer = respond(nil, 429, `{"error":"RATE_LIMIT_EXCEEDED","retryAfter":7}`)
	if _, err = lookUp(t.Context(), api); !errors.Is(err, keyfit.ErrRateLimited) {
		t.Errorf("%T: %v", err, err)
	}
	answer = respond(nil, 200, `{"_id":7}`)
	if _, err = lookUp(t.Context(), api); err == nil || !strings.Contains(err.Error(), "imkit: GET /admin/clients/u1: 200 response cannot be decoded: field _id") {
		t.Errorf("%T: %v", err, err)
	}
	answer = &http.Response{StatusCode: http.StatusCreated}
	var resp keyfit.Response
	_, err = keyfit.Send[user](t.Context(), api, http.MethodPost, "/x", nil, keyfit.WithIdempotencyKey("k"), keyfit.WithResponse(&resp))
	if err != nil || resp.StatusCode != http.StatusCreated || asked != "POST /x k" {
		t.Errorf("%s: %+v, %v", asked, resp, err)
	}
	answer = respond(nil, 200, strings.Repeat(" ", 100))
	if _, err = keyfit.Get[user](t.Context(), api, "/x", keyfit.WithMaxResponseBytes(10)); !errors.Is(err, keyfit.ErrTooLarge) {
		t.Errorf("%T: %v", err, err)
	}

	mine := &keyfit.RateLimitError{RetryAfter: time.Minute}
	failing := fakeAPI(func(*http.Request) (*http.Response, error) { return nil, mine })
	if _, err := lookUp(t.Context(), failing); err != error(mine) { //nolint:errorlint // the very same
		t.Errorf("%v", err)
	}
	nothing := fakeAPI(func(*http.Request) (*http.Response, error) { return nil, nil })
	if _, err := lookUp(t.Context(), nothing); err == nil {
		t.Error("no error")
	}
	stream := &closing{Reader: strings.NewReader("x")}
	if _, err := keyfit.Send[user](t.Context(), api, http.MethodPost, "x", stream); err == nil || !stream.closed.Load() {
		t.Errorf("%v, closed: %t", err, stream.closed.Load())
	}

	n := 0
	paging := fakeAPI(func(*http.Request) (*http.Response, error) { n++; return respond(nil, 200, fmt.Sprint(n)), nil })
	var pages []int
	next := func(page int) string { return map[int]string{1: "/x?page=2", 2: ""}[page] }
	for page, err := range keyfit.Pages(t.Context(), paging, "/x", next) {
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
	}
	if diff := cmp.Diff([]int{1, 2}, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

func TestItemsAreReadThroughAFakeToo(t *testing.T) {
	t.Parallel()
	pages := map[string]string{
		"/rooms?limit=2":                      `{"data":[1,2],"next":"/rooms?cursor=b"}`,
		"/rooms?cursor=b":                     `{"data":[3],"next":"https://app.imkit.io/rooms?cursor=c"}`,
		"https://app.imkit.io/rooms?cursor=c": `{"data":[4],"next":"?cursor=d"}`,
		"https://app.imkit.io/rooms?cursor=d": `{"data":[],"next":""}`,
		"/rooms/broken":                       `{"data":[{}]}`,
	}
	api := fakeAPI(func(req *http.Request) (*http.Response, error) {
		body, ok := pages[req.URL.String()]
		if !ok {
			return respond(nil, 404, `{"error":"`+req.URL.String()+`"}`), nil
		}
		return respond(nil, 200, body), nil
	})
	var got []int
	for item, err := range keyfit.Items[int](t.Context(), api, "/rooms", keyfit.NextLink("next"), keyfit.Param("limit", "2")) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, item)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4}, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	for _, err := range keyfit.Items[int](t.Context(), api, "/rooms/broken", keyfit.NextLink("next")) {
		if e, ok := errors.AsType[*keyfit.DecodeError](err); !ok || e.Provider != "imkit" || e.Path != "/rooms/broken" {
			t.Errorf("%T: %v", err, err)
		}
	}
}

type failingFake struct{}

func (failingFake) Provider() keyfit.Provider                { return keyfit.Provider{Name: "fake"} }
func (failingFake) Do(*http.Request) (*http.Response, error) { return nil, errors.New("no") }

func TestABodyGivenToAFakeIsClosed(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := io.WriteString(w, "lorem")
		done <- err
	}()
	if _, err := keyfit.Send[struct{}](t.Context(), failingFake{}, http.MethodPost, "/x", r); err == nil {
		t.Error("no error")
	}
	if err := <-done; err == nil {
		t.Error("the pipe was written to")
	}
}

func TestOddResponsesAreNoPanic(t *testing.T) {
	t.Parallel()
	if err := keyfit.CheckResponse(&http.Response{StatusCode: http.StatusInternalServerError, Request: new(http.Request)}); err == nil {
		t.Error("a 500 is no error")
	}
	both := func(http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK}, errors.New("and an error")
		})
	}
	c := lastingClient(t, answers(200, "{}"), keyfit.WithCallMiddleware(both))
	if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); err == nil || !strings.Contains(err.Error(), "and an error") {
		t.Error(err)
	}
}

func TestAProbeIsAPath(t *testing.T) {
	t.Parallel()
	for _, probe := range []string{"ping", "https://acme.example/ping", "?x=1"} {
		p := keyfit.Provider{Name: "acme", BaseURL: "https://acme.example", Scheme: keyfit.Bearer(), Probe: probe}
		if _, err := keyfit.New(p, keyfit.WithKey("lorem-fitsum")); err == nil || !strings.Contains(err.Error(), "probe") {
			t.Errorf("%q: %v", probe, err)
		}
	}
}
