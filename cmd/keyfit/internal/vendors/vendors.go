// Package vendors lists the vendors whose real APIs the command line can call, and finds their
// keys as the SDK does.
package vendors

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyfit/keyfit"
)

// Vendor is one way to call one of the five vendors; imkit and iiniit have two each.
type Vendor struct {
	Name     string
	Provider keyfit.Provider
	Scheme   string // the headers that carry the key, as the vendor's page spells them
	host     string // the documented one; with a dot before it, any name below it
}

// All returns every vendor, in the order in which they are listed for people.
func All() []Vendor {
	token := keyfit.Iiniit() // with an OAuth 2.0 access token in place of the key
	token.Scheme, token.EnvVar = keyfit.Bearer(), "IINIIT_ACCESS_TOKEN"
	return []Vendor{
		{"imin", keyfit.Imin(), "X-API-KEY", ".imin.co"},
		{"mindkey", keyfit.MindKey(), "Authorization: ApiKey-v2", "connector.mindkey.com"},
		{"imkit", keyfit.IMKIT(""), "IM-API-KEY", ".imkit.io"},
		{"imkit-user", keyfit.IMKITUser(""), "IM-CLIENT-KEY, IM-Authorization", ".imkit.io"},
		{"optimove", keyfit.Optimove(""), "X-API-KEY", ".optimove.net"},
		{"iiniit", keyfit.Iiniit(), "Authorization: ApiKey", "api.iiniit.com"},
		{"iiniit-token", token, "Authorization: Bearer", "api.iiniit.com"},
	}
}

// Names returns the names of all vendors.
func Names() []string {
	all := All()
	names := make([]string, 0, len(all))
	for i := range all {
		names = append(names, all[i].Name)
	}
	return names
}

// Find returns the vendor of that name, in any case of letters.
func Find(name string) (Vendor, bool) {
	for _, v := range All() {
		if strings.EqualFold(v.Name, name) {
			return v, true
		}
	}
	return Vendor{}, false
}

// Variables names the variables that hold the vendor's key: one, or the two of a pair.
func (v *Vendor) Variables() string {
	if v.Provider.EnvID != "" {
		return v.Provider.EnvID + " and " + v.Provider.EnvVar
	}
	return v.Provider.EnvVar
}

// Keyring finds the vendor's key in the environment or else in the .env file, as the SDK
// does. configured is false if no place has a key; it is true if one has a broken one. onEvent
// is called with each event of the ring.
func (v *Vendor) Keyring(ctx context.Context, dotenv string, onEvent func(keyfit.KeyEvent)) (ring *keyfit.Keyring, configured bool, err error) {
	ring, err = keyfit.NewKeyring(ctx, v.source(dotenv), keyfit.ForProvider(v.Provider), keyfit.WithHooks(keyfit.Hooks{Key: onEvent}))
	if none, ok := errors.AsType[*keyfit.NoKeyError](err); ok {
		none.Provider = v.Name
		isBroken := func(err error) bool { return !errors.Is(err, keyfit.ErrNoKey) }
		return nil, slices.ContainsFunc(none.Unwrap(), isBroken), none
	}
	return ring, true, err
}

// AddressError adds to an error of [keyfit.New] how the command line names an address, unless
// the error is about the key.
func AddressError(err error) error {
	if errors.Is(err, keyfit.ErrNoKey) {
		return err
	}
	return fmt.Errorf("%w; --base-url names the address for this command", err)
}

func (v *Vendor) source(dotenv string) keyfit.Source {
	places := v.Places(dotenv)
	sources := make([]keyfit.Source, 0, len(places))
	for _, place := range places {
		sources = append(sources, place.Source)
	}
	return keyfit.Chain(sources...)
}

// CollectWarnings returns a hook that appends to warnings what a person should know before a
// key is used: others can read its file, or a base URL was ignored.
func CollectWarnings(warnings *[]string) func(keyfit.KeyEvent) {
	return func(e keyfit.KeyEvent) {
		if e.Kind == keyfit.KeyExposed || e.Kind == keyfit.BaseURLIgnored || e.Kind == keyfit.DotEnvIgnored {
			*warnings = append(*warnings, e.Reason)
		}
	}
}

// OwnHost reports whether an address is one that the vendor documents: https, the default port,
// and the documented host or a name below the documented domain.
func (v *Vendor) OwnHost(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Port() != "" {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return host == v.host || v.host[0] == '.' && strings.HasSuffix(host, v.host)
}

// Host is an address for a person, marked if it is not the vendor's own.
func (v *Vendor) Host(address string) string {
	if v.OwnHost(address) {
		return address
	}
	return address + " (not " + v.Provider.Name + "'s own)"
}

// The errors of [Vendor.CheckPath]. They do not repeat the path: it may hold a key.
var (
	ErrNotPath    = errors.New("must be a path such as /path?query, without host")
	ErrCredential = errors.New("holds a credential")
)

// CheckPath returns [ErrNotPath] unless path is a path without a host, and [ErrCredential] if
// one of its query parameters carries a credential.
func (v *Vendor) CheckPath(path string) error {
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.User != nil || !strings.HasPrefix(path, "/") {
		return ErrNotPath
	}
	for name := range u.Query() {
		if v.IsCredentialParam(name) {
			return ErrCredential
		}
	}
	return nil
}

// IsCredentialParam reports whether a query parameter of that name carries a credential.
func (*Vendor) IsCredentialParam(name string) bool { return strings.EqualFold(name, "api_key") }

// IsCredentialHeader reports whether a header of that name carries the vendor's key, or a
// credential of any kind.
func (v *Vendor) IsCredentialHeader(name string) bool {
	canonical := http.CanonicalHeaderKey(name)
	switch canonical {
	case "Authorization", "Proxy-Authorization", "Cookie":
		return true
	}
	// The scheme knows: it puts a made-up key on an empty request.
	example := keyfit.APIKey("lorem")
	if v.Provider.EnvID != "" {
		example = keyfit.KeyPair("lorem", "ipsum")
	}
	blank := &http.Request{Header: http.Header{}, URL: &url.URL{}}
	return v.Provider.Scheme.Apply(blank, example) == nil && blank.Header[canonical] != nil
}
