package iiniit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/keyfit/keyfit"
)

// ErrLoginAgain means that the server issues no new token, because the grant was revoked or
// has expired; the user must log in again ([App.Login]). It is wrapped together with the
// refusal of the last token.
var ErrLoginAgain = errors.New("iiniit: no new token is available: the user must log in again")

// Tokens is a [keyfit.Source] of access tokens with an expiry. It returns the current token
// until that is about to expire or is refused, and then fetches a new one, once for all
// callers. It is safe for concurrent use. Use each Tokens for one client only.
type Tokens struct {
	place   string // of the tokens, for a person
	ahead   time.Duration
	save    func(context.Context, Token) error
	request func(ctx context.Context, refresh keyfit.Secret, known []keyfit.Secret) (Token, error) // leads to the App, whose transport a printer must not reach

	pause time.Duration                                                                                                     // see RefusalPause
	ask   func(ctx context.Context, what question, token keyfit.Secret, hint string, known []keyfit.Secret) ([]byte, error) // leads to the App, too

	sem     chan struct{} // a mutex for the fields below that a context can interrupt
	token   Token
	known   []keyfit.Secret // of the last tokens: the server's texts may repeat them
	unsaved bool            // save has not stored the token

	dueAt       atomic.Int64          // when the next token is due, in Unix nanoseconds; 0: never
	pausedUntil atomic.Int64          // until when the token is kept although it is refused, as dueAt; 0: it is not
	revoked     atomic.Bool           // by Revoke
	ended       atomic.Pointer[error] // why no new token is available; nil if one may be
}

const (
	// defaultRefreshAhead is the default of [RefreshAhead].
	defaultRefreshAhead = time.Minute
	// failurePause is the pause between failed attempts to fetch a due token.
	failurePause = 5 * time.Second
	// defaultRefusalPause is the default of [RefusalPause].
	defaultRefusalPause = 10 * time.Second
	// maxKnown bounds the secrets that are remembered, two for each token.
	maxKnown = 16
)

// TokensOption configures [Tokens].
type TokensOption func(*Tokens) error

// RefreshAhead sets how long before the expiry of a token the next one is fetched. The
// default is one minute; the maximum is half of the token's lifetime. A negative duration is
// an error.
func RefreshAhead(d time.Duration) TokensOption {
	return func(t *Tokens) error {
		if d < 0 {
			return errors.New("iiniit: RefreshAhead must not be negative")
		}
		t.ahead = d
		return nil
	}
}

// RefusalPause sets how long a token that replaced a refused one is kept if it is refused too,
// before it has worked once: then the token is hardly the cause, and a new one for every call
// would be a load for the token endpoint. Calls fail meanwhile with the provider's 401, which
// wraps a [*RefreshPausedError]. The default is 10 seconds; 0 fetches a new token at every
// refusal. A negative duration is an error.
func RefusalPause(d time.Duration) TokensOption {
	return func(t *Tokens) error {
		if d < 0 {
			return errors.New("iiniit: RefusalPause must not be negative")
		}
		t.pause = d
		return nil
	}
}

// RefreshPausedError says why no new token was fetched for a call that was refused: the token
// had replaced a refused one a moment before and has not worked since, so something else is
// wrong, such as a scope, a suspended app or a clock.
type RefreshPausedError struct {
	Wait time.Duration // until a new token is fetched at the next refusal; see [RefusalPause]
}

// Error returns one line.
func (e *RefreshPausedError) Error() string {
	return fmt.Sprintf("iiniit: the token was refused although it is new; another one is fetched in %s", e.Wait.Round(time.Millisecond))
}

// OnRefresh calls save with every token that is fetched. A server that issues a new refresh
// token revokes the old one, so a program that must survive a restart stores the new one
// here. save is called by one goroutine at a time, before the token is used. If save fails,
// the token is used nevertheless, and save is called again at the next use of the Tokens;
// save itself must report the failure.
func OnRefresh(save func(ctx context.Context, next Token) error) TokensOption {
	return func(t *Tokens) error {
		if save == nil {
			return errors.New("iiniit: the function of OnRefresh is nil")
		}
		t.save = save
		return nil
	}
}

// Tokens returns a source whose first token comes from [App.Exchange] or from storage.
// Access may be empty if Refresh is not. Tokens sends no request.
func (a *App) Tokens(first Token, opts ...TokensOption) (*Tokens, error) {
	if first.Access.IsZero() && first.Refresh.IsZero() {
		return nil, errors.New("iiniit: the first token is empty")
	}
	app := *a
	return app.newTokens(first, opts, func(ctx context.Context, refresh keyfit.Secret, known []keyfit.Secret) (Token, error) {
		if refresh.IsZero() {
			return Token{}, fmt.Errorf("%w (there is no refresh token)", ErrLoginAgain)
		}
		next, err := app.fetch(ctx, "refresh token", append(known, app.ClientSecret, refresh), func(ctx context.Context) (*oauth2.Token, error) {
			return app.config().TokenSource(ctx, &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
		})
		if refused, ok := errors.AsType[*TokenError](err); ok && refused.Code == "invalid_grant" {
			return Token{}, fmt.Errorf("%w (%w)", ErrLoginAgain, refused)
		}
		return next, err
	})
}

// ClientCredentials returns a source of tokens for the app itself, authenticated by its ID
// and secret (RFC 6749, section 4.4). It sends no request. The error names a missing or
// invalid field of the App.
func (a *App) ClientCredentials(opts ...TokensOption) (*Tokens, error) {
	if a.ClientSecret.IsZero() {
		return nil, errors.New("iiniit: client credentials need a ClientSecret")
	}
	app := *a
	return app.newTokens(Token{}, opts, func(ctx context.Context, _ keyfit.Secret, known []keyfit.Secret) (Token, error) {
		return app.fetch(ctx, "client credentials", append(known, app.ClientSecret), func(ctx context.Context) (*oauth2.Token, error) {
			c := clientcredentials.Config{
				ClientID: app.ClientID, ClientSecret: app.ClientSecret.Reveal(), TokenURL: app.TokenURL,
				Scopes: app.Scopes, AuthStyle: oauth2.AuthStyleInParams,
			}
			return c.Token(ctx)
		})
	})
}

func (a *App) newTokens(first Token, opts []TokensOption, request func(context.Context, keyfit.Secret, []keyfit.Secret) (Token, error)) (*Tokens, error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	t := &Tokens{
		place: a.place(), ahead: defaultRefreshAhead, pause: defaultRefusalPause, request: request, ask: a.ask,
		sem: make(chan struct{}, 1),
	}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("iiniit: an option is nil")
		}
		if err := opt(t); err != nil {
			return nil, err
		}
	}
	t.setToken(first, time.Now())
	return t, nil
}

