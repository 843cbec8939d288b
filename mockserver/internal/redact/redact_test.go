package redact_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

const (
	stored    = "stored-0123456789abcdef"
	minted    = "MINTED0123456789abcdef"
	imported  = "imported value: 1 2 3!"
	presented = "presented~0123456789~abcdef"
)

// known knows the constants above.
type known struct{}

func (known) Stored(value string) bool { return value == stored || value == imported }
func (known) Lengths() []int           { return []int{len(imported)} }
func (known) Version() uint64          { return 1 }

func (known) Minted(text string) (from, to int) { return found(text, minted) }

// found returns where in text a word stands, as redact.Known does.
func found(text, word string) (from, to int) {
	if i := strings.Index(text, word); i >= 0 {
		return i, i + len(word)
	}
	return 0, 0
}

// encodings are the ways to write a secret that are looked through.
func encodings() map[string]func(string) string {
	return map[string]func(string) string{
		"plain":         func(s string) string { return s },
		"in a sentence": func(s string) string { return "the key is " + s + ", is it not?" },
		"percent": func(s string) string {
			var b strings.Builder
			for _, c := range []byte(s) {
				b.WriteString("%" + hex.EncodeToString([]byte{c}))
			}
			return b.String()
		},
		"percent twice": func(s string) string { return url.PathEscape(url.PathEscape("~" + s)) },
		"JSON escapes": func(s string) string {
			var b strings.Builder
			for _, c := range []byte(s) {
				b.WriteString(`\u00` + hex.EncodeToString([]byte{c}))
			}
			return b.String()
		},
		"base64":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64url": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("k?>" + s)) },
		"base64 twice": func(s string) string {
			b := base64.StdEncoding
			return b.EncodeToString([]byte(b.EncodeToString([]byte(s))))
		},
		"hex": func(s string) string { return hex.EncodeToString([]byte(s)) },
	}
}

func TestASecretIsHiddenHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{stored, minted, imported, presented} {
		for name, encode := range encodings() {
			var r redact.Redactor
			r.Begin(known{}, presented)
			text := encode(secret)
			if got := r.Text(text); !strings.Contains(got, redact.Mark) || strings.Contains(got, secret) {
				t.Errorf("%s: %q becomes %q", name, text, got)
			}
		}
	}
}

func TestASplitSecretIsHidden(t *testing.T) {
	t.Parallel()
	r := redact.New(known{})
	half := len(stored) / 2
	for _, text := range []string{
		stored[:half] + " " + stored[half:],
		stored[:7] + ", " + stored[7:14] + "; " + stored[14:],
	} {
		if got := r.Text(text); !strings.Contains(got, redact.Mark) {
			t.Errorf("%q stays %q", text, got)
		}
	}
	if got := r.Query("a="+stored[:half]+"&b="+stored[half:], 1000); got != "a=[redacted]&b=[redacted]" {
		t.Errorf("over two parameters: %q", got)
	}
	r.Begin(known{}, presented)
	if got := r.Text("it begins with " + presented[:14]); got != "it begins with [redacted]" {
		t.Errorf("a piece: %q", got)
	}
}

func TestHarmlessTextStaysAsItIs(t *testing.T) {
	t.Parallel()
	var r redact.Redactor
	r.Begin(known{}, presented)
	for _, text := range []string{
		"", "short", "/admin/clients/user001/token", "keyfit/1.0 (linux; amd64)", "100% of \\u1234 %zz %",
		"Lorem fitsum dolor sit amet", "eyJ", "2027-01-31T12:00:00Z", "gzip, deflate;q=0.5",
	} {
		for range 2 { // the second time from memory
			if got := r.Text(text); got != text {
				t.Errorf("%q becomes %q", text, got)
			}
		}
	}
}

