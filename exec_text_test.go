package keyfit_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

func TestExecTextTakesTheOneKeyThatACommandPrints(t *testing.T) {
	t.Parallel()
	const noKey = "printed what is no key: "
	for name, test := range map[string]struct {
		script    []string // and its argument
		key, want string   // the key, or why there is none
		none      bool     // the error is ErrNoKey
	}{
		"a key":               {[]string{`printf %s abc`}, "abc", "", false},
		"a line":              {[]string{`echo abc`}, "abc", "", false},
		"lines around it":     {[]string{`printf '\n\t abc \r\n\n'`}, "abc", "", false},
		"quotes":              {[]string{`printf '"abc"\n'`}, "abc", "", false},
		"a byte order mark":   {[]string{`printf '\357\273\277abc\n'`}, "abc", "", false},
		"a word on stderr":    {[]string{`echo abc; echo warning >&2`}, "abc", "", false},
		"nothing":             {[]string{`:`}, "", "printed nothing: want the key", false},
		"white space":         {[]string{`printf ' \n\n'`}, "", "printed nothing: want the key", false},
		"empty quotes":        {[]string{`printf '""'`}, "", noKey + "the value is empty", false},
		"two lines":           {[]string{`printf '%s\nuser: x\n' "$1"`, sourceCanary}, "", noKey + "the value has a line break at byte 7 of 14: a key is one line", false},
		"an assignment":       {[]string{`echo "IMKIT_API_KEY=$1"`, sourceCanary}, "", noKey + "the value is an assignment with a name in it: give the key alone", false},
		"JSON":                {[]string{`echo "{\"key\":\"$1\"}"`, sourceCanary}, "", noKey + "the value is JSON or XML: give the key alone, or read the object with Exec", false},
		"a list":              {[]string{`echo "[\"$1\"]"`, sourceCanary}, "", noKey + "the value is JSON or XML: give the key alone", false},
		"a header":            {[]string{`echo "X-API-KEY: $1"`, sourceCanary}, "", noKey + "the value is a whole header line: give the key alone", false},
		"a reference":         {[]string{`echo 'op://vault/item/field'`}, "", noKey + "the value is a URL or the name of a secret in a store: write the key itself", false},
		"a binary":            {[]string{`printf 'abc\001'; echo "$1"`, sourceCanary}, "", noKey + "the value has a control character at byte 4 of 10", false},
		"it fails with a key": {[]string{`echo "$1"; echo "$1" >&2; exit 1`, sourceCanary}, "", "failed: exit status 1, with 7 bytes on its standard error; run it by hand to read why", false},
		"no key":              {[]string{`echo "$1"; exit 66`, sourceCanary}, "", "reports by exit status 66 that it has no key (no key)", true},
		"too much":            {[]string{`while :; do echo "$1"; done`, sourceCanary}, "", "printed more than 65536 bytes, so it is not what was meant", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath("sh"); err != nil {
				t.Skip("no sh")
			}
			src := keyfit.ExecText("sh", append([]string{"-c", test.script[0], "sh"}, test.script[1:]...)...)
			cred, err := src.Credential(t.Context())
			got, why := cred.Key.Reveal(), ""
			if err != nil {
				why = strings.TrimPrefix(err.Error(), "command sh: ")
			}
			if diff := cmp.Diff([]string{test.key, test.want}, []string{got, why}); diff != "" || errors.Is(err, keyfit.ErrNoKey) != test.none {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(why+fmt.Sprintf("%+v %#v", src, src), sourceCanary) {
				t.Errorf("it quotes what was printed, or an argument: %s", why)
			}
		})
	}
}

// The commands of docs/rotation.md, against stand-ins that know the arguments and print what the
// tools document.
func TestTheCommandsOfTheDocumentation(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh")
	}
	page, err := os.ReadFile("docs/rotation.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := dir + string(os.PathListSeparator) + os.Getenv("PATH")
	const azure = `{"key": "abc", "not_after": "2027-01-31T12:00:00+00:00", "version": "https://team.vault.azure.net/secrets/imkit/7f"}`
	for _, tool := range []struct {
		name, prints string
		args         []string
		source       func(name string, args ...string) keyfit.Source
		want         string // key and end
	}{
		{"op", "abc\n", []string{"read", "op://production/imkit/credential"}, keyfit.ExecText, "abc "},
		{"gpg", "abc\n", []string{"--quiet", "--batch", "--decrypt", "imkit.gpg"}, keyfit.ExecText, "abc "},
		{"sops", "abc", []string{"decrypt", "--extract", `["imkit"]`, "secrets.yaml"}, keyfit.ExecText, "abc "},
		{"pass", "abc\nuser: x\n", []string{"show", "imkit"}, nil, "abc "}, // through sh, below
		{"gcloud", "abc", []string{"secrets", "versions", "access", "latest", "--secret=imkit"}, keyfit.ExecText, "abc "},
		{
			"az", azure,
			[]string{"keyvault", "secret", "show", "--vault-name", "team", "--name", "imkit", "--query", "{key: value, not_after: attributes.expires, version: id}", "--output", "json"},
			keyfit.Exec, "abc 2027-01-31T12:00:00Z",
		},
	} {
		t.Run(tool.name, func(t *testing.T) {
			t.Setenv("PATH", path)
			var checks strings.Builder
			fmt.Fprintf(&checks, "#!/bin/sh\n[ $# = %d ] || exit 2\n", len(tool.args))
			for i, arg := range tool.args {
				fmt.Fprintf(&checks, "[ \"${%d}\" = '%s' ] || exit %d\n", i+1, arg, 10+i)
			}
			fmt.Fprintf(&checks, "cat <<'END'\n%s\nEND\n", strings.TrimSuffix(tool.prints, "\n"))
			if err := os.WriteFile(filepath.Join(dir, tool.name), []byte(checks.String()), 0o700); err != nil {
				t.Fatal(err)
			}
			src, call := keyfit.ExecText("sh", "-c", "pass show imkit | head -n 1"), `keyfit.ExecText("sh", "-c", "pass show imkit | head -n 1")`
			if tool.source != nil {
				src, call = tool.source(tool.name, tool.args...), documented(tool.name, tool.args)
			}
			if !strings.Contains(string(page), call) {
				t.Errorf("docs/rotation.md has no %s", call)
			}
			cred, err := src.Credential(t.Context())
			if got := cred.Key.Reveal() + " " + dateText(cred.Expires); err != nil || got != tool.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// documented is how a page shows the call of a command.
func documented(name string, args []string) string {
	list := make([]string, 0, len(args)+1)
	for _, arg := range append([]string{name}, args...) {
		quoted := `"` + arg + `"`
		if strings.Contains(arg, `"`) {
			quoted = "`" + arg + "`"
		}
		list = append(list, quoted)
	}
	return "(" + strings.Join(list, ", ")
}
