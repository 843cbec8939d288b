package keytext

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What cannot be a key, by the beginning of the reason.
func TestTextThatCannotBeAKeyIsNamed(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"is a PEM block": {"-----BEGIN PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----MIIB-----END CERTIFICATE-----", "-----BEGIN"},
		"is a reference": {"${KEY}", "${IMKIT_API_KEY:-x}", "${env:KEY}", "${{secrets.KEY}}", "${{ secrets.IMKIT }}", "${}"},
		"is a template": {
			"{{ .Values.key }}", "{{.Values.imkit.key}}", "{{ key }}", "{{key}}", "{{{key}}}", "prefix-{{ key }}", "{{- .Values.key -}}", `{{ .Values.key | quote }}`, `{{ lookup("env", "KEY") }}`, "{{resolve:secretsmanager:imkit}}",
			"$KEY", "$IMKIT_API_KEY", "$key", "$apiKey", "$ACME_TOKEN_2", "$env:IMKIT_API_KEY", "$(KEY)", "$(TOKEN)", "%KEY%", "%IMKIT_API_KEY%", "%(key)s", "#{key}", "#{ENV['KEY']}", "@{parameters('key')}",
			"<%= key %>", "<%=key%>", "{% key %}", "<<KEY>>", "((imkit-api-key))", "[[key]]", "@KEY@", "@api.key@", "__API_KEY__", "{key}", "{API_KEY}", "{your-key}", "{}", "{0}", "%s", "%v", "%-10s", ":key", ":api_key",
			"<your-api-key>", "<KEY>", "<key>", "<insert key here>", "<a1b2c3d4e5f6>", "<API KEY>", "[your key]", "[API_KEY]", "[redacted]", "[REDACTED]", "[hidden]",
			"process.env.IMKIT_API_KEY", "process.env['KEY']", "import.meta.env.KEY", "os.environ['KEY']", `os.Getenv("KEY")`, "os.getenv('KEY')", "System.getenv(\"KEY\")", "getenv('KEY')", "ENV['KEY']", "env('KEY')", "ENV.KEY",
			"secrets.IMKIT_API_KEY", "vars.KEY", "Deno.env.get('KEY')", "!Ref ApiKey", "!vault |",
		},
		"is JSON or XML": {`{"key":"abc"}`, `{"key": "abc", "id": 1}`, `["abc"]`, `[{"key":"abc"}]`, `{key:abc}`, `{'key':'abc'}`, `{"key":"abc"`, `{key=>abc}`, "<key>abc</key>", "<html><body>x</body></html>"},
		"is a URL":       {"https://api.example.com", "http://localhost:8080/x?k=v", "op://vault/item/key", "ref+vault://secret/imkit#key", "file:///run/secrets/key", "postgres://u:p@h/db", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x", "vault:secret/data/imkit", "projects/p/secrets/imkit/versions/1", "data:text/plain;base64,YWJj", "@Microsoft.KeyVault(SecretUri=x)"},
		"begins with the name of an authentication scheme": {"Bearer abc", "bearer abc", "BEARER  abc", "Basic dTpw", "ApiKey abc", "ApiKey-v2 abc", "apikey abc", "Token abc", "Digest x", "Bearer%20abc", "Bearer+abc", "Key abc", "Api-Key abc"},
		"is a whole header line":                           {"X-API-KEY: abc", "X-API-KEY:abc", "Authorization: Bearer abc", "authorization:abc", "IM-API-KEY: abc", "Cookie: a=b", "api_key: abc", "key: abc", "Host: example.com", "IMKIT_API_KEY: abc", "apikey:abc"},
		"is an assignment":                                 {"IMKIT_API_KEY=abc", "export IMKIT_API_KEY=abc", "set IMKIT_API_KEY=abc", "$env:IMKIT_API_KEY=abc", "IMKIT_API_KEY = abc", "api_key=abc", "apiKey=abc", "?api_key=abc", "&token=abc", "--api-key=abc", "key=abc", "password=x", "IMKIT_BASE_URL=x", `IMKIT_API_KEY="abc`, "X-API-KEY=abc", "ACME_CONFIG=1"},
		"is a placeholder":                                 {"changeme", "CHANGEME", "change-me", "ChangeMe", "change_this", "replaceme", "REPLACE_WITH_YOUR_KEY", "your-api-key", "YOUR_API_KEY", "yourApiKey", "YourAPIKey", "your_key_here", "insert-key-here", "put-your-key-here", "paste_key_here", "enter your key", "your-example-key", "placeholder", "todo", "TODO", "TBD", "FIXME", "null", "nil", "None", "undefined", "N/A", "true", "false", "xxx", "api-key", "API_KEY", "apikey", "IMKIT_API_KEY", "X-API-KEY", "redacted", "my-api-key-goes-here", "sk_live_your_key_here", "xxxx-xxxx-xxxx", "sk_test_xxxxxxxxxxxx", "(null)", "unset", "empty", "dein-api-key", "votre_api_key"},
		"is a masked key":                                  {"********", "****", "sk_live_****", "****abcd", "abcd****wxyz", "sk-...", "sk-...abcd", "abc...xyz", "abcdefxxxxxxxxxx", "AKIAXXXXXXXXXXXXXXXX", "########", "........"},
		"is the path of a file":                            {"/run/secrets/imkit", "/var/run/secrets/key", "/etc/imkit/key.txt", "/home/me/key", "/tmp/key", "~/keys/imkit.txt", "./key.txt", "../imkit.key", `C:\keys\imkit.txt`, "/Users/me/.key"},
		"has white space inside":                           {"abc def", "two words here", "curl -H x", "a  b", "lorem ipsum dolor"},
		"begins or ends with a quotation mark":             {`"abc123`, `abc123"`, `'abc123`, "`abc123", `"abc'`, `\"abc\"`, "abc`"},
		"has no letter and no digit":                       {"***", "---", "___", "?", "$$$", "<>", "()", "!!!", "+/=", "#"},
	}
	for want, texts := range tests {
		for _, text := range texts {
			if got := Fault(text); !strings.HasPrefix(got, want) {
				t.Errorf("%q: want %q…, got %q", text, want, got)
			}
		}
	}
}

