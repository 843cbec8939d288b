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
)

// The defaults of a [Config].
const (
	DefaultExpiresField = "not_after"
	DefaultIssuedField  = "issued_at"
	DefaultTimeout      = 15 * time.Second
)

// The staging labels, as
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html names them.
const (
	stageCurrent  = "AWSCURRENT"
	stagePrevious = "AWSPREVIOUS"
	stagePending  = "AWSPENDING"
)

// Client is what the source asks: a [secretsmanager.Client].
type Client interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Config says which secret holds the key. Only Secret is required.
type Config struct {
	// Secret is the name or the ARN of the secret; an ARN for one of another account.
	Secret string
	// Field holds the key in a secret that is a JSON object, as the console writes it. "" is
	// for a secret that is the key and nothing else.
	Field string
	// IDField holds the public half of a pair; "" for a single key. It needs Field.
	IDField string
	// ExpiresField says when the key ends, as an RFC 3339 date or time, in a secret that is a
	// JSON object. A key without it has no known end. The default is [DefaultExpiresField].
	ExpiresField string
	// IssuedField says, in the same way, when the provider issued the key, for providers
	// whose keys live for a fixed time. That a version was written is no such date. The
	// default is [DefaultIssuedField].
	IssuedField string
	// Timeout bounds one question to the source, retries included; the default is
	// [DefaultTimeout].
	Timeout time.Duration
	// PlainHTTP lets the key come over plain http from another machine, where the client has
	// such an endpoint. Leave it off.
	PlainHTTP bool
}

// Source is a [keyfit.Source] and a [keyfit.VersionedSource]. It is safe for concurrent use.
type Source struct {
	client Client
	cfg    Config
}

var _ interface {
	keyfit.Source
	keyfit.VersionedSource
} = (*Source)(nil)

// New checks the configuration. It sends nothing: what the client's credentials may not do
// is an error of the first question. Region, credentials and retries are the client's.
func New(client Client, cfg Config) (*Source, error) {
	switch {
	case client == nil:
		return nil, errors.New("the Secrets Manager source needs a client: secretsmanager.NewFromConfig makes one")
	case cfg.Secret == "":
		return nil, errors.New("the Secrets Manager source needs the name or the ARN of a secret")
	case cfg.IDField != "" && cfg.Field == "":
		return nil, errors.New("the Secrets Manager source has a field for the id and none for the key")
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
	return &Source{client: client, cfg: cfg}, nil
}

// Credential returns the version labelled AWSCURRENT. See [Source.Versions] for the errors.
func (s *Source) Credential(ctx context.Context) (keyfit.Credential, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	return s.current(ctx)
}

// Versions returns the versions labelled AWSCURRENT, AWSPREVIOUS and AWSPENDING. That is three
// requests; [Source.Credential] is one.
//
// A secret that is not there, or that has no AWSCURRENT, is an error that wraps
// [keyfit.ErrNoKey], so that a [keyfit.Chain] goes on. A secret that is marked for deletion,
// one that is binary or has no such field, missing permissions, a service that is away are
// errors of a source that should have had a key. That one of the other two versions cannot
// be had is no error.
func (s *Source) Versions(ctx context.Context) (keyfit.Versions, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	current, err := s.current(ctx)
	if err != nil {
		return keyfit.Versions{}, err
	}
	offer := keyfit.Versions{Current: current}
	offer.Previous = s.other(ctx, stagePrevious, current)
	offer.Pending = s.other(ctx, stagePending, current)
	return offer, nil
}

func (s *Source) current(ctx context.Context) (keyfit.Credential, error) {
	cred, err := s.read(ctx, stageCurrent)
	if err != nil {
		return keyfit.Credential{}, fmt.Errorf("%s: %w", s.place(), err)
	}
	return cred, nil
}

// other returns the version of a label beside the current one, or none: whatever is wrong
// with it must not hide that one. Rotations leave AWSPENDING on the version that they have
// made current; it is not pending any more.
func (s *Source) other(ctx context.Context, stage string, current keyfit.Credential) keyfit.Credential {
	cred, err := s.read(ctx, stage)
	if err != nil || cred.Version == current.Version {
		return keyfit.Credential{}
	}
	return cred
}

func (s *Source) read(ctx context.Context, stage string) (keyfit.Credential, error) {
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(s.cfg.Secret), VersionStage: aws.String(stage),
	}, s.guarded)
	if err != nil {
		return keyfit.Credential{}, worded(ctx, err)
	}
	if out == nil || out.SecretString == nil {
		return keyfit.Credential{}, errBinary
	}
	cred, err := s.parse(*out.SecretString)
	if err != nil {
		return keyfit.Credential{}, err
	}
	cred.Place, cred.Version = s.place(), aws.ToString(out.VersionId)
	return cred, nil
}

var errBinary = errors.New("the secret is binary or empty: store it as text (SecretString)")

// place names the secret for a person.
func (s *Source) place() string { return "AWS secret " + s.cfg.Secret }

// Format prints the place of the secret, and nothing of the inside, for every verb.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.place()) }
