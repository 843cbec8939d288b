package gcpsm_test

import (
	"context"
	"fmt"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/gcpsm"
)

// The key of a client is in Secret Manager and is rotated. A stand-in replaces the service; a real
// program gets its client from secretmanager.NewClient(ctx).
func Example() {
	ctx := context.Background()
	service := &fake{versions: []string{`{"key": "the-first-key", "not_after": "2027-01-31"}`}}
	src, err := gcpsm.New(direct{service}, gcpsm.Config{Secret: secret, Field: "key"})
	if err != nil {
		panic(err)
	}
	ring, err := keyfit.NewKeyring(ctx, src)
	if err != nil {
		panic(err)
	}
	// A program rather gives src to keyfit.New with keyfit.WithSource, because the keyring of
	// a client verifies new keys, and follows the secret with go c.Keys().Watch(ctx,
	// time.Minute).

	service.put(`{"key": "the-second-key", "not_after": "2028-01-31"}`)
	changed, err := ring.Reload(ctx)
	fmt.Println(changed, err, ring.Status().Current.Version, ring.Status().Current.Expires.Year())
	// Output:
	// true <nil> 2 2028
}