// What tests, examples and people use as keys, and what looks like one of the forms above
// without being one.
func TestTextThatMayBeAKeyPasses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"abc", "k", "key", "secret", "key-1", "test", "test-key", "test-api-key", "my-key", "fake-token", "abc123", "old-key", "new", "lorem-fitsum", "tenant-b-key-000001", "sk-cases-7QmzR4-0123456789abcdef", "key-from-environment-1", "example-key", "$HOME", "$(x)", "explicit", "source", "from-dotenv",
		"a$ABC$DEF", "a${ABC}b", "a$(x)", "$$a$", `\$x`, "#ab", "a#b", `a"b'c`, `redact-"Lorem"&<fitsum>=1`, `redact-dolor%sit\amet`,
		"123456789:AAF-lorem_Ipsum0dolor1sit2amet3conse4", "user:pass", "a=b", "YWJjZGVmZ2hpamts==", "YWJjZGVmZ2hpamtsbQ==", "abc/def+ghi=", "/abc+def/ghi=", "+abc/", "=abc=",
		"11111111-2222-4333-8444-555555555555", "SG.lorem-ipsum.dolor_sit", "xoxb-1-2-a", "xoxp-000", "AKIA2LOREMFITSUM7Q", "v1.0-abc", "1.a.b", "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln", "example.com", "keyfit", "tokenized9", "bearer9x", "Basic9", "apikey9x", "nullable7", "todo7list", "changeme7",
		"live", "4242424242424242", "0123456789abcdef0123456789abcdef", "xkcd", "xxl-7", "exxxon", "a*b*c", "a**b", "a***b", "100%", "%41%42", "@me", "a@b", "a{b}c", "{a1b2c3d4", "[0a1b2c", "~tilde~7", "(paren9)", "!bang9", "^9",
	} {
		if got := Fault(text); got != "" {
			t.Errorf("%q was refused: %s", text, got)
		}
	}
}

