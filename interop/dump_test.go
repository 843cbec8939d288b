package interop_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"testing"

	"github.com/davecgh/go-spew/spew"
	"github.com/k0kubun/pp/v3"
	"github.com/kr/pretty"
	"github.com/sanity-io/litter"
	"github.com/stretchr/testify/assert"

	"github.com/keyfit/keyfit"
)

// report is what a failed assertion prints. It takes the place of a testing.T.
type report struct{ text string }

func (r *report) Errorf(format string, args ...any) { r.text += fmt.Sprintf(format, args...) }

// printers are libraries that walk over fields by reflection.
func printers() map[string]func(any) string {
	plain := pp.New()
	plain.SetColoringEnabled(false)
	private := litter.Options{HidePrivateFields: false}
	return map[string]func(any) string{
		"spew":             func(v any) string { return spew.Sdump(v) },
		"spew, no methods": func(v any) string { return (&spew.ConfigState{DisableMethods: true, Indent: " "}).Sdump(v) },
		"spew, %#+v":       func(v any) string { return spew.Sprintf("%#+v", v) },
		"pp":               func(v any) string { return plain.Sprint(v) },
		"litter":           func(v any) string { return private.Sdump(v) },
		"kr/pretty":        func(v any) string { return pretty.Sprint(v) },
		"testify, a failed Equal": func(v any) string {
			failed := new(report)
			assert.Equal(failed, another(v), v) // reports a diff of what both dump
			return failed.text
		},
		"testify, a failed Nil": func(v any) string {
			failed := new(report)
			assert.Nil(failed, v)
			return failed.text
		},
		"testify, a failed Empty": func(v any) string {
			failed := new(report)
			assert.Empty(failed, v)
			return failed.text
		},
	}
}

// another returns an empty value of the same type.
func another(v any) any {
	if t := reflect.TypeOf(v); t.Kind() == reflect.Pointer {
		return reflect.New(t.Elem()).Interface()
	}
	return reflect.Zero(reflect.TypeOf(v)).Interface()
}

func TestPrintersFindNoKeyInWhatCallsLeaveBehind(t *testing.T) {
	t.Parallel()
	for name, s := range schemes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t)
			c := client(t, s, srv.URL)
			ctx := context.Background() // a test's context changes while it is printed
			values := map[string]any{}
			for _, path := range []string{"/here", "/missing", "/moved"} {
				for door, do := range map[string]func(*http.Request) (*http.Response, error){"Do": c.Do, "HTTPClient": c.HTTPClient().Do} {
					resp := through(ctx, t, do, srv.URL+path)
					values[door+path] = resp
					values[door+path+", request"] = resp.Request
					values[door+path+", context"] = resp.Request.Context()
				}
			}
			var response keyfit.Response
			_, err := keyfit.Get[struct{}](ctx, c, "/missing", keyfit.WithResponse(&response))
			values["error"], values["Response"] = err, response
			_, values["error of a connection"] = keyfit.Get[struct{}](ctx, client(t, s, "http://127.0.0.1:1", keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1})), "/")
			values["client"], values["HTTPClient"], values["keyring"], values["status"] = c, c.HTTPClient(), c.Keys(), c.Keys().Status()
			values["source"], values["option"] = keyfit.Static(s.cred), keyfit.WithSource(keyfit.Static(s.cred))
			for what, v := range values {
				for printer, format := range printers() {
					if found := leak(format(v)); found != "" {
						t.Errorf("%s of %s prints %s", printer, what, found)
					}
				}
			}
		})
	}
}

// The printers do find a key that is in reach.
func TestPrintersFindAKeyInThePoolOfNetHTTP(t *testing.T) {
	t.Parallel()
	srv := serve(t)
	pool := new(http.Transport)
	t.Cleanup(pool.CloseIdleConnections)
	req, err := http.NewRequest(http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Acme-Key", planted)
	resp, err := pool.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	for _, printer := range []string{"spew", "litter", "kr/pretty"} {
		if leak(printers()[printer](resp.Request)) == "" {
			t.Errorf("%s finds no key in a request of net/http that has one", printer)
		}
	}
	if leak(spew.Sdump(resp.Body)) == "" {
		t.Error("spew finds no key behind the body of net/http: SECURITY.md says that there is one")
	}
}
