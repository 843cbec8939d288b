package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/internal/cputime"
)

func indexKey(n int) string { return fmt.Sprintf("Index/key+lorem=\"<&>\\%%%08x", n*0x1f3d5b79) }

// A redactor with an index takes out what one of all the secrets takes out, in every form.
func TestAnIndexFindsEveryFormOfEverySecret(t *testing.T) {
	t.Parallel()
	const secrets = 200
	var x Index
	for n := range secrets {
		x.Add(indexKey(n))
	}
	forms := map[string]func(string) string{
		"raw": func(s string) string { return s }, "lower": strings.ToLower, "upper": strings.ToUpper, "query": url.QueryEscape, "path": url.PathEscape, "html": html.EscapeString,
		"query twice":     func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
		"json":            func(s string) string { b, _ := json.Marshal(s); return string(b) },
		"json twice":      func(s string) string { b, _ := json.Marshal(s); b, _ = json.Marshal(string(b)); return string(b) },
		"html in json":    func(s string) string { b, _ := json.Marshal(html.EscapeString(s)); return string(b) },
		"base64":          func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"basic":           func(s string) string { return base64.URLEncoding.EncodeToString([]byte("u:" + s + ":x")) },
		"hex":             func(s string) string { return hex.EncodeToString([]byte(s)) },
		"HEX":             func(s string) string { return fmt.Sprintf("%X", s) },
		"hex in a URL":    func(s string) string { return url.QueryEscape(fmt.Sprintf("<%x>", s)) },
		"UTF-16":          func(s string) string { return strings.Join(strings.Split(s, ""), "\x00") + "\x00" },
		"UTF-16, big end": func(s string) string { return "\x00" + strings.Join(strings.Split(s, ""), "\x00") },
		"hex escapes": func(s string) string {
			var b strings.Builder
			for i := range len(s) {
				fmt.Fprintf(&b, `\x%02x`, s[i])
			}
			return b.String()
		},
		"entities": func(s string) string {
			var b strings.Builder
			for i := range len(s) {
				fmt.Fprintf(&b, "&#%d;", s[i])
			}
			return b.String()
		},
	}
	for name, form := range forms {
		for n := 0; n < secrets; n += 37 {
			text := "before " + form(indexKey(n)) + " after"
			got, want := Redactor{}.Also(&x).Text(text), New(indexKey(n)).Text(text)
			if got != want || !strings.Contains(got, Mark) {
				t.Errorf("%s: want %q, got %q", name, want, got)
			}
		}
	}
	if got := New("other-secret").Also(&x).Text("other-secret and " + indexKey(3) + " and harmless"); got != Mark+" and "+Mark+" and harmless" {
		t.Errorf("got %q", got)
	}
	x.Reset([]string{indexKey(1)})
	if got := (Redactor{}).Also(&x).Text(indexKey(1) + indexKey(2)); got != Mark+indexKey(2) {
		t.Errorf("after a reset: %q", got)
	}
}

// Neither many secrets nor a hostile text make it slow: the growth is that of the text.
func TestTheTimeOfAnIndexGrowsWithTheTextAlone(t *testing.T) {
	t.Parallel()
	var x Index
	for n := range 1000 {
		x.Add(indexKey(n), fmt.Sprintf("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ%08x", n*0x1f3d5b79))
	}
	for name, unit := range map[string]string{"percent": "%25", "backslashes": `\`, "ampersands": "&amp;", "ends": "key+lorem0", "words": "lorem ipsum "} {
		cost := func(size int) time.Duration {
			text := strings.Repeat(unit, size/len(unit))
			best := time.Hour
			for range max(3, 64<<10/size) { // the short one is disturbed more easily
				best = min(best, cputime.Of(func() { _ = x.In(text) }))
			}
			return best
		}
		var small, large time.Duration
		for range 8 { // a busy machine may disturb all measurements of one size
			if small, large = cost(8<<10), cost(64<<10); large <= 8*small*4 {
				break
			}
		}
		if large > 8*small*4 { // eight times the text
			t.Errorf("%s: %s for 8 KiB, %s for 64 KiB", name, small, large)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add("secret-1234", "x secret-1234 y")
	f.Add("a%b&c\\d", "a%25b&amp;c\\\\d")
	f.Add("key=", "key%3d \\u006bey\\u003D")
	f.Fuzz(func(t *testing.T, secret, text string) {
		var x Index
		x.Add(secret)
		for _, text := range []string{text, text + secret, url.QueryEscape(secret) + text} {
			if got, want := (Redactor{}).Also(&x).Text(text), New(secret).Text(text); got != want {
				t.Fatalf("secret %q, text %q: want %q, got %q", secret, text, want, got)
			}
		}
	})
}
