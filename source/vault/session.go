package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/keyfit/keyfit"
)

// session is the immutable result of a login.
type session struct {
	client  *api.Client
	token   keyfit.Secret
	renewAt time.Time // when a new login is due; zero: never
	expires time.Time // expiry of the token; zero: never
}

// A token that is used until it expires makes concurrent reads fail: 5 of 112 with the watcher
// of the Vault client. The source therefore logs in at 70 % of the lifetime.
const (
	renewNumerator   = 7
	renewDenominator = 10
)

// deniedPause is how long a refusal after a fresh login counts as a missing permission, so that
// a wrong policy does not cause a login for every read.
const deniedPause = time.Minute

// session returns the current session. It logs in if there is none, if a new login is due, or
// if the current session is refused, the one whose token the server did not accept.
func (s *Source) session(ctx context.Context, refused *session) (*session, error) {
	if have := s.sess.Load(); s.usable(have, refused) {
		return have, nil
	}
	select {
	case s.loginSem <- struct{}{}:
		defer func() { <-s.loginSem }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	have := s.sess.Load()
	if s.usable(have, refused) {
		return have, nil // another goroutine has logged in
	}
	fresh, err := s.login(ctx)
	if err == nil {
		s.sess.Store(fresh)
		return fresh, nil
	}
	if have != nil && have != refused && time.Now().Before(have.expires) && ctx.Err() == nil {
		return have, nil // 30 % of the lifetime are left for another attempt
	}
	return nil, err
}

// usable reports whether a session may be used for another request.
func (s *Source) usable(have, refused *session) bool {
	if _, file := s.cfg.Auth.(tokenFile); file {
		return false // the file may have changed, and reading it is cheap
	}
	return have != nil && have != refused && (have.renewAt.IsZero() || time.Now().Before(have.renewAt))
}

func (s *Source) login(ctx context.Context) (*session, error) {
	now := time.Now() // the lifetime may start before the response arrives
	anonymous, err := withToken(s.client(), "")
	if err != nil {
		return nil, err
	}
	answer, err := s.cfg.Auth.Login(ctx, anonymous)
	if err != nil {
		return nil, s.loginError(ctx, err)
	}
	if answer == nil || answer.Auth == nil || answer.Auth.ClientToken == "" {
		return nil, errors.New("the login response has no token; a second factor is not supported")
	}
	token := answer.Auth.ClientToken
	client, err := withToken(s.client(), token)
	if err != nil {
		return nil, err
	}
	fresh := &session{client: client, token: keyfit.NewSecret(token)}
	if life := time.Duration(answer.Auth.LeaseDuration) * time.Second; life > 0 {
		fresh.renewAt, fresh.expires = now.Add(life/renewDenominator*renewNumerator), now.Add(life)
	}
	return fresh, nil
}

// withSession calls use. If the server refuses the token, which may have been revoked or lost
// in a restart, it logs in and calls use once more.
func (s *Source) withSession(ctx context.Context, use func(*session) error) error {
	sess, err := s.session(ctx, nil)
	if err != nil {
		return err
	}
	err = use(sess)
	if !isForbidden(err) || time.Since(time.Unix(0, s.denied.Load())) < deniedPause {
		return err
	}
	fresh, loginErr := s.session(ctx, sess)
	if loginErr != nil {
		return fmt.Errorf("%w; a new login failed: %w", err, loginErr)
	}
	if fresh.token.Reveal() == sess.token.Reveal() {
		return err // there is no other token
	}
	if err = use(fresh); isForbidden(err) {
		s.denied.Store(time.Now().UnixNano())
	}
	return err
}
