package keyfit_test

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/provider/imin"
	"github.com/keyfit/keyfit/provider/imkit"
	"github.com/keyfit/keyfit/provider/mindkey"
	"github.com/keyfit/keyfit/provider/optimove"
)

// someID is the ID in all arguments of the calls below.
const someID = "lorem7"

// argument returns a value for a parameter of a typed call: IDs and structs with IDs.
func argument(of reflect.Type) reflect.Value {
	v := reflect.New(of).Elem()
	switch {
	case of.Kind() == reflect.String:
		v.SetString(someID)
	case of.Kind() == reflect.Slice:
		v = reflect.Append(v, argument(of.Elem()))
	case of.Kind() == reflect.Struct && of.NumField() > 0:
		for i := range of.NumField() {
			if f := v.Field(i); f.CanSet() && f.Kind() == reflect.String {
				f.SetString(someID)
			}
		}
	}
	return v
}

// callAll calls every method of every service of a typed client whose first parameter is a context.
func callAll(ctx context.Context, client any) {
	services := []reflect.Value{reflect.ValueOf(client)}
	for i := range services[0].Elem().NumField() {
		if f := services[0].Elem().Field(i); services[0].Elem().Type().Field(i).IsExported() && f.Kind() == reflect.Pointer && !f.IsNil() {
			services = append(services, f)
		}
	}
	for _, service := range services {
		for _, method := range service.Methods() {
			of := method.Type()
			if of.NumIn() == 0 || of.In(0) != reflect.TypeFor[context.Context]() {
				continue
			}
			args := []reflect.Value{reflect.ValueOf(ctx)}
			for j := 1; j < of.NumIn() && (!of.IsVariadic() || j < of.NumIn()-1); j++ {
				args = append(args, argument(of.In(j)))
			}
			for _, result := range method.Call(args) {
				if result.Kind() == reflect.Func && !result.IsNil() { // pages: the first is enough
					result.Call([]reflect.Value{reflect.MakeFunc(result.Type().In(0), func([]reflect.Value) []reflect.Value {
						return []reflect.Value{reflect.ValueOf(false)}
					})})
				}
			}
		}
	}
}

// Every call of the typed clients has the name of its operation, without the IDs in its path.
func TestTypedCallsNameTheirOperation(t *testing.T) {
	t.Parallel()
	wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
	})
	for name, test := range map[string]struct {
		provider keyfit.Provider
		wrap     func(*keyfit.Client) []any
		least    int // operations
	}{
		"imkit": {keyfit.IMKIT("your-app"), func(c *keyfit.Client) []any { return []any{imkit.FromClient(c)} }, 20},
		"imin": {keyfit.Imin(), func(c *keyfit.Client) []any {
			typed := imin.FromClients(imin.Hosts{Search: c, Firehose: c})
			_, _ = typed.Firehose.BookableSellers(someID).List(context.Background(), "")
			return []any{typed}
		}, 5},
		"mindkey":  {keyfit.MindKey(), func(c *keyfit.Client) []any { return []any{mindkey.FromClient(c)} }, 10},
		"optimove": {keyfit.Optimove("api4.optimove.net"), func(c *keyfit.Client) []any { return []any{optimove.FromClient(c)} }, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			routes := map[string]bool{}
			c, err := keyfit.New(test.provider, keyfit.WithKey("a"+strings.Repeat("0", 31)), keyfit.WithoutDotEnv(), keyfit.WithGate(openGate{}),
				keyfit.WithHTTPClient(&http.Client{Transport: wire}), keyfit.WithHooks(keyfit.Hooks{Call: func(_ context.Context, e keyfit.CallEvent) {
					routes[e.Route] = true
					if !strings.HasPrefix(e.Route, e.Method+" /") || strings.Contains(e.Route, someID) || strings.Contains(e.Route, "?") {
						t.Errorf("the route of %s %s is %q", e.Method, e.Path, e.Route)
					}
				}}))
			if err != nil {
				t.Fatal(err)
			}
			for _, typed := range test.wrap(c) {
				callAll(t.Context(), typed)
			}
			if len(routes) < test.least {
				t.Errorf("%d operations: %v", len(routes), routes)
			}
		})
	}
}
