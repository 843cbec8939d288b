package iiniit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/iiniit"
)

// together runs f in many goroutines at once and returns the first error.
func together(n int, f func() error) (first error) {
	var all sync.WaitGroup
	errs := make(chan error, n)
	for range n {
		all.Go(func() { errs <- f() })
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestARevokedTokenIsDroppedAndFetchedOnceAndTheCallSentAgainOnce(t *testing.T) {
	t.Parallel()
	users := func(srv *mockserver.Server, app *iiniit.App) *iiniit.Client {
		return newOAuth(t, srv, app, logIn(t, srv, app))
	}
	apps := func(srv *mockserver.Server, app *iiniit.App) *iiniit.Client {
		tokens, err := app.ClientCredentials()
		if err != nil {
			t.Fatal(err)
		}
		c, err := iiniit.NewOAuth(tokens, over(srv))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, client := range map[string]func(*mockserver.Server, *iiniit.App) *iiniit.Client{"user's": users, "app's": apps} {
		for _, callers := range []int{1, 50} {
			srv := mockserver.New(t)
			c := client(srv, newApp(t, srv, mockserver.OAuthClient{}))
			revokeAll(t, srv, mockserver.KindBearer)
			srv.ResetJournal()
			err := together(callers, func() error {
				got, err := iiniit.Send[echo](t.Context(), c, "POST", resource, "lorem")
				if err == nil && got.Bytes != 5 {
					t.Errorf("%s, %d callers: the body is sent again as %d bytes", name, callers, got.Bytes)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s, %d callers: %v", name, callers, err)
			}
			srv.Expect(t, tokenRequests(), 1)
			if n := srv.Counts(calls()).Total; n < callers+1 || n > 2*callers {
				t.Errorf("%s, %d callers: %d requests", name, callers, n)
			}
		}
	}
}

func TestATokenRefusedAlthoughItIsNewIsNotFetchedAgainAndAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		app := newApp(t, srv, mockserver.OAuthClient{})
		c := newOAuth(t, srv, app, logIn(t, srv, app))
		srv.ResetJournal()
		down := srv.Inject(calls(), mockserver.Status(401, `{"error":"invalid_token"}`))
		if _, err := iiniit.Get[echo](t.Context(), c, resource); !errors.Is(err, keyfit.ErrUnauthorized) || errors.Is(err, iiniit.ErrLoginAgain) {
			t.Errorf("got %v", err)
		}
		srv.Expect(t, tokenRequests(), 1)
		srv.Expect(t, calls(), 2)
		for range 20 {
			_, _ = iiniit.Get[echo](t.Context(), c, resource)
		}
		srv.Expect(t, tokenRequests(), 1)
		<-time.After(11 * time.Second) // after a while, a new token may have been revoked too
		_, _ = iiniit.Get[echo](t.Context(), c, resource)
		srv.Expect(t, tokenRequests(), 2)
		down.Remove()
		if _, err := iiniit.Get[echo](t.Context(), c, resource); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}

func TestATokenIsRefreshedAheadOfItsEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts  []iiniit.TokensOption
		quiet time.Duration // no refresh until then
		due   time.Duration
	}{
		"by default":          {nil, 59*time.Minute - time.Second, 59*time.Minute + time.Second},
		"as set":              {[]iiniit.TokensOption{iiniit.RefreshAhead(10 * time.Minute)}, 50*time.Minute - time.Second, 50*time.Minute + time.Second},
		"half a life at most": {[]iiniit.TokensOption{iiniit.RefreshAhead(24 * time.Hour)}, 30*time.Minute - time.Second, 30*time.Minute + time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := mockserver.New(t)
			app := newApp(t, srv, mockserver.OAuthClient{})
			begin := time.Now()
			c := newOAuth(t, srv, app, logIn(t, srv, app), test.opts...)
			srv.ResetJournal()
			get := func() error { _, err := iiniit.Get[echo](t.Context(), c, resource); return err }

			<-time.After(time.Until(begin.Add(test.quiet)))
			if err := together(10, get); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			srv.Expect(t, tokenRequests(), 0)
			<-time.After(time.Until(begin.Add(test.due)))
			if err := together(10, get); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			srv.Expect(t, tokenRequests(), 1)
			srv.Expect(t, mockserver.Match{Path: resource, Status: 401}, 0)
			if d := cmp.Diff(time.Now().Add(time.Hour), c.Keyfit().Keys().Status().Current.Expires); d != "" {
				t.Errorf("%s: the ring's expiry (-want +got):\n%s", name, d)
			}
		})
	}
}

func TestWhileTheTokenEndpointFailsThePresentTokenGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		app := newApp(t, srv, mockserver.OAuthClient{})
		c := newOAuth(t, srv, app, logIn(t, srv, app))
		srv.ResetJournal()
		<-time.After(59*time.Minute + 30*time.Second)
		down := srv.Inject(tokenRequests(), mockserver.Status(503, ""))
		for range 10 {
			if _, err := iiniit.Get[echo](t.Context(), c, resource); err != nil {
				t.Fatal(err)
			}
		}
		srv.Expect(t, tokenRequests(), 1) // not once for each call
		<-time.After(6 * time.Second)
		if _, err := iiniit.Get[echo](t.Context(), c, resource); err != nil {
			t.Fatal(err)
		}
		srv.Expect(t, tokenRequests(), 2)
		<-time.After(time.Minute) // the token has expired
		if _, err := iiniit.Get[echo](t.Context(), c, resource); !errors.Is(err, keyfit.ErrUnauthorized) || errors.Is(err, iiniit.ErrLoginAgain) {
			t.Errorf("without a token: %v", err)
		}
		down.Remove()
		<-time.After(6 * time.Second)
		if _, err := iiniit.Get[echo](t.Context(), c, resource); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}

func TestWatchRefreshesForRawCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		app := newApp(t, srv, mockserver.OAuthClient{})
		c := newOAuth(t, srv, app, logIn(t, srv, app))
		srv.ResetJournal()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = c.Keyfit().Keys().Watch(ctx, 20*time.Second) }()
		<-time.After(10 * time.Hour)
		if _, err := keyfit.Get[echo](t.Context(), c.Keyfit(), resource); err != nil {
			t.Error(err)
		}
		srv.Expect(t, mockserver.Match{Path: resource, Status: 401}, 0)
		srv.Expect(t, tokenRequests(), 10)
	})
}

func TestARefreshTokenThatTheServerChangesIsKeptAndHandedOut(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	app := newApp(t, srv, mockserver.OAuthClient{})
	first := logIn(t, srv, app)
	var saved []iiniit.Token
	broken := errors.New("the store is down")
	c := newOAuth(t, srv, app, first, iiniit.OnRefresh(func(_ context.Context, next iiniit.Token) error {
		saved = append(saved, next)
		if len(saved) == 1 {
			return broken
		}
		return nil
	}))
	revokeAll(t, srv, mockserver.KindBearer)
	if _, err := iiniit.Get[echo](t.Context(), c, resource); err != nil {
		t.Fatalf("a failing store must not fail calls: %v", err)
	}
	for range 2 {
		if _, err := c.Keyfit().Keys().Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(saved) != 2 || saved[0].Refresh.Reveal() != saved[1].Refresh.Reveal() || saved[0].Refresh.Reveal() == first.Refresh.Reveal() {
		t.Fatalf("saved %d tokens", len(saved))
	}
	if d := cmp.Diff([]string{"read:user"}, saved[1].Scopes); d != "" {
		t.Errorf("scopes (-want +got):\n%s", d)
	}

	// A program restarts with the saved token, or with only the refresh token.
	again := newOAuth(t, srv, app, iiniit.Token{Refresh: saved[1].Refresh})
	if _, err := iiniit.Get[echo](t.Context(), again, resource); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	// A program starts with the old refresh token, which has been used.
	tokens, err := app.Tokens(iiniit.Token{Refresh: first.Refresh})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := iiniit.NewOAuth(tokens, over(srv)); !errors.Is(err, iiniit.ErrLoginAgain) || !errors.Is(err, keyfit.ErrUnauthorized) {
		t.Errorf("with a spent refresh token: %v", err)
	}
}

func TestWhenTheGrantIsOverTheUserMustLogInAgain(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	app := newApp(t, srv, mockserver.OAuthClient{})
	withRefresh := logIn(t, srv, app)
	for name, first := range map[string]iiniit.Token{"revoked": withRefresh, "without a refresh token": {Access: logIn(t, srv, app).Access}} {
		c := newOAuth(t, srv, app, first)
		revokeAll(t, srv, mockserver.KindBearer, mockserver.KindRefresh)
		srv.ResetJournal()
		for range 3 {
			_, err := iiniit.Get[echo](t.Context(), c, resource)
			if _, ok := errors.AsType[*keyfit.InvalidKeyError](err); !ok || !errors.Is(err, iiniit.ErrLoginAgain) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := srv.Counts(tokenRequests()).Total; n > 1 {
			t.Errorf("%s: %d requests to the token endpoint", name, n)
		}
	}
}

func TestAChangeOfTheClientSecretIsTold(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	app := newApp(t, srv, mockserver.OAuthClient{})
	tokens, err := app.ClientCredentials()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Keys().Rotate(srv.OAuth().Clients()[0].KeyID, 0); err != nil {
		t.Fatal(err)
	}
	_, err = iiniit.NewOAuth(tokens, over(srv))
	refused, ok := errors.AsType[*iiniit.TokenError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	want := &iiniit.TokenError{Grant: "client credentials", StatusCode: 401, Code: "invalid_client", Description: "client authentication failed"}
	if d := cmp.Diff(want, refused); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !errors.Is(err, keyfit.ErrNoKey) {
		t.Errorf("not ErrNoKey: %v", err)
	}
}
