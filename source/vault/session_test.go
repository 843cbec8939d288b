package vault_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/vault/api"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/vault"
	"github.com/keyfit/keyfit/source/vault/vaulttest"
)

func TestARoleLogsInOnceForManyQuestions(t *testing.T) {
	t.Parallel()
	onEachServer(t, func(t *testing.T, s *server) {
		t.Helper()
		s.write(t, "app", map[string]any{"key": "k1"})
		cfg := s.config("app")
		cfg.Auth = s.role(t, "read")
		src := newSource(t, cfg)
		for range 3 {
			if _, err := src.Credential(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"PUT auth/approle/login", "GET kv/data/app", "GET kv/data/app", "GET kv/data/app"}
		if diff := cmp.Diff(want, s.transport.sent(s)); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

func TestARefusedTokenIsReplacedAndTheReadRepeated(t *testing.T) {
	t.Parallel()
	onEachServer(t, func(t *testing.T, s *server) {
		t.Helper()
		s.write(t, "app", map[string]any{"key": "k1"})
		cfg := s.config("app")
		cfg.Auth = s.role(t, "read")
		src := newSource(t, cfg)
		for range 2 { // it works more than once
			if _, err := src.Credential(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.revoke(t, s.transport.lastToken())
			s.transport.sent(s)
			cred, err := src.Credential(t.Context())
			if err != nil || cred.Key.Reveal() != "k1" {
				t.Fatalf("got %q, %v", cred.Key.Reveal(), err)
			}
			want := []string{"GET kv/data/app", "PUT auth/approle/login", "GET kv/data/app"}
			if diff := cmp.Diff(want, s.transport.sent(s)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		}
	})
}

func TestAPolicyThatDoesNotAllowItCausesOneLogin(t *testing.T) {
	t.Parallel()
	onEachServer(t, func(t *testing.T, s *server) {
		t.Helper()
		s.write(t, "app", map[string]any{"key": "k1"})
		cfg := s.config("app")
		cfg.Auth = s.role(t, "list")
		src := newSource(t, cfg)
		for range 3 {
			_, err := src.Credential(t.Context())
			if err == nil || !strings.Contains(err.Error(), "or its policy does not allow reading "+s.mount+"/data/app") {
				t.Fatalf("got %v", err)
			}
		}
		want := []string{
			"PUT auth/approle/login", "GET kv/data/app", "PUT auth/approle/login", "GET kv/data/app", // the first read
			"GET kv/data/app", "GET kv/data/app",
		}
		if diff := cmp.Diff(want, s.transport.sent(s)); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

func TestALoginThatFailsIsSaid(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*vault.AppRole)
		want   string
	}{
		"a wrong secret id": {
			func(a *vault.AppRole) { a.SecretID = keyfit.NewSecret("wrong") },
			"login: 400, invalid role or secret id: the role id or secret id is wrong, expired or used up, or the auth method is not mounted there",
		},
		"no method at that mount": {
			func(a *vault.AppRole) { a.Mount = "keyfit-nowhere" },
			"login: 403, permission denied: the role id or secret id is wrong, expired or used up, or the auth method is not mounted there",
		},
		"no role id":               {func(a *vault.AppRole) { a.RoleID = "" }, "login: AppRole needs a RoleID"},
		"a file that is not there": {func(a *vault.AppRole) { a.SecretID, a.SecretIDFile = keyfit.Secret{}, "nowhere" }, "login: file of the AppRole secret id nowhere: no such file or directory"},
		"two secret ids":           {func(a *vault.AppRole) { a.SecretIDFile = "somewhere" }, "login: AppRole has both SecretID and SecretIDFile: set only one of them"},
	}
	onEachServer(t, func(t *testing.T, s *server) {
		t.Helper()
		role := s.role(t, "read")
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				cfg, own := s.config("app"), role
				test.change(&own)
				cfg.Auth = own
				_, err := newSource(t, cfg).Credential(t.Context())
				if diff := cmp.Diff("Vault secret "+s.mount+"/app: "+test.want, fmt.Sprint(err)); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				if errors.Is(err, keyfit.ErrNoKey) {
					t.Error("a chain would continue with a key of lower priority")
				}
			})
		}
	})
}

// inBubble returns a fake without a network, so that its tokens and the source use the clock of
// a synctest bubble.
func inBubble(t *testing.T, ttl string) (*vaulttest.Fake, *vault.Source) {
	t.Helper()
	fake := vaulttest.New(vaulttest.Vault)
	fake.Write("secret", "app", map[string]any{"key": "k1"})
	auth := fake.NewRole("approle", "app", ttl, `{"path":{"secret/data/*":{"capabilities":["read"]}}}`)
	src := newSource(t, vault.Config{
		Address: "http://localhost", Path: "app", Transport: fake.Transport(),
		Auth: vault.AppRole{RoleID: auth.RoleID, SecretID: keyfit.NewSecret(auth.SecretID)},
	})
	return fake, src
}

func logins(requests []string) (n int) {
	for _, r := range requests {
		if strings.HasSuffix(r, "/login") {
			n++
		}
	}
	return n
}

func TestAtSeventyPercentOfItsLifeATokenIsReplacedAndNoReadFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// A TTL of 2 s and a read every 100 ms: the watcher of the Vault client loses 5 of 112
		// reads.
		fake, src := inBubble(t, "2s")
		denied := 0
		fake.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/data/") && !fake.Knows(r.Header.Get("X-Vault-Token")) {
				denied++
			}
			return false
		})
		for range 112 {
			if _, err := src.Credential(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-time.After(100 * time.Millisecond)
		}
		if denied != 0 {
			t.Errorf("%d of 112 reads went out with a dead token, want none", denied)
		}
		if diff := cmp.Diff(8, logins(fake.Requests())); diff != "" { // 11.2 s, a login every 1.4 s
			t.Errorf("logins (-want +got):\n%s", diff)
		}
	})
}

