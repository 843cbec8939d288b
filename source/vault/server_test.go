package vault_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/vault"
	"github.com/keyfit/keyfit/source/vault/vaulttest"
)

// server is a fake, or the real server at VAULT_ADDR.
type server struct {
	name, addr string
	admin      *api.Client     // has all permissions
	mount      string          // a KV engine for this test only
	approle    string          // a mount of AppRole for this test only
	fake       *vaulttest.Fake // nil for a real server
	isBao      bool            // OpenBao, not Vault
	transport  *recorder       // records the requests of sources
}

// onEachServer runs a test on the fakes of both servers, and on the real server of VAULT_ADDR
// and VAULT_TOKEN if they are set.
func onEachServer(t *testing.T, test func(*testing.T, *server)) {
	t.Helper()
	for _, flavor := range []vaulttest.Flavor{vaulttest.Vault, vaulttest.OpenBao} {
		t.Run("fake "+string(flavor), func(t *testing.T) {
			t.Parallel()
			test(t, newFake(t, flavor))
		})
	}
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		addr, token := os.Getenv("VAULT_ADDR"), os.Getenv("VAULT_TOKEN")
		if addr == "" || token == "" {
			t.Skip("set VAULT_ADDR and VAULT_TOKEN (a token that may do everything) to run this against a real Vault or OpenBao")
		}
		test(t, newServer(t, &server{name: "real", addr: addr}, token))
	})
}

func newFake(t *testing.T, flavor vaulttest.Flavor) *server {
	t.Helper()
	fake := vaulttest.New(flavor)
	web := httptest.NewServer(fake)
	t.Cleanup(web.Close)
	return newServer(t, &server{name: string(flavor), addr: web.URL, fake: fake, isBao: flavor == vaulttest.OpenBao}, fake.RootToken())
}

func newServer(t *testing.T, s *server, root string) *server {
	t.Helper()
	conf := api.DefaultConfig()
	conf.Address = s.addr
	var err error
	if s.admin, err = api.NewClient(conf); err != nil {
		t.Fatal(err)
	}
	s.admin.SetToken(root)
	s.transport = &recorder{base: http.DefaultTransport.(*http.Transport).Clone()}
	unique := strings.ToLower(rand.Text()[:8])
	s.mount, s.approle = "keyfit-test-"+unique, "keyfit-test-"+unique
	s.put(t, "sys/mounts/"+s.mount, map[string]any{"type": "kv", "options": map[string]any{"version": "2"}})
	t.Cleanup(func() { _, _ = s.admin.Logical().Delete("sys/mounts/" + s.mount) })
	return s
}

// config returns the configuration of a source for a secret, with the administrator's token.
func (s *server) config(path string) vault.Config {
	return vault.Config{
		Address: s.addr, Mount: s.mount, Path: path, Transport: s.transport,
		Auth: vault.Token(keyfit.NewSecret(s.admin.Token())),
	}
}

func (s *server) put(t *testing.T, path string, body map[string]any) *api.Secret {
	t.Helper()
	answer, err := s.admin.Logical().WriteWithContext(t.Context(), path, body)
	if err != nil {
		t.Fatalf("set up %s: %v", path, err)
	}
	return answer
}

// write adds a version of a secret.
func (s *server) write(t *testing.T, path string, data map[string]any) {
	t.Helper()
	s.put(t, s.mount+"/data/"+path, map[string]any{"data": data})
}

// role creates a role whose tokens have the capability for every secret of the mount.
func (s *server) role(t *testing.T, capability string) vault.AppRole {
	t.Helper()
	policy := s.mount + "-" + capability
	s.put(t, "sys/policies/acl/"+policy, map[string]any{
		"policy": `{"path":{"` + s.mount + `/data/*":{"capabilities":["` + capability + `"]}}}`,
	})
	s.put(t, "sys/auth/"+s.approle, map[string]any{"type": "approle"})
	t.Cleanup(func() {
		_, _ = s.admin.Logical().Delete("sys/auth/" + s.approle)
		_, _ = s.admin.Logical().Delete("sys/policies/acl/" + policy)
	})
	role := "auth/" + s.approle + "/role/app"
	s.put(t, role, map[string]any{"token_ttl": "1h", "token_policies": policy})
	id, err := s.admin.Logical().ReadWithContext(t.Context(), role+"/role-id")
	if err != nil {
		t.Fatal(err)
	}
	secret := s.put(t, role+"/secret-id", map[string]any{})
	return vault.AppRole{
		RoleID: id.Data["role_id"].(string), SecretID: keyfit.NewSecret(secret.Data["secret_id"].(string)), Mount: s.approle,
	}
}

func (s *server) revoke(t *testing.T, token string) {
	t.Helper()
	s.put(t, "auth/token/revoke", map[string]any{"token": token})
}

// recorder records the requests of a source, "GET path?query" without the mount, and the
// tokens.
type recorder struct {
	base http.RoundTripper

	mu    sync.Mutex
	lines []string
	token string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	line := req.Method + " " + strings.TrimPrefix(req.URL.Path, "/v1/")
	if req.URL.RawQuery != "" {
		line += "?" + req.URL.RawQuery
	}
	r.lines = append(r.lines, line)
	if token := req.Header.Get("X-Vault-Token"); token != "" {
		r.token = token
	}
	r.mu.Unlock()
	return r.base.RoundTrip(req)
}

// sent returns the requests since the last call, with shortened mounts.
func (r *recorder) sent(s *server) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := []string{}
	for _, line := range r.lines {
		line = strings.Replace(line, "auth/"+s.approle+"/", "auth/approle/", 1)
		lines = append(lines, strings.Replace(line, s.mount+"/", "kv/", 1))
	}
	r.lines = nil
	return lines
}

func (r *recorder) lastToken() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.token
}

func newSource(t *testing.T, cfg vault.Config) *vault.Source {
	t.Helper()
	src, err := vault.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	return src
}

// shown is an offer as a test compares it: with the keys in the clear.
type shown struct{ ID, Key, Version, Expires, Issued string }

func show(c keyfit.Credential) shown {
	s := shown{ID: c.ID.Reveal(), Key: c.Key.Reveal(), Version: c.Version}
	if !c.Expires.IsZero() {
		s.Expires = c.Expires.Format(time.DateOnly)
	}
	if !c.Issued.IsZero() {
		s.Issued = c.Issued.Format(time.DateOnly)
	}
	return s
}

func offered(ctx context.Context, t *testing.T, src *vault.Source) (current, previous shown) {
	t.Helper()
	offer, err := src.Versions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !offer.Pending.Key.IsZero() {
		t.Error("Vault has no pending version, and one was offered")
	}
	return show(offer.Current), show(offer.Previous)
}
