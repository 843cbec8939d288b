package vault_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/vault"
)

func TestTheNewestVersionIsCurrentAndTheOneBeforePrevious(t *testing.T) {
	t.Parallel()
	type data = map[string]any
	tests := map[string]struct {
		versions []data
		custom   data
		after    string // "delete 1", "destroy 1" or nothing
		config   func(*vault.Config)
		current  shown
		previous shown
	}{
		"one version":  {versions: []data{{"key": "k1"}}, current: shown{Key: "k1", Version: "1"}},
		"two versions": {versions: []data{{"key": "k1"}, {"key": "k2"}}, current: shown{Key: "k2", Version: "2"}, previous: shown{Key: "k1", Version: "1"}},
		"three versions": {
			versions: []data{{"key": "k1"}, {"key": "k2"}, {"key": "k3"}},
			current:  shown{Key: "k3", Version: "3"}, previous: shown{Key: "k2", Version: "2"},
		},
		"the previous one is deleted": {
			versions: []data{{"key": "k1"}, {"key": "k2"}}, after: "delete",
			current: shown{Key: "k2", Version: "2"},
		},
		"the previous one is destroyed": {
			versions: []data{{"key": "k1"}, {"key": "k2"}}, after: "destroy",
			current: shown{Key: "k2", Version: "2"},
		},
		"the previous one had other fields": {versions: []data{{"token": "k1"}, {"key": "k2"}}, current: shown{Key: "k2", Version: "2"}},
		"an end in the data": {
			versions: []data{{"key": "k1", "not_after": "2027-01-31"}, {"key": "k2", "not_after": "2028-01-31T12:00:00Z"}},
			current:  shown{Key: "k2", Version: "2", Expires: "2028-01-31"}, previous: shown{Key: "k1", Version: "1", Expires: "2027-01-31"},
		},
		"an end in the custom metadata is that of the newest version": {
			versions: []data{{"key": "k1"}, {"key": "k2"}}, custom: data{"not_after": "2029-01-31"},
			current: shown{Key: "k2", Version: "2", Expires: "2029-01-31"}, previous: shown{Key: "k1", Version: "1"},
		},
		"an end in the data goes before one in the custom metadata": {
			versions: []data{{"key": "k1", "not_after": "2028-01-31"}}, custom: data{"not_after": "2029-01-31"},
			current: shown{Key: "k1", Version: "1", Expires: "2028-01-31"},
		},
		"fields of other names, and a pair": {
			versions: []data{{"api_key": "k1", "client": "c1", "ends": "2028-01-31"}, {"api_key": "k2", "client": "c2"}},
			config:   func(c *vault.Config) { c.Field, c.IDField, c.ExpiresField = "api_key", "client", "ends" },
			current:  shown{ID: "c2", Key: "k2", Version: "2"}, previous: shown{ID: "c1", Key: "k1", Version: "1", Expires: "2028-01-31"},
		},
		"the day of issue, in the data or the custom metadata": {
			versions: []data{{"key": "k1", "issued_at": "2026-01-31"}, {"key": "k2"}}, custom: data{"issued_at": "2026-02-28"},
			current: shown{Key: "k2", Version: "2", Issued: "2026-02-28"}, previous: shown{Key: "k1", Version: "1", Issued: "2026-01-31"},
		},
		"a day of issue of another name": {
			versions: []data{{"key": "k1", "born": "2026-01-31"}}, config: func(c *vault.Config) { c.IssuedField = "born" },
			current: shown{Key: "k1", Version: "1", Issued: "2026-01-31"},
		},
		"a pinned version has no previous one": {
			versions: []data{{"key": "k1"}, {"key": "k2"}, {"key": "k3"}}, config: func(c *vault.Config) { c.Version = 2 },
			current: shown{Key: "k2", Version: "2"},
		},
		"a version pinned at an old one is not that of the custom metadata": {
			versions: []data{{"key": "k1"}, {"key": "k2"}}, custom: data{"not_after": "2029-01-31"}, config: func(c *vault.Config) { c.Version = 1 },
			current: shown{Key: "k1", Version: "1"},
		},
	}
	onEachServer(t, func(t *testing.T, s *server) {
		t.Helper()
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				path := strings.ReplaceAll(name, " ", "-")
				for _, data := range test.versions {
					s.write(t, path, data)
				}
				if test.custom != nil {
					s.put(t, s.mount+"/metadata/"+path, data{"custom_metadata": test.custom})
				}
				if test.after != "" {
					s.put(t, s.mount+"/"+test.after+"/"+path, data{"versions": []int{1}})
				}
				cfg := s.config(path)
				if test.config != nil {
					test.config(&cfg)
				}
				current, previous := offered(t.Context(), t, newSource(t, cfg))
				if diff := cmp.Diff([]shown{test.current, test.previous}, []shown{current, previous}); diff != "" {
					t.Errorf("current and previous (-want +got):\n%s", diff)
				}
			})
		}
	})
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	type data = map[string]any
	tests := map[string]struct {
		setUp  func(*testing.T, *server)
		config func(*vault.Config)
		noKey  bool // a Chain continues
		want   string
	}{
		"nothing was ever written": {
			noKey: true,
			want:  "Vault secret kv/app: 404, nothing was written at this path (no key)",
		},
		"the pinned version does not exist": {
			setUp: func(t *testing.T, s *server) { t.Helper(); s.write(t, "app", data{"key": "k1"}) }, config: func(c *vault.Config) { c.Version = 9 },
			noKey: true,
			want:  "Vault secret kv/app: 404, version 9 does not exist (no key)",
		},
		"nothing is mounted": {
			config: func(c *vault.Config) { c.Mount = "keyfit-nowhere" },
			want:   "Vault secret keyfit-nowhere/app: 404, no secrets engine is mounted at keyfit-nowhere/",
		},
		"the newest version is deleted": {
			setUp: func(t *testing.T, s *server) {
				t.Helper()
				s.write(t, "app", data{"key": "k1"})
				s.write(t, "app", data{"key": "k2"})
				s.put(t, s.mount+"/delete/app", data{"versions": []int{2}})
			},
			want: "Vault secret kv/app: version 2 is deleted: undelete it or write a new one",
		},
		"the newest version is destroyed": {
			setUp: func(t *testing.T, s *server) {
				t.Helper()
				s.write(t, "app", data{"key": "k1"})
				s.put(t, s.mount+"/destroy/app", data{"versions": []int{1}})
			},
			want: "Vault secret kv/app: version 1 is destroyed: write a new one",
		},
		"the field is not there": {
			setUp: func(t *testing.T, s *server) { t.Helper(); s.write(t, "app", data{"token": "k1", "user": "u"}) },
			want:  `Vault secret kv/app: version 1 has no field "key" (it has 2 fields)`,
		},
		"the field is no string": {
			setUp: func(t *testing.T, s *server) { t.Helper(); s.write(t, "app", data{"key": 12345678}) },
			want:  `Vault secret kv/app: field "key" of version 1 is not a string`,
		},
		"the field is empty": {
			setUp: func(t *testing.T, s *server) { t.Helper(); s.write(t, "app", data{"key": " \n"}) },
			want:  `Vault secret kv/app: field "key" of version 1 is empty`,
		},
		"one half of the pair is missing": {
			setUp:  func(t *testing.T, s *server) { t.Helper(); s.write(t, "app", data{"key": "k1"}) },
			config: func(c *vault.Config) { c.IDField = "id" },
			want:   `Vault secret kv/app: version 1 has no field "id" (it has 1 fields)`,
		},
		"the end is no date": {
			setUp: func(t *testing.T, s *server) {
				t.Helper()
				s.write(t, "app", data{"key": "k1", "not_after": "next year"})
			},
			want: `Vault secret kv/app: "not_after" is not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)`,
		},
		"the day of issue is no date": {
			setUp: func(t *testing.T, s *server) {
				t.Helper()
				s.write(t, "app", data{"key": "k1", "issued_at": 2026})
			},
			want: `Vault secret kv/app: "issued_at" is not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)`,
		},
		"a token that nobody issued": {
			config: func(c *vault.Config) { c.Auth = vault.Token(keyfit.NewSecret("hvs.bad")) },
			want:   "Vault secret kv/app: 403, permission denied: the token is invalid, or its policy does not allow reading kv/data/app",
		},
	}
	onEachServer(t, func(t *testing.T, s *server) {
		t.Helper()
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				s.put(t, "sys/mounts/"+s.mount+"x", data{"type": "kv", "options": data{"version": "2"}})
				defer func() { _, _ = s.admin.Logical().Delete("sys/mounts/" + s.mount + "x") }()
				own := *s
				own.mount += "x"
				if test.setUp != nil {
					test.setUp(t, &own)
				}
				cfg := own.config("app")
				if test.config != nil {
					test.config(&cfg)
				}
				_, err := newSource(t, cfg).Versions(t.Context())
				if err == nil {
					t.Fatal("there is no error")
				}
				if diff := cmp.Diff(test.want, strings.ReplaceAll(err.Error(), own.mount, "kv")); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				if got := errors.Is(err, keyfit.ErrNoKey); got != test.noKey {
					t.Errorf("is ErrNoKey: %v, want %v", got, test.noKey)
				}
			})
		}
	})
}

