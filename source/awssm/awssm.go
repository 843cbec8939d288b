package awssm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/internal/secrettext"
)

// The defaults of a [Config].
const (
	DefaultExpiresField = "not_after"
	DefaultIssuedField  = "issued_at"
	DefaultTimeout      = 15 * time.Second
)

// The staging labels of Secrets Manager:
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html.
const (
	stageCurrent  = "AWSCURRENT"
	stagePrevious = "AWSPREVIOUS"
	stagePending  = "AWSPENDING"
)

// Client is the part of a [secretsmanager.Client] that the source uses.
type Client interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Config configures a [Source]. Only Secret is required.
type Config struct {
	// Secret is the name or the ARN of the secret. A secret of another account needs the ARN.
	Secret string
	// Field is the field that holds the key in a secret that is a JSON object, as written by
	// the console. "" means that the whole secret is the key.
	Field string
	// IDField is the field that holds the public half of a pair; "" for a single key. It
	// requires Field.
	IDField string
	// ExpiresField is the field that holds the expiry of the key, an RFC 3339 date or time, in
	// a secret that is a JSON object. Without it, the expiry is unknown. The default is
	// [DefaultExpiresField].
	ExpiresField string
	// IssuedField is the field that holds the time at which the provider issued the key, in
	// the same format. It is for providers whose keys have a fixed lifetime; the time at which
	// a version was written is not used. The default is [DefaultIssuedField].
	IssuedField string
	// Timeout bounds one read of the source, including retries. The default is
	// [DefaultTimeout].
	Timeout time.Duration
	// PlainHTTP allows plain http to another machine, which exposes the key. The default is
	// false.
	PlainHTTP bool
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
// missing permissions are an error of the first read. The client determines region,
// credentials and retries.
func New(client Client, cfg Config) (*Source, error) {
	switch {
	case client == nil:
		return nil, errors.New("the Secrets Manager source needs a client: use secretsmanager.NewFromConfig")
	case cfg.Secret == "":
		return nil, errors.New("the Secrets Manager source needs the name or the ARN of a secret")
	case cfg.IDField != "" && cfg.Field == "":
		return nil, errors.New("the Secrets Manager source has IDField but no Field for the key")
	case cfg.Timeout < 0:
		return nil, errors.New("the timeout of a Secrets Manager source must not be negative")
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

// Credential returns the version labelled AWSCURRENT. See [Source.Versions] for the errors.
func (s *Source) Credential(ctx context.Context) (keyfit.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	return s.current(ctx)
}

// Versions returns the versions labelled AWSCURRENT, AWSPREVIOUS and AWSPENDING. It sends three
// requests; [Source.Credential] sends one.
//
// If the secret does not exist or has no AWSCURRENT, the error wraps [keyfit.ErrNoKey], so that
// a [keyfit.Chain] continues. Other errors do not: a secret that is marked for deletion or
// binary, a missing field, missing permissions, an unavailable service. It is not an error if
// one of the other two versions cannot be read.
func (s *Source) Versions(ctx context.Context) (keyfit.Versions, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	current, err := s.current(ctx)
	if err != nil {
		return keyfit.Versions{}, err
	}
	versions := keyfit.Versions{Current: current}
	versions.Previous = s.other(ctx, stagePrevious, current)
	versions.Pending = s.other(ctx, stagePending, current)
	return versions, nil
}

func (s *Source) current(ctx context.Context) (keyfit.Credential, error) {
	cred, err := s.read(ctx, stageCurrent)
	if err != nil {
		return keyfit.Credential{}, fmt.Errorf("%s: %w", s.place(), err)
	}
	return cred, nil
}

// other returns the version with a label other than AWSCURRENT, or no credential: its errors
// must not hide the current version. A rotation leaves AWSPENDING on the version that has
// become current, which is no longer pending.
func (s *Source) other(ctx context.Context, stage string, current keyfit.Credential) keyfit.Credential {
	cred, err := s.read(ctx, stage)
	if err != nil || cred.Version == current.Version {
		return keyfit.Credential{}
	}
	return cred
}

func (s *Source) read(ctx context.Context, stage string) (keyfit.Credential, error) {
	out, err := s.client().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(s.cfg.Secret), VersionStage: aws.String(stage),
	}, s.guarded)
	if err != nil {
		return keyfit.Credential{}, describe(ctx, err)
	}
	if out == nil || out.SecretString == nil {
		return keyfit.Credential{}, errBinary
	}
	cred, err := s.cfg.names().Credential(*out.SecretString)
	if err != nil {
		return keyfit.Credential{}, err
	}
	cred.Place, cred.Version = s.place(), aws.ToString(out.VersionId)
	return cred, nil
}

var errBinary = errors.New("the secret is binary or empty: store it as text (SecretString)")

// place returns the name of the secret for messages.
func (s *Source) place() string { return "AWS secret " + s.cfg.Secret }

// Format prints the name of the secret, and no other content, for every verb.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.place()) }

// names are the fields of the secret.
func (cfg *Config) names() secrettext.Names {
	return secrettext.Names{Key: cfg.Field, ID: cfg.IDField, Expires: cfg.ExpiresField, Issued: cfg.IssuedField}
}
