package iiniit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/keyfit/keyfit"
)

// ErrLoginAgain says that the server gives no other token: the grant was revoked or is
// over, and only a new [App.Login] helps. It comes with the refusal of the last token.
var ErrLoginAgain = errors.New("iiniit: no other token can be had: let the user log in again")

// Tokens is a [keyfit.Source] of access tokens, each with its end. It gives what it has
// until that is near its end or refused, and then fetches one other, for all who ask. It
// is safe for concurrent use. Give one Tokens to one client.
type Tokens struct {
	app     *App
	ahead   time.Duration
	save    func(context.Context, Token) error
	request func(ctx context.Context, refresh keyfit.Secret) (Token, error)

	turn    chan struct{} // holds one element; who has it may change what is below
	token   Token
	unsaved bool      // save has not taken the token
	relieve time.Time // the token was fetched for a refused one, at this time

	renew atomic.Int64          // Unix nanoseconds from which on the next token is due; 0 never
	ended atomic.Pointer[error] // why no other can be had
}

const (
	// defaultAhead is [RefreshAhead] if it is not given.
	defaultAhead = time.Minute
	// afterFailure is the pause before a due token is asked for again in vain.
	afterFailure = 5 * time.Second
	// afterRefusal is how long a token that replaced a refused one is not replaced for
	// being refused too: then it is not the token that is wrong.
	afterRefusal = 10 * time.Second
)

// TokensOption changes [Tokens] at their making.
type TokensOption func(*Tokens) error

// RefreshAhead sets how long before a token's end the next one is fetched; the default is
// one minute. It is at most half the token's life, whatever is set. Negative is an error.
func RefreshAhead(d time.Duration) TokensOption {
	return func(t *Tokens) error {
		if d < 0 {
			return errors.New("iiniit: RefreshAhead wants a time of zero or more")
		}
		t.ahead = d
		return nil
	}
}

// OnRefresh has save keep every token that is fetched from now on. A server that changes
// the refresh token ends the old one, so a program which is to live through a restart
// stores the new one here. save is called by one goroutine at a time and before the token
// is used. If it fails the token is used nevertheless, and save is called again with it
// when the token is next asked for: report the failure yourself.
func OnRefresh(save func(ctx context.Context, next Token) error) TokensOption {
	return func(t *Tokens) error {
		if save == nil {
			return errors.New("iiniit: OnRefresh wants a function")
		}
		t.save = save
		return nil
	}
}

// Tokens returns a source that begins with a token of [App.Exchange], or one that was
// stored: Access may be empty where Refresh is not. Nothing is sent.
func (a *App) Tokens(first Token, opts ...TokensOption) (*Tokens, error) {
	if first.Access.IsZero() && first.Refresh.IsZero() {
		return nil, errors.New("iiniit: the first token is empty")
	}
	app := *a
	return app.newTokens(first, opts, func(ctx context.Context, refresh keyfit.Secret) (Token, error) {
		if refresh.IsZero() {
			return Token{}, fmt.Errorf("%w (there is no refresh token)", ErrLoginAgain)
		}
		next, err := app.fetch(ctx, "refresh token", []keyfit.Secret{app.ClientSecret, refresh}, func(ctx context.Context) (*oauth2.Token, error) {
			return app.config().TokenSource(ctx, &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
		})
		if refused, ok := errors.AsType[*TokenError](err); ok && refused.Code == "invalid_grant" {
			return Token{}, fmt.Errorf("%w (%w)", ErrLoginAgain, refused)
		}
		return next, err
	})
}

// ClientCredentials returns a source of tokens for the app itself, by its ID and secret
// (RFC 6749, section 4.4). The error names what the App lacks. Nothing is sent.
func (a *App) ClientCredentials(opts ...TokensOption) (*Tokens, error) {
	if a.ClientSecret.IsZero() {
		return nil, errors.New("iiniit: client credentials need a ClientSecret")
	}
	app := *a
	return app.newTokens(Token{}, opts, func(ctx context.Context, _ keyfit.Secret) (Token, error) {
		return app.fetch(ctx, "client credentials", []keyfit.Secret{app.ClientSecret}, func(ctx context.Context) (*oauth2.Token, error) {
			c := clientcredentials.Config{
				ClientID: app.ClientID, ClientSecret: app.ClientSecret.Reveal(), TokenURL: app.TokenURL,
				Scopes: app.Scopes, AuthStyle: oauth2.AuthStyleInParams,
			}
			return c.Token(ctx)
		})
	})
}

func (a *App) newTokens(first Token, opts []TokensOption, request func(context.Context, keyfit.Secret) (Token, error)) (*Tokens, error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	t := &Tokens{app: a, ahead: defaultAhead, request: request, turn: make(chan struct{}, 1)}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("iiniit: an option is nil")
		}
		if err := opt(t); err != nil {
			return nil, err
		}
	}
	t.take(first, time.Now())
	return t, nil
}