func TestAChainGoesOnWhereNothingWasWritten(t *testing.T) {
	t.Parallel()
	s := newFake(t, "Vault")
	cred, err := keyfit.Chain(newSource(t, s.config("app")), keyfit.Static(keyfit.APIKey("other-key-1"))).Credential(t.Context())
	if err != nil || cred.Key.Reveal() != "other-key-1" {
		t.Errorf("got %q, %v", cred.Key.Reveal(), err)
	}
}

func TestAQuestionIsOneRequestForEachVersion(t *testing.T) {
	t.Parallel()
	onEachServer(t, func(t *testing.T, s *server) {
		t.Helper()
		s.write(t, "app", map[string]any{"key": "k1"})
		s.write(t, "app", map[string]any{"key": "k2"})
		src := newSource(t, s.config("app"))
		if _, err := src.Credential(t.Context()); err != nil {
			t.Fatal(err)
		}
		offered(t.Context(), t, src)
		want := []string{"GET kv/data/app", "GET kv/data/app", "GET kv/data/app?version=1"}
		if diff := cmp.Diff(want, s.transport.sent(s)); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

func TestATokenFileIsReadForEachQuestion(t *testing.T) {
	t.Parallel()
	onEachServer(t, func(t *testing.T, s *server) {
		t.Helper()
		s.write(t, "app", map[string]any{"key": "k1"})
		file := filepath.Join(t.TempDir(), "token")
		cfg := s.config("app")
		cfg.Auth = vault.TokenFile(file)
		src := newSource(t, cfg)
		steps := []struct {
			content string
			want    string // in the error; "" for none
		}{
			{"", "token file " + file + ": no such file or directory"},
			{" \n", "token file " + file + ": is empty"},
			{"hvs.bad\n", "403, permission denied"},
			{s.admin.Token() + "\n", ""},
			{"hvs.worse\n", "403, permission denied"},
			{s.admin.Token(), ""},
		}
		for i, step := range steps {
			if step.content != "" {
				if err := os.WriteFile(file, []byte(step.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := src.Credential(t.Context())
			if step.want == "" && err != nil || step.want != "" && (err == nil || !strings.Contains(err.Error(), step.want)) {
				t.Errorf("step %d: got %v, want %q", i, err, step.want)
			}
		}
	})
}