func TestAFailedLoginIsNoFailureWhileTheOldTokenLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, src := inBubble(t, "10m")
		if _, err := src.Credential(t.Context()); err != nil {
			t.Fatal(err)
		}
		fake.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/login") {
				return false
			}
			http.Error(w, `{"errors":["invalid role or secret ID"]}`, http.StatusBadRequest)
			return true
		})
		<-time.After(8 * time.Minute)
		if _, err := src.Credential(t.Context()); err != nil {
			t.Errorf("after 8 of 10 minutes: %v", err)
		}
		<-time.After(3 * time.Minute)
		if _, err := src.Credential(t.Context()); err == nil || !strings.Contains(err.Error(), "login: 400, invalid role or secret id") {
			t.Errorf("after 11 of 10 minutes: got %v", err)
		}
	})
}

func TestManyQuestionsAtOnceShareALogin(t *testing.T) {
	t.Parallel()
	s := newFake(t, vaulttest.Vault)
	s.write(t, "app", map[string]any{"key": "k1"})
	cfg := s.config("app")
	cfg.Auth = s.role(t, "read")
	src := newSource(t, cfg)
	for range 3 {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, err := src.Versions(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := logins(s.transport.sent(s)); n != 1 {
			t.Errorf("%d logins, want 1", n)
		}
		s.revoke(t, s.transport.lastToken())
	}
}

func TestAnyLoginOfTheVaultClientWillDo(t *testing.T) {
	t.Parallel()
	s := newFake(t, vaulttest.Vault)
	s.write(t, "app", map[string]any{"key": "k1"})
	cfg := s.config("app")
	cfg.Auth = loginFunc(func(_ context.Context, client *api.Client) (*api.Secret, error) {
		if client.Token() != "" {
			return nil, errors.New("the login was sent a token")
		}
		return &api.Secret{Auth: &api.SecretAuth{ClientToken: s.admin.Token()}}, nil
	})
	if _, err := newSource(t, cfg).Credential(t.Context()); err != nil {
		t.Error(err)
	}
	cfg.Auth = loginFunc(func(context.Context, *api.Client) (*api.Secret, error) { return &api.Secret{}, nil })
	_, err := newSource(t, cfg).Credential(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the login response has no token") {
		t.Errorf("got %v", err)
	}
}

func TestTheWordsOfAnotherLoginAreNotPassedOn(t *testing.T) {
	t.Parallel()
	s := newFake(t, vaulttest.Vault)
	tests := map[string]struct {
		err  error
		want string
	}{
		"words":  {errors.New("canary"), "failed before a request was sent (*errors.errorString)"},
		"a file": {fmt.Errorf("canary: %w", &os.PathError{Op: "open", Path: "/run/token", Err: os.ErrNotExist}), "open /run/token: file does not exist"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := s.config("app")
			cfg.Auth = loginFunc(func(context.Context, *api.Client) (*api.Secret, error) { return nil, test.err })
			_, err := newSource(t, cfg).Credential(t.Context())
			if diff := cmp.Diff("Vault secret "+s.mount+"/app: login: "+test.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

type loginFunc func(context.Context, *api.Client) (*api.Secret, error)

func (f loginFunc) Login(ctx context.Context, c *api.Client) (*api.Secret, error) { return f(ctx, c) }
