package drift

import (
	"strings"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/mockserver"
)

// providerOf is the mock's name of a vendor: imkit and imkit-user are one.
func providerOf(vendor string) mockserver.Provider {
	name, _, _ := strings.Cut(vendor, "-")
	return mockserver.Provider(name)
}

// kindOf makes the mock issue the kind of credential that the vendor stands for.
func kindOf(v *vendors.Vendor) []mockserver.KeyOption {
	switch v.Name {
	case "imkit-user":
		return []mockserver.KeyOption{mockserver.ClientKey("lorem")}
	case "iiniit-token":
		return []mockserver.KeyOption{mockserver.Bearer()}
	}
	return nil
}

// sourceOf is the mock's key for a client.
func sourceOf(key mockserver.Issued) keyfit.Source {
	if key.Token.IsZero() {
		return keyfit.Static(keyfit.APIKey(key.Secret.Reveal()))
	}
	return keyfit.Static(keyfit.KeyPair(key.Secret.Reveal(), key.Token.Reveal()))
}
