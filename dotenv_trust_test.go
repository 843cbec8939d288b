package keyfit_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// trustWorld is a program in a directory with a .env file, whose requests go nowhere.
type trustWorld struct {
	dir    string
	sent   []string // host and key of each request
	events []string
}

func newTrustWorld(t *testing.T, dotenv string) *trustWorld {
	t.Helper()
	w := &trustWorld{dir: t.TempDir()}
	t.Chdir(w.dir)
	for _, name := range []string{"IMKIT_API_KEY", "IMKIT_API_KEY_FILE", "IMKIT_BASE_URL"} {
		t.Setenv(name, "") // restored at the end
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(".env", []byte(dotenv), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *trustWorld) RoundTrip(req *http.Request) (*http.Response, error) {
	w.sent = append(w.sent, req.URL.Host+" "+req.Header.Get("IM-API-KEY"))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

func (w *trustWorld) options(more ...keyfit.Option) []keyfit.Option {
	return append(more, keyfit.WithHTTPClient(&http.Client{Transport: w}), keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) {
		if e.Kind == keyfit.BaseURLIgnored {
			w.events = append(w.events, e.Reason)
		}
	}}))
}

// said is an error without the directory of the test.
func (w *trustWorld) said(err error) string {
	if err == nil {
		return ""
	}
	resolved, _ := filepath.EvalSymlinks(w.dir)
	return strings.NewReplacer(w.dir, "DIR", resolved, "DIR").Replace(err.Error())
}