// Credential returns the current access token. It first fetches a new one if the current
// token is about to expire or was refused by the provider ([keyfit.RefusedKey]). The error
// is a [*TokenError], [ErrLoginAgain], or an error of the connection to the token endpoint.
func (t *Tokens) Credential(ctx context.Context) (keyfit.Credential, error) {
	if err := t.lock(ctx); err != nil {
		return keyfit.Credential{}, err
	}
	defer t.unlock()
	now := time.Now()
	refused := keyfit.RefusedKey(ctx)
	dropped := refused != "" && refused == t.credential().Fingerprint() && t.paused(now) <= 0
	if t.token.Access.IsZero() || t.due() || dropped || t.revoked.Load() {
		if err := t.fetchNext(ctx, now, dropped); err != nil && (dropped || !t.valid(now) || t.revoked.Load()) {
			return keyfit.Credential{}, err
		}
	}
	t.store(ctx)
	return t.credential(), nil
}

// lock waits for the other callers, as long as the context allows.
func (t *Tokens) lock(ctx context.Context) error {
	select {
	case t.sem <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *Tokens) unlock() { <-t.sem }

// fetchNext fetches the next token. After a failure the current one stays in use.
func (t *Tokens) fetchNext(ctx context.Context, now time.Time, dropped bool) error {
	if ended := t.endedErr(); ended != nil {
		return ended
	}
	next, err := t.request(ctx, t.token.Refresh, slices.Clone(t.known))
	if err != nil {
		if errors.Is(err, ErrLoginAgain) {
			t.ended.Store(&err)
			t.dueAt.Store(0)
		} else if t.dueAt.Load() != 0 {
			t.dueAt.Store(now.Add(failurePause).UnixNano())
		}
		return err
	}
	if next.Refresh.IsZero() { // RFC 6749, section 6: the old one stays valid
		next.Refresh = t.token.Refresh
	}
	if next.Scopes == nil { // section 5.1: identical to the requested scopes
		next.Scopes = t.token.Scopes
	}
	t.pausedUntil.Store(0)
	if dropped {
		t.pausedUntil.Store(now.Add(t.pause).UnixNano())
	}
	t.setToken(next, now)
	t.unsaved = t.save != nil
	return nil
}

func (t *Tokens) store(ctx context.Context) {
	if t.unsaved && t.save(ctx, t.token) == nil {
		t.unsaved = false
	}
}

// setToken sets the current token and when the next is due.
func (t *Tokens) setToken(token Token, now time.Time) {
	t.token = token
	t.known = append(t.known, token.Access, token.Refresh)
	t.known = t.known[max(0, len(t.known)-maxKnown):]
	if token.Expires.IsZero() {
		t.dueAt.Store(0)
		return
	}
	ahead := min(t.ahead, max(0, token.Expires.Sub(now)/2))
	t.dueAt.Store(token.Expires.Add(-ahead).UnixNano())
}

// due reports whether the next token should be fetched.
func (t *Tokens) due() bool {
	at := t.dueAt.Load()
	return at != 0 && time.Now().UnixNano() >= at
}

// valid reports whether the current token has not expired.
func (t *Tokens) valid(now time.Time) bool {
	return !t.token.Access.IsZero() && (t.token.Expires.IsZero() || now.Before(t.token.Expires))
}

// paused returns how long a refused token is kept.
func (t *Tokens) paused(now time.Time) time.Duration {
	until := t.pausedUntil.Load()
	if until == 0 {
		return 0
	}
	return time.Unix(0, until).Sub(now)
}

// watched is a middleware of calls. It sends none with a token that this program has revoked,
// and once a token has worked, a later refusal is the token's end.
func (t *Tokens) watched(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if t.revoked.Load() {
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, errRevoked
		}
		resp, err := next.RoundTrip(req)
		if err == nil && resp.StatusCode < http.StatusBadRequest && t.pausedUntil.Load() != 0 {
			t.pausedUntil.Store(0)
		}
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (rt roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return rt(req) }

// endedErr returns why no new token is available, or nil.
func (t *Tokens) endedErr() error {
	if err := t.ended.Load(); err != nil {
		return *err
	}
	return nil
}

func (t *Tokens) credential() keyfit.Credential {
	if t.token.Access.IsZero() {
		return keyfit.Credential{}
	}
	return keyfit.Credential{Key: t.token.Access, Expires: t.token.Expires, Place: t.place}
}
