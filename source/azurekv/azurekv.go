package azurekv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/internal/secrettext"
)

// The defaults of a [Config].
const (
	DefaultExpiresField = "not_after"
	DefaultIssuedField  = "issued_at"
	DefaultTimeout      = 15 * time.Second
)

// Client is the part of an [azsecrets.Client] that the source uses.
type Client interface {
	GetSecret(ctx context.Context, name, version string, opts *azsecrets.GetSecretOptions) (azsecrets.GetSecretResponse, error)
	NewListSecretPropertiesVersionsPager(name string, opts *azsecrets.ListSecretPropertiesVersionsOptions) *runtime.Pager[azsecrets.ListSecretPropertiesVersionsResponse]
}

// Config configures a [Source]. Only Secret is required.
type Config struct {
	// Secret is the name of the secret in the vault of the client.
	Secret string
	// Field is the field that holds the key in a secret that is a JSON object. "" means that the
	// whole secret is the key.
	Field string
	// IDField is the field that holds the public half of a pair; "" for a single key. It
	// requires Field.
	IDField string
	// ExpiresField is the field that holds the expiry of the key, an RFC 3339 date or time, in
	// a secret that is a JSON object. Without it, the expiration date of the version holds, if it
	// has one. The default is [DefaultExpiresField].
	ExpiresField string
	// IssuedField is the field that holds the time at which the provider issued the key, in the
	// same format; the time at which a version was written is not used. The default is
	// [DefaultIssuedField].
	IssuedField string
	// Timeout bounds one read of the source, including retries. The default is
	// [DefaultTimeout].
	Timeout time.Duration
}

// Source is a [keyfit.Source] and a [keyfit.VersionedSource]. It is safe for concurrent use.
//
// A printer that walks over its fields finds a function where the client would be, whose
// connections keep the key in their buffers.
type Source struct {
	client func() Client
	cfg    Config
}

var _ interface {
	keyfit.Source
	keyfit.VersionedSource
} = (*Source)(nil)

// New returns a source, or an error for an invalid configuration. It sends no request:
// missing permissions are an error of the first read. The client determines vault, credentials
// and retries, and refuses plain http.
func New(client Client, cfg Config) (*Source, error) {
	switch {
	case client == nil:
		return nil, errors.New("the Key Vault source needs a client: use azsecrets.NewClient")
	case cfg.Secret == "":
		return nil, errors.New("the Key Vault source needs the name of a secret")
	case cfg.IDField != "" && cfg.Field == "":
		return nil, errors.New("the Key Vault source has IDField but no Field for the key")
	case cfg.Timeout < 0:
		return nil, errors.New("the timeout of a Key Vault source must not be negative")
	}
	if cfg.ExpiresField == "" {
		cfg.ExpiresField = DefaultExpiresField
	}
	if cfg.IssuedField == "" {
		cfg.IssuedField = DefaultIssuedField
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	return &Source{client: func() Client { return client }, cfg: cfg}, nil
}

// Credential returns the current version. See [Source.Versions] for the errors.
func (s *Source) Credential(ctx context.Context) (keyfit.Credential, error) {
	versions, err := s.Versions(ctx)
	return versions.Current, err
}

// Versions returns the current version, the one before it as the previous key, and a version
// that is not active yet as the pending one. It reads the latest version, lists the versions, and
// reads one more. Without the permission to list, it knows the latest version only, and takes it
// as current.
//
// If the secret does not exist, the error wraps [keyfit.ErrNoKey], so that a [keyfit.Chain]
// continues. Other errors do not: a version that is disabled, a missing field, missing
// permissions, an unavailable service. It is not an error if one of the other versions cannot be
// read.
func (s *Source) Versions(ctx context.Context) (keyfit.Versions, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	latest, active, err := s.read(ctx, "")
	if err != nil {
		return keyfit.Versions{}, fmt.Errorf("%s: %w", s.place(), err)
	}
	var older keyfit.Credential
	if version := s.versionBefore(ctx, latest.Version); version != "" {
		if cred, _, err := s.read(ctx, version); err == nil {
			older = cred
		}
	}
	if !active && !older.Key.IsZero() {
		return keyfit.Versions{Current: older, Pending: latest}, nil
	}
	return keyfit.Versions{Current: latest, Previous: older}, nil
}

// read returns a version of the secret, the latest one for "", and whether it is active.
func (s *Source) read(ctx context.Context, version string) (cred keyfit.Credential, active bool, err error) {
	out, err := s.client().GetSecret(ctx, s.cfg.Secret, version, nil)
	if err != nil {
		return keyfit.Credential{}, false, describe(ctx, err)
	}
	if out.Value == nil {
		return keyfit.Credential{}, false, errors.New("the response is not from Key Vault: it has no value")
	}
	if cred, err = s.cfg.names().Credential(*out.Value); err != nil {
		return keyfit.Credential{}, false, err
	}
	cred.Place, active = s.place(), true
	if out.ID != nil {
		cred.Version = out.ID.Version()
	}
	if a := out.Attributes; a != nil {
		if cred.Expires.IsZero() && a.Expires != nil {
			cred.Expires = *a.Expires
		}
		active = a.NotBefore == nil || !a.NotBefore.After(time.Now())
	}
	return cred, active, nil
}

// maxPages bounds how many pages of versions are read: each has 25 at most.
const maxPages = 8

// versionBefore returns the newest version that is enabled, active and older than latest; "" if
// there is none, or the versions cannot be listed.
func (s *Source) versionBefore(ctx context.Context, latest string) (version string) {
	var created time.Time
	pager := s.client().NewListSecretPropertiesVersionsPager(s.cfg.Secret, nil)
	for range maxPages {
		if !pager.More() {
			break
		}
		page, err := pager.NextPage(ctx)
		if err != nil {
			return ""
		}
		for _, p := range page.Value {
			if p == nil || p.ID == nil || p.ID.Version() == latest || !isUsable(p.Attributes) || p.Attributes.Created.Before(created) {
				continue
			}
			version, created = p.ID.Version(), *p.Attributes.Created
		}
	}
	return version
}

// isUsable reports whether a version is enabled and active, and known to be of some time.
func isUsable(a *azsecrets.SecretAttributes) bool {
	return a != nil && a.Created != nil && (a.Enabled == nil || *a.Enabled) && (a.NotBefore == nil || !a.NotBefore.After(time.Now()))
}

// place returns the name of the secret for messages.
func (s *Source) place() string { return "Azure Key Vault secret " + s.cfg.Secret }

// Format prints the name of the secret, and no other content, for every verb.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.place()) }

// names are the fields of the secret.
func (cfg *Config) names() secrettext.Names {
	return secrettext.Names{Key: cfg.Field, ID: cfg.IDField, Expires: cfg.ExpiresField, Issued: cfg.IssuedField}
}
