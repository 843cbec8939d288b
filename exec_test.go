package keyfit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// execShell is a source of a script; the shell stands for a store's own command.
func execShell(t *testing.T, script string, args ...string) keyfit.Source {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh")
	}
	return keyfit.Exec("sh", append([]string{"-c", script, "sh"}, args...)...)
}

// execAnswer is a credential that a test may print.
type execAnswer struct {
	ID, Key, Version, Place string
	Expires                 time.Time
}

func TestExecOffersWhatACommandPrints(t *testing.T) {
	t.Parallel()
	const place = "command sh"
	day := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		json string
		want execAnswer
	}{
		"key alone":        {`{"key":"abc"}`, execAnswer{Key: "abc", Place: place}},
		"everything":       {`{"key":"abc","id":"i","version":"v7","not_after":"2027-01-31T12:30:00+02:00"}`, execAnswer{"i", "abc", "v7", place, day.Add(10*time.Hour + 30*time.Minute)}},
		"number and date":  {`{"key":"abc","version":7,"not_after":"2027-01-31"}`, execAnswer{Key: "abc", Version: "7", Place: place, Expires: day}},
		"a large number":   {`{"key":"abc","version":12345678901234567890}`, execAnswer{Key: "abc", Version: "12345678901234567890", Place: place}},
		"null is absent":   {`{"key":"abc","id":null,"version":null,"not_after":null}`, execAnswer{Key: "abc", Place: place}},
		"more than we ask": {`{"lease_id":"x","data":{"key":"other"},"key":"abc"}`, execAnswer{Key: "abc", Place: place}},
		"space around":     {"\n  {\"key\":\" abc\\n\"}\r\n", execAnswer{Key: "abc", Place: place}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cred, err := execShell(t, `printf %s "$1"`, test.json).Credential(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := execAnswer{cred.ID.Reveal(), cred.Key.Reveal(), cred.Version, cred.Place, cred.Expires.UTC()}
			if cred.Expires.IsZero() {
				got.Expires = time.Time{}
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestExecSaysWhatIsWrongAndQuotesNothing(t *testing.T) {
	t.Parallel()
	echo := func(json string) []string { return []string{`printf %s "$1"`, json} }
	for name, test := range map[string]struct {
		script []string // and its argument
		want   string
		noKey  bool
	}{
		"nothing":              {[]string{":"}, "printed nothing", false},
		"no JSON":              {echo(sourceCanary), "did not print a JSON object", false},
		"a list":               {echo(`["` + sourceCanary + `"]`), "did not print a JSON object", false},
		"half of it":           {echo(`{"key":"` + sourceCanary), "cut short", false},
		"a fault inside":       {echo(`{"key":` + sourceCanary + `}`), "invalid JSON at byte 8 of 14", false},
		"two objects":          {echo(`{"key":"` + sourceCanary + `"}{}`), "invalid JSON at byte", false},
		"no key":               {echo(`{"token":"` + sourceCanary + `"}`), "no member key", false},
		"a key of null":        {echo(`{"key":null}`), "no member key", false},
		"an empty key":         {echo(`{"key":" "}`), "member key: the value is empty", false},
		"a number for a key":   {echo(`{"key":12345678}`), "a member key that is not text", false},
		"two lines for a key":  {echo(`{"key":"` + sourceCanary + `\nb"}`), "member key: the value has a line break", false},
		"an empty id":          {echo(`{"key":"a","id":""}`), "member id: the value is empty", false},
		"a date that is none":  {echo(`{"key":"a","not_after":"` + sourceCanary + `"}`), "a member not_after that is not an RFC 3339 date", false},
		"a number for an end":  {echo(`{"key":"a","not_after":12345678}`), "a member not_after that is not text", false},
		"an object as version": {echo(`{"key":"a","version":{"` + sourceCanary + `":1}}`), "a member version that is neither", false},
		"exit status":          {[]string{`echo "$1" >&2; echo "{\"key\":\"$1\"}"; exit 3`, sourceCanary}, "failed: exit status 3, with 7 bytes on its standard error", false},
		"killed":               {[]string{`kill -9 $$`}, "failed: signal: killed", false},
		"no key here":          {[]string{`echo "$1" >&2; exit 66`, sourceCanary}, "reports by exit status 66 that it has no key, with 7 bytes on its standard error", true},
		"too much":             {[]string{`while :; do echo "$1"; done`, sourceCanary}, "printed more than 65536 bytes", false},
		"much on stderr":       {[]string{`head -c 200000 /dev/zero >&2; exit 1`}, "exit status 1, with 200000 bytes on its standard error", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := execShell(t, test.script[0], test.script[1:]...)
			_, err := src.Credential(t.Context())
			if err == nil || errors.Is(err, keyfit.ErrNoKey) != test.noKey {
				t.Fatalf("ErrNoKey is to be %v: %v", test.noKey, err)
			}
			got := askSource(t, src) // looks for the canary and line breaks
			if got.Place != "command sh" || !strings.Contains(got.Reason, test.want) || strings.Contains(got.Reason, "12345678") {
				t.Errorf("%q, %q; want %q", got.Place, got.Reason, test.want)
			}
		})
	}
}

func TestExecOfAProgramThatIsNotThere(t *testing.T) {
	t.Parallel()
	file := sourceFile(t, "plain", "no program")
	for name, want := range map[string]string{
		"":                   "no command is named",
		"keyfit-no-such-one": "could not be run: executable file not found",
		file:                 "could not be run: permission denied",
	} {
		_, err := keyfit.Exec(name, sourceCanary).Credential(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "command "+name+": ") || !strings.Contains(err.Error(), want) ||
			errors.Is(err, keyfit.ErrNoKey) || strings.Contains(err.Error(), sourceCanary) {
			t.Errorf("%q: %v; want %q", name, err, want)
		}
	}
}

func TestAChainGoesOnOnlyIfTheCommandHasNoKey(t *testing.T) {
	t.Parallel()
	behind := keyfit.Static(keyfit.APIKey("behind"))
	cred, err := keyfit.Chain(execShell(t, "exit 66"), behind).Credential(t.Context())
	if err != nil || cred.Key.Reveal() != "behind" {
		t.Errorf("no key: %v", err)
	}
	if cred, err = keyfit.Chain(execShell(t, "exit 1"), behind).Credential(t.Context()); err == nil {
		t.Errorf("a broken command was passed over for %s", cred.Place)
	}
}

func TestExecEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := execShell(t, "exec sleep 60").Credential(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
}

func TestExecIsNotHeldByAGrandchildThatKeepsThePipe(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	cred, err := execShell(t, `sleep 20 & printf '{"key":"abc"}'`).Credential(t.Context())
	if err != nil || cred.Key.Reveal() != "abc" {
		t.Errorf("%v", err)
	}
	_, err = execShell(t, `sleep 20 & printf '{"key":"abc'`).Credential(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("half an answer: %v", err)
	}
	if took := time.Since(begin); took > 20*time.Second { // the life of a grandchild
		t.Errorf("it took %s", took)
	}
}

func TestExecGivesTheEnvironmentAndNoInput(t *testing.T) {
	t.Setenv("KEYFIT_TEST_EXEC", "abc")
	cred, err := execShell(t, `cat; printf '{"key":"%s","id":"%s"}' "$KEYFIT_TEST_EXEC" '$HOME'`).Credential(t.Context())
	if err != nil || cred.Key.Reveal() != "abc" || cred.ID.Reveal() != "$HOME" {
		t.Errorf("%q, %v", cred.ID.Reveal(), err)
	}
}

// A ring over a command tells of it in events, logs and prints; none has the key, the
// arguments or what the command wrote.
func TestExecTellsNoSecret(t *testing.T) {
	t.Parallel()
	token, key, note := "t0k3n"+strings.Repeat("Qz7", 9), "k3y"+strings.Repeat("Xw4", 9), "n0t3"+strings.Repeat("Vu9", 9)
	found := newCanary(keyfit.KeyPair(token, key), keyfit.APIKey(note))
	flag := sourceFile(t, "flag", "")
	src := execShell(t, `echo "$3" >&2; test -e "$4" || exit 5; printf '{"key":"%s"}' "$2"`, token, key, note, flag)
	var said bytes.Buffer
	ring, err := keyfit.NewKeyring(t.Context(), src, keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) { fmt.Fprintf(&said, "%+v\n", e) }}))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(flag); err != nil {
		t.Fatal(err)
	}
	_, failed := ring.Reload(t.Context())
	if failed == nil {
		t.Fatal("the command fails and nobody says so")
	}
	cred, err := ring.Credential(t.Context())
	if err != nil || cred.Key.Reveal() != key {
		t.Fatalf("the last good key is gone: %v", err)
	}
	slog.New(slog.NewJSONHandler(&said, nil)).Error("x", "err", failed, "source", src)
	log.New(&said, "", 0).Print(failed, src)
	if !strings.Contains(said.String(), "exit status 5") {
		t.Errorf("nothing was collected: %s", said.String())
	}
	found.absent(t, "exec", said.String(), canaryForms(failed), canaryForms(ring), canaryForms(ring.Status()), canaryForms(cred), canaryForms(src))
}

// A script is enough for a store that has a command of its own:
//
//	#!/bin/sh
//	vault kv get -format=json secret/imkit |
//		jq '{key: .data.data.key, version: .data.metadata.version, not_after: .data.data.not_after}'
func ExampleExec() {
	c, err := keyfit.New(keyfit.IMKIT("your-app"), keyfit.WithSource(keyfit.Exec("imkit-key-from-vault")))
	if err != nil {
		fmt.Println(errors.Is(err, keyfit.ErrNoKey)) // it says which program failed and how, not a word of what it printed
		return
	}
	go c.Keys().Watch(context.Background(), time.Minute)
	// Output: true
}
