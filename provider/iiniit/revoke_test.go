package iiniit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/iiniit"
)

const (
	revokeURL     = "https://www.iiniit.com/oauth/revoke"
	introspectURL = "https://www.iiniit.com/oauth/introspect"
)

func TestARevokedGrantIsOverAtTheServerAndHere(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	app := newApp(t, srv, mockserver.OAuthClient{})
	app.RevokeURL = revokeURL
	tokens, err := app.Tokens(logIn(t, srv, app))
	if err != nil {
		t.Fatal(err)
	}
	c, err := iiniit.NewOAuth(tokens, over(srv))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := iiniit.Get[echo](t.Context(), c, resource); err != nil {
		t.Fatal(err)
	}
	if err := tokens.Revoke(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, k := range srv.OAuth().Tokens() {
		if k.Status != mockserver.StatusRevoked {
			t.Errorf("the %s is %s at the server", k.Kind, k.Status)
		}
	}
	srv.ResetJournal()
	_, typed := iiniit.Get[echo](t.Context(), c, resource)
	_, untyped := keyfit.Send[echo](t.Context(), c.Keyfit(), http.MethodPost, resource, "x")
	_, source := tokens.Credential(t.Context())
	for name, err := range map[string]error{"a typed call": typed, "an untyped call": untyped, "the source": source} {
		if !errors.Is(err, iiniit.ErrLoginAgain) {
			t.Errorf("%s: %v", name, err)
		}
	}
	srv.Expect(t, calls(), 0)
	srv.Expect(t, tokenRequests(), 0)
}

func TestIntrospectionTellsWhatTheServerKnows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		app := newApp(t, srv, mockserver.OAuthClient{})
		app.IntrospectURL = introspectURL
		first := logIn(t, srv, app)
		tokens, err := app.Tokens(first)
		if err != nil {
			t.Fatal(err)
		}
		said, err := tokens.Introspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !said.Active || said.ClientID != app.ClientID || said.Expires.Sub(first.Expires).Abs() > 2*time.Second {
			t.Errorf("%+v, and the token ends %v", said, first.Expires)
		}
		if diff := cmp.Diff([]string{"read:user"}, said.Scopes); diff != "" {
			t.Errorf("scopes (-want +got):\n%s", diff)
		}
		srv.OAuth().ExpireAll(mockserver.KindBearer)
		said, err = tokens.Introspect(t.Context())
		if diff := cmp.Diff(iiniit.Introspection{}, said); diff != "" || err != nil {
			t.Errorf("an ended token: %v (-want +got):\n%s", err, diff)
		}
	})
}

// Refusals are typed, redirects are not followed, and no error tells a secret.
func TestARefusedRevocationOrIntrospectionIsTyped(t *testing.T) {
	t.Parallel()
	const secret, access = "app-secret-lorem-fitsum", "access-lorem-fitsum-1"
	for name, test := range map[string]struct {
		url, location string
		status        int
		body          string
		want          string // in the error
		typed         bool
		is            error
	}{
		"no URL":          {want: "the vendor documents none"},
		"plain http":      {url: "http://www.iiniit.com/x", want: "https", is: keyfit.ErrInsecure},
		"refused":         {url: revokeURL, status: 401, body: `{"error":"invalid_client","error_description":"no ` + secret + `"}`, want: "invalid_client", typed: true, is: keyfit.ErrUnauthorized},
		"refused in HTML": {url: revokeURL, status: 503, body: "<html>" + access, want: "503 Service Unavailable", typed: true},
		"a redirect":      {url: revokeURL, status: 307, location: "https://evil.example/", want: "redirects", is: keyfit.ErrCrossOrigin},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent []string
			wire := roundTrip(func(req *http.Request) (*http.Response, error) {
				sent = append(sent, req.URL.String())
				return &http.Response{StatusCode: test.status, Header: http.Header{"Location": {test.location}}, Body: io.NopCloser(strings.NewReader(test.body)), Request: req}, nil
			})
			app := &iiniit.App{
				ClientID: "id", ClientSecret: keyfit.NewSecret(secret), TokenURL: tokenURL, RevokeURL: test.url, IntrospectURL: test.url, Transport: wire,
			}
			tokens, err := app.Tokens(iiniit.Token{Access: keyfit.NewSecret(access)})
			if err != nil {
				t.Fatal(err)
			}
			_, introspected := tokens.Introspect(t.Context())
			for _, err := range []error{introspected, tokens.Revoke(t.Context())} {
				var typed *iiniit.TokenError
				if err == nil || !strings.Contains(err.Error(), test.want) || errors.As(err, &typed) != test.typed || test.is != nil && !errors.Is(err, test.is) ||
					strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), access) || strings.Contains(err.Error(), "\n") {
					t.Errorf("the error is %v", err)
				}
			}
			for _, at := range sent {
				if at != revokeURL {
					t.Errorf("sent to %s", at)
				}
			}
		})
	}
}

