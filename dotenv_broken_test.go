package keyfit_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// brokenDotEnvs make a .env that cannot be read.
var brokenDotEnvs = map[string]func(path string) error{
	"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
	"a shell script": func(path string) error {
		return os.WriteFile(path, []byte("if [ -f x ]; then\n  export A=1\nfi\n"), 0o600)
	},
	"a line without =": func(path string) error { return os.WriteFile(path, []byte("lorem fitsum\n"), 0o600) },
	"half a quotation": func(path string) error { return os.WriteFile(path, []byte("A='lorem\n"), 0o600) },
	"over 1 MiB": func(path string) error {
		return os.WriteFile(path, []byte("A="+strings.Repeat("x", 1<<20)+"\n"), 0o600)
	},
	"UTF-16":               func(path string) error { return os.WriteFile(path, utf16Of("DOTTED_API_KEY=lorem-fitsum-1\n"), 0o600) },
	"a link to nowhere":    func(path string) error { return os.Symlink(path+".gone", path) },
	"a link to itself":     func(path string) error { return os.Symlink(path, path) },
	"not to be read":       func(path string) error { return os.WriteFile(path, []byte("A=1\n"), 0o000) },
	"a file of zero bytes": func(path string) error { return os.WriteFile(path, make([]byte, 100), 0o600) },
}

func utf16Of(text string) []byte {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return out
}

// A .env file that is of no use stops nobody who needs nothing of it, and is reported.
func TestADotEnvThatCannotBeReadStopsOnlyWhoNeedsIt(t *testing.T) {
	p := keyfit.Provider{Name: "dotted", BaseURL: "https://dotted.example", Scheme: keyfit.Header("X-Api-Key"), EnvVar: "DOTTED_API_KEY", EnvURL: "DOTTED_BASE_URL"}
	given := keyfit.WithSource(keyfit.Static(keyfit.APIKey("dotted-lorem-fitsum")))
	for name, write := range brokenDotEnvs {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), ".env")
			if err := write(path); err != nil {
				t.Fatal(err)
			}
			_, unreadable := os.ReadFile(path)
			if name == "not to be read" && unreadable == nil {
				t.Skip("this user may read everything")
			}
			absent := name == "a link to nowhere"
			var events []keyfit.KeyEventKind
			hooks := keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) {
				if e.Kind != keyfit.DotEnvIgnored {
					return
				}
				if !strings.Contains(e.Reason, path) || !strings.Contains(e.Reason, "WithoutDotEnv") {
					t.Errorf("the event says %q", e.Reason)
				}
				events = append(events, e.Kind)
			}})
			create := func(p keyfit.Provider, opts ...keyfit.Option) error {
				_, err := keyfit.New(p, append(opts, keyfit.WithDotEnv(path), hooks)...)
				return err
			}
			want := []keyfit.KeyEventKind{keyfit.DotEnvIgnored}
			if absent {
				want = nil
			}
			check := func(what string, err error) {
				t.Helper()
				if diff := cmp.Diff(want, events); diff != "" || err != nil {
					t.Errorf("%s: %v, events (-want +got):\n%s", what, err, diff)
				}
				events = nil
			}
			check("the key is given", create(p, given))
			t.Setenv("DOTTED_API_KEY", "dotted-lorem-fitsum")
			check("the key is in the environment", create(p))
			nowhere := p
			nowhere.BaseURL = ""
			if err := create(nowhere, given); err == nil || !absent && !strings.Contains(err.Error(), "WithoutDotEnv") {
				t.Errorf("no place has a base URL: %v", err)
			}
			_ = os.Unsetenv("DOTTED_API_KEY")
			err := create(p)
			if !errors.Is(err, keyfit.ErrNoKey) || !absent && !strings.Contains(err.Error(), "WithoutDotEnv") || strings.Contains(err.Error(), "lorem") {
				t.Errorf("no place has the key: %v", err)
			}
		})
	}
}
