package redact_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/internal/cputime"
	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

// searching is a server with keys of every shape, as the mock has them.
type searching struct {
	known
	shapes mockkey.Shapes
}

func (s searching) Minted(text string) (from, to int) { return s.shapes.Find(text) }

func newSearching() searching {
	return searching{shapes: mockkey.Shapes{
		mockkey.Hex("a", 16), mockkey.Hex("a", 20), mockkey.Base64URL("a", 32), mockkey.Base32("a", 25), mockkey.DoubleBase64("a", 32),
	}}
}

// nest encodes a text again and again, until it has n bytes.
func nest(s string, n int, encode func(string) string) string {
	for {
		next := encode(s)
		if len(next) > n {
			return s
		}
		s = next
	}
}

// hostile makes texts of about n bytes that a naive redactor takes long for.
func hostile() map[string]func(n int) string {
	texts := map[string]func(n int) string{
		"nested percent":  func(n int) string { return "%" + strings.Repeat("25", n/2) },
		"nested percents": func(n int) string { return strings.Repeat("%25252525252541", n/15) },
		"nested base64": func(n int) string {
			return nest("lorem?fitsum>~~", n, func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })
		},
		"nested hex": func(n int) string {
			return nest("lorem fitsum", n, func(s string) string { return hex.EncodeToString([]byte(s)) })
		},
		"nested JSON": func(n int) string {
			return nest(`{"a":"b"}`, n, func(s string) string { return `{"a":` + quoted(s) + `}` })
		},
		"nested URL": func(n int) string {
			return nest("a=b", n, func(s string) string { return "a=" + url.QueryEscape("="+s) })
		},
		"base64 with slashes": func(n int) string {
			return strings.Repeat(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a?>?", 700)))[:3700]+"/aaaa/", n/3706+1)[:n]
		},
		"distinct words": func(n int) string {
			var b strings.Builder
			for i := 0; b.Len() < n; i++ {
				fmt.Fprintf(&b, "word%05d ", i)
			}
			return b.String()
		},
	}
	for name, unit := range map[string]string{
		"JWT beginnings": "eyJ.", "JWT headers": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.", "JWT headers and payloads": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhIjoxfQ.",
		"one letter": "a", "hex": "0f", "base64": "QUJD", "short words": "abcdef ", "slashes": "a/b+", "percents": "%", "backslashes": `\`, "escapes": `\u0061`,
		"quotes": `"`, "apostrophes": "'", "names": `"token":`, "values": `"token":"`, "name and value": `{"name":"token","value":"x"}`, "braces": `{"token":{`, "brackets": `"key":[`,
		"tags": "<", "elements": "<key>", "closed elements": "<key></key>", "attributes": `<a b="`, "apostrophe attributes": "<a b='", "named elements": `<a name="token">`, "names in elements": "<key>token</key>",
		"equal signs": "=", "pairs": "key=", "quoted pairs": `key="`, "colons": ":", "headers": "authorization: ", "matrix": ";key=a", "ampersands": "&", "spaces": " ", "spaced pairs": "key   =   ",
		"parts": "\r\n--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n", "dispositions": "content-disposition: form-data; ", "boundaries": "\n--b", "empty lines": "\r\n\r\n", "part names": "name=name=",
		"private keys": "-----BEGIN PRIVATE KEY-----", "certificates": "-----BEGIN ", "NULs": "\x00", "presented": presented[:11] + " ", "nearly presented": presented[:len(presented)-1] + "~",
		"invalid UTF-8": "\xff", "blocks": "key: |\n ", "block indicators": "key:|", "wide": "k\x00e\x00y\x00",
	} {
		texts[name] = func(n int) string { return strings.Repeat(unit, n/len(unit)+1)[:n] }
	}
	return texts
}

// everything redacts a text in every place; the others do the same.
func everything(r *redact.Redactor, text string) {
	n := len(text) + 1
	r.Path(text, n)
	r.Value(text, n)
	r.Query("q="+text, n)
	r.Body([]byte("--b\r\n"+text), "multipart/form-data; boundary=b", n)
	r.Body([]byte(text), "application/x-www-form-urlencoded", n)
}