// The rule: what a .env file says of a host holds for a key of the same file, and for no other.
func TestTheBaseURLOfADotEnvHoldsForItsOwnKeyAlone(t *testing.T) {
	const evil, both = "IMKIT_BASE_URL=https://evil.example\n", "IMKIT_API_KEY=of-dotenv\nIMKIT_BASE_URL=https://evil.example\n"
	ignored := func(place string) string {
		return "IMKIT_BASE_URL in DIR/.env holds only for a key of that file, and the key is from another place: " + place
	}
	custom := keyfit.SourceFunc(keyfit.Static(keyfit.APIKey("of-store")).Credential)
	file := func(w *trustWorld) keyfit.Source {
		path := filepath.Join(w.dir, "key")
		if err := os.WriteFile(path, []byte("of-file"), 0o600); err != nil {
			panic(err)
		}
		return keyfit.File(path)
	}
	tests := []struct {
		name, dotenv string
		app          string
		env          map[string]string
		opts         func(w *trustWorld) []keyfit.Option
		sent         string
		event, err   string
	}{
		{name: "key of the environment", dotenv: evil, app: "app", env: map[string]string{"IMKIT_API_KEY": "of-env"}, sent: "app.imkit.io of-env", event: ignored("environment variable IMKIT_API_KEY")},
		{name: "key of the environment, and one in .env", dotenv: both, app: "app", env: map[string]string{"IMKIT_API_KEY": "of-env"}, sent: "app.imkit.io of-env", event: ignored("environment variable IMKIT_API_KEY")},
		{name: "WithKey does not read .env", dotenv: both, app: "app", opts: func(*trustWorld) []keyfit.Option { return []keyfit.Option{keyfit.WithKey("of-program")} }, sent: "app.imkit.io of-program"},
		{name: "WithKey does not read a broken .env", dotenv: "broken\n", app: "app", opts: func(*trustWorld) []keyfit.Option { return []keyfit.Option{keyfit.WithKey("of-program")} }, sent: "app.imkit.io of-program"},
		{name: "a source", dotenv: both, app: "app", opts: func(*trustWorld) []keyfit.Option { return []keyfit.Option{keyfit.WithSource(custom)} }, sent: "app.imkit.io of-store", event: ignored("the key given in the program")},
		{name: "a file", dotenv: both, app: "app", opts: func(w *trustWorld) []keyfit.Option { return []keyfit.Option{keyfit.WithSource(file(w))} }, sent: "app.imkit.io of-file", event: ignored("file DIR/key")},
		{name: "key of the same .env", dotenv: both, app: "app", sent: "evil.example of-dotenv"},
		{name: "key file of the same .env", dotenv: "IMKIT_API_KEY_FILE=key\n" + evil, app: "app", opts: func(w *trustWorld) []keyfit.Option { file(w); return nil }, sent: "evil.example of-file"},
		{name: "the same .env as a source", dotenv: both, app: "app", opts: func(*trustWorld) []keyfit.Option {
			return []keyfit.Option{keyfit.WithSource(keyfit.Chain(keyfit.Env("IMKIT_API_KEY"), keyfit.DotEnv(".env", "IMKIT_API_KEY")))}
		}, sent: "evil.example of-dotenv"},
		{name: "another .env as a source", dotenv: both, app: "app", opts: func(w *trustWorld) []keyfit.Option {
			other := filepath.Join(w.dir, "other.env")
			if err := os.WriteFile(other, []byte("K=of-other"), 0o600); err != nil {
				panic(err)
			}
			return []keyfit.Option{keyfit.WithSource(keyfit.DotEnv(other, "K"))}
		}, sent: "app.imkit.io of-other", event: ignored("K in DIR/other.env")},
		{name: "URL of the environment", dotenv: both, app: "app", env: map[string]string{"IMKIT_API_KEY": "of-env", "IMKIT_BASE_URL": "https://env.example"}, sent: "env.example of-env"},
		{name: "URL of the program", dotenv: both, app: "app", env: map[string]string{"IMKIT_API_KEY": "of-env"}, opts: func(*trustWorld) []keyfit.Option {
			return []keyfit.Option{keyfit.WithBaseURL("https://program.example")}
		}, sent: "program.example of-env"},
		{name: "no other URL", dotenv: evil, env: map[string]string{"IMKIT_API_KEY": "of-env"}, err: "imkit: no base URL: " + ignored("environment variable IMKIT_API_KEY") + "; set IMKIT_BASE_URL in the environment or use WithBaseURL"},
		{name: "WithKey and no other URL", dotenv: both, opts: func(*trustWorld) []keyfit.Option { return []keyfit.Option{keyfit.WithKey("of-program")} }, err: "imkit: no base URL: set IMKIT_BASE_URL in the environment or use WithBaseURL; with WithKey no .env file is read"},
		{name: "an ignored URL may be broken", dotenv: "IMKIT_BASE_URL=evil\n", app: "app", env: map[string]string{"IMKIT_API_KEY": "of-env"}, sent: "app.imkit.io of-env", event: ignored("environment variable IMKIT_API_KEY")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newTrustWorld(t, tt.dotenv)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			var opts []keyfit.Option
			if tt.opts != nil {
				opts = tt.opts(w)
			}
			c, err := keyfit.New(keyfit.IMKIT(tt.app), w.options(opts...)...)
			if err == nil {
				_, _ = keyfit.Get[any](t.Context(), c, "/x")
				if got := strings.TrimPrefix(c.BaseURL(), "https://"); !strings.HasPrefix(tt.sent, got+" ") {
					t.Errorf("BaseURL is %s", got)
				}
			}
			events := ""
			if len(w.events) > 0 {
				events = w.said(errors.New(strings.Join(w.events, "; ")))
			}
			if d := cmp.Diff([]string{tt.sent, tt.event, tt.err}, []string{strings.Join(w.sent, ", "), events, w.said(err)}); d != "" {
				t.Errorf("sent, event, error (-want +got):\n%s", d)
			}
		})
	}
}

