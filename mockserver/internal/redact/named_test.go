package redact_test

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

const unknown = "sk_live_01Qx7ZpRodKey01LmNoPq" // no mock made it, and no header presents it

// credentialNames are names of credentials, in the cases that people write them in.
func credentialNames() []string {
	return []string{
		"key", "KEY", "token", "Token", "apiKey", "api_key", "API-KEY", "X-Api-Key", "access_token", "refreshToken", "client_secret",
		"password", "passwd", "pwd", "authorization", "sessionId", "credential", "jwt", "code", "user.password", "bearer",
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string always encodes
	return string(b)
}

// bodies are the forms in which a body may name the unknown credential: the content type, and
// the body.
func bodies(name string) map[string][2]string {
	const secret = unknown
	part := "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\n%s\r\n\r\n" + secret + "\r\n--b--\r\n"
	disposition := func(format string) string { return fmt.Sprintf(part, fmt.Sprintf(format, name)) }
	const multipart = "multipart/form-data; boundary=b"
	object := `{"id":1,"` + name + `":` + quoted(secret) + `}`
	return map[string][2]string{
		"form":                    {"application/x-www-form-urlencoded", "a=1&" + name + "=" + secret},
		"form, type in capitals":  {"Application/X-WWW-Form-Urlencoded; charset=utf-8", "a=1&" + name + "=" + secret},
		"form without a type":     {"", "a=1&" + name + "=" + secret + "&b=2"},
		"form, name escaped":      {"text/plain", "a=1&%" + fmt.Sprintf("%02x", name[0]) + name[1:] + "=" + secret},
		"form in brackets":        {"application/x-www-form-urlencoded", "user[" + name + "]=" + secret},
		"matrix":                  {"text/plain", "/orders;" + name + "=" + secret + "/1"},
		"matrix in a form":        {"application/x-www-form-urlencoded", "a=1;" + name + "=" + secret},
		"URL in a form":           {"application/x-www-form-urlencoded", "to=" + url.QueryEscape("https://x.example/?"+name+"="+secret)},
		"URL in a URL in a form":  {"application/x-www-form-urlencoded", "to=" + url.QueryEscape("https://x.example/?to="+url.QueryEscape("https://x.example/?"+name+"="+secret))},
		"JSON":                    {"application/json", object},
		"JSON in a form":          {"application/x-www-form-urlencoded", "payload=" + url.QueryEscape(object)},
		"JSON, array":             {"application/json", `{"` + name + `":[1,"` + secret + `"]}`},
		"JSON, object":            {"application/json", `{"` + name + `":{"value":"` + secret + `"}}`},
		"JSON, name escaped":      {"application/json", `{"\u00` + fmt.Sprintf("%02x", name[0]) + name[1:] + `" : "` + secret + `"}`},
		"JSON in JSON":            {"application/json", `{"payload":` + quoted(object) + `}`},
		"JSON in JSON in JSON":    {"application/json", `{"payload":` + quoted(`{"payload":`+quoted(object)+`}`) + `}`},
		"form in JSON":            {"application/json", `{"body":` + quoted("a=1&"+name+"="+secret) + `}`},
		"header in JSON":          {"application/json", `{"headers":["` + name + `: ` + secret + `"]}`},
		"name and value in JSON":  {"application/json", `[{"name":"` + name + `","value":"` + secret + `"}]`},
		"value and name in JSON":  {"application/json", `[{"value":"` + secret + `","key":"` + name + `"}]`},
		"lines of JSON":           {"application/x-ndjson", "{\"a\":1}\n" + object + "\n"},
		"broken JSON":             {"application/json", `5" {"` + name + `":"` + secret + `"`},
		"JSON with comments":      {"application/json", `{ ` + name + `: '` + secret + `', }`},
		"part":                    {multipart, disposition(`Content-Disposition: form-data; name="%s"`)},
		"part, unquoted":          {multipart, disposition(`content-disposition: form-data; name=%s`)},
		"part, extended name":     {multipart, disposition(`CONTENT-DISPOSITION: form-data; filename="x.txt"; NAME*=UTF-8''%s`)},
		"part, with a type":       {multipart, disposition("Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"%s\"")},
		"part, folded":            {multipart, disposition("Content-Disposition: form-data;\r\n name=\"%s\"")},
		"part, by line feeds":     {multipart, strings.ReplaceAll(disposition(`Content-Disposition: form-data; name="%s"`), "\r", "")},
		"part, quoted boundary":   {`multipart/form-data; charset=utf-8; boundary="b"`, disposition(`Content-Disposition: form-data; name="%s"`)},
		"part without a type":     {"", disposition(`Content-Disposition: form-data; name="%s"`)},
		"part, broken off":        {multipart, strings.SplitAfter(disposition(`Content-Disposition: form-data; name="%s"`), secret)[0]},
		"part of several lines":   {multipart, strings.ReplaceAll(disposition(`Content-Disposition: form-data; name="%s"`), secret, "--first\r\n"+secret)},
		"part after a preamble":   {"text/plain", "preamble\r\n" + disposition(`Content-Disposition: form-data; name="%s"`)},
		"JSON in a part":          {multipart, "--b\r\nContent-Disposition: form-data; name=\"data\"\r\nContent-Type: application/json\r\n\r\n" + object + "\r\n--b--"},
		"form in a part":          {multipart, "--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\na=1&" + name + "=" + secret + "\r\n--b--"},
		"related part":            {"multipart/related; boundary=b", "--b\r\nContent-ID: <1>\r\n\r\n<x><" + name + ">" + secret + "</" + name + "></x>\r\n--b--"},
		"element":                 {"application/xml", "<a><b>1</b><" + name + ">" + secret + "</" + name + "></a>"},
		"element, namespace":      {"text/xml", "<s:Header><w:" + name + " x=\"1\">\n" + secret + "</w:" + name + "></s:Header>"},
		"element, nested":         {"application/xml", "<" + name + "><id>x</id><" + name + ">1</" + name + "><v>" + secret + "</v></" + name + ">"},
		"element, CDATA":          {"application/xml", "<" + name + "><![CDATA[" + secret + "]]></" + name + ">"},
		"element, not closed":     {"", "<" + name + ">" + secret},
		"attribute":               {"application/xml", `<auth x="1" ` + name + `="` + secret + `"/>`},
		"attribute, single quote": {"text/html", `<input ` + name + ` = '` + secret + `'>`},
		"name and value in XML":   {"application/xml", `<param name="` + name + `" value="` + secret + `"/>`},
		"named element":           {"application/xml", `<param name='` + name + `'>` + secret + `</param>`},
		"property list":           {"application/xml", `<dict><key>` + name + `</key><string>` + secret + `</string></dict>`},
		"XML-RPC":                 {"text/xml", `<member><name>` + name + `</name><value><string>` + secret + `</string></value></member>`},
		"XML after an apostrophe": {"text/plain", "I <3 don't <" + name + ">" + secret + "</" + name + ">"},
		"XML in JSON":             {"application/json", `{"xml":` + quoted("<"+name+">"+secret+"</"+name+">") + `}`},
		"XML in a form":           {"application/x-www-form-urlencoded", "xml=" + url.QueryEscape("<"+name+">"+secret+"</"+name+">")},
		"header lines":            {"message/http", "GET / HTTP/1.1\r\n" + name + ": " + secret + "\r\nHost: x"},
		"cookie line":             {"text/plain", "Cookie: a=1; b=" + secret},
		"YAML":                    {"application/yaml", "user: lorem\n" + name + ": " + secret + "\n"},
		"YAML, block":             {"application/yaml", "user: lorem\n" + name + ": |-\n  " + secret + "\n\n  " + secret + "\nother: 1\n"},
		"YAML, folded block":      {"application/yaml", name + ": >2 \r\n\t" + secret},
		"variables":               {"text/plain", "export " + name + "='" + secret + "'"},
		"TOML":                    {"text/plain", name + " = \"" + secret + "\""},
		"assignment":              {"text/plain", name + " := `" + secret + "`"},
		"escaped":                 {"text/plain", url.QueryEscape(name + "=" + secret)},
		"UTF-16":                  {"text/plain; charset=utf-16", utf16le(object)},
	}
}

func utf16le(s string) string {
	var b strings.Builder
	for _, c := range utf16.Encode([]rune("\ufeff" + s)) {
		b.Write([]byte{byte(c), byte(c >> 8)})
	}
	return b.String()
}

func TestACredentialIsHiddenInEveryFormThatNamesIt(t *testing.T) {
	t.Parallel()
	for _, name := range credentialNames() {
		for form, body := range bodies(name) {
			var r redact.Redactor
			r.Begin(known{})
			got := r.Body([]byte(body[1]), body[0], 16<<10)
			if strings.Contains(got, unknown) || !strings.Contains(got, redact.Mark) {
				t.Errorf("%s, %s: %q becomes %q", name, form, body[1], got)
			}
		}
	}
}

// A body is read as a form if the server may do so (iiniit's authorization server), and it may be
// anything else all the same.
func TestACredentialIsHiddenInWhatOnlyClaimsToBeAForm(t *testing.T) {
	t.Parallel()
	for _, name := range credentialNames() {
		for form, body := range bodies(name) {
			var r redact.Redactor
			r.Begin(known{})
			if got := r.Body([]byte(body[1]), "application/x-www-form-urlencoded", 16<<10); strings.Contains(got, unknown) {
				t.Errorf("%s, %s: %q becomes %q", name, form, body[1], got)
			}
		}
	}
}

func TestACredentialIsHiddenInEveryPlaceThatNamesIt(t *testing.T) {
	t.Parallel()
	for _, name := range credentialNames() {
		for place, got := range map[string]func(r *redact.Redactor) string{
			"matrix parameter":  func(r *redact.Redactor) string { return r.Path("/orders;"+name+"="+unknown+"/1", 1000) },
			"the last of them":  func(r *redact.Redactor) string { return r.Path("/orders;a=1;"+name+"="+unknown, 1000) },
			"segment":           func(r *redact.Redactor) string { return r.Path("/orders/"+name+"="+unknown+"/1", 1000) },
			"query in a path":   func(r *redact.Redactor) string { return r.Path("/orders?a=1&"+name+"="+unknown, 1000) },
			"escaped in a path": func(r *redact.Redactor) string { return r.Path("/orders%3B"+name+"%3D"+unknown+"/1", 1000) },
			"query":             func(r *redact.Redactor) string { return r.Query(name+"="+unknown, 1000) },
			"behind semicolon":  func(r *redact.Redactor) string { return r.Query("q=1;"+name+"="+unknown, 1000) },
			"JSON in a query": func(r *redact.Redactor) string {
				return r.Query("q="+url.QueryEscape(`{"`+name+`":"`+unknown+`"}`), 1000)
			},
			"header value":     func(r *redact.Redactor) string { return r.Value("agent/1 ("+name+"="+unknown+")", 1000) },
			"header parameter": func(r *redact.Redactor) string { return r.Value("text/plain; "+name+"="+unknown, 1000) },
			"quoted parameter": func(r *redact.Redactor) string { return r.Value("text/plain; "+name+"=\""+unknown+"\"", 1000) },
		} {
			r := redact.New(known{})
			if out := got(r); strings.Contains(out, unknown) {
				t.Errorf("%s, %s: %q", name, place, out)
			}
		}
	}
}

func TestWhatNamesNoCredentialStaysReadable(t *testing.T) {
	t.Parallel()
	r := redact.New(known{})
	for _, body := range []string{
		`{"author":"Lorem","keyword":"fitsum","page":2,"at":"2027-01-31T12:00:00Z"}`,
		`{"expiresInTokens": 5, "hasKey": true, "tokens": null}`,
		`<a><author>Lorem</author><b x="1">2</b></a> 1 < 2 & 3 > 2`,
		"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--b--\r\n",
		"a note: call at 12:30, see https://keys.example:8443/x", "x = 1; y = 2", "SELECT * FROM a WHERE b = 'c'",
		"-----BEGIN CERTIFICATE-----\nTG9yZW0=\n-----END CERTIFICATE-----\n",
	} {
		if diff := cmp.Diff(body, r.Body([]byte(body), "text/plain", 1000)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for _, path := range []string{"/admin/clients/user001/token", "/v1/keys:batch", "/orders;v=1/2", "/People(Id=5)", "/a=b", "/100%/%zz"} {
		if diff := cmp.Diff(path, r.Path(path, 1000)); diff != "" {
			t.Errorf("path (-want +got):\n%s", diff)
		}
	}
	for in, want := range map[string]string{
		`{"token":"a","b":"c"}`:       `{"token":"[redacted]","b":"c"}`,
		`{"pin": 123456, "n": 5}`:     `{"pin": [redacted], "n": 5}`,
		"<a><key>x</key><b>y</b></a>": "<a><key>[redacted]</key><b>y</b></a>",
		"token: abc def\nuser: x":     "token: [redacted]\nuser: x",
		"--b\nContent-Disposition: form-data; name=token\n\nabc\n--b\nContent-Disposition: form-data; name=b\n\n2\n--b--": "--b\nContent-Disposition: form-data; name=token\n\n[redacted]\n--b\nContent-Disposition: form-data; name=b\n\n2\n--b--",
		"-----BEGIN EC PRIVATE KEY-----\nTG9yZW0=\n-----END EC PRIVATE KEY-----\n":                                        "[redacted]-----END EC PRIVATE KEY-----\n",
		"\x1f\x8b\x08 packed": "[redacted]",
	} {
		if diff := cmp.Diff(want, r.Body([]byte(in), "", 1000)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}

// keyed is a server whose mock made a key that has a credential's name in it, as a random one
// now and then has.
type keyed struct{ known }

const mintedName = "Qm7ZR4tKey0pwdX1-api-tokenV8s"

func (keyed) Minted(text string) (from, to int) { return found(text, mintedName) }

// TestAKeyThatAMockMadeNamesNothing: what stands beside such a key stays readable, unless the
// key is a part of a name.
func TestAKeyThatAMockMadeNamesNothing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"key":"KEY","text":"id=KEY, and more"}`:  `{"key":"[redacted]","text":"id=[redacted], and more"}`,
		`[{"name":"KEY","value":"lorem"}]`:         `[{"name":"[redacted]","value":"lorem"}]`,
		`[{"value":"lorem","name":"KEY"}]`:         `[{"value":"lorem","name":"[redacted]"}]`,
		`<id>KEY</id><string>lorem</string>`:       `<id>[redacted]</id><string>lorem</string>`,
		`<param name="KEY" value="lorem"/>`:        `<param name="[redacted]" value="lorem"/>`,
		`[{"name":"token.KEY","value":"lorem"}]`:   `[{"name":"[redacted]","value":"[redacted]"}]`,
		`[{"name":"KEY.token","value":"lorem"}]`:   `[{"name":"[redacted]","value":"[redacted]"}]`,
		`<id>token KEY</id><string>lorem</string>`: `<id>token [redacted]</id><string>[redacted]</string>`,
		`<param name="token-KEY" value="lorem" />`: `<param[redacted]`,
	} {
		r := redact.New(keyed{})
		if diff := cmp.Diff(want, r.Body([]byte(strings.ReplaceAll(text, "KEY", mintedName)), "text/plain", 1000)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func decoded(text []byte, err error) []byte {
	if err != nil {
		panic(err) // a constant of the tests
	}
	return text
}

// mintKeys makes n random keys of each shape with a credential's name among their letters, as
// far as the alphabet allows, and one without.
func mintKeys(n uint64) (named []string, plain string) {
	for seed := range n {
		src := rand.New(rand.NewPCG(seed, 1))
		for _, shape := range newSearching().shapes {
			named = append(named, shape.Mint(func(body []byte) {
				for i := range body {
					body[i] = byte(src.UintN(256))
				}
				// In base64url, and in base32.
				copy(body[3*src.IntN(3):], decoded(base64.RawURLEncoding.DecodeString("-"+[...]string{"Key", "pwd", "pat", "sig"}[src.IntN(4)]+[...]string{"-pwd", "Auth"}[src.IntN(2)])))
				copy(body[10:], decoded(base32.StdEncoding.DecodeString([...]string{"APIKEYAB", "TOKENABC", "OAUTHABC", "ABPASSWD"}[src.IntN(4)])))
			}))
		}
	}
	return named, newSearching().shapes[0].Mint(func(body []byte) { clear(body) })
}

// TestTheLettersOfAKeyDoNotMatter: a text that mentions a key is shown in the same way whatever
// the key is, in every place and under every name.
func TestTheLettersOfAKeyDoNotMatter(t *testing.T) {
	t.Parallel()
	seeds := uint64(25)
	if os.Getenv("KEYFIT_LONG") != "" {
		seeds = 500
	}
	keys, plain := mintKeys(seeds)
	for i, template := range []string{
		`{"key":"KEY","text":"id=KEY, and more"}`, `[{"name":"KEY","value":"lorem"}]`, `{"KEY":"lorem","id":"KEY"}`, `{"a":{"KEY":["lorem"]}}`,
		`<id>KEY</id><string>lorem</string>`, `<KEY>lorem</KEY>`, `<a:KEY b="lorem"/>`, `<param name="KEY" value="lorem"/>`,
		"KEY: lorem", "x-KEY: lorem", "KEY=lorem", "id=KEY; KEY.b=lorem", "/orders;KEY=lorem/1", "/a/KEY=lorem",
		"a=1&KEY=lorem&b[KEY]=lorem", "see KEY: lorem, KEY", "--b\r\nContent-Disposition: form-data; name=\"KEY\"\r\n\r\nlorem\r\n--b--",
	} {
		show := func(key string) string {
			r := redact.New(newSearching())
			text := strings.ReplaceAll(template, "KEY", key)
			return strings.Join([]string{
				r.Path(text, 1000), r.Value(text, 1000), r.Query(text, 1000), r.Query("q="+url.QueryEscape(text), 1000),
				r.Body([]byte(text), "text/plain", 1000), r.Body([]byte(text), "multipart/form-data; boundary=b", 1000),
			}, "\n")
		}
		want := show(plain)
		for at, key := range keys {
			if (at+at/5)%5 != i%5 && seeds < 100 {
				continue
			}
			if diff := cmp.Diff(want, show(strings.TrimRight(key, "="))); diff != "" {
				t.Errorf("%s with %s (-want +got):\n%s", template, key, diff)
				break
			}
		}
	}
}

// FuzzNamed: whatever stands around a body that names a credential, its value is not shown.
func FuzzNamed(f *testing.F) {
	names := credentialNames()
	forms := slices.Sorted(maps.Keys(bodies("token")))
	f.Add("", "", uint8(0), uint8(0))
	f.Add("<a x=", "'>", uint8(3), uint8(7))
	f.Add(`{"a":"`, `"}`, uint8(9), uint8(13))
	f.Add("--b\r\n", "\r\n--b--", uint8(2), uint8(30))
	f.Fuzz(func(t *testing.T, before, after string, n, form uint8) {
		if strings.Contains(before+after, unknown) {
			t.Skip()
		}
		name := names[int(n)%len(names)]
		for kind, body := range bodies(name) {
			if kind != forms[int(form)%len(forms)] || kind == "UTF-16" {
				continue
			}
			r := redact.New(known{})
			r.Body([]byte(before+body[1]+after), body[0], 16<<10) // ends, and does not panic
			if got := r.Body([]byte(body[1]+" "+after), body[0], 1<<20); len(after) < 1000 && strings.Contains(got, unknown) && !strings.HasPrefix(after, "\x00") {
				t.Fatalf("%s: %q shows %q", kind, body[1]+" "+after, got)
			}
		}
	})
}
