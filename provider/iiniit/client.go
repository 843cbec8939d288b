package iiniit

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// Client calls iiniit with one account's credential. Make it once and keep it; it is safe
// for concurrent use.
type Client struct {
	keyfit *keyfit.Client
	tokens *Tokens // nil without OAuth
}

// New returns a client that sends Authorization: ApiKey with the key of
// [keyfit.WithKey] or [keyfit.WithSource], else of IINIIT_API_KEY in the environment or in
// .env. The host is https://api.iiniit.com unless IINIIT_BASE_URL or [keyfit.WithBaseURL]
// says otherwise. The error is a [*keyfit.NoKeyError] if there is no key, or names the
// option that is wrong. Nothing is sent.
func New(opts ...keyfit.Option) (*Client, error) { return newClient(keyfit.Iiniit(), opts) }

// NewQuery is [New] with the key in the query, as ?api_key=.
func NewQuery(opts ...keyfit.Option) (*Client, error) {
	p := keyfit.Iiniit()
	p.Scheme = keyfit.Query("api_key")
	return newClient(p, opts)
}

// NewOAuth returns a client that sends Authorization: Bearer with the tokens of
// [App.Tokens] or [App.ClientCredentials]. It fetches the first token if there is none
// yet, which takes 30 seconds at most; the error is then a [*keyfit.NoKeyError] with a
// [*TokenError] under it. Options that name a key are refused.
func NewOAuth(tokens *Tokens, opts ...keyfit.Option) (*Client, error) {
	if tokens == nil {
		return nil, errors.New("iiniit: the tokens are nil: make them with App.Tokens or App.ClientCredentials")
	}
	p := keyfit.Iiniit()
	p.Scheme, p.EnvVar = keyfit.Bearer(), ""
	c, err := newClient(p, append([]keyfit.Option{keyfit.WithSource(tokens)}, opts...))
	if err != nil {
		return nil, err
	}
	c.tokens = tokens
	return c, nil
}

func newClient(p keyfit.Provider, opts []keyfit.Option) (*Client, error) {
	c, err := keyfit.New(p, opts...)
	if err != nil {
		return nil, err
	}
	return FromClient(c), nil
}

// FromClient puts the calls of this package over a client that there is: one with a fixed
// Bearer token, for instance.
func FromClient(c *keyfit.Client) *Client { return &Client{keyfit: c} }

// Keyfit returns the client underneath, for keys, rotation and raw calls.
func (c *Client) Keyfit() *keyfit.Client { return c.keyfit }

// Get sends a GET to path and decodes the JSON answer into a T, as [keyfit.Get] does. The
// errors are those; after a refusal that only the user can end, also [ErrLoginAgain].
func Get[T any](ctx context.Context, c *Client, path string, opts ...keyfit.CallOption) (T, error) {
	return Send[T](ctx, c, http.MethodGet, path, nil, opts...)
}

// Send sends a request with a body, as [keyfit.Send] does: nil for none, url.Values for a
// form, any other value as JSON. The errors are those of [Get].
func Send[T any](ctx context.Context, c *Client, method, path string, body any, opts ...keyfit.CallOption) (T, error) {
	c.refreshAhead(ctx)
	value, err := keyfit.Send[T](ctx, c.keyfit, method, path, body, opts...)
	return value, c.explain(err)
}

// Path fills the {parameters} of a template with values in order, each as the one segment
// that it is, whatever it holds: iiniit.Path("/things/{id}", id). An empty value and a
// wrong number of values are errors.
func Path(template string, values ...string) (string, error) {
	path, err := wire.Path(template, values...)
	if err != nil {
		return "", fmt.Errorf("iiniit: %w", err)
	}
	return path, nil
}

// refreshAhead has the keyring ask for the next token if the present one is near its end.
// A failure is in an event, and the present token goes on.
func (c *Client) refreshAhead(ctx context.Context) {
	if c.tokens != nil && ctx != nil && c.tokens.due() {
		_, _ = c.keyfit.Keys().Reload(ctx)
	}
}

// explain adds why no other token could be had to the refusal of the last one.
func (c *Client) explain(err error) error {
	if c.tokens == nil || !errors.Is(err, keyfit.ErrUnauthorized) {
		return err
	}
	if ended := c.tokens.ending(); ended != nil {
		return fmt.Errorf("%w; %w", err, ended)
	}
	return err
}
