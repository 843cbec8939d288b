package vendors

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

func TestVariablesAreClassifiedByTheirNames(t *testing.T) {
	t.Parallel()
	type class struct {
		Kind     Variable
		Provider string
	}
	want := map[string]class{}
	for _, p := range []string{"imin", "mindkey", "imkit", "optimove", "iiniit"} {
		upper := strings.ToUpper(p)
		for _, name := range []string{
			"_API_KEY", "_API_KEY_FILE", "_API_KEY_EXPIRES", "_API_KEY_ISSUED", "_API_KEY_OLD", "_API_KEY_2", "_BASE_URL", "_BASE_URL_FILE", "_BASE_URL_2",
		} {
			want[upper+name] = class{Read, p}
		}
		for _, name := range []string{
			"_KEY", "_KEY_FILE", "_APIKEY", "_SECRET", "_TOKEN", "_ACCESS_KEY_ID", "_PASSWORD", "_CREDENTIALS", "_AUTH", "_HOST", "_URL", "_ENDPOINT", "_ADMIN_KEY",
		} {
			want[upper+name] = class{Credential, p}
		}
		for _, name := range []string{"", "_", "_LOG_LEVEL", "_TIMEOUT", "_DATASET", "_REGION"} {
			want[upper+name] = class{}
		}
	}
	for _, p := range []string{"imin", "mindkey", "imkit", "optimove", "iiniit"} { // as others write them
		for _, name := range []string{
			"_API", "_BASE", "_USER", "_USERNAME", "_LOGIN", "_PRIVATE", "_REFRESH", "_DSN", "_CONFIG", "_CERT", "_DOMAIN", "_ACCOUNT_ID", "_CONNECTION_STRING",
			"APIKEY", "KEY", "TOKEN", "SECRET", "API_TOKEN", "-SECRET", ".SECRET", "_X.TOKEN", "_X-TOKEN",
		} {
			want[strings.ToUpper(p)+name] = class{Credential, p}
		}
		for _, name := range []string{"-API-KEY", ".API.KEY", "_API_KEY.OLD", "_BASE-URL"} {
			want[strings.ToUpper(p)+name] = class{Read, p}
		}
		for _, name := range []string{"_DATABASE", "_CONCERT", "_VERSION", "_DEBUG", "ISSUE", "_API_VERSION", "_USER_AGENT", "X_TOKEN"} {
			want[strings.ToUpper(p)+name] = class{}
		}
	}
	maps.Copy(want, map[string]class{
		"IMKIT_USER_TOKEN": {Read, "imkit"}, "IMKIT_USER_TOKEN_FILE": {Read, "imkit"}, "IMKIT_USER_TOKEN_EXPIRES": {Read, "imkit"}, "IMKIT_USER_TOKEN_ISSUED": {Read, "imkit"},
		"IMKIT_CLIENT_KEY": {Read, "imkit"}, "IMKIT_CLIENT_KEY_FILE": {Read, "imkit"}, "imkit_api_key": {Read, "imkit"}, "Imkit_Api_Key_File": {Read, "imkit"},
		"IINIIT_ACCESS_TOKEN": {Read, "iiniit"}, "IINIIT_ACCESS_TOKEN_FILE": {Read, "iiniit"}, "IINIIT_CLIENT_SECRET": {Credential, "iiniit"}, "IINIIT_REFRESH_TOKEN": {Credential, "iiniit"},
		"PATH": {}, "HOME": {}, "": {}, "KEY": {}, "API_KEY": {}, "OPENAI_API_KEY": {}, "MY_IMKIT_API_KEY": {}, "IMKITX_API_KEY": {}, "GITHUB_TOKEN": {}, "HTTP_PROXY": {},
		"KEYFIT_ADMIN_TOKEN": {}, "IMIN": {}, "IMKIT": {},
	})
	got := map[string]class{}
	for name := range want {
		kind, p := Classify(name)
		got[name] = class{kind, p}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Every field of a Provider that names a variable is known here, and every vendor of the mock.
func TestEveryVariableOfAProviderIsKnown(t *testing.T) {
	t.Parallel()
	var fields []string
	for field := range reflect.TypeFor[keyfit.Provider]().Fields() {
		if strings.HasPrefix(field.Name, "Env") {
			fields = append(fields, field.Name)
		}
	}
	if len(fields) < 3 {
		t.Fatalf("found %v", fields)
	}
	for _, name := range fields {
		var p keyfit.Provider
		reflect.ValueOf(&p).Elem().FieldByName(name).SetString("LOREM_IPSUM")
		if got := variables(&p); !slices.Equal(got, []string{"LOREM_IPSUM"}) {
			t.Errorf("Provider.%s names a variable that keyfit run would leave to its command: add it to variables", name)
		}
	}
	for _, p := range mockserver.Providers() {
		if kind, owner := Classify(strings.ToUpper(string(p)) + "_API_KEY"); kind != Read || owner != string(p) {
			t.Errorf("%s: %v %q", p, kind, owner)
		}
	}
}

// Whatever the SDK appends to a variable's name is taken for a part of it: the sources are
// read, so that a new ending cannot be forgotten.
func TestEveryEndingThatTheSDKReadsBelongsToItsVariable(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..", "..")
	files, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	endings := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil && len(text) > 2 && text[0] == '_' && strings.ToUpper(text) == text && !strings.ContainsAny(text, " %") {
					endings[text] = true
				}
			}
			return true
		})
	}
	if !endings["_FILE"] || !endings["_EXPIRES"] || !endings["_ISSUED"] {
		t.Fatalf("found %v: the test looks in the wrong place", endings)
	}
	for _, v := range All() {
		for _, name := range variables(&v.Provider) {
			for ending := range endings {
				if kind, owner := Classify(name + ending); kind != Read || owner != v.Provider.Name {
					t.Errorf("%s%s: %v %q", name, ending, kind, owner)
				}
			}
		}
	}
}

func TestKeysInDotEnv(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, ".env")
	if err := os.WriteFile(path, []byte("IMKIT_API_KEY=lorem-ipsum-dolor\nOPTIMOVE_API_KEY=\nIMKIT_CLIENT_KEY=sit-amet-consectetur\nOTHER=x\nMINDKEY_API_KEY_FILE=/nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := func(string) bool { return true }
	if d := cmp.Diff([]string{"MINDKEY_API_KEY", "IMKIT_API_KEY", "IMKIT_CLIENT_KEY", "OPTIMOVE_API_KEY"}, KeysInDotEnv(path, all)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := KeysInDotEnv(path, func(p string) bool { return p == "imin" }); got != nil {
		t.Errorf("%v", got)
	}
	for name, content := range map[string]string{"broken": "OPTIMOVE_API_KEY='lorem\n", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"none", "broken", "empty", "."} {
		if got := KeysInDotEnv(filepath.Join(dir, name), all); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}
