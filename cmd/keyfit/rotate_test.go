package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/rotate"
	"github.com/keyfit/keyfit/mockserver"
)

// rotateWorld is a mock, and a .env with the current key of one vendor.
type rotateWorld struct {
	*mockserver.Server
	dir, dotenv string
	old, next   string
	secrets     []string
}

func newRotateWorld(t *testing.T, vendor mockserver.Provider) *rotateWorld {
	t.Helper()
	w := &rotateWorld{Server: mockserver.New(t), dir: t.TempDir()}
	w.dotenv = filepath.Join(w.dir, ".env")
	w.old, w.next = w.Keys().Issue(vendor).Secret.Reveal(), w.Keys().Issue(vendor).Secret.Reveal()
	w.secrets = []string{w.old, w.next}
	name := strings.ToUpper(string(vendor))
	w.put(t, fmt.Sprintf("# my keys\n%s_BASE_URL=%s\n%s_API_KEY=%s # production\nOTHER=\"$x\"\n", name, w.BaseURL(vendor), name, w.old))
	return w
}

func (w *rotateWorld) put(t *testing.T, content string) {
	t.Helper()
	if err := os.WriteFile(w.dotenv, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *rotateWorld) content(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(w.dotenv)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// rotate runs the command, and finds no key in what it says nor a file that it left.
func (w *rotateWorld) rotate(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return w.rotateIn(t, map[string]string{}, stdin, args...)
}

func (w *rotateWorld) rotateIn(t *testing.T, env map[string]string, stdin string, args ...string) result {
	t.Helper()
	before := dirNames(t, w.dir)
	got := w.run(t, env, stdin, args...)
	if d := cmp.Diff(before, dirNames(t, w.dir)); d != "" {
		t.Errorf("files (-before +after):\n%s", d)
	}
	return got
}

// run runs the command, and finds no key in what it prints.
func (w *rotateWorld) run(t *testing.T, env map[string]string, stdin string, args ...string) result {
	t.Helper()
	args = append([]string{"rotate"}, args...)
	if !slices.Contains(args, "--dotenv") {
		args = append(args, "--dotenv", w.dotenv)
	}
	got := runKeyfitIn(context.Background(), env, stdin, args...)
	w.quiet(t, got.out+got.err)
	return got
}

// quiet finds a key, or eight bytes in a row of one, in a text.
func (w *rotateWorld) quiet(t *testing.T, text string) {
	t.Helper()
	for _, secret := range w.secrets {
		for i := 0; i+8 <= len(secret); i++ {
			if strings.Contains(text, secret[i:i+8]) {
				t.Errorf("a key is told:\n%s", text)
				return
			}
		}
	}
}

func dirNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func fingerprint(key string) string { return keyfit.APIKey(key).Fingerprint() }

// events decodes --json.
func events(t *testing.T, out string) (found []rotate.Event, names []string) {
	t.Helper()
	for line := range strings.Lines(out) {
		var e rotate.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		found, names = append(found, e), append(names, e.Event)
	}
	return found, names
}

func TestRotatePutsTheNewKeyIn(t *testing.T) {
	t.Parallel()
	for _, vendor := range []mockserver.Provider{mockserver.Imin, mockserver.MindKey, mockserver.IMKIT, mockserver.Optimove} {
		t.Run(string(vendor), func(t *testing.T) {
			t.Parallel()
			w := newRotateWorld(t, vendor)
			want := strings.Replace(w.content(t), w.old, w.next, 1)
			got := w.rotate(t, w.next+"\n", string(vendor), "-", "--yes")
			if got.code != 0 || got.err != "" {
				t.Fatalf("%+v", got)
			}
			if d := cmp.Diff(want, w.content(t)); d != "" {
				t.Errorf("the file (-want +got):\n%s", d)
			}
			for _, part := range []string{
				"✓ current key " + fingerprint(w.old), "✓ new key     " + fingerprint(w.next) + ", from the standard input", "✓ host        " + w.BaseURL(vendor) + " (not " + string(vendor) + "'s own)\n", "✓ verified    200 OK in ", "✓ swapped ", ", line 3\n",
				"! keyfit cannot see who uses the old key " + fingerprint(w.old), "→ revoke ",
			} {
				if !strings.Contains(got.out, part) {
					t.Errorf("%q is missing:\n%s", part, got.out)
				}
			}
			if strings.Contains(got.out, "365 days after their issue") != (vendor == mockserver.MindKey) {
				t.Errorf("the keys' life:\n%s", got.out)
			}
			w.Expect(t, mockserver.Match{}, 2)
		})
	}
}

func TestRotateForAProgram(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.IMKIT)
	file := filepath.Join(t.TempDir(), "new")
	writeFile(t, file, w.next+"\r\n")
	got := w.rotate(t, "", "imkit", "--key-file", file, "--yes", "--json", "--expires", "2090-01-31")
	found, names := events(t, got.out)
	if d := cmp.Diff([]string{"present", "new", "verified", "verified", "swapped", "unseen", "advice", "done"}, names); d != "" || got.code != 0 || got.err != "" {
		t.Fatalf("%+v (-want +got):\n%s", got, d)
	}
	if found[2].URL != w.BaseURL(mockserver.IMKIT) {
		t.Errorf("the host: %+v", found[2])
	}
	swapped := found[4]
	if swapped.Fingerprint != fingerprint(w.next) || swapped.Previous != fingerprint(w.old) || swapped.Time.IsZero() || !strings.Contains(swapped.Place, w.dotenv) {
		t.Errorf("%+v", swapped)
	}
	if d := cmp.Diff([]int{3, 5}, swapped.Lines); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
	if last := found[len(found)-1]; last.Changed == nil || !*last.Changed {
		t.Errorf("%+v", last)
	}
	if !strings.HasSuffix(w.content(t), "\nIMKIT_API_KEY_EXPIRES=2090-01-31\n") {
		t.Errorf("the date is missing:\n%s", strings.ReplaceAll(w.content(t), w.next, "…"))
	}
}

func TestRotateChangesNothingIfTheNewKeyIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(w *rotateWorld)
		next  string // in place of the world's
		want  string
	}{
		"unknown": {nil, "c4n4rYc4n4rYc4n4rY", "was not verified: "},
		"accepted once": {func(w *rotateWorld) {
			w.Inject(mockserver.Match{}, mockserver.Status(401, `{"error":"INVALID_API_KEY"}`), mockserver.After(1))
		}, "", "was not verified: "},
		"server fails":      {func(w *rotateWorld) { w.Inject(mockserver.Match{}, mockserver.Status(503, "")) }, "", "check again later"},
		"the current one":   {func(w *rotateWorld) { w.next = w.old }, "", "the new key is the current one"},
		"empty":             {nil, "\n", "has 0 lines instead of 1"},
		"two lines":         {nil, "c4n4rYc4n4rY\nc4n4rYc4n4rY\n", "has 2 lines instead of 1"},
		"not ASCII":         {nil, "c4n4rYc4n4rY“", "non-ASCII character at byte 13 of 15"},
		"not to be written": {nil, `c4n4rY'c4n4rY\`, "cannot hold"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRotateWorld(t, mockserver.IMKIT)
			if test.spoil != nil {
				test.spoil(w)
			}
			next := w.next
			if test.next != "" {
				next, w.secrets = test.next, append(w.secrets, "c4n4rYc4n4rY")
			}
			before := w.content(t)
			got := w.rotate(t, next, "imkit", "-", "--yes", "--json")
			found, _ := events(t, got.out)
			last := found[len(found)-1]
			if got.code != cli.ExitFailure || last.Event != "failed" || last.Changed == nil || *last.Changed || !strings.Contains(last.Text, test.want) {
				t.Errorf("code %d, %+v; want %q", got.code, last, test.want)
			}
			if text := field(t, got.err, "error"); !strings.Contains(text, test.want) || !strings.HasSuffix(text, "; nothing was changed") {
				t.Errorf("%q", got.err)
			}
			if w.content(t) != before {
				t.Error("the file was changed")
			}
		})
	}
}

func TestRotateOfUnusualFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, want, says string }{
		"CRLF and export":    {"A=1\r\nexport IMKIT_API_KEY='OLD'\r\nB=2", "A=1\r\nexport IMKIT_API_KEY='NEW'\r\nB=2", ", line 2\n"},
		"twice":              {"IMKIT_API_KEY=OLD\nIMKIT_API_KEY=OLD\n", "IMKIT_API_KEY=NEW\nIMKIT_API_KEY=NEW\n", ", lines 1 and 2\n"},
		"absent":             {"A=1", "A=1\nIMKIT_API_KEY=NEW\n", "! there is no usable key yet: "},
		"empty":              {"IMKIT_API_KEY=\n", "IMKIT_API_KEY=NEW\n", "the value is empty"},
		"old one in comment": {"#IMKIT_API_KEY=OLD\nIMKIT_API_KEY=OLD\n", "#IMKIT_API_KEY=OLD\nIMKIT_API_KEY=NEW\n", "the old key is still elsewhere in the file: line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRotateWorld(t, mockserver.IMKIT)
			fill := strings.NewReplacer("OLD", w.old, "NEW", w.next)
			w.put(t, fill.Replace(test.content))
			got := w.rotate(t, w.next, "imkit", "-", "--yes", "--base-url", w.BaseURL(mockserver.IMKIT))
			if got.code != 0 || !strings.Contains(got.out, test.says) {
				t.Errorf("%+v; want %q", got, test.says)
			}
			if d := cmp.Diff(fill.Replace(test.want), w.content(t)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestRotateRefusesWhatItCannotDoWell(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content, args string
		code          int
		want          string
	}{
		"no file":                  {"", "imkit - --yes --dotenv /none/.env", cli.ExitUsage, "there is no file"},
		"not to be parsed":         {"IMKIT_API_KEY=OLD\nc4n4rYc4n4rY\n", "imkit - --yes", cli.ExitFailure, "line 2 cannot be parsed"},
		"a file named there":       {"IMKIT_API_KEY_FILE=/run/key\n", "imkit - --yes", cli.ExitFailure, "rotate that one with --file"},
		"the old key's date":       {"IMKIT_API_KEY=OLD\nIMKIT_API_KEY_EXPIRES=2030-01-01\n", "imkit - --yes", cli.ExitUsage, "give the new one's by --expires"},
		"the key itself":           {"", "imkit NEW", cli.ExitUsage, "the new key cannot be an argument"},
		"after the dash":           {"", "imkit - NEW", cli.ExitUsage, "the new key cannot be an argument"},
		"for the vendor":           {"", "NEW -", cli.ExitUsage, "there is no such vendor"},
		"for a file":               {"", "imkit --yes --key-file NEW", cli.ExitFailure, "--key-file: no such file"},
		"for an address":           {"", "imkit - --yes --watch NEW", cli.ExitUsage, "--watch needs a URL"},
		"for a date":               {"", "imkit - --yes --expires NEW", cli.ExitUsage, "--expires is a date"},
		"for a probe":              {"", "imkit - --yes --probe NEW", cli.ExitUsage, "--probe must be a path"},
		"key in the probe":         {"", "imkit - --yes --probe /x?api_key=NEW", cli.ExitUsage, "--probe holds a credential"},
		"a date in a file's file":  {"IMKIT_API_KEY=OLD\nIMKIT_API_KEY_EXPIRES_FILE=end\n", "imkit - --yes", cli.ExitUsage, "give the new one's by --expires"},
		"the old one's issue date": {"IMKIT_API_KEY=OLD\nIMKIT_API_KEY_ISSUED=2026-01-01\n", "imkit - --yes", cli.ExitUsage, "give the new one's by --expires"},
		"a date gone by":           {"", "imkit - --yes --expires 2020-01-01", cli.ExitUsage, "in the past"},
		"nobody to ask":            {"", "imkit -", cli.ExitUsage, "no terminal to ask at"},
		"no key":                   {"", "imkit --yes", cli.ExitUsage, "the new key is missing"},
		"JSON and questions":       {"", "imkit - --json", cli.ExitUsage, "needs --yes"},
		"revoke for real":          {"", "imkit - --yes --revoke", cli.ExitUsage, "--revoke is for a mock"},
		"a pair in a file":         {"", "imkit-user - --yes --file x", cli.ExitUsage, "cannot hold the pair"},
		"a date in a file":         {"", "imkit - --yes --file x --expires 2090-01-01", cli.ExitUsage, "--expires is for .env"},
		"two origins":              {"", "imkit - --yes --key-file x", cli.ExitUsage, "exclude each other"},
		"no time":                  {"", "imkit - --yes --timeout 0s", cli.ExitUsage, "more than 0s"},
		"no mock":                  {"", "imkit - --yes --mock", cli.ExitFailure, "which mock?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRotateWorld(t, mockserver.IMKIT)
			if test.content != "" {
				w.put(t, strings.ReplaceAll(test.content, "OLD", w.old))
			}
			w.secrets = append(w.secrets, "c4n4rYc4n4rY")
			before := w.content(t)
			got := w.rotate(t, w.next, strings.Fields(strings.ReplaceAll(test.args, "NEW", w.next))...)
			if got.code != test.code || !strings.Contains(got.err, test.want) || strings.Count(got.err, "\n") != 1 {
				t.Errorf("%+v; want code %d and %q", got, test.code, test.want)
			}
			if w.content(t) != before {
				t.Error("the file was changed")
			}
		})
	}
}

func TestRotateOfAKeysEnd(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.MindKey)
	w.put(t, w.content(t)+"MINDKEY_API_KEY_EXPIRES=2030-01-01\n")
	want := strings.ReplaceAll(strings.Replace(w.content(t), w.old, w.next, 1), "MINDKEY_API_KEY_EXPIRES=2030-01-01\n", "")
	if got := w.rotate(t, w.next, "mindkey", "-", "--yes", "--expires", "none"); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	if d := cmp.Diff(want, w.content(t)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRotateOfAPairIsOneSwap(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.IMKIT)
	old, next := w.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("user001")), w.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("user001"))
	w.secrets = []string{old.Secret.Reveal(), old.Token.Reveal(), next.Secret.Reveal(), next.Token.Reveal()}
	lines := func(p mockserver.Issued) string {
		return "IMKIT_CLIENT_KEY=" + p.Secret.Reveal() + "\nA=1\nIMKIT_USER_TOKEN=" + p.Token.Reveal() + "\nIMKIT_BASE_URL=" + w.BaseURL(mockserver.IMKIT) + "\n"
	}
	w.put(t, lines(old))
	got := w.rotate(t, next.Secret.Reveal()+"\n"+next.Token.Reveal()+"\n", "imkit-user", "-", "--yes")
	if got.code != 0 || !strings.Contains(got.out, "IMKIT_CLIENT_KEY and IMKIT_USER_TOKEN in "+w.dotenv+", lines 1 and 3") {
		t.Fatalf("%+v", got)
	}
	if d := cmp.Diff(lines(next), w.content(t)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRotateOfAKeyFile(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.Optimove)
	for _, end := range []string{"", "\n", "\r\n"} {
		w.put(t, w.old+end)
		got := w.rotate(t, w.next, "optimove", "-", "--yes", "--file", w.dotenv, "--dotenv", "/none/.env", "--base-url", w.BaseURL(mockserver.Optimove))
		if got.code != 0 || w.content(t) != w.next+end {
			t.Errorf("%+v", got)
		}
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// A key file that is a JSON object stays one, with the members of others, and with the dates of the
// key that it has.
func TestRotateOfAKeyFileInJSON(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before string
		flags  []string
		want   string // "" if nothing is changed
		says   string
	}{
		"one line":    {`{"key":"OLD","owner":"shop"}`, nil, `{"key":"NEW","owner":"shop"}`, "✓ swapped"},
		"indented":    {"{\n  \"key\": \"OLD\",\n  \"version\": 3,\n  \"issued_at\": \"2026-01-31\"\n}\n", nil, "{\n  \"key\": \"NEW\"\n}\n", "✓ swapped"},
		"a date":      {`{"key":"OLD","not_after":"2030-01-31"}` + "\n", []string{"--expires", "2090-01-31"}, `{"key":"NEW","not_after":"2090-01-31"}` + "\n", "✓ swapped"},
		"no date":     {`{"key":"OLD","not_after":"2030-01-31"}`, []string{"--expires", "none"}, `{"key":"NEW"}`, "✓ swapped"},
		"an old date": {`{"key":"OLD","not_after":"2030-01-31"}`, nil, "", "not_after in the file is the old key's date"},
		"no key":      {`{"secret":"OLD"}`, nil, "", "edit it by hand"},
		"half":        {`{"key":"OLD"`, nil, "", "edit it by hand"},
	} {
		w := newRotateWorld(t, mockserver.Optimove)
		fill := strings.NewReplacer("OLD", w.old, "NEW", w.next)
		w.put(t, fill.Replace(tt.before))
		kept := filepath.Join(t.TempDir(), "before")
		args := []string{"optimove", "--yes", "--file", w.dotenv, "--dotenv", "/none/.env", "--base-url", w.BaseURL(mockserver.Optimove)}
		got := w.rotate(t, w.next, append(append(args, "-", "--backup", kept), tt.flags...)...)
		if want := fill.Replace(orElse(tt.want, tt.before)); (got.code == 0) != (tt.want != "") || !strings.Contains(got.out+got.err, tt.says) || w.content(t) != want {
			t.Errorf("%s: %+v", name, got)
		}
		if tt.want == "" {
			continue
		}
		if got := w.rotate(t, "", append(args, "--rollback", kept)...); got.code != 0 || !strings.Contains(w.content(t), w.old) || strings.Contains(tt.before, "not_after") != strings.Contains(w.content(t), `"not_after":"2030-01-31T00:00:00Z"`) {
			t.Errorf("%s: back: %+v", name, got)
		}
	}
}

func TestRotateWithoutACallToTryTheKeyWith(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.Iiniit)
	got := w.rotate(t, w.next, "iiniit", "-", "--yes", "--probe", "/resource")
	if got.code != 0 || !strings.Contains(got.out, "✓ verified ") {
		t.Errorf("with a path: %+v", got)
	}
	w.Expect(t, mockserver.Match{}, 2)
	got = w.rotate(t, w.old, "iiniit", "-", "--yes")
	if got.code != 0 || !strings.Contains(got.out, "! the new key is not tried: iiniit documents no call") || strings.Contains(got.out, "verified") {
		t.Errorf("without: %+v", got)
	}
	w.Expect(t, mockserver.Match{}, 2)
}

func TestRotateKeepsABackupOnlyIfAsked(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.IMKIT)
	before := w.content(t)
	kept := filepath.Join(t.TempDir(), "before")
	if got := w.rotate(t, w.next, "imkit", "-", "--yes", "--backup", kept); got.code != 0 || !strings.Contains(got.out, "delete it in the end") {
		t.Fatalf("%+v", got)
	}
	data, err := os.ReadFile(kept)
	info, err2 := os.Stat(kept)
	if err != nil || err2 != nil || string(data) != before || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, %v", err, err2, info)
	}
	if got := w.rotate(t, w.old, "imkit", "-", "--yes", "--backup", kept); got.code != cli.ExitFailure || !strings.Contains(got.err, "file exists; nothing was changed") {
		t.Errorf("an older backup: %+v", got)
	}
}

// The address of a .env file holds for a key file only if the file has that .env's own key, and
// a file that others can read is warned of.
func TestRotateOfAKeyFileTakesTheAddressOfItsOwnDotEnvAlone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reference string // in .env
		mode      os.FileMode
		want      []string
		code      int
	}{
		"its own":      {"OPTIMOVE_API_KEY_FILE=key\n", 0o600, []string{"✓ host        http://127.0.0.1", "✓ swapped"}, 0},
		"a stranger's": {"OPTIMOVE_API_KEY=lorem-fitsum\n", 0o644, []string{"! ", "can be read by everybody on this machine (mode 0644)", "! OPTIMOVE_BASE_URL in ", " is ignored: it holds only for a key of that file", "no base URL"}, cli.ExitFailure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRotateWorld(t, mockserver.Optimove)
			key := filepath.Join(w.dir, "key")
			writeFile(t, key, w.old+"\n")
			if err := os.Chmod(key, tt.mode); err != nil {
				t.Fatal(err)
			}
			w.put(t, "OPTIMOVE_BASE_URL="+w.BaseURL(mockserver.Optimove)+"\n"+tt.reference)
			got := w.rotate(t, w.next, "optimove", "-", "--yes", "--file", key)
			for _, part := range tt.want {
				if !strings.Contains(got.out+got.err, part) {
					t.Errorf("%q is missing: %+v", part, got)
				}
			}
			if got.code != tt.code {
				t.Errorf("%+v", got)
			}
			w.Expect(t, mockserver.Match{}, 2*(1-tt.code))
		})
	}
}
