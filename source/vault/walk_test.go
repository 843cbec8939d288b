package vault_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/vault"
)

// A transport keeps the token and the key in the buffers of its connections.
func TestNothingOfASourceLeadsToItsTransport(t *testing.T) {
	t.Parallel()
	pool := new(http.Transport)
	for name, transport := range map[string]http.RoundTripper{"the default": nil, "the caller's": pool} {
		cfg := vault.Config{Path: "lorem", Auth: vault.Token(keyfit.NewSecret("ipsum")), Transport: transport}
		source, err := vault.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if leadsTo[http.Transport](reflect.ValueOf(source), map[any]bool{}) {
			t.Errorf("%s: a walk over the fields of the source arrives at the transport", name)
		}
		if got := leadsTo[http.Transport](reflect.ValueOf(cfg), map[any]bool{}); got != (transport != nil) {
			t.Errorf("%s: the walk finds the transport of the configuration: %v", name, got)
		}
	}
}

// leadsTo reports whether a walk over fields, exported or not, arrives at a T.
func leadsTo[T any](v reflect.Value, seen map[any]bool) bool {
	if !v.IsValid() {
		return false
	}
	if v.Type() == reflect.TypeFor[T]() {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer:
		at := [2]any{v.UnsafePointer(), v.Type()}
		if v.IsNil() || seen[at] {
			return false
		}
		seen[at] = true
		return leadsTo[T](v.Elem(), seen)
	case reflect.Interface:
		return leadsTo[T](v.Elem(), seen)
	case reflect.Struct:
		for _, field := range v.Fields() {
			if leadsTo[T](field, seen) {
				return true
			}
		}
	default: // a configuration has nothing else that leads on
	}
	return false
}
