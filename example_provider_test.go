package keyfit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit"
)

// shop describes an API that is none of the five: its errors have codes of its own, in
// responses with a good status too; it says in milliseconds how long to wait; and two of its
// headers have names of their own.
func shop(baseURL string) keyfit.Provider {
	return keyfit.Provider{
		Name: "shop", BaseURL: baseURL, Scheme: keyfit.Header("X-Shop-Key"),
		WaitField: "fault.wait_ms", WaitUnit: time.Millisecond,
		RequestIDHeader: "X-Shop-Trace", IdempotencyHeader: "X-Shop-Once",
		ErrorsInSuccess: true,
		ReadError: func(status int, h http.Header, body []byte) (keyfit.Problem, bool) {
			var e struct {
				Fault struct{ Number, Reason string }
			}
			if json.Unmarshal(body, &e) != nil || e.Fault.Number == "" {
				return keyfit.ReadError(status, h, body) // a gateway's, perhaps
			}
			p := keyfit.Problem{Code: e.Fault.Number, Message: e.Fault.Reason}
			switch e.Fault.Number {
			case "S-11":
				p.Class = keyfit.ClassInvalidKey
			case "S-42":
				p.Class = keyfit.ClassRateLimit
			}
			return p, true
		},
	}
}

// startShop starts a small server of that API. It answers the first order with S-42, and then
// takes it once.
func startShop() *httptest.Server {
	var limited atomic.Bool
	var taken sync.Map
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Shop-Trace", "t-7")
		once := r.Header.Get("X-Shop-Once")
		switch {
		case r.Header.Get("X-Shop-Key") != "shop-lorem-fitsum":
			fmt.Fprint(w, `{"fault":{"number":"S-11","reason":"who are you?"}}`)
		case r.URL.Path == "/orders" && limited.CompareAndSwap(false, true):
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"fault":{"number":"S-42","reason":"slowly","wait_ms":20}}`)
		case r.URL.Path == "/orders":
			_, again := taken.LoadOrStore(once, true)
			fmt.Fprintf(w, `{"number":"o-1","again":%t}`, again)
		case r.URL.Path == "/items" && r.URL.Query().Get("after") == "":
			fmt.Fprint(w, `{"items":["apple","pear"],"after":"pear"}`)
		case r.URL.Path == "/items":
			fmt.Fprint(w, `{"items":["plum"]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"fault":{"number":"S-4","reason":"no such thing"}}`)
		}
	}))
}

// A sixth provider with its own errors, waits, paging and idempotency header is a value in the
// program. docs/errors.md has more.
func ExampleProvider_sixth() {
	srv := startShop()
	defer srv.Close()
	ctx := context.Background()
	c, err := keyfit.New(shop(srv.URL), keyfit.WithKey("shop-lorem-fitsum"))
	if err != nil {
		fmt.Println(err)
		return
	}

	var resp keyfit.Response
	type order struct {
		Number string
		Again  bool
	}
	got, err := keyfit.Send[order](ctx, c, http.MethodPost, "/orders", map[string]string{"item": "pear"},
		keyfit.WithIdempotencyKey("op-1"), keyfit.WithResponse(&resp))
	fmt.Println(got.Number, got.Again, resp.Attempts, resp.RequestID, err) // S-42 was waited for

	type page struct {
		Items []string
		After string
	}
	next := func(p page) string {
		if p.After == "" {
			return ""
		}
		return "/items?after=" + p.After
	}
	for p, err := range keyfit.Pages(ctx, c, "/items", next) {
		fmt.Println(strings.Join(p.Items, " "), err)
	}

	_, err = keyfit.Get[order](ctx, c, "/nothing")
	if e, ok := errors.AsType[*keyfit.APIError](err); ok {
		fmt.Println(e.StatusCode, e.Code, e.Message, e.RequestID)
	}
	_, err = keyfit.Get[order](ctx, c, "/items", keyfit.WithKey("another-lorem-fitsum")) // refused in a 200
	fmt.Println(errors.Is(err, keyfit.ErrUnauthorized))

	// Output:
	// o-1 false 2 t-7 <nil>
	// apple pear <nil>
	// plum <nil>
	// 404 S-4 no such thing t-7
	// true
}

// orders is code that calls the API; a test gives it a fake instead of a client.
func orders(ctx context.Context, c keyfit.Caller) string {
	_, err := keyfit.Get[[]string](ctx, c, "/orders")
	if limited, ok := errors.AsType[*keyfit.RateLimitError](err); ok {
		return "try again in " + limited.RetryAfter.String()
	}
	return "ok"
}

// limitedShop is a fake of a [keyfit.Caller] whose limit is used up.
type limitedShop struct{}

func (limitedShop) Provider() keyfit.Provider { return shop("") }

func (limitedShop) Do(*http.Request) (*http.Response, error) {
	return nil, &keyfit.RateLimitError{RetryAfter: time.Minute}
}

func ExampleCaller() {
	fmt.Println(orders(context.Background(), limitedShop{}))
	// Output: try again in 1m0s
}

func ExampleErrorOf() {
	body := []byte(`{"fault":{"number":"S-42","reason":"slowly","wait_ms":1500}}`)
	err := keyfit.ErrorOf(shop(""), http.StatusBadRequest, nil, body)
	fmt.Println(errors.Is(err, keyfit.ErrRateLimited))
	fmt.Println(err)
	// Output:
	// true
	// shop: 400 Bad Request: S-42: slowly: retry after 1.5s
}
