package keyfit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/keyfit/keyfit"
)

// typedRequest is what of a typed call goes out.
type typedRequest struct {
	Method, URL, Type, Accept, Body string
}

// typedWire is a transport that notes what goes out and answers from a table by path and
// query; what is not in the table is {}.
func typedWire(t *testing.T, answers map[string]string) (mock *httpmock.MockTransport, sent func() []typedRequest) {
	t.Helper()
	var requests []typedRequest
	mock = httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
		body := []byte{}
		if req.Body != nil {
			var err error
			if body, err = io.ReadAll(req.Body); err != nil {
				return nil, err
			}
		}
		requests = append(requests, typedRequest{req.Method, req.URL.RequestURI(), req.Header.Get("Content-Type"), req.Header.Get("Accept"), string(body)})
		answer, ok := answers[req.URL.RequestURI()]
		if !ok {
			answer = "{}"
		}
		return httpmock.NewStringResponse(http.StatusOK, answer), nil
	})
	return mock, func() []typedRequest { return requests }
}

func typedClient(t *testing.T, mock http.RoundTripper) *keyfit.Client {
	t.Helper()
	c, err := keyfit.New(keyfit.Imin(), keyfit.WithKey("typed-key"), keyfit.WithBaseURL("https://api.example"),
		keyfit.WithHTTPClient(&http.Client{Transport: mock}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type typedPage struct {
	Items []int  `json:"items"`
	Next  string `json:"next"`
}

func nextPage(p typedPage) string { return p.Next }

// collectPages walks the pages, at most limit of them.
func collectPages(t *testing.T, c *keyfit.Client, path string, limit int, opts ...keyfit.CallOption) (items []int, errs []error) {
	t.Helper()
	n := 0
	for page, err := range keyfit.Pages(t.Context(), c, path, nextPage, opts...) {
		items = append(items, page.Items...)
		if err != nil {
			errs = append(errs, err)
		}
		if n++; n == limit {
			break
		}
	}
	return items, errs
}

func TestPagesFollowsWhatNextSays(t *testing.T) {
	t.Parallel()
	size := keyfit.Param("size", "2")
	tests := []struct {
		name    string
		answers map[string]string
		opts    []keyfit.CallOption
		limit   int
		items   []int
		urls    []string
		err     string
	}{
		{
			name:    "to the end",
			answers: map[string]string{"/list": `{"items":[1,2],"next":"/list/2"}`, "/list/2": `{"items":[3],"next":"/list/3"}`, "/list/3": `{"items":[4]}`},
			items:   []int{1, 2, 3, 4}, urls: []string{"/list", "/list/2", "/list/3"},
		},
		{
			name:    "a break stops the requests",
			answers: map[string]string{"/list": `{"items":[1],"next":"/list/2"}`, "/list/2": `{"items":[2],"next":"/list/3"}`},
			limit:   2, items: []int{1, 2}, urls: []string{"/list", "/list/2"},
		},
		{
			name: "parameters go with paths", opts: []keyfit.CallOption{size},
			answers: map[string]string{"/list?size=2": `{"items":[1],"next":"/list/2"}`, "/list/2?size=2": `{"items":[2]}`},
			items:   []int{1, 2}, urls: []string{"/list?size=2", "/list/2?size=2"},
		},
		{
			name: "a query of next replaces them for good", opts: []keyfit.CallOption{size, keyfit.Param("skip", "0")},
			answers: map[string]string{
				"/list?size=2&skip=0": `{"items":[1],"next":"/list?skip=2&size=2"}`, "/list?skip=2&size=2": `{"items":[2],"next":"/list?skip=4&size=2"}`,
				"/list?skip=4&size=2": `{"items":[3],"next":"/last"}`, "/last": `{"items":[4]}`,
			},
			items: []int{1, 2, 3, 4}, urls: []string{"/list?size=2&skip=0", "/list?skip=2&size=2", "/list?skip=4&size=2", "/last"},
		},
		{
			name:    "absolute within the origin",
			answers: map[string]string{"/list": `{"items":[1],"next":"https://API.example:443/list/2?t=1"}`, "/list/2?t=1": `{"items":[2]}`},
			items:   []int{1, 2}, urls: []string{"/list", "/list/2?t=1"},
		},
		{
			name:    "absolute outside the origin",
			answers: map[string]string{"/list": `{"items":[1],"next":"https://evil.example/list/2?t=c4n4rY"}`},
			items:   []int{1}, urls: []string{"/list"},
			err: "imin: GET /list/2: refused to leave the provider's origin: the request is for https://evil.example:443",
		},
		{
			name:    "another port is outside",
			answers: map[string]string{"/list": `{"items":[1],"next":"//api.example:8443/list/2"}`},
			items:   []int{1}, urls: []string{"/list"},
			err: "imin: GET /list/2: refused to leave the provider's origin: the request is for https://api.example:8443",
		},
		{
			name:    "the same page again",
			answers: map[string]string{"/list": `{"items":[1],"next":"/list/2"}`, "/list/2": `{"items":[2],"next":"/list/2"}`},
			items:   []int{1, 2}, urls: []string{"/list", "/list/2"},
			err: "imin: paging does not advance: the next page is the same",
		},
		{
			name:    "an error ends the pages",
			answers: map[string]string{"/list": `{"items":[1],"next":"/list/2"}`, "/list/2": `{"items":"c4n4rY"}`},
			items:   []int{1}, urls: []string{"/list", "/list/2"},
			err: "imin: GET /list/2: 200 response cannot be decoded: field items: found a JSON string, wanted a Go []int",
		},
		{
			name: "an option that is wrong", opts: []keyfit.CallOption{keyfit.Param("", "x")},
			err: "imin: Param: the parameter has no name",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mock, sent := typedWire(t, tt.answers)
			items, errs := collectPages(t, typedClient(t, mock), "/list", tt.limit, tt.opts...)
			urls := []string(nil)
			for _, r := range sent() {
				urls = append(urls, r.URL)
			}
			if diff := cmp.Diff(tt.items, items); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.urls, urls); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			said := ""
			if len(errs) > 0 {
				said = errs[0].Error()
			}
			if said != tt.err || len(errs) > 1 {
				t.Errorf("errors: want %q, got %q", tt.err, errs)
			}
		})
	}
}

func TestRangingOverPagesAgainBeginsAnew(t *testing.T) {
	t.Parallel()
	mock, sent := typedWire(t, map[string]string{"/list?size=2": `{"items":[1],"next":"/list?skip=2"}`, "/list?skip=2": `{"items":[2]}`})
	pages := keyfit.Pages(t.Context(), typedClient(t, mock), "/list", nextPage, keyfit.Param("size", "2"))
	for range 2 {
		for _, err := range pages {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	urls := []string(nil)
	for _, r := range sent() {
		urls = append(urls, r.URL)
	}
	if diff := cmp.Diff([]string{"/list?size=2", "/list?skip=2", "/list?size=2", "/list?skip=2"}, urls); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestABodyIsSentAsItsKindSays(t *testing.T) {
	t.Parallel()
	const accept, jsonType = "application/json", "application/json; charset=utf-8"
	type user struct {
		ID string `json:"_id"`
	}
	tests := []struct {
		name string
		body any
		opts []keyfit.CallOption
		want typedRequest
	}{
		{"none", nil, nil, typedRequest{"POST", "/p", "", accept, ""}},
		{"struct", user{"u<1>"}, nil, typedRequest{"POST", "/p", jsonType, accept, `{"_id":"u\u003c1\u003e"}`}},
		{"nil pointer", (*user)(nil), nil, typedRequest{"POST", "/p", jsonType, accept, "null"}},
		{"map", map[string]int{"a": 1}, nil, typedRequest{"POST", "/p", jsonType, accept, `{"a":1}`}},
		{"raw JSON", json.RawMessage(`{"a":1}`), nil, typedRequest{"POST", "/p", jsonType, accept, `{"a":1}`}},
		{"form", url.Values{"b": {"2 3"}, "a": {"1"}}, nil, typedRequest{"POST", "/p", "application/x-www-form-urlencoded", accept, "a=1&b=2+3"}},
		{"bytes", []byte{0, 1}, nil, typedRequest{"POST", "/p", "application/octet-stream", accept, "\x00\x01"}},
		{"string", "text", nil, typedRequest{"POST", "/p", "text/plain; charset=utf-8", accept, "text"}},
		{"buffer", bytes.NewBufferString("buffer"), nil, typedRequest{"POST", "/p", "application/octet-stream", accept, "buffer"}},
		{"stream", io.MultiReader(strings.NewReader("str"), strings.NewReader("eam")), nil, typedRequest{"POST", "/p", "application/octet-stream", accept, "stream"}},
		{
			"types of the caller's own", "a,b",
			[]keyfit.CallOption{keyfit.WithHeader("content-type", "text/csv"), keyfit.WithHeader("Accept", "text/plain")},
			typedRequest{"POST", "/p", "text/csv", "text/plain", "a,b"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mock, sent := typedWire(t, nil)
			if _, err := keyfit.Send[struct{}](t.Context(), typedClient(t, mock), http.MethodPost, "/p", tt.body, tt.opts...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]typedRequest{tt.want}, sent()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAWrongCallIsAnErrorBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	opt := func(o keyfit.CallOption) []keyfit.CallOption { return []keyfit.CallOption{o} }
	tests := []struct {
		name, method, path string
		body               any
		opts               []keyfit.CallOption
		err                string
	}{
		{name: "nil option", opts: opt(nil), err: "a call option is nil"},
		{name: "parameter without a name", opts: opt(keyfit.Param("", "c4n4rY")), err: "Param: the parameter has no name"},
		{name: "header without a name", opts: opt(keyfit.WithHeader("", "c4n4rY")), err: "WithHeader: the name is not a header name"},
		{name: "header name with a space", opts: opt(keyfit.WithHeader("X c4n4rY", "v")), err: "WithHeader: the name is not a header name"},
		{name: "header name with a colon", opts: opt(keyfit.WithHeader("X:c4n4rY", "v")), err: "WithHeader: the name is not a header name"},
		{name: "header of two lines", opts: opt(keyfit.WithHeader("X", "c4n4rY\r\nY: z")), err: "WithHeader: the value contains a line break or another control character"},
		{name: "header with a null", opts: opt(keyfit.WithHeader("X", "c4n4rY\x00")), err: "WithHeader: the value contains a line break or another control character"},
		// net/http refuses it only when it is sent, as if the connection had failed.
		{name: "header with a control character", opts: opt(keyfit.WithHeader("X", "c4n4rY\x01")), err: "WithHeader: the value contains a line break or another control character"},
		{name: "header with a delete", opts: opt(keyfit.WithHeader("X", "c4n4rY\x7f")), err: "WithHeader: the value contains a line break or another control character"},
		{name: "empty idempotency key", opts: opt(keyfit.WithIdempotencyKey("")), err: "WithIdempotencyKey: the key is empty"},
		{name: "idempotency key of two lines", opts: opt(keyfit.WithIdempotencyKey("c4n4rY\n")), err: "WithIdempotencyKey: the value contains a line break or another control character"},
		{name: "nil response", opts: opt(keyfit.WithResponse(nil)), err: "WithResponse: the response is nil"},
		{name: "nil source", opts: opt(keyfit.WithSource(nil)), err: "WithSource: the source is nil"},
		{name: "negative limit", opts: opt(keyfit.WithMaxResponseBytes(-1)), err: "WithMaxResponseBytes: the limit must be positive"},
		{name: "negative policy", opts: opt(keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: -1})), err: "WithRetry: a retry policy has no negative fields: zero means the default"},
		{name: "broken key", opts: opt(keyfit.WithKey("c4n4rY\x01")), err: "no key: the key given in the program: the value has a control character at byte 7 of 7"},
		{name: "path without a slash", path: "c4n4rY", err: "the path must begin with a slash"},
		{name: "path that is none", path: "/%zz-c4n4rY", err: "the path cannot be parsed as a URL's"},
		{name: "method that is none", method: "c4n4rY x", err: "the method is not valid"},
		{name: "body that cannot be encoded", body: map[string]any{"c4n4rY": func() {}}, err: "the body cannot be encoded as JSON: json: unsupported type: func()"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mock, sent := typedWire(t, nil)
			if tt.method == "" {
				tt.method = http.MethodPost
			}
			if tt.path == "" {
				tt.path = "/p"
			}
			_, err := keyfit.Send[struct{}](t.Context(), typedClient(t, mock), tt.method, tt.path, tt.body, tt.opts...)
			if err == nil || err.Error() != "imin: "+tt.err {
				t.Errorf("want %q, got %v", "imin: "+tt.err, err)
			}
			if len(sent()) > 0 {
				t.Errorf("sent: %v", sent())
			}
		})
	}
}

func TestANilContextIsAnErrorAndNoPanic(t *testing.T) {
	t.Parallel()
	mock, sent := typedWire(t, nil)
	var none context.Context
	_, err := keyfit.Get[struct{}](none, typedClient(t, mock), "/p")
	if err == nil || err.Error() != "imin: the context is nil" || len(sent()) > 0 {
		t.Errorf("want an error and nothing sent, got %v", err)
	}
}

func TestOptionsOfACallGoOut(t *testing.T) {
	t.Parallel()
	var got http.Header
	var uri string
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
		got, uri = req.Header.Clone(), req.URL.RequestURI()
		resp := httpmock.NewStringResponse(http.StatusNotFound, "{}")
		resp.Header.Set("X-Request-Id", "r-1")
		resp.Header.Set("Set-Cookie", "session=c4n4rY")
		return resp, nil
	})
	var meta keyfit.Response
	_, err := keyfit.Get[struct{}](t.Context(), typedClient(t, mock), "/p?a=1",
		keyfit.Param("b", "2 &3"), keyfit.Param("b", "4"), keyfit.Params(url.Values{"c": {"5"}}),
		keyfit.WithHeader("x-one", "first"), keyfit.WithHeader("X-One", "tab\tand ü"),
		keyfit.WithHeader("X-API-KEY", "not this one"),
		keyfit.WithIdempotencyKey("op-1"), keyfit.WithResponse(&meta))
	if !errors.Is(err, keyfit.ErrNotFound) {
		t.Fatal(err)
	}
	if want := "/p?a=1&b=2+%263&b=4&c=5"; uri != want {
		t.Errorf("want %s, got %s", want, uri)
	}
	want := http.Header{
		"Accept": {"application/json"}, "User-Agent": {"keyfit/" + keyfit.Version}, "X-Api-Key": {"typed-key"},
		"X-One": {"tab\tand ü"}, "Idempotency-Key": {"op-1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	wantMeta := keyfit.Response{
		StatusCode: 404, Header: http.Header{"X-Request-Id": {"r-1"}}, RequestID: "r-1",
		Attempts: 1, Generation: 1, KeyFingerprint: keyfit.APIKey("typed-key").Fingerprint(),
	}
	if diff := cmp.Diff(wantMeta, meta); diff != "" {
		t.Errorf("WithResponse, also of an error (-want +got):\n%s", diff)
	}
}

// The caller's deadline ends the reading of a body too, and is told.
func TestTheDeadlineEndsTheReadingOfABody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ring, _ := newRing(t, keyfit.Static(keyfit.APIKey("deadline-key")))
		c := ringClient(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: http.StatusOK, Header: http.Header{}, Request: req,
				Body: stallingBody{req.Context()},
			}, nil
		}), ring)
		_, err := keyfit.Get[map[string]any](ctx, c, "/p")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("want the deadline, got %v", err)
		}
	})
}

// stallingBody never ends, but with its context.
type stallingBody struct{ ctx context.Context }

func (b stallingBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, io.ErrUnexpectedEOF // as a connection that was closed
}

func (b stallingBody) Close() error { return nil }
