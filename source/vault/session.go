package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/keyfit/keyfit"
)

// session is what one login gave. It is never changed.
type session struct {
	client *api.Client
	token  keyfit.Secret
	renew  time.Time // from here on a new login is due; zero for never
	end    time.Time // of the token's life; zero if it has none
}

// A token that is used up to its end fails the reads which overtake it: 5 of 112 with the
// client's own watcher. At 70 % of its life nobody has noticed yet.
const (
	renewNumerator   = 7
	renewDenominator = 10
)

// deniedPause is how long a refused secret is taken for a lack of permission rather than of
// a good token: a policy that is wrong must not turn every question into a login.
const deniedPause = time.Minute

// session returns the one in use, or logs in if there is none, its time has come or it is
// refused, which is the one that the server did not take.
func (s *Source) session(ctx context.Context, refused *session) (*session, error) {
	if have := s.sess.Load(); s.usable(have, refused) {
		return have, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	have := s.sess.Load()
	if s.usable(have, refused) {
		return have, nil // somebody else has logged in meanwhile
	}
	fresh, err := s.login(ctx)
	if err == nil {
		s.sess.Store(fresh)
		return fresh, nil
	}
	if have != nil && have != refused && time.Now().Before(have.end) && ctx.Err() == nil {
		return have, nil // 30 % of its life are left to try again
	}
	return nil, err
}

// usable reports whether a session is good for another request as far as one can know.
func (s *Source) usable(have, refused *session) bool {
	if _, file := s.cfg.Auth.(tokenFile); file {
		return false // the file may say something else by now, and reading it is cheap
	}
	return have != nil && have != refused && (have.renew.IsZero() || time.Now().Before(have.renew))
}

func (s *Source) login(ctx context.Context) (*session, error) {
	now := time.Now() // the life of the token may begin before its news is here
	anonymous, err := withToken(s.client, "")
	if err != nil {
		return nil, err
	}
	answer, err := s.cfg.Auth.Login(ctx, anonymous)
	if err != nil {
		return nil, s.loginError(ctx, err)
	}
	if answer == nil || answer.Auth == nil || answer.Auth.ClientToken == "" {
		return nil, errors.New("the login was answered without a token; a second factor is not supported")
	}
	token := answer.Auth.ClientToken
	client, err := withToken(s.client, token)
	if err != nil {
		return nil, err
	}
	fresh := &session{client: client, token: keyfit.NewSecret(token)}
	if life := time.Duration(answer.Auth.LeaseDuration) * time.Second; life > 0 {
		fresh.renew, fresh.end = now.Add(life/renewDenominator*renewNumerator), now.Add(life)
	}
	return fresh, nil
}

// withSession calls use, and once more after a new login if the server refused the token: it
// may have been revoked, or the server restarted without it.
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
		return err // the only token there is
	}
	if err = use(fresh); isForbidden(err) {
		s.denied.Store(time.Now().UnixNano())
	}
	return err
}
