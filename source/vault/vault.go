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

// Config says where the key is and how the source comes to it. Only Path is required.
type Config struct {
	// Address of the server, "https://vault.example.com:8200". The default is the variable
	// VAULT_ADDR and without it https://127.0.0.1:8200. Plain http is refused except to
	// loopback; see PlainHTTP.
	Address string
	// Namespace of Vault Enterprise or OpenBao; the default is the variable VAULT_NAMESPACE.
	Namespace string
	// Mount is where the KV version 2 engine is mounted; the default is [DefaultMount].
	Mount string
	// Path of the secret inside the mount, without "data/": "myapp/imkit".
	Path string
	// Field of the secret that holds the key; the default is [DefaultField].
	Field string
	// IDField holds the public half of a pair; "" for a single key.
	IDField string
	// ExpiresField says when the key ends, as an RFC 3339 date or time. It is looked for in
	// the data of the version and then, for the newest version only, in the custom metadata
	// of the secret; a key without it has no known end. The default is [DefaultExpiresField].
	ExpiresField string
	// IssuedField says, in the same way, when the provider issued the key, for providers
	// whose keys live for a fixed time. That a version was written is no such date. The
	// default is [DefaultIssuedField].
	IssuedField string
	// Version pins one version; 0 follows the newest one. A pinned source offers no
	// previous key.
	Version int
	// Auth is how the source comes by its token: [Token], [TokenFile], [AppRole], or any
	// other login that hashicorp/vault/api knows. The default is the variable VAULT_TOKEN
	// as it is when [New] runs.
	Auth api.AuthMethod
	// Timeout bounds one question to the source, logins and retries included; the default is
	// [DefaultTimeout].
	Timeout time.Duration
	// PlainHTTP lets token and key go over plain http to another machine. Leave it off.
	PlainHTTP bool
	// Transport replaces the connection to the server, for TLS settings beyond the variables
	// VAULT_CACERT, VAULT_CLIENT_CERT and so on, which are heeded without it.
	Transport http.RoundTripper
}

// Source is a [keyfit.Source] and a [keyfit.VersionedSource]. It is safe for concurrent use.
type Source struct {
	cfg    Config
	client *api.Client // without a token; each session has a copy with its own
	guard  *guard
	sess   atomic.Pointer[session] // nil before the first login
	turn   chan struct{}           // whoever fills it may log in
	denied atomic.Int64            // when a fresh login was last refused the secret too, in ns since 1970
}

var _ interface {
	keyfit.Source
	keyfit.VersionedSource
} = (*Source)(nil)

// New checks the configuration. It sends nothing: a server that is away is an error of the
// first question.
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
		token := client.Token() // of VAULT_TOKEN
		if token == "" {
			return nil, errors.New("the Vault source has no token: set Config.Auth or the variable VAULT_TOKEN")
		}
		cfg.Auth = Token(keyfit.NewSecret(token))
	}
	client.ClearToken()
	return &Source{cfg: cfg, client: client, guard: g, turn: make(chan struct{}, 1)}, nil
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

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
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

// Versions returns the newest version as the current key and the one before it, if it is
// still there, as the previous one. That is two requests; [Source.Credential] is one.
//
// A path where nothing was ever written is an error that wraps [keyfit.ErrNoKey], so that a
// [keyfit.Chain] goes on. A deleted version, a missing field, a refused token, a server that
// is sealed or away are errors of a source that should have had a key. That the previous
// version cannot be had is no error.
func (s *Source) Versions(ctx context.Context) (keyfit.Versions, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	current, version, err := s.current(ctx)
	if err != nil {
		return keyfit.Versions{}, err
	}
	offer := keyfit.Versions{Current: current}
	if s.cfg.Version == 0 && version > 1 {
		// Whatever is wrong with the previous version must not hide the current one.
		if doc, err := s.read(ctx, version-1); err == nil {
			offer.Previous, _ = s.credential(doc, false)
		}
	}
	return offer, nil
}

func (s *Source) current(ctx context.Context) (keyfit.Credential, int, error) {
	doc, err := s.read(ctx, s.cfg.Version)
	if err != nil {
		return keyfit.Credential{}, 0, s.failed(err)
	}
	cred, err := s.credential(doc, s.cfg.Version == 0)
	if err != nil {
		return keyfit.Credential{}, 0, s.failed(err)
	}
	return cred, doc.version, nil
}

// place names the secret for a person.
func (s *Source) place() string { return "Vault secret " + s.cfg.Mount + "/" + s.cfg.Path }

// failed says which secret an error is about.
func (s *Source) failed(err error) error { return fmt.Errorf("%s: %w", s.place(), err) }

// Close closes the idle connections to the server. The source can be used again.
func (s *Source) Close() error {
	s.guard.CloseIdleConnections()
	return nil
}

// Format prints the place of the secret, and nothing of the inside, for every verb.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.place()) }
