package keyfit_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// pack returns a text in a content coding.
func pack(coding, text string) string {
	var out bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	default:
		return text
	}
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return out.String()
}

// answers is a transport with one answer.
func answers(status int, body string, headers ...string) roundTripFunc {
	return func(req *http.Request) (*http.Response, error) { return respond(req, status, body, headers...), nil }
}

// What the client reads of an error is the same whatever its content coding: the code, the
// wait, what it says of the key; and an echo of the key is found in it.
func TestACompressedErrorIsReadAsAPlainOne(t *testing.T) {
	t.Parallel()
	type seen struct {
		Kind, Code, Message, Body string
		Wait                      time.Duration
		Coding                    string
	}
	for _, tt := range []struct {
		status int
		body   string
	}{
		{400, `{"error":"BAD_NAME","message":"no name, lasting-lorem-fitsum"}`},
		{429, `{"error":"RATE_LIMIT_EXCEEDED","retryAfter":120}`},
		{403, `{"error":"INVALID_API_KEY","message":"bad"}`},
		{403, `API rate limit exceeded`},
		{503, `{"retry_after":7}`},
		{500, "lasting-lorem-fitsum" + strings.Repeat(" lorem fitsum", 10_000)},
		{401, ""},
	} {
		look := func(headers []string, body string) seen {
			c := lastingClient(t, answers(tt.status, body, headers...), keyfit.WithGate(openGate{}))
			_, err := keyfit.Get[struct{}](t.Context(), c, "/x", keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}), keyfit.WithHeader("Accept-Encoding", "gzip"))
			e, ok := errors.AsType[*keyfit.APIError](err)
			if !ok {
				t.Fatal(err)
			}
			return seen{fmt.Sprintf("%T", err), e.Code, e.Message, string(e.Body()), e.RetryAfter, e.Header.Get("Content-Encoding")}
		}
		want := look(nil, tt.body)
		if strings.Contains(want.Body+want.Message, "lorem-fitsum") {
			t.Errorf("the key is told: %+v", want)
		}
		for coding, body := range map[string]string{
			"gzip": pack("gzip", tt.body), "deflate": pack("deflate", tt.body), "identity": tt.body,
			"deflate, gzip": pack("gzip", pack("deflate", tt.body)),
		} {
			got := look([]string{"Content-Encoding: " + coding}, body)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s of %d %.50s (-want +got):\n%s", coding, tt.status, tt.body, diff)
			}
		}
		wide := look([]string{"Content-Type: application/json; charset=utf-16le"}, strings.Join(strings.Split(tt.body, ""), "\x00")+strings.Repeat("\x00", min(1, len(tt.body))))
		wide.Body, want.Body = "", "" // it is cut elsewhere
		if diff := cmp.Diff(want, wide); diff != "" {
			t.Errorf("UTF-16 of %d %.50s (-want +got):\n%s", tt.status, tt.body, diff)
		}
	}
}

// A body in a coding that cannot be undone may hold the key: it is not kept.
func TestABodyInAnUnknownCodingIsNotKept(t *testing.T) {
	t.Parallel()
	c := lastingClient(t, answers(400, "lorem", "Content-Encoding: br", "X-Request-Id: r"))
	_, err := keyfit.Get[struct{}](t.Context(), c, "/x")
	e, ok := errors.AsType[*keyfit.APIError](err)
	if !ok || len(e.Body()) > 0 || e.RequestID != "r" || !strings.Contains(err.Error(), "content coding") {
		t.Errorf("%v: %q", err, e.Body())
	}
}

