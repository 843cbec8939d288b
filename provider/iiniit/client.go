package iiniit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// Client calls iiniit with the credential of one account. Create it once and reuse it; it
// is safe for concurrent use.
type Client struct {
	keyfit *keyfit.Client
	tokens *Tokens // nil without OAuth
}

// New returns a client that sends Authorization: ApiKey. The key comes from [keyfit.WithKey]
// or [keyfit.WithSource], otherwise from IINIIT_API_KEY in the environment or in .env. The
// base URL is https://api.iiniit.com unless IINIIT_BASE_URL or [keyfit.WithBaseURL] is set.
// The error is a [*keyfit.NoKeyError] if there is no key, or names the invalid option. New
// sends no request.
func New(opts ...keyfit.Option) (*Client, error) { return newClient(keyfit.Iiniit(), opts) }

// NewQuery is like [New], but sends the key as the query parameter api_key.
func NewQuery(opts ...keyfit.Option) (*Client, error) {
	p := keyfit.Iiniit()
	p.Scheme = keyfit.Query("api_key")
	return newClient(p, opts)
}

// NewOAuth returns a client that sends Authorization: Bearer with the tokens of
// [App.Tokens] or [App.ClientCredentials]. If tokens holds no token yet, NewOAuth fetches
// the first one, which takes at most 30 seconds; a failure is a [*keyfit.NoKeyError] that
// wraps a [*TokenError]. Options that set a key are refused.
func NewOAuth(tokens *Tokens, opts ...keyfit.Option) (*Client, error) {
	if tokens == nil {
		return nil, errors.New("iiniit: the tokens are nil: create them with App.Tokens or App.ClientCredentials")
	}
	p := keyfit.Iiniit()
	p.Scheme, p.EnvVar = keyfit.Bearer(), ""
	c, err := newClient(p, append([]keyfit.Option{keyfit.WithSource(tokens), keyfit.WithCallMiddleware(tokens.watched)}, opts...))
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

// FromClient wraps an existing client, for example one with a fixed Bearer token.
func FromClient(c *keyfit.Client) *Client { return &Client{keyfit: c} }

// Keyfit returns the underlying client, for keys, rotation and untyped calls.
func (c *Client) Keyfit() *keyfit.Client { return c.keyfit }

// Get sends a GET request to path and decodes the JSON response into a T, like
// [keyfit.Get], and returns the same errors. If only a new login can help, the error also
// wraps [ErrLoginAgain], and if a new token was refused, a [*RefreshPausedError].
func Get[T any](ctx context.Context, c *Client, path string, opts ...keyfit.CallOption) (T, error) {
	return Send[T](ctx, c, http.MethodGet, path, nil, opts...)
}

// Send sends a request with a body, like [keyfit.Send]: nil for no body, url.Values for a
// form, any other value as JSON. It returns the same errors as [Get].
func Send[T any](ctx context.Context, c *Client, method, path string, body any, opts ...keyfit.CallOption) (T, error) {
	c.refreshAhead(ctx)
	value, err := keyfit.Send[T](ctx, c.keyfit, method, path, body, opts...)
	return value, c.explain(err)
}

// Call is [Send] for a template of a path, whose {parameters} it replaces as [Path] does:
//
//	thing, err := iiniit.Call[Thing](ctx, c, http.MethodGet, "/things/{id}", []string{id}, nil)
//
// The template names the operation for hooks and log, "GET /things/{id}"; see [keyfit.WithRoute],
// which does so for Get and Send.
func Call[T any](ctx context.Context, c *Client, method, template string, values []string, body any, opts ...keyfit.CallOption) (T, error) {
	path, err := Path(template, values...)
	if err != nil {
		if stream, ok := body.(io.Closer); ok {
			_ = stream.Close()
		}
		var none T
		return none, err
	}
	route, _, _ := strings.Cut(template, "?")
	return Send[T](ctx, c, method, path, body, append([]keyfit.CallOption{keyfit.WithRoute(method + " " + route)}, opts...)...)
}

// Path replaces the {parameters} of a template by values in order and escapes each value
// as one segment: iiniit.Path("/things/{id}", id). An empty value or a wrong number of
// values is an error.
func Path(template string, values ...string) (string, error) {
	path, err := wire.Path(template, values...)
	if err != nil {
		return "", fmt.Errorf("iiniit: %w", err)
	}
	return path, nil
}

// refreshAhead makes the keyring reload if the current token is about to expire. A failure
// is reported as an event, and the current token stays in use.
func (c *Client) refreshAhead(ctx context.Context) {
	if c.tokens != nil && ctx != nil && c.tokens.due() {
		_, _ = c.keyfit.Keys().Reload(ctx)
	}
}

// explain adds to the refusal of the last token the reason why no new one is available.
func (c *Client) explain(err error) error {
	if c.tokens == nil || !errors.Is(err, keyfit.ErrUnauthorized) {
		return err
	}
	if ended := c.tokens.endedErr(); ended != nil {
		return fmt.Errorf("%w; %w", err, ended)
	}
	if wait := c.tokens.paused(time.Now()); wait > 0 {
		return fmt.Errorf("%w; %w", err, &RefreshPausedError{Wait: wait})
	}
	return err
}
