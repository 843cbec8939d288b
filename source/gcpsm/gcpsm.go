package gcpsm

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/googleapis/gax-go/v2"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/internal/secrettext"
)

// The defaults of a [Config].
const (
	DefaultVersion      = "latest"
	DefaultExpiresField = "not_after"
	DefaultIssuedField  = "issued_at"
	DefaultTimeout      = 15 * time.Second
)

// Client is the part of a secretmanager.Client that the source uses.
type Client interface {
	AccessSecretVersion(context.Context, *secretmanagerpb.AccessSecretVersionRequest, ...gax.CallOption) (*secretmanagerpb.AccessSecretVersionResponse, error)
}

// Config configures a [Source]. Only Secret is required.
type Config struct {
	// Secret is the resource name of the secret: projects/P/secrets/S, or
	// projects/P/locations/L/secrets/S for a regional one.
	Secret string
	// Version is the version that is current: latest, a number, or an alias of the secret. The
	// default is [DefaultVersion].
	Version string
	// Field is the field that holds the key in a secret that is a JSON object. "" means that the
	// whole secret is the key.
	Field string
	// IDField is the field that holds the public half of a pair; "" for a single key. It
	// requires Field.
	IDField string
	// ExpiresField is the field that holds the expiry of the key, an RFC 3339 date or time, in
	// a secret that is a JSON object. Without it, the expiry is unknown. The default is
	// [DefaultExpiresField].
	ExpiresField string
	// IssuedField is the field that holds the time at which the provider issued the key, in the
	// same format. The default is [DefaultIssuedField].
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

func secretName() *regexp.Regexp {
	return regexp.MustCompile(`^projects/[^/]+/(locations/[^/]+/)?secrets/[^/]+$`)
}

// New returns a source, or an error for an invalid configuration. It sends no request:
// missing permissions are an error of the first read. The client determines credentials, endpoint
// and retries.
func New(client Client, cfg Config) (*Source, error) {
	switch {
	case client == nil:
		return nil, errors.New("the Secret Manager source needs a client: use secretmanager.NewClient")
	case !secretName().MatchString(cfg.Secret):
		return nil, errors.New("the Secret Manager source needs the name of a secret: projects/P/secrets/S")
	case strings.Contains(cfg.Version, "/"):
		return nil, errors.New("the version of a Secret Manager source is latest, a number or an alias, without a path")
	case cfg.IDField != "" && cfg.Field == "":
		return nil, errors.New("the Secret Manager source has IDField but no Field for the key")
	case cfg.Timeout < 0:
		return nil, errors.New("the timeout of a Secret Manager source must not be negative")
	}
	for _, field := range []struct {
		value    *string
		standard string
	}{{&cfg.Version, DefaultVersion}, {&cfg.ExpiresField, DefaultExpiresField}, {&cfg.IssuedField, DefaultIssuedField}} {
		if *field.value == "" {
			*field.value = field.standard
		}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	return &Source{client: func() Client { return client }, cfg: cfg}, nil
}

// Credential returns the current version. See [Source.Versions] for the errors.
func (s *Source) Credential(ctx context.Context) (keyfit.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	return s.current(ctx)
}

// Versions returns the current version and, as the previous key, the version with the number
// before it, if that is enabled. It sends two requests; [Source.Credential] sends one.
//
// If the secret does not exist or has no such version, the error wraps [keyfit.ErrNoKey], so that
// a [keyfit.Chain] continues. Other errors do not: a version that is disabled or destroyed, a
// missing field, missing permissions, an unavailable service. It is not an error if the previous
// version cannot be read.
func (s *Source) Versions(ctx context.Context) (keyfit.Versions, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	current, err := s.current(ctx)
	if err != nil {
		return keyfit.Versions{}, err
	}
	versions := keyfit.Versions{Current: current}
	if number, err := strconv.Atoi(current.Version); err == nil && number > 1 {
		if previous, err := s.read(ctx, strconv.Itoa(number-1)); err == nil {
			versions.Previous = previous
		}
	}
	return versions, nil
}

func (s *Source) current(ctx context.Context) (keyfit.Credential, error) {
	cred, err := s.read(ctx, s.cfg.Version)
	if err != nil {
		return keyfit.Credential{}, fmt.Errorf("%s: %w", s.place(), err)
	}
	return cred, nil
}

func (s *Source) read(ctx context.Context, version string) (keyfit.Credential, error) {
	out, err := s.client().AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: s.cfg.Secret + "/versions/" + version})
	if err != nil {
		return keyfit.Credential{}, describe(ctx, err)
	}
	payload := out.GetPayload()
	if payload.DataCrc32C != nil && int64(crc32.Checksum(payload.GetData(), crc32.MakeTable(crc32.Castagnoli))) != payload.GetDataCrc32C() {
		return keyfit.Credential{}, errDamaged
	}
	cred, err := s.cfg.names().Credential(string(payload.GetData()))
	if err != nil {
		return keyfit.Credential{}, err
	}
	name := out.GetName()
	cred.Place, cred.Version = s.place(), name[strings.LastIndexByte(name, '/')+1:]
	return cred, nil
}

var errDamaged = errors.New("the secret was damaged on the way: its checksum is wrong")

// place returns the name of the secret for messages.
func (s *Source) place() string { return "Google Cloud secret " + s.cfg.Secret }

// Format prints the name of the secret, and no other content, for every verb.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.place()) }

// names are the fields of the secret.
func (cfg *Config) names() secrettext.Names {
	return secrettext.Names{Key: cfg.Field, ID: cfg.IDField, Expires: cfg.ExpiresField, Issued: cfg.IssuedField}
}
