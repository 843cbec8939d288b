package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/mockserver"
)

// asMap checks that no variable stands there twice.
func asMap(t *testing.T, lines []string) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		if _, twice := env[name]; twice {
			t.Errorf("%s stands there twice", name)
		}
		env[name] = value
	}
	return env
}

// ofTheUser is an environment with every variable of the five vendors that a user may have, and
// some that belong to no vendor.
func ofTheUser() []string {
	env := []string{"PATH=/bin", "HOME=/home/lorem", "IMKIT_LOG_LEVEL=debug", "OPTIMOVE_DATASET=ipsum", "EMPTY=", "=odd", "nosign", "MY_API_KEY=mine"}
	for _, v := range vendors.All() {
		for _, name := range []string{v.Provider.EnvVar, v.Provider.EnvID, v.Provider.EnvURL} {
			if name == "" {
				continue
			}
			for _, ending := range []string{"", "_FILE", "_EXPIRES", "_ISSUED", "_OLD", "_2"} {
				env = append(env, name+ending+"=real")
			}
		}
	}
	for _, p := range mockserver.Providers() {
		for _, ending := range []string{"_SECRET", "_TOKEN", "_HOST", "_PASSWORD", "_KEY_FILE"} {
			env = append(env, strings.ToUpper(string(p))+ending+"=real")
		}
	}
	slices.Sort(env)
	return slices.Compact(env)
}

// Of the vendors' credentials and addresses the command has the mock's or none, whichever
// vendors are imitated; everything else it has as it was.
func TestTheCommandHasTheMocksCredentialsOrNone(t *testing.T) {
	t.Parallel()
	user := ofTheUser()
	for _, played := range []string{"imin", "mindkey", "imkit", "optimove", "iiniit", "imkit,iiniit", "imin,mindkey,imkit,optimove,iiniit"} {
		m := startLocalMock(t, "--providers", played)
		lines, removed, err := m.childEnvironment(user, nil)
		if err != nil {
			t.Fatal(err)
		}
		env := asMap(t, lines)
		for name, value := range env {
			if value == "real" {
				t.Errorf("--providers %s: the command has the user's own %s", played, name)
			}
		}
		for name, value := range m.environment() {
			if env[name] != value {
				t.Errorf("--providers %s: %s is not the mock's", played, name)
			}
		}
		for _, line := range []string{"PATH=/bin", "HOME=/home/lorem", "IMKIT_LOG_LEVEL=debug", "OPTIMOVE_DATASET=ipsum", "EMPTY=", "=odd", "nosign", "MY_API_KEY=mine"} {
			if !slices.Contains(lines, line) {
				t.Errorf("--providers %s: %q is lost", played, line)
			}
		}
		for _, name := range removed {
			if kind, p := vendors.Classify(name); kind == vendors.Read && m.imitates(p) {
				t.Errorf("--providers %s: %s is said to be missing, and the mock has its own", played, name)
			}
		}
		if others := len(strings.Split(played, ",")) < 5; others != slices.ContainsFunc(removed, func(name string) bool { return strings.HasSuffix(name, "_API_KEY") }) {
			t.Errorf("--providers %s: removed %v", played, removed)
		}
	}
}

// Every variable that the mock sets for its command is one that would be taken out of the
// user's environment: otherwise a real one could stay where the mock has none.
func TestEveryVariableOfTheMockIsTakenOutOfTheUsersEnvironment(t *testing.T) {
	t.Parallel()
	m := startLocalMock(t)
	names := slices.Sorted(maps.Keys(m.environment()))
	if len(names) < 14 {
		t.Fatalf("found %v", names)
	}
	for _, name := range names {
		if kind, _ := vendors.Classify(name); kind == vendors.Foreign && !strings.HasPrefix(name, "KEYFIT_ADMIN_") {
			t.Errorf("%s would stay", name)
		}
	}
}

func TestVariablesStayIfAsked(t *testing.T) {
	t.Parallel()
	m := startLocalMock(t, "--providers", "imkit")
	base := []string{
		"OPTIMOVE_API_KEY=real", "OPTIMOVE_BASE_URL=real", "OPTIMOVE_API_KEY_FILE=real", "IMIN_API_KEY=real",
		"IMKIT_API_KEY=real", "IMKIT_API_KEY_FILE=real", "IMKIT_SECRET=real", "KEYFIT_ADMIN_TOKEN_FILE=real", "KEYFIT_ADMIN_TOKEN=real",
		"keyfit_admin_token=real", "Keyfit_Admin_Url=real",
	}
	for _, c := range []struct{ keep, want []string }{
		{nil, nil},
		{[]string{"OPTIMOVE_API_KEY"}, []string{"OPTIMOVE_API_KEY"}},
		{[]string{"OPTIMOVE_*"}, []string{"OPTIMOVE_API_KEY", "OPTIMOVE_API_KEY_FILE", "OPTIMOVE_BASE_URL"}},
		{[]string{"OPTIMOVE_API_KEY", "IMIN_*"}, []string{"IMIN_API_KEY", "OPTIMOVE_API_KEY"}},
		{[]string{"IMKIT_SECRET"}, []string{"IMKIT_SECRET"}},
		{[]string{"*"}, []string{"IMIN_API_KEY", "IMKIT_SECRET", "OPTIMOVE_API_KEY", "OPTIMOVE_API_KEY_FILE", "OPTIMOVE_BASE_URL"}},
		{[]string{"optimove_api_key", "OPTIMOVE"}, nil},
	} {
		lines, _, err := m.childEnvironment(base, c.keep)
		if err != nil || kept(c.keep).check(m) != nil {
			t.Fatal(err)
		}
		var got []string
		for name, value := range asMap(t, lines) {
			if value == "real" {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("--keep-env %v (-want +got):\n%s", c.keep, d)
		}
	}
	for _, wrong := range []string{"IMKIT_API_KEY", "IMKIT_BASE_URL", "IMKIT_USER_TOKEN_FILE", "OPTIMOVE_[", "\\"} {
		if err := (kept{wrong}).check(m); err == nil {
			t.Errorf("--keep-env %s: no error", wrong)
		}
	}
}

func TestRunSaysWhatTheCommandDoesNotGet(t *testing.T) {
	t.Parallel()
	m := startLocalMock(t, "--providers", "imkit")
	dir := t.TempDir()
	dotenv := filepath.Join(dir, ".env")
	if err := os.WriteFile(dotenv, []byte("IMIN_API_KEY=lorem-ipsum-dolor\nIMKIT_API_KEY=lorem-ipsum-dolor\nMINDKEY_API_KEY_FILE=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := &app{}
	a.Err = &out
	a.warn(m, dotenv, []string{"OPTIMOVE_API_KEY", "IMIN_SECRET"}, kept{"MINDKEY_*"})
	want := "keyfit: the command does not get IMIN_SECRET, OPTIMOVE_API_KEY, and the mock has nothing in its place; --keep-env NAME leaves a variable to it\n" +
		"keyfit: .env has IMIN_API_KEY, which the mock does not replace: a command that reads .env uses what is there\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	out.Reset()
	a.warn(m, filepath.Join(dir, "none"), nil, nil)
	if out.Len() > 0 {
		t.Errorf("%s", out.String())
	}
}
