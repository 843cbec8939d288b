package vault_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/vault"
	"github.com/keyfit/keyfit/source/vault/vaulttest"
)

// The key of a client is in Vault and is rotated. A fake replaces the server.
func Example() {
	ctx := context.Background()
	fake := vaulttest.New(vaulttest.Vault)
	server := httptest.NewServer(fake)
	defer server.Close()
	fake.Write("secret", "myapp/imkit", map[string]any{"key": "the-first-key"})
	role := fake.NewRole("approle", "myapp", "20m", `{"path": {"secret/data/myapp/*": {"capabilities": ["read"]}}}`)

	src, err := vault.New(vault.Config{
		Address: server.URL, // or VAULT_ADDR
		Path:    "myapp/imkit",
		Auth:    vault.AppRole{RoleID: role.RoleID, SecretID: keyfit.NewSecret(role.SecretID)},
	})
	if err != nil {
		panic(err)
	}
	defer src.Close()
	ring, err := keyfit.NewKeyring(ctx, src)
	if err != nil {
		panic(err)
	}
	// A program rather gives src to keyfit.New with keyfit.WithSource, because the keyring of
	// a client verifies new keys, and follows the secret with go c.Keys().Watch(ctx,
	// 30*time.Second).

	fake.Write("secret", "myapp/imkit", map[string]any{"key": "the-second-key"})
	changed, err := ring.Reload(ctx)
	fmt.Println(changed, err)

	offer, err := src.Versions(ctx)
	fmt.Println("current: version", offer.Current.Version, "previous: version", offer.Previous.Version, err)
	// Output:
	// true <nil>
	// current: version 2 previous: version 1 <nil>
}