func TestATypedCallReadsEveryCodingAndCharset(t *testing.T) {
	t.Parallel()
	const text, want = `{"a":"café"}`, "café"
	latin := "{\"a\":\"caf\xe9\"}"
	for name, tt := range map[string]struct {
		body    string
		headers []string
		says    string // in the error; "" for none
	}{
		"plain":              {body: text},
		"gzip":               {body: pack("gzip", text), headers: []string{"Content-Encoding: gzip"}},
		"deflate":            {body: pack("deflate", text), headers: []string{"Content-Encoding: deflate"}},
		"latin 1":            {body: latin, headers: []string{"Content-Type: application/json; charset=ISO-8859-1"}},
		"latin 1, in gzip":   {body: pack("gzip", latin), headers: []string{"Content-Type: application/json; charset=latin1", "Content-Encoding: gzip"}},
		"UTF-16":             {body: "\xff\xfe{\x00\"\x00a\x00\"\x00:\x00\"\x00c\x00a\x00f\x00\xe9\x00\"\x00}\x00"},
		"a byte order mark":  {body: "\ufeff" + text},
		"an unknown charset": {body: latin, headers: []string{"Content-Type: application/json; charset=KOI8-R"}, says: "koi8-r"},
		"an unknown coding":  {body: text, headers: []string{"Content-Encoding: br"}, says: "br"},
		"a broken coding":    {body: pack("gzip", text)[:20], headers: []string{"Content-Encoding: gzip"}, says: "broke off"},
	} {
		c := lastingClient(t, answers(200, tt.body, tt.headers...))
		var resp keyfit.Response
		got, err := keyfit.Get[map[string]string](t.Context(), c, "/x", keyfit.WithResponse(&resp))
		if tt.says != "" {
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: want an error with %q, got %v", name, tt.says, err)
			}
			continue
		}
		if err != nil || got["a"] != want || resp.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %v, %v, header %v", name, got, err, resp.Header)
		}
	}
	bomb := pack("gzip", strings.Repeat(" ", 1<<20)+"{}")
	c := lastingClient(t, answers(200, bomb, "Content-Encoding: gzip"))
	if _, err := keyfit.Get[struct{ A int }](t.Context(), c, "/x", keyfit.WithMaxResponseBytes(1<<16)); !errors.Is(err, keyfit.ErrTooLarge) {
		t.Errorf("a small body that stands for a large one: %v", err)
	}
	c = lastingClient(t, answers(200, "caf\xe9", "Content-Type: text/plain; charset=latin1"))
	if got, err := keyfit.Get[string](t.Context(), c, "/x"); got != "café" || err != nil {
		t.Errorf("a text: %q, %v", got, err)
	}
	if got, err := keyfit.Get[[]byte](t.Context(), c, "/x"); string(got) != "caf\xe9" || err != nil {
		t.Errorf("its bytes: %q, %v", got, err)
	}
}

// A good status without a body says that it was done, to everything but a GET.
func TestAGoodStatusWithoutABodyIsASuccess(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead} {
		for _, status := range []int{200, 201, 202, 203, 204, 205} {
			for _, body := range []string{"", "\r\n", "\ufeff"} {
				c := lastingClient(t, answers(status, body, "Content-Type: application/json"))
				got, err := keyfit.Send[map[string]string](t.Context(), c, method, "/x", nil)
				if done := method != http.MethodGet || status == 204 || status == 205; got != nil || (err == nil) != done {
					t.Errorf("%s, %d, %q: %v, %v", method, status, body, got, err)
				}
				if e, ok := errors.AsType[*keyfit.DecodeError](err); err != nil && (!ok || e.StatusCode != status) {
					t.Errorf("%s, %d: the error does not say that the status was good: %v", method, status, err)
				}
			}
		}
	}
}