// A wrong configuration shows before there is a token, and two refusals are one line.
func TestAMissingEndpointIsToldWithoutAToken(t *testing.T) {
	t.Parallel()
	app := &iiniit.App{ClientID: "id", ClientSecret: keyfit.NewSecret("app-secret-lorem"), TokenURL: tokenURL}
	tokens, err := app.ClientCredentials()
	if err != nil {
		t.Fatal(err)
	}
	_, introspected := tokens.Introspect(t.Context())
	for field, err := range map[string]error{"IntrospectURL": introspected, "RevokeURL": tokens.Revoke(t.Context())} {
		if err == nil || !strings.Contains(err.Error(), "the app has no "+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	app.RevokeURL, app.Transport = revokeURL, roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody}, nil
	})
	both, err := app.Tokens(iiniit.Token{Access: keyfit.NewSecret("access-lorem"), Refresh: keyfit.NewSecret("refresh-lorem")})
	if err != nil {
		t.Fatal(err)
	}
	if err := both.Revoke(t.Context()); err == nil || strings.Count(err.Error(), "403") != 2 || strings.Contains(err.Error(), "\n") {
		t.Errorf("two refusals: %v", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (rt roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return rt(req) }

// A token that has worked is refreshed at its next refusal, however soon that is.
func TestASecondEndOfATokenIsRefreshedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		app := newApp(t, srv, mockserver.OAuthClient{})
		c := newOAuth(t, srv, app, logIn(t, srv, app))
		for range 5 {
			srv.OAuth().ExpireAll(mockserver.KindBearer)
			if _, err := iiniit.Get[echo](t.Context(), c, resource); err != nil {
				t.Error(err)
			}
			if _, err := keyfit.Get[echo](t.Context(), c.Keyfit(), resource); err != nil {
				t.Error(err)
			}
		}
	})
}

// What a refusal right after a refresh means is said by a type, for as long as the option says.
func TestARefusalRightAfterARefreshIsTypedAndConfigurable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		opts     []iiniit.TokensOption
		pause    time.Duration
		requests int // to the token endpoint, by three calls in a row
	}{
		{nil, 10 * time.Second, 1},
		{[]iiniit.TokensOption{iiniit.RefusalPause(time.Minute)}, time.Minute, 1},
		{[]iiniit.TokensOption{iiniit.RefusalPause(0)}, 0, 4}, // the first call is replayed twice
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := mockserver.New(t)
			app := newApp(t, srv, mockserver.OAuthClient{})
			c := newOAuth(t, srv, app, logIn(t, srv, app), test.opts...)
			srv.Inject(calls(), mockserver.Status(401, `{"error":"invalid_token"}`))
			srv.ResetJournal()
			for range 3 {
				_, err := iiniit.Get[echo](t.Context(), c, resource)
				var paused *iiniit.RefreshPausedError
				if errors.As(err, &paused) != (test.pause > 0) || !errors.Is(err, keyfit.ErrUnauthorized) || paused != nil && paused.Wait > test.pause {
					t.Errorf("%v: %v", test.pause, err)
				}
				<-time.After(2 * time.Second) // of the bubble: questions to a source are spaced
			}
			srv.Expect(t, tokenRequests(), test.requests)
		})
	}
	if _, err := (&iiniit.App{ClientID: "id", TokenURL: tokenURL}).Tokens(iiniit.Token{Access: keyfit.NewSecret("x")}, iiniit.RefusalPause(-1)); err == nil {
		t.Error("a negative pause is taken")
	}
}

var _ keyfit.Source = (*iiniit.Tokens)(nil)

func TestAWaitForTheTokensEndsWithTheContext(t *testing.T) {
	t.Parallel()
	app := &iiniit.App{ClientID: "id", TokenURL: tokenURL, RevokeURL: revokeURL, IntrospectURL: introspectURL}
	hold, release := make(chan struct{}), make(chan struct{})
	app.Transport = roundTrip(func(*http.Request) (*http.Response, error) { close(hold); <-release; return nil, io.EOF })
	tokens, err := app.Tokens(iiniit.Token{Access: keyfit.NewSecret("x")})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- tokens.Revoke(context.WithoutCancel(t.Context())) }()
	<-hold
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = tokens.Introspect(ctx)
	if again := tokens.Revoke(ctx); !errors.Is(err, context.Canceled) || !errors.Is(again, context.Canceled) {
		t.Errorf("%v, %v", err, again)
	}
	close(release)
	if err := <-done; err == nil {
		t.Error("a lost connection is no error")
	}
}