func TestValuesUnderACredentialsNameAreHidden(t *testing.T) {
	t.Parallel()
	r := redact.New(known{})
	for in, want := range map[string]string{
		"api_key=abc&page=2":          "api_key=[redacted]&page=2",
		"page=2&X-Token=a&X-Token=b":  "X-Token=[redacted]&X-Token=[redacted]&page=2",
		"q=1;api_key=abc":             "q=[redacted]",
		"author=me&authorization=you": "author=me&authorization=[redacted]",
		"skiptoken=5&keyword=x":       "skiptoken=5&keyword=x", // nothing is hidden: as it was sent
		"e&b=%41+c;d&&a":              "e&b=%41+c;d&&a",
		"%zz":                         "[redacted]",
	} {
		if got := r.Query(in, 1000); got != want {
			t.Errorf("query %q becomes %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		`{"token": "abc", "page": 2}`:             `{"token": "[redacted]", "page": 2}`,
		`{"to\u006ben":["a","b"],"n":[1]}`:        `{"to\u006ben":"[redacted]","n":[1]}`,
		`{"user":{"password" : "x\"y"}}`:          `{"user":{"password" : "[redacted]"}}`,
		`{"expiresInTokens": 5, "text": "token"}`: `{"expiresInTokens": 5, "text": "token"}`,
		`{"error":{"code":"NOT_FOUND"}}`:          `{"error":{"code":"NOT_FOUND"}}`,
		`{"code":"NOTFOUND","grant":"x"}`:         `{"code":"[redacted]","grant":"x"}`,
		`{"code":"AB_CD-9","grant":"x"}`:          `{"code":"[redacted]","grant":"x"}`,
		`no JSON: "key`:                           `no JSON: "key`,
	} {
		if got := r.Body([]byte(in), "application/json", 1000); got != want {
			t.Errorf("body %q becomes %q, want %q", in, got, want)
		}
	}
	if got := r.Body([]byte("grant_type=x&client_secret=abc"), "application/x-www-form-urlencoded", 1000); got != "client_secret=[redacted]&grant_type=x" {
		t.Errorf("form: %q", got)
	}
}

func TestWhatAHeaderCarriesIsHiddenElsewhere(t *testing.T) {
	t.Parallel()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("client-id-1:"+presented))
	for name, value := range map[string]string{
		"X-Api-Key": presented, "Authorization": "Bearer " + presented, "authorization": basic, "X-Other": "a=" + presented,
	} {
		var r redact.Redactor
		r.Begin(known{})
		if name == "authorization" {
			name = "Authorization"
		}
		r.Header(name, value)
		if got := r.Text("sent " + presented); got != "sent [redacted]" {
			t.Errorf("%s: %q", name, got)
		}
		r.Forget()
		if got := r.Text("sent " + presented); got != "sent "+presented {
			t.Errorf("%s is not forgotten: %q", name, got)
		}
	}
}

func TestMoreValuesThanAnybodySendsHideEverything(t *testing.T) {
	t.Parallel()
	var r redact.Redactor
	r.Begin(known{})
	for range 101 {
		r.Credential(presented)
	}
	if got := r.Text("harmless text"); got != redact.Mark {
		t.Errorf("%q", got)
	}
}

func TestLongTextsAreCutBetweenWords(t *testing.T) {
	t.Parallel()
	r := redact.New(known{})
	long := strings.Repeat("lorem ", 2000)
	if got := r.Value(long, 100); len(got) != 105 || !strings.HasSuffix(got, "[cut]") {
		t.Errorf("%d characters: %q", len(got), got)
	}
	near := strings.Repeat("lorem ", 15) + stored // reaches over the limit
	if got := r.Value(near, 100); strings.Contains(got, stored[:10]) {
		t.Errorf("half a credential: %q", got)
	}
}

// Names that are hidden become one name. Its values come in the order of the names themselves.
func TestAQueryHasAStableOrder(t *testing.T) {
	t.Parallel()
	for range 32 {
		r := redact.New(known{})
		got := r.Query("z"+stored+"=1&"+stored+"=2&a=3&"+minted+"=4&z"+minted+"=5", 1000)
		if diff := cmp.Diff("[redacted]=4&[redacted]=2&[redacted]=5&a=3&z"+stored+"=1", got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func TestNamesThatAreNone(t *testing.T) {
	t.Parallel()
	r := redact.New(known{})
	for in, want := range map[string]string{
		"X-Request-Id": "X-Request-Id", strings.Repeat("a", 17): redact.Mark, strings.Repeat("a-", 40): redact.Mark,
	} {
		if got := r.HeaderName(in); got != want {
			t.Errorf("header %q becomes %q", in, got)
		}
	}
	for in, want := range map[string]string{"GET": "GET", "PROPFIND": "PROPFIND", "G3T": redact.Mark, strings.Repeat("A", 33): redact.Mark} {
		if got := r.Method(in); got != want {
			t.Errorf("method %q becomes %q", in, got)
		}
	}
}

func TestHiddenStringsOfJSONStayDistinct(t *testing.T) {
	t.Parallel()
	r := redact.New(known{})
	got := r.JSON(json.RawMessage(`{"id":"` + stored + `","ref":"` + stored + `","other":"` + minted + `","n":1,"t\"":"a\nb"}`))
	var m map[string]any
	if err := json.Unmarshal(got, &m); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	id, _ := m["id"].(string)
	if !strings.HasPrefix(id, redact.Mark+"#") || m["ref"] != id || m["other"] == id {
		t.Errorf("%s", got)
	}
	delete(m, "id")
	delete(m, "ref")
	delete(m, "other")
	if d := cmp.Diff(map[string]any{"n": 1.0, `t"`: "a\nb"}, m); d != "" {
		t.Errorf("the rest (-want +got):\n%s", d)
	}
}

// FuzzText: whatever surrounds a secret, and however it is written, no output
// holds it; and redacting ends.
func FuzzText(f *testing.F) {
	f.Add("before ", " after", uint8(0))
	f.Add("%25", "\\u00", uint8(4))
	f.Add("eyJhbGciOiJIUzI1NiJ9.", "==", uint8(7))
	f.Add(`{"token":"`, `"}`, uint8(2))
	all := encodings()
	names := []string{"plain", "percent", "JSON escapes", "base64", "hex"}
	f.Fuzz(func(t *testing.T, before, after string, kind uint8) {
		encode := all[names[int(kind)%len(names)]]
		for _, secret := range []string{stored, minted, presented} {
			if strings.Contains(before+after, secret) {
				t.Skip()
			}
			text := before + " " + encode(secret) + " " + after
			var r redact.Redactor
			r.Begin(known{}, presented)
			for _, out := range []string{
				r.Text(text), r.Query("q="+url.QueryEscape(text), 1<<20), r.Body([]byte(text), "text/plain", 1<<20),
				r.Path(text, 1<<20), r.Value(text, 1<<20), r.HeaderName(text), r.Method(text),
			} {
				if strings.Contains(out, secret) {
					t.Fatalf("%q shows the secret: %q", text, out)
				}
			}
		}
	})
}

// A redactor that has read the same answers before shows as much of them as a new one,
// whatever the present request has presented, also where the journal's part of them ends.
func TestWhatIsRememberedOfABodyHidesAsMuchAsANewLook(t *testing.T) {
	t.Parallel()
	const limit = 2_000
	filler := strings.Repeat("lorem fitsum dolor, ", 1_000)
	bodies := [][]byte{[]byte("short"), []byte(filler[:limit]), []byte(filler), []byte(filler[:limit-30] + stored + filler)}
	for at := limit - 2*len(presented); at <= limit+len(presented); at += 5 {
		bodies = append(bodies, []byte(filler[:at]+" "+presented+" "+filler))
	}
	rng := rand.New(rand.NewPCG(1, 15))
	warm := redact.New(known{})
	for i := range 400 {
		body := bodies[rng.IntN(len(bodies))]
		var credentials []string
		if rng.IntN(2) == 0 {
			credentials = []string{presented}
		}
		for again := range 3 { // the later ones from memory
			fresh := redact.New(known{})
			fresh.Begin(known{}, credentials...)
			warm.Begin(known{}, credentials...)
			want, got := fresh.Reply(body, limit, false), warm.Reply(body, limit, false)
			if want != got {
				t.Fatalf("round %d, %d: want %q, got %q", i, again, want[max(0, len(want)-90):], got[max(0, len(got)-90):])
			}
		}
	}
}