func TestATypeThatCannotBeDecodedIsSaidBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	c := lastingClient(t, roundTripFunc(func(*http.Request) (*http.Response, error) { panic("sent") }))
	for name, call := range map[string]func() error{
		"a reader":   func() error { _, err := keyfit.Get[io.ReadCloser](t.Context(), c, "/x"); return err },
		"a function": func() error { _, err := keyfit.Get[func()](t.Context(), c, "/x"); return err },
		"a channel":  func() error { _, err := keyfit.Get[chan int](t.Context(), c, "/x"); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "Client.Do") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An error in a response with a good status is a typed error if the provider says that there
// are such; and it is none for the others.
func TestAnErrorInASuccessIsATypedError(t *testing.T) {
	t.Parallel()
	own := func(_ int, _ http.Header, body []byte) (keyfit.Problem, bool) {
		var e struct{ RC int }
		_ = json.Unmarshal(body, &e)
		return keyfit.Problem{Code: fmt.Sprint(e.RC), Message: "own"}, e.RC != 0
	}
	for name, tt := range map[string]struct {
		read    func(int, http.Header, []byte) (keyfit.Problem, bool)
		body    string
		headers []string
		want    string // "" for a success
	}{
		"Slack":                 {body: `{"ok":false,"error":"channel_not_found"}`, want: "*keyfit.APIError lasting: GET /x: 200 OK: channel_not_found"},
		"Slack, the key":        {body: `{"ok":false,"error":"token_revoked"}`, want: "*keyfit.InvalidKeyError lasting: GET /x: 200 OK: token_revoked"},
		"Slack, no key":         {body: `{"ok":false,"error":"not_authed"}`, want: "*keyfit.MissingKeyError lasting: GET /x: 200 OK: not_authed"},
		"Slack, a permission":   {body: `{"ok":false,"error":"missing_scope"}`, want: "*keyfit.PermissionError lasting: GET /x: 200 OK: missing_scope"},
		"GraphQL":               {body: `{"data":null,"errors":[{"message":"no such field"}]}`, want: "*keyfit.APIError lasting: GET /x: 200 OK: no such field"},
		"GraphQL, its type":     {body: `{"errors":[{"message":"m","extensions":{"code":"C"}}]}`, headers: []string{"Content-Type: application/graphql-response+json"}, want: "*keyfit.APIError lasting: GET /x: 200 OK: C: m"},
		"compressed":            {body: pack("gzip", `{"ok":false,"error":"E"}`), headers: []string{"Content-Encoding: gzip"}, want: "*keyfit.APIError lasting: GET /x: 200 OK: E"},
		"its own":               {read: own, body: `{"RC":7}`, want: "*keyfit.APIError lasting: GET /x: 200 OK: 7: own"},
		"an echo":               {body: `{"ok":false,"error":"lasting-lorem-fitsum"}`, want: "*keyfit.APIError lasting: GET /x: 200 OK: [redacted]"},
		"its own, a success":    {read: own, body: `{"ok":false,"RC":0}`},
		"a success":             {body: `{"ok":true,"error":null}`},
		"a large success":       {body: `{"ok":true,"data":"` + strings.Repeat("x", 200<<10) + `"}`},
		"a stream":              {body: `{"ok":false}`, headers: []string{"Content-Type: application/x-ndjson"}},
		"events":                {body: `{"ok":false}`, headers: []string{"Content-Type: text/event-stream"}},
		"nothing":               {read: func(int, http.Header, []byte) (keyfit.Problem, bool) { return keyfit.Problem{}, false }, body: `{"error":1}`},
		"a list":                {body: `[{"error":"E"}]`},
		"a success, compressed": {body: pack("gzip", `{"ok":true}`), headers: []string{"Content-Encoding: gzip"}},
	} {
		for _, says := range []bool{true, false} {
			p := keyfit.Provider{Name: "lasting", BaseURL: "https://lasting.example", Scheme: keyfit.Header("X-Api-Key"), ReadError: tt.read, ErrorsInSuccess: says}
			c, err := keyfit.New(p, keyfit.WithKey("lasting-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: answers(200, tt.body, tt.headers...)}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = keyfit.Get[[]byte](t.Context(), c, "/x")
			if got := firstWords(err); got != tt.want && says || err != nil && !says {
				t.Errorf("%s, %t: %s, want %s", name, says, got, tt.want)
			}
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "/x", http.NoBody)
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if got := firstWords(keyfit.CheckResponse(resp)); got != tt.want && says || got != "" && !says {
				t.Errorf("%s, %t: CheckResponse says %s", name, says, got)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if string(body) != tt.body {
				t.Errorf("%s, %t: the body is not as it was sent", name, says)
			}
		}
	}
}

// firstWords is an error with its type and without its notes.
func firstWords(err error) string {
	if err == nil {
		return ""
	}
	text, _, _ := strings.Cut(fmt.Sprintf("%T %v", err, err), " (")
	return text
}

// An error in a success heals, waits and counts as others do.
func TestAnErrorInASuccessIsActedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sent := newerKey(t, keyfit.Provider{ErrorsInSuccess: true}, func(req *http.Request) *http.Response {
			return respond(req, 200, `{"ok":false,"error":"invalid_auth"}`, "Content-Type: application/json")
		})
		if _, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/x", nil); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"old", "new"}, *sent); diff != "" {
			t.Errorf("on the wire (-want +got):\n%s", diff)
		}
	})
}

// A good body that comes slowly is waited for, and one that hangs is the context's matter.
func TestASlowSuccessIsNotTakenForAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := keyfit.Provider{Name: "slow", BaseURL: "https://slow.example", Scheme: keyfit.Header("X-Api-Key"), ErrorsInSuccess: true}
		wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			r, w := io.Pipe()
			go func() {
				_, _ = io.WriteString(w, `{"ok":`)
				<-time.After(20 * time.Second)
				_, _ = io.WriteString(w, `true}`)
				_ = w.Close()
			}()
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: r, ContentLength: -1, Request: req}, nil
		})
		c, err := keyfit.New(p, keyfit.WithKey("lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
		if err != nil {
			t.Fatal(err)
		}
		got, err := keyfit.Get[map[string]bool](t.Context(), c, "/x")
		if err != nil || !got["ok"] {
			t.Errorf("%v, %v", got, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := keyfit.Get[map[string]bool](ctx, c, "/x"); err != nil {
			t.Error(err)
		}
	})
}

// A function of the provider's own need not know of byte order marks.
func TestAProvidersReaderSeesNoByteOrderMark(t *testing.T) {
	t.Parallel()
	p := keyfit.Provider{Name: "acme", ErrorsInSuccess: true, ReadError: func(_ int, _ http.Header, body []byte) (keyfit.Problem, bool) {
		var e struct{ Fault string }
		err := json.Unmarshal(body, &e)
		return keyfit.Problem{Class: keyfit.ClassOther, Code: e.Fault}, err == nil && e.Fault != ""
	}}
	for _, status := range []int{200, 400, 401} {
		for _, contentType := range []string{"application/json", "application/json; charset=utf-8"} {
			err := keyfit.ErrorOf(p, status, http.Header{"Content-Type": {contentType}}, []byte("\ufeff"+`{"fault":"F7"}`))
			answer, ok := errors.AsType[*keyfit.APIError](err)
			if !ok || answer.Code != "F7" {
				t.Errorf("%d, %s: %v", status, contentType, err)
			}
		}
	}
}
