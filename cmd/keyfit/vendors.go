package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyfit/keyfit"
)

// vendor is one way to call one of the five; imkit and iiniit have two.
type vendor struct {
	name     string
	provider keyfit.Provider
	scheme   string // as the vendor's page spells it
}

func vendors() []vendor {
	token := keyfit.Iiniit() // with an OAuth 2.0 access token in place of the key
	token.Scheme, token.EnvVar = keyfit.Bearer(), "IINIIT_ACCESS_TOKEN"
	return []vendor{
		{"imin", keyfit.Imin(), "X-API-KEY"},
		{"mindkey", keyfit.MindKey(), "Authorization: ApiKey-v2"},
		{"imkit", keyfit.IMKIT(""), "IM-API-KEY"},
		{"imkit-user", keyfit.IMKITUser(""), "IM-CLIENT-KEY, IM-Authorization"},
		{"optimove", keyfit.Optimove(""), "X-API-KEY"},
		{"iiniit", keyfit.Iiniit(), "Authorization: ApiKey"},
		{"iiniit-token", token, "Authorization: Bearer"},
	}
}

func vendorNames() []string {
	all := vendors()
	names := make([]string, 0, len(all))
	for _, v := range all {
		names = append(names, v.name)
	}
	return names
}

// parseVendor reads a vendor's name as a person typed it.
func parseVendor(name string) (vendor, error) {
	for _, v := range vendors() {
		if strings.EqualFold(v.name, name) {
			return v, nil
		}
	}
	return vendor{}, usage("unknown vendor %q; one of %s", name, strings.Join(vendorNames(), ", "))
}

// source is where the SDK looks for the vendor's key: the environment, then .env.
func (v *vendor) source(dotenv string) keyfit.Source {
	p := v.provider
	if p.EnvID != "" {
		return keyfit.Chain(keyfit.EnvPair(p.EnvID, p.EnvVar), keyfit.DotEnvPair(dotenv, p.EnvID, p.EnvVar))
	}
	return keyfit.Chain(keyfit.Env(p.EnvVar), keyfit.DotEnv(dotenv, p.EnvVar))
}

// variables names what holds the vendor's key.
func (v *vendor) variables() string {
	if v.provider.EnvID != "" {
		return v.provider.EnvID + " and " + v.provider.EnvVar
	}
	return v.provider.EnvVar
}

// keys finds the vendor's key. configured is false if there simply is none.
func (v *vendor) keys(ctx context.Context, dotenv string) (ring *keyfit.Keyring, configured bool, err error) {
	ring, err = keyfit.NewKeyring(ctx, v.source(dotenv))
	if none, ok := errors.AsType[*keyfit.NoKeyError](err); ok {
		none.Provider = v.name
		absent := func(err error) bool { return errors.Is(err, keyfit.ErrNoKey) }
		return nil, slices.ContainsFunc(none.Unwrap(), func(err error) bool { return !absent(err) }), none
	}
	return ring, true, err
}

// carries reports whether the vendor's key, or any credential, goes into the header or
// query parameter of that name.
func (v *vendor) carries(header, param string) bool {
	blank := &http.Request{Header: http.Header{}, URL: &url.URL{}}
	cred := keyfit.APIKey("lorem")
	if v.provider.EnvID != "" {
		cred = keyfit.KeyPair("lorem", "ipsum")
	}
	if v.provider.Scheme.Apply(blank, cred) != nil {
		return false
	}
	canonical := http.CanonicalHeaderKey(header)
	return canonical == "Authorization" || canonical == "Proxy-Authorization" || canonical == "Cookie" ||
		blank.Header[canonical] != nil || strings.EqualFold(param, "api_key")
}
