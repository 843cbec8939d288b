package vault_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/vault"
	"github.com/keyfit/keyfit/source/vault/vaulttest"
)

func TestAConfigurationThatCannotWorkIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	token := vault.Token(keyfit.NewSecret("hvs.token"))
	tests := map[string]struct {
		cfg  vault.Config
		want string // "" for no error
	}{
		"no path":                    {vault.Config{Auth: token}, "the Vault source needs the path of a secret"},
		"a negative version":         {vault.Config{Path: "app", Version: -1, Auth: token}, "version and timeout of a Vault source must not be negative"},
		"no URL":                     {vault.Config{Path: "app", Address: "vault.example.com", Auth: token}, "the address of the Vault server is not a URL such as https://vault.example.com:8200"},
		"a password in the address":  {vault.Config{Path: "app", Address: "https://u:canary@vault.example.com", Auth: token}, "the address of the Vault server contains a user or a password: remove them"},
		"plain http":                 {vault.Config{Path: "app", Address: "http://vault.example.com:8200", Auth: token}, "the Vault server vault.example.com:8200 is configured with plain http, which would expose the token and the key: use https, or set Config.PlainHTTP"},
		"plain http that is wanted":  {vault.Config{Path: "app", Address: "http://vault.example.com:8200", Auth: token, PlainHTTP: true}, ""},
		"plain http to this machine": {vault.Config{Path: "app", Address: "http://[::1]:8200", Auth: token}, ""},
		"https":                      {vault.Config{Path: "app", Address: "https://vault.example.com:8200", Auth: token}, ""},
		"another scheme":             {vault.Config{Path: "app", Address: "ftp://vault.example.com", Auth: token}, `the scheme of the Vault address is "ftp": use https`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := vault.New(test.cfg)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheTokenOfTheEnvironmentIsTheDefault(t *testing.T) {
	fake := vaulttest.New(vaulttest.Vault)
	web := httptest.NewServer(fake)
	t.Cleanup(web.Close)
	t.Setenv("VAULT_ADDR", web.URL)
	t.Setenv("VAULT_TOKEN", "")
	if _, err := vault.New(vault.Config{Path: "app"}); err == nil || !strings.Contains(err.Error(), "has no token") {
		t.Errorf("without a token: got %v", err)
	}
	t.Setenv("VAULT_TOKEN", fake.RootToken())
	t.Setenv("VAULT_WRAP_TTL", "5m") // affects only the command line
	wrapped := false
	fake.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		wrapped = wrapped || r.Header.Get("X-Vault-Wrap-TTL") != ""
		return false
	})
	src := newSource(t, vault.Config{Path: "app"})
	if _, err := src.Credential(t.Context()); !errors.Is(err, keyfit.ErrNoKey) {
		t.Errorf("with a token: got %v", err)
	}
	if wrapped {
		t.Error("the response was wrapped")
	}
}