// counting counts the characters that a redactor asks a server about.
type counting struct {
	known

	asked *int
}

func (c counting) Stored(value string) bool {
	*c.asked += len(value)
	return c.known.Stored(value)
}

func (c counting) Minted(text string) (from, to int) {
	*c.asked += len(text)
	return c.known.Minted(text)
}

func (counting) Lengths() []int { return nil }

// TestATextIsSearchedABoundedNumberOfTimes: the search for keys takes most of the time, and what
// is searched can be counted, so no machine is too busy for this test. Each of five places is
// read in up to four layers. There, a character is searched for keys with all runs at once, and
// looked up in a run, in two pairs of neighbours and in three triples.
func TestATextIsSearchedABoundedNumberOfTimes(t *testing.T) {
	t.Parallel()
	const most = 5 * 4 * (1 + 1 + 2 + 3 + 1) // the last is for what is decoded
	for name, text := range hostile() {
		for _, n := range []int{1 << 10, 4 << 10} {
			var r redact.Redactor
			asked := 0
			s := text(n)
			r.Begin(counting{asked: &asked}, presented)
			everything(&r, s)
			if asked > most*len(s) {
				t.Errorf("%s: %d characters of a text of %d are asked for, want at most %d times as many", name, asked, len(s), most)
			}
		}
	}
}

// TestATextTakesTimeInProportionToItsLength: whatever stands in a text, one that is eight times
// as long takes about as long as eight short ones. Both are measured in turn, and the best of
// all measurements counts: on a busy machine both take longer, and there are more of them.
func TestATextTakesTimeInProportionToItsLength(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("the race detector takes time by other rules")
	}
	const short, times, tolerated = 1 << 10, 8, 4 // eight would be quadratic
	for name, text := range hostile() {
		var r redact.Redactor
		few, many := text(short*times), text(short)
		one, eight := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
		for range 20 {
			one, eight = min(one, timeOf(&r, few, 1)), min(eight, timeOf(&r, many, times))
			if one <= tolerated*eight {
				break
			}
		}
		if one > tolerated*eight {
			t.Errorf("%s: a text of %d bytes takes %s, and %d of %d bytes take %s", name, len(few), one, times, len(many), eight)
		}
	}
}

// timeOf returns how long a text takes in every place, so many times.
func timeOf(r *redact.Redactor, text string, times int) time.Duration {
	return cputime.Of(func() {
		for range times {
			r.Begin(newSearching(), presented)
			everything(r, text)
		}
	})
}

// TestManyCredentialsTakeTimeInProportion: the values that a request presents are indexed once.
func TestManyCredentialsTakeTimeInProportion(t *testing.T) {
	t.Parallel()
	took := func(n int) time.Duration {
		best := time.Hour
		for range 3 {
			var r redact.Redactor
			r.Begin(newSearching())
			for i := range n {
				r.Credential(strings.Repeat(fmt.Sprintf("value%03d", i), 32))
			}
			text := strings.Repeat("lorem-fitsum-dolor ", 400)
			best = min(best, cputime.Of(func() { r.Text(text) }))
		}
		return best
	}
	ratio := 0.0
	for range 8 {
		if ratio = float64(took(96)) / float64(took(12)); ratio < 12 { // the values are indexed; each is also searched for whole
			return
		}
	}
	t.Errorf("eight times as many values take %.1f times as long", ratio)
}

// BenchmarkEverything redacts texts of 16 KiB in every place.
func BenchmarkEverything(b *testing.B) {
	for _, name := range []string{"nested URL", "nested percents", "nested JSON", "attributes", "distinct words", "one letter"} {
		text := hostile()[name](16 << 10)
		b.Run(name, func(b *testing.B) {
			var r redact.Redactor
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r.Begin(newSearching(), presented)
				everything(&r, text)
			}
		})
	}
}
