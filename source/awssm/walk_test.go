package awssm_test

import (
	"context"
	"net/http"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/keyfit/keyfit/source/awssm"
)

// pooled is a client that leads to a pool, as the one of the SDK does.
type pooled struct{ pool *http.Transport }

func (pooled) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return nil, context.Canceled
}

// A transport keeps the key in the buffers of its connections.
func TestNothingOfASourceLeadsToItsTransport(t *testing.T) {
	t.Parallel()
	client := pooled{new(http.Transport)}
	source, err := awssm.New(client, awssm.Config{Secret: "lorem"})
	if err != nil {
		t.Fatal(err)
	}
	if !leadsTo[http.Transport](reflect.ValueOf(client), map[any]bool{}) {
		t.Error("the walk does not find the transport of the client itself")
	}
	if leadsTo[http.Transport](reflect.ValueOf(source), map[any]bool{}) {
		t.Error("a walk over the fields of the source arrives at the transport")
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