// A client that took the base URL of its .env file sends no key of another place there: not
// that of a tenant, not one that appears in the environment later.
func TestAClientOfADotEnvSendsNoOtherKeyThere(t *testing.T) {
	w := newTrustWorld(t, "IMKIT_API_KEY=of-dotenv\nIMKIT_BASE_URL=https://evil.example\n")
	c, err := keyfit.New(keyfit.IMKIT("app"), w.options()...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyfit.Get[any](t.Context(), c, "/x", keyfit.WithKey("of-tenant")); err == nil || !strings.Contains(err.Error(), "holds for keys of that file only") {
		t.Errorf("a call with a tenant's key: %v", err)
	}
	if _, err := c.With(keyfit.WithKey("of-tenant")); err == nil || !strings.Contains(err.Error(), "holds for keys of that file only") {
		t.Errorf("a client with a tenant's key: %v", err)
	}
	t.Setenv("IMKIT_API_KEY", "of-env")
	if changed, err := c.Keys().Reload(t.Context()); changed || err == nil || !strings.Contains(err.Error(), "restart the program") {
		t.Errorf("a key appears in the environment: %t, %v", changed, err)
	}
	_, _ = keyfit.Get[any](t.Context(), c, "/x")
	if d := cmp.Diff([]string{"evil.example of-dotenv"}, w.sent); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A ring that is shared, or that rotates, has other keys than the one that the client began with:
// they do not go to the host of the .env file either.
func TestAKeyThatComesLaterDoesNotGoToTheHostOfADotEnv(t *testing.T) { //nolint:paralleltest // it changes the working directory and the environment
	const both, alone = "IMKIT_API_KEY=of-dotenv\nIMKIT_BASE_URL=https://evil.example\n", "IMKIT_BASE_URL=https://evil.example\n"
	shared := func(t *testing.T) *keyfit.Keyring {
		t.Helper()
		ring, err := keyfit.NewKeyring(t.Context(), keyfit.Chain(keyfit.DotEnv(".env", "IMKIT_API_KEY"), keyfit.Env("IMKIT_API_KEY")))
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	fallback := func(t *testing.T, ring *keyfit.Keyring) {
		t.Helper()
		t.Setenv("IMKIT_API_KEY", "of-env")
		if err := os.WriteFile(".env", []byte(alone), 0o600); err != nil {
			t.Fatal(err)
		}
		if changed, err := ring.Reload(t.Context()); !changed || err != nil {
			t.Fatalf("the ring has no other key: %t, %v", changed, err)
		}
	}
	rotate := func(t *testing.T, ring *keyfit.Keyring) {
		t.Helper()
		if err := ring.Rotate(t.Context(), keyfit.APIKey("of-program")); err != nil {
			t.Fatal(err)
		}
	}
	for name, later := range map[string]func(*testing.T, *keyfit.Keyring){"the source has a key of another place": fallback, "the program rotates": rotate} { //nolint:paralleltest // the same
		t.Run(name, func(t *testing.T) {
			w := newTrustWorld(t, both)
			ring := shared(t)
			c, err := keyfit.New(keyfit.IMKIT("app"), w.options(keyfit.WithSource(ring))...)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = keyfit.Get[any](t.Context(), c, "/x")
			later(t, ring)
			if _, err := keyfit.Get[any](t.Context(), c, "/x"); err == nil || !strings.Contains(err.Error(), "holds for keys of that file only") {
				t.Errorf("a call with the later key: %v", err)
			}
			if d := cmp.Diff([]string{"evil.example of-dotenv"}, w.sent); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	t.Run("the client's own ring takes no such key", func(t *testing.T) {
		w := newTrustWorld(t, both)
		c, err := keyfit.New(keyfit.IMKIT("app"), w.options()...)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Keys().Rotate(t.Context(), keyfit.APIKey("of-program")); err == nil || !strings.Contains(err.Error(), "holds for keys of that file only") {
			t.Errorf("Rotate: %v", err)
		}
		_, _ = keyfit.Get[any](t.Context(), c, "/x")
		if d := cmp.Diff([]string{"evil.example of-dotenv"}, w.sent); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// A _FILE of a .env file names a file below its directory, however the path is spelt.
func TestAKeyFileOfADotEnvStaysInItsDirectory(t *testing.T) {
	t.Parallel()
	outer := t.TempDir()
	dir := filepath.Join(outer, "app")
	write := func(path, content string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(outer, "secret"), "stolen\n")
	write(filepath.Join(outer, "application", "secret"), "stolen\n") // a longer name of the same begin
	write(filepath.Join(dir, "key"), "inside\n")
	write(filepath.Join(dir, "sub", "key"), "below\n")
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil && runtime.GOOS != "windows" {
			t.Fatal(err)
		}
	}
	link("key", "link")
	link("sub", "linked-dir")
	link(filepath.Join(dir, "sub", "key"), "link-absolute")
	link(filepath.Join(dir, "sub"), "linked-dir-absolute")
	link("../secret", "escape")
	link(outer, "escape-dir")
	link(filepath.Join(outer, "secret"), "escape-absolute")
	link("escape", "escape-twice")
	link("sub/../../secret", "escape-below")
	outside := "lies outside the directory of the .env file, itself or through a link: move it there, or set the variable in the environment"
	for path, want := range map[string]string{
		"key": "inside", "./key": "inside", "sub/key": "below", "sub/../key": "inside", filepath.Join(dir, "key"): "inside", dir + "/sub/../key": "inside", "link": "inside", "linked-dir/key": "below",
		"link-absolute": "below", "linked-dir-absolute/key": "below", "linked-dir-absolute/../../secret": outside, "linked-dir-absolute/none": "does not exist (no key)",
		"../app/key": "inside", // there and back
		"../secret":  outside, "sub/../../secret": outside, filepath.Join(outer, "secret"): outside, dir + "/../secret": outside, "../application/secret": outside, outer + "/application/secret": outside,
		"escape": outside, "escape-dir/secret": outside, "escape-absolute": outside, "escape-twice": outside, "escape-below": outside, "linked-dir/../../secret": outside,
		"/etc/hostname": outside, "/proc/self/environ": outside, "/dev/stdin": outside, "../../../../../../../../etc/hostname": outside,
		filepath.Join(outer, "APP", "key"): outside, "~/key": "does not exist (no key)", "none": "does not exist (no key)", "sub": "is a directory", "..": outside, ".": "is a directory",
	} {
		write(filepath.Join(dir, ".env"), fmt.Sprintf("K_FILE='%s'\n", path))
		cred, err := keyfit.DotEnv(filepath.Join(dir, ".env"), "K").Credential(t.Context())
		got := cred.Key.Reveal()
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.HasSuffix(got, ": "+want)) {
			t.Errorf("%s: want %q, got %q", path, want, got)
		}
		if strings.Contains(got, "stolen") || errors.Is(err, keyfit.ErrNoKey) {
			t.Errorf("%s: a file outside was read, or taken for none: %q", path, got)
		}
	}
}

// A program without logger and hooks reads in the error of a call why it did not reach the
// address of its .env.
func TestTheErrorOfACallNamesTheIgnoredBaseURL(t *testing.T) {
	w := newTrustWorld(t, "IMKIT_BASE_URL=https://dotenv.example\n")
	t.Setenv("IMKIT_API_KEY", "of-the-environment-1")
	for name, test := range map[string]struct {
		wire roundTripFunc
		want string
	}{
		"the connection fails": {
			func(*http.Request) (*http.Response, error) { return nil, errors.New("no such host") },
			`imkit: POST /x: no such host (not sent again: the POST may have been done, and it has no idempotency key, ignored: IMKIT_BASE_URL in DIR/.env holds only for a key of that file, and the key is from another place: environment variable IMKIT_API_KEY)`,
		},
		"the provider refuses": {
			func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
			},
			`imkit: POST /x: 404 Not Found (ignored: IMKIT_BASE_URL in DIR/.env holds only for a key of that file, and the key is from another place: environment variable IMKIT_API_KEY, key KEY)`,
		},
	} {
		c, err := keyfit.New(keyfit.IMKIT("shop"), keyfit.WithHTTPClient(&http.Client{Transport: test.wire}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/x", nil)
		got := strings.ReplaceAll(w.said(err), c.Keys().Status().Current.Fingerprint, "KEY")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
