package keyfit_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// productClient is a client of one product in a directory with this .env, with what it reports.
func productClient(t *testing.T, p keyfit.Provider, prefix, dotenv string, env map[string]string, opts ...keyfit.Option) (*keyfit.Client, []string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if dotenv != "" {
		if err := os.WriteFile(path, []byte(dotenv), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
	var events []string
	hook := keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) {
		if e.Kind == keyfit.KeyShared {
			events = append(events, strings.ReplaceAll(e.Reason, path, ".env"))
		}
	}})
	c, err := keyfit.New(p, append(opts, keyfit.WithDotEnv(path), keyfit.WithEnvPrefix(prefix), hook)...)
	return c, events, err
}

//nolint:paralleltest // the environment belongs to the process
func TestAPrefixChoosesTheVariablesOfOneProduct(t *testing.T) {
	acme := keyfit.Provider{Name: "acme-eu", BaseURL: "https://api.acme.example", Scheme: keyfit.Pair("X-Id", "X-Key"), EnvVar: "ACME_KEY", EnvID: "ACME_ID", EnvURL: "ACME_URL"}
	const web, mobile, base = "9f1c2a7be04d4b1f8a66aa0c1e55d3f2", "0c7d91e2a4b84f6f93bb1d2e3f405162", "https://staging.example"
	for _, test := range []struct {
		name     string
		provider keyfit.Provider
		prefix   string
		dotenv   string
		env      map[string]string
		key, url string // fingerprint of the key, base URL
		err      string
	}{
		{name: "environment", provider: keyfit.Imin(), prefix: "IMIN_WEB", env: map[string]string{"IMIN_API_KEY": mobile, "IMIN_WEB_API_KEY": web}, key: web, url: "https://search.imin.co"},
		{name: "underscore at the end", provider: keyfit.Imin(), prefix: "IMIN_WEB_", env: map[string]string{"IMIN_WEB_API_KEY": web}, key: web, url: "https://search.imin.co"},
		{name: "any prefix", provider: keyfit.Imin(), prefix: "SHOP", env: map[string]string{"SHOP_API_KEY": web}, key: web, url: "https://search.imin.co"},
		{name: ".env", provider: keyfit.Imin(), prefix: "IMIN_WEB", dotenv: "IMIN_API_KEY=" + mobile + "\nIMIN_WEB_API_KEY=" + web + "\n", key: web, url: "https://search.imin.co"},
		{name: "base URL of the product", provider: keyfit.Imin(), prefix: "IMIN_WEB", env: map[string]string{"IMIN_WEB_API_KEY": web, "IMIN_BASE_URL": "https://other.example", "IMIN_WEB_BASE_URL": base}, key: web, url: base},
		{name: "base URL of the provider", provider: keyfit.Imin(), prefix: "IMIN_WEB", env: map[string]string{"IMIN_WEB_API_KEY": web, "IMIN_BASE_URL": base}, key: web, url: base},
		{name: "base URL in .env", provider: keyfit.Imin(), prefix: "IMIN_WEB", dotenv: "IMIN_WEB_API_KEY=" + web + "\nIMIN_WEB_BASE_URL=" + base + "\n", key: web, url: base},
		{name: "no other product's key", provider: keyfit.Imin(), prefix: "IMIN_WEB", env: map[string]string{"IMIN_API_KEY": web}, err: "imin: no key: environment variable IMIN_WEB_API_KEY: not set"},
		{name: "a pair", provider: acme, prefix: "SHOP", env: map[string]string{"SHOP_KEY": web, "SHOP_ID": "shop-1", "ACME_ID": "other"}, key: web, url: "https://api.acme.example"},
		{name: "no variable", provider: keyfit.Provider{Name: "x", BaseURL: "https://x.example", Scheme: keyfit.Bearer()}, prefix: "SHOP", err: "x: WithEnvPrefix: the provider names no variable"},
		{name: "empty", provider: keyfit.Imin(), prefix: "", err: "imin: WithEnvPrefix: the prefix is empty"},
		{name: "no name", provider: keyfit.Imin(), prefix: "IMIN-WEB", err: "imin: WithEnvPrefix: \"IMIN-WEB\" is not the beginning of a variable's name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, _, err := productClient(t, test.provider, test.prefix, test.dotenv, test.env)
			if test.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.err) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := []string{c.Keys().Status().Current.Fingerprint, c.BaseURL()}
			want := keyfit.APIKey(test.key)
			if test.name == "a pair" {
				want = keyfit.KeyPair("shop-1", test.key)
			}
			if diff := cmp.Diff([]string{want.Fingerprint(), test.url}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

//nolint:paralleltest // the environment belongs to the process
func TestTwoProductsWithOneKeyAreReported(t *testing.T) {
	const web, mobile = "9f1c2a7be04d4b1f8a66aa0c1e55d3f2", "0c7d91e2a4b84f6f93bb1d2e3f405162"
	say := func(other, own string) string {
		return other + " has the key of " + own + ": give each product its own key, so that one can be revoked alone"
	}
	for _, test := range []struct {
		name   string
		dotenv string
		env    map[string]string
		opts   []keyfit.Option
		want   []string
	}{
		{name: "two keys", env: map[string]string{"IMIN_WEB_API_KEY": web, "IMIN_API_KEY": mobile, "IMIN_APP_API_KEY": mobile}},
		{
			name: "one key", env: map[string]string{"IMIN_WEB_API_KEY": web, "IMIN_APP_API_KEY": " " + web + "\n"},
			want: []string{say("environment variable IMIN_APP_API_KEY", "environment variable IMIN_WEB_API_KEY")},
		},
		{
			name: "the provider's own variable, in .env", env: map[string]string{"IMIN_WEB_API_KEY": web}, dotenv: "IMIN_API_KEY='" + web + "'\n",
			want: []string{say("IMIN_API_KEY in .env", "environment variable IMIN_WEB_API_KEY")},
		},
		{name: "another vendor's variable", env: map[string]string{"IMIN_WEB_API_KEY": web, "OPTIMOVE_API_KEY": web}},
		{name: "a key of the program", env: map[string]string{"IMIN_APP_API_KEY": mobile}, dotenv: "IMIN_API_KEY=" + web, opts: []keyfit.Option{keyfit.WithKey(web)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, got, err := productClient(t, keyfit.Imin(), "IMIN_WEB", test.dotenv, test.env, test.opts...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			newCanary(keyfit.APIKey(web)).absent(t, "the events", got...)
		})
	}
}

func TestAPrefixIsForNew(t *testing.T) {
	t.Parallel()
	c, err := keyfit.New(keyfit.Imin(), keyfit.WithKey("lorem"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.With(keyfit.WithEnvPrefix("X")); err == nil || errors.Is(err, keyfit.ErrNoKey) {
		t.Errorf("the error is %v", err)
	}
}

//nolint:paralleltest // the environment belongs to the process
func TestAPrefixOfAVariableWithoutAnUnderscore(t *testing.T) {
	p := keyfit.Provider{Name: "acme", BaseURL: "https://api.acme.example", Scheme: keyfit.Bearer(), EnvVar: "TOKEN"}
	c, _, err := productClient(t, p, "SHOP", "", map[string]string{"SHOP_TOKEN": "lorem-fitsum-token"})
	if err != nil {
		t.Fatal(err)
	}
	if place := c.Keys().Status().Current.Place; place != "environment variable SHOP_TOKEN" {
		t.Errorf("the key is from %s", place)
	}
}