// Credential returns the present access token, or the next one if the present is near its
// end or is the one that the provider refused ([keyfit.RefusedKey]). The error is that of
// the token endpoint: [*TokenError], [ErrLoginAgain], or that of a connection.
func (t *Tokens) Credential(ctx context.Context) (keyfit.Credential, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return keyfit.Credential{}, ctx.Err()
	}
	now := time.Now()
	refused := keyfit.RefusedKey(ctx)
	dropped := refused != "" && refused == t.credential().Fingerprint() && !now.Before(t.relieve.Add(afterRefusal))
	if t.token.Access.IsZero() || t.due() || dropped {
		if err := t.next(ctx, now, dropped); err != nil && (dropped || !t.lives(now)) {
			return keyfit.Credential{}, err
		}
	}
	t.store(ctx)
	return t.credential(), nil
}

// next fetches the next token. A failure leaves the present one.
func (t *Tokens) next(ctx context.Context, now time.Time, dropped bool) error {
	if ended := t.ending(); ended != nil {
		return ended
	}
	next, err := t.request(ctx, t.token.Refresh)
	if err != nil {
		if errors.Is(err, ErrLoginAgain) {
			t.ended.Store(&err)
			t.renew.Store(0)
		} else if t.renew.Load() != 0 {
			t.renew.Store(now.Add(afterFailure).UnixNano())
		}
		return err
	}
	if next.Refresh.IsZero() { // RFC 6749, section 6: the old one goes on
		next.Refresh = t.token.Refresh
	}
	if next.Scopes == nil { // section 5.1: as asked for before
		next.Scopes = t.token.Scopes
	}
	if t.relieve = (time.Time{}); dropped {
		t.relieve = now
	}
	t.take(next, now)
	t.unsaved = t.save != nil
	return nil
}

func (t *Tokens) store(ctx context.Context) {
	if t.unsaved && t.save(ctx, t.token) == nil {
		t.unsaved = false
	}
}

// take makes a token the present one and sets when the next is due.
func (t *Tokens) take(token Token, now time.Time) {
	t.token = token
	if token.Expires.IsZero() {
		t.renew.Store(0)
		return
	}
	ahead := min(t.ahead, max(0, token.Expires.Sub(now)/2))
	t.renew.Store(token.Expires.Add(-ahead).UnixNano())
}

// due reports whether the next token should be fetched.
func (t *Tokens) due() bool {
	at := t.renew.Load()
	return at != 0 && time.Now().UnixNano() >= at
}

// lives reports whether the present token may still be good.
func (t *Tokens) lives(now time.Time) bool {
	return !t.token.Access.IsZero() && (t.token.Expires.IsZero() || now.Before(t.token.Expires))
}

// ending returns why no other token can be had, or nil.
func (t *Tokens) ending() error {
	if err := t.ended.Load(); err != nil {
		return *err
	}
	return nil
}

func (t *Tokens) credential() keyfit.Credential {
	if t.token.Access.IsZero() {
		return keyfit.Credential{}
	}
	return keyfit.Credential{Key: t.token.Access, Expires: t.token.Expires, Place: "the token endpoint " + t.app.TokenURL}
}