// realKeys are the forms in which providers issue keys, over random bytes.
func realKeys() map[string]func(raw []byte, r *mathrand.Rand) string {
	std, url := base64.StdEncoding, base64.RawURLEncoding
	from := func(alphabet string, least, most int) func([]byte, *mathrand.Rand) string {
		return func(_ []byte, r *mathrand.Rand) string {
			key := make([]byte, least+r.IntN(most-least+1))
			for i := range key {
				key[i] = alphabet[r.IntN(len(alphabet))]
			}
			return string(key)
		}
	}
	const alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	forms := map[string]func([]byte, *mathrand.Rand) string{
		"hex":           func(b []byte, _ *mathrand.Rand) string { return hex.EncodeToString(b) },
		"HEX":           func(b []byte, _ *mathrand.Rand) string { return strings.ToUpper(hex.EncodeToString(b)) },
		"hex with ends": func(b []byte, _ *mathrand.Rand) string { return hex.EncodeToString(b[:8]) },
		"base64":        func(b []byte, _ *mathrand.Rand) string { return std.EncodeToString(b) },
		"base64, one =": func(b []byte, _ *mathrand.Rand) string { return std.EncodeToString(b[:20]) },
		"base64, two =": func(b []byte, _ *mathrand.Rand) string { return std.EncodeToString(b[:16]) },
		"base64 twice":  func(b []byte, _ *mathrand.Rand) string { return std.EncodeToString([]byte(std.EncodeToString(b))) },
		"base64url":     func(b []byte, _ *mathrand.Rand) string { return url.EncodeToString(b) },
		"base32":        func(b []byte, _ *mathrand.Rand) string { return base32.StdEncoding.EncodeToString(b) },
		"jwt": func(b []byte, _ *mathrand.Rand) string {
			return url.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + url.EncodeToString(fmt.Appendf(nil, `{"sub":"%x"}`, b[:9])) + "." + url.EncodeToString(b)
		},
		"uuid": func(b []byte, _ *mathrand.Rand) string {
			return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
		},
		"UUID in braces of Windows, without them": func(b []byte, _ *mathrand.Rand) string { return strings.ToUpper(fmt.Sprintf("%x-%x", b[:4], b[4:16])) },
		"letters and digits":                      from(alnum, 16, 64),
		"small letters":                           from("abcdefghijklmnopqrstuvwxyz", 16, 64),
		"capitals":                                from("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 16, 64),
		"digits":                                  from("0123456789", 12, 32),
		"dots":                                    from(alnum+".", 20, 64),
		"dollars":                                 from(alnum+"$", 20, 64),
		"stars":                                   from(alnum+"*", 24, 64),
		"percent":                                 from(alnum+"%", 20, 64),
		"tilde, minus, underscore":                from(alnum+"~-_", 20, 64),
		"passwords of a generator":                from(alnum+"!#$%&()*+,-./:;<=>?@[]^_{|}~", 20, 64),
	}
	random := forms["letters and digits"]
	for _, prefix := range []string{"sk_live_", "sk_test_", "pk_live_", "sk-", "sk-proj-", "ghp_", "github_pat_", "glpat-", "xoxb-", "SG.", "AIza", "AKIA", "key-", "key_", "api_", "api-", "apikey_", "token_", "tok_", "secret_", "rk_", "v1.", "v2:", "dop_v1_", "shpat_", "Bearer", "lf_key-", "user:", "acme:", "42:", "im_", "EAAC", "ya29.", "1//0", "patX."} {
		forms[prefix] = func(b []byte, r *mathrand.Rand) string { return prefix + random(b, r) }
	}
	return forms
}

// A rule that refuses a real key stops a program that did nothing wrong. The table is random
// from its seed, and larger with KEYFIT_LONG=1.
func TestNoRandomKeyIsRefused(t *testing.T) {
	t.Parallel()
	each := 300
	if os.Getenv("KEYFIT_LONG") == "1" {
		each = 5_000
	}
	src := mathrand.NewChaCha8([32]byte{12, 16})
	r := mathrand.New(src)
	refused := map[string]string{}
	for name, form := range realKeys() {
		for range each {
			raw := make([]byte, 32)
			_, _ = src.Read(raw)
			if key := form(raw, r); Fault(key) != "" {
				refused[name+": "+key] = Fault(key)
			}
		}
	}
	if d := cmp.Diff(map[string]string{}, refused); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func FuzzFault(f *testing.F) {
	for _, text := range []string{"Bearer abc", "a=b", "{{ x }}", "$KEY", `{"a":1}`, "****", "abc", rand.Text()} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		reason := Fault(text)
		if reason != Fault(text) || strings.ContainsAny(reason, "\n\r") {
			t.Fatalf("%q: %q", text, reason)
		}
		if len(text) > 12 && strings.Contains(reason, text) {
			known := false
			for _, r := range rules() {
				known = known || r.reason == reason
			}
			if !known {
				t.Fatalf("the reason quotes the text: %q", reason)
			}
		}
	})
}
