package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/keyfit/keyfit"
)

// The defaults of a [Config].
const (
	DefaultMount        = "secret"
	DefaultField        = "key"
	DefaultExpiresField = "not_after"
	DefaultIssuedField  = "issued_at"
	DefaultTimeout      = 15 * time.Second
)

// Config configures a [Source]. Only Path is required.
type Config struct {
	// Address is the URL of the server, such as "https://vault.example.com:8200". The default
	// is the variable VAULT_ADDR, or https://127.0.0.1:8200. Plain http is refused except for
	// loopback addresses; see PlainHTTP.
	Address string
	// Namespace is a namespace of Vault Enterprise or OpenBao. The default is the variable
	// VAULT_NAMESPACE.
	Namespace string
	// Mount is the mount of the KV version 2 engine. The default is [DefaultMount].
	Mount string
	// Path is the path of the secret in the mount, without "data/": "myapp/imkit".
	Path string
	// Field is the field that holds the key. The default is [DefaultField].
	Field string
	// IDField is the field that holds the public half of a pair; "" for a single key.
	IDField string
	// ExpiresField is the field that holds the expiry of the key, an RFC 3339 date or time. It
	// is read from the data of the version and then, only for the newest version, from the
	// custom metadata of the secret. Without it, the expiry is unknown. The default is
	// [DefaultExpiresField].
	ExpiresField string
	// IssuedField is the field that holds the time at which the provider issued the key, in
	// the same format and places. It is for providers whose keys have a fixed lifetime; the
	// time at which a version was written is not used. The default is [DefaultIssuedField].
	IssuedField string
	// Version pins one version; 0 means the newest one. A pinned source returns no previous
	// key.
	Version int
	// Auth is the auth method of the source: [Token], [TokenFile], [AppRole], or another auth
	// method of hashicorp/vault/api. The default is the variable VAULT_TOKEN, which [New]
	// reads.
	Auth api.AuthMethod
	// Timeout bounds one read of the source, including logins and retries. The default is
	// [DefaultTimeout].
	Timeout time.Duration
	// PlainHTTP allows plain http to another machine, which exposes the token and the key. The
	// default is false.
	PlainHTTP bool
	// Transport replaces the transport to the server, for TLS settings other than the
	// variables VAULT_CACERT, VAULT_CLIENT_CERT and so on, which apply only without it.
	Transport http.RoundTripper
}

// Source is a [keyfit.Source] and a [keyfit.VersionedSource]. It is safe for concurrent use.
//
// A printer that walks over its fields finds functions where the transport would be, whose
// connections keep the token and the key in their buffers.
type Source struct {
	cfg      Config             // without the transport
	client   func() *api.Client // without a token; each session has a copy with a token
	close    func()
	sess     atomic.Pointer[session] // nil before the first login
	loginSem chan struct{}           // a mutex for logins that a context can interrupt
	denied   atomic.Int64            // when the server last refused a fresh token, in Unix nanoseconds
}

var _ interface {
	keyfit.Source
	keyfit.VersionedSource
} = (*Source)(nil)

// New returns a source, or an error for an invalid configuration. It sends no request: an
// unavailable server is an error of the first read.
func New(cfg Config) (*Source, error) {
	cfg = cfg.withDefaults()
	if cfg.Path == "" {
		return nil, errors.New("the Vault source needs the path of a secret")
	}
	if cfg.Version < 0 || cfg.Timeout < 0 {
		return nil, errors.New("version and timeout of a Vault source must not be negative")
	}
	client, g, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Auth == nil {
		token := client.Token() // from VAULT_TOKEN
		if token == "" {
			return nil, errors.New("the Vault source has no token: set Config.Auth or the variable VAULT_TOKEN")
		}
		cfg.Auth = Token(keyfit.NewSecret(token))
	}
	client.ClearToken()
	cfg.Transport = nil
	return &Source{cfg: cfg, client: func() *api.Client { return client }, close: g.CloseIdleConnections, loginSem: make(chan struct{}, 1)}, nil
}

func (c Config) withDefaults() Config {
	c.Mount = strings.Trim(orElse(c.Mount, DefaultMount), "/")
	c.Path = strings.Trim(c.Path, "/")
	c.Field = orElse(c.Field, DefaultField)
	c.ExpiresField = orElse(c.ExpiresField, DefaultExpiresField)
	c.IssuedField = orElse(c.IssuedField, DefaultIssuedField)
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	return c
}

func orElse(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// Credential returns the key of the newest version, or of the pinned one. See [Source.Versions]
// for the errors.
func (s *Source) Credential(ctx context.Context) (keyfit.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	cred, _, err := s.current(ctx)
	return cred, err
}

// Versions returns the newest version as the current key and the version before it, if it still
// exists, as the previous one. It sends two requests; [Source.Credential] sends one.
//
// If nothing was ever written at the path, the error wraps [keyfit.ErrNoKey], so that a
// [keyfit.Chain] continues. Other errors do not: a deleted version, a missing field, a refused
// token, a sealed or unavailable server. It is not an error if the previous version cannot be
// read.
func (s *Source) Versions(ctx context.Context) (keyfit.Versions, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	current, version, err := s.current(ctx)
	if err != nil {
		return keyfit.Versions{}, err
	}
	versions := keyfit.Versions{Current: current}
	if s.cfg.Version == 0 && version > 1 {
		// An error of the previous version must not hide the current one.
		if doc, err := s.read(ctx, version-1); err == nil {
			versions.Previous, _ = s.credential(doc, false)
		}
	}
	return versions, nil
}

func (s *Source) current(ctx context.Context) (keyfit.Credential, int, error) {
	doc, err := s.read(ctx, s.cfg.Version)
	if err != nil {
		return keyfit.Credential{}, 0, s.wrap(err)
	}
	cred, err := s.credential(doc, s.cfg.Version == 0)
	if err != nil {
		return keyfit.Credential{}, 0, s.wrap(err)
	}
	return cred, doc.version, nil
}

// place returns the name of the secret for messages.
func (s *Source) place() string { return "Vault secret " + s.cfg.Mount + "/" + s.cfg.Path }

// wrap adds the name of the secret to an error.
func (s *Source) wrap(err error) error { return fmt.Errorf("%s: %w", s.place(), err) }

// Close closes the idle connections to the server. The source can be used again.
func (s *Source) Close() error {
	s.close()
	return nil
}

// Format prints the name of the secret, and no other content, for every verb.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.place()) }