func TestWhatAServerMayAnswer(t *testing.T) {
	t.Parallel()
	always := func(status int, body string) func(int) (int, string) {
		return func(int) (int, string) { return status, body }
	}
	const document = `{"data":{"data":{"key":"k1"},"metadata":{"version":1}}}`
	tests := map[string]struct {
		answer func(n int) (int, string) // to the nth request, from 0
		asked  int
		want   string // "" for the key
	}{
		"what is needed and nothing more": {always(200, document), 1, ""},
		"a version in quotes, and more":   {always(200, `{"new":1,"data":{"data":{"key":"k1"},"metadata":{"version":"1","new":{}},"new":[]}}`), 1, ""},
		"500, and then the key":           {func(n int) (int, string) { return 200 + 300*(1-min(n, 1)), document }, 2, ""},
		"500 for good":                    {always(500, `{"errors":["internal error"]}`), 3, "500, internal server error: the server is unavailable; the next read tries again"},
		"sealed":                          {always(503, `{"errors":["Vault is sealed"]}`), 3, "503, is sealed: unseal the server"},
		"a quota":                         {always(429, `{"errors":["request path \"x\": rate limit quota exceeded"]}`), 3, "429, quota exceeded: the server limits requests: read less often"},
		"a redirect":                      {always(307, ""), 1, "the server redirects to another address, to which the token was not sent: use the address of the active server"},
		"a page":                          {always(200, "<html>"), 1, "the response is not JSON: check that this is the address of a Vault or OpenBao server"},
		"a page of an error":              {always(404, "<html>"), 1, "404, not found: check the address, the namespace and the mount"},
		"nothing":                         {always(200, ""), 1, "the response is not JSON: check that this is the address of a Vault or OpenBao server"},
		"KV version 1":                    {always(200, `{"data":{"key":"k1"}}`), 1, "the response is not from KV version 2: check the mount and the kind of the engine"},
		"no version":                      {always(200, `{"data":{"data":{"key":"k1"},"metadata":{}}}`), 1, "the response is not from KV version 2: check the mount and the kind of the engine"},
		"far too much":                    {always(200, `{"data":"`+strings.Repeat("x", 2<<20)+`"}`), 1, "the response is larger than the limit of 1048576 bytes"},
		"far too much of an error":        {always(400, strings.Repeat("x", 2<<20)), 1, "the response is larger than the limit of 1048576 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // fake time skips the waits between retries
				asked := 0
				server := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					status, body := test.answer(asked)
					asked++
					if status == http.StatusTemporaryRedirect {
						w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
					}
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
				})
				src := newSource(t, vault.Config{
					Address: "http://localhost", Path: "app", Auth: vault.Token(keyfit.NewSecret("hvs.t")), Transport: inProcess{server},
				})
				cred, err := src.Credential(t.Context())
				switch {
				case test.want == "" && (err != nil || cred.Key.Reveal() != "k1"):
					t.Errorf("got %q, %v", cred.Key.Reveal(), err)
				case test.want != "":
					if err == nil {
						t.Fatal("there is no error")
					}
					if diff := cmp.Diff("Vault secret secret/app: "+test.want, err.Error()); diff != "" {
						t.Errorf("error (-want +got):\n%s", diff)
					}
				}
				if asked != test.asked {
					t.Errorf("%d requests, want %d", asked, test.asked)
				}
			})
		})
	}
}

func TestAServerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(web.Close)
	t.Cleanup(func() { close(stop) })
	cfg := vault.Config{Address: web.URL, Path: "app", Auth: vault.Token(keyfit.NewSecret("hvs.t")), Timeout: 30 * time.Millisecond}
	_, err := newSource(t, cfg).Credential(t.Context())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("timeout: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg.Timeout = 0
	if _, err = newSource(t, cfg).Credential(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestCloseLeavesNoConnection(t *testing.T) {
	t.Parallel()
	fake, closed := vaulttest.New(vaulttest.Vault), make(chan struct{}, 1)
	web := httptest.NewUnstartedServer(fake)
	web.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	web.Start()
	t.Cleanup(web.Close)
	fake.Write("secret", "app", map[string]any{"key": "k1"})
	src := newSource(t, vault.Config{Address: web.URL, Path: "app", Auth: vault.Token(keyfit.NewSecret(fake.RootToken()))})
	for range 2 { // the source can be used again
		if _, err := src.Credential(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
		select {
		case <-closed:
		case <-time.After(5 * time.Second):
			t.Fatal("the connection is still there")
		}
	}
}

func TestAServerThatIsAwayIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := vault.Config{Address: "http://localhost", Path: "app", Auth: vault.Token(keyfit.NewSecret("hvs.t"))}
		cfg.Transport = away{}
		_, err := newSource(t, cfg).Credential(t.Context())
		if err == nil || !strings.Contains(err.Error(), "the server is not reachable: the line is cut") {
			t.Errorf("got %v", err)
		}
	})
}

type away struct{}

func (away) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the line is cut")
}
