package redact_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/internal/redact"
)

// hostile are texts of which each byte is expensive to look at.
func hostile(key string) map[string]string {
	return map[string]string{
		"harmless": "lorem fitsum dolor sit amet ", "percents": "%", "escaped percents": "%25", "backslashes": `\`, "escaped letters": `\u006c`, "wrong escapes": `\u00`,
		"ampersands": "&", "escaped ampersands": "&amp;", "entities": "&#108;", "long entities": "&#x0000", "entities in JSON": `\u0026amp;`,
		"the first letter": key[:1], "almost the key": key[:len(key)-1], "the key": key, "the key, escaped": strings.ReplaceAll(key, "m", "%6d"), "plus": "+",
	}
}

// TestRedactionTakesTimeInProportionToTheText: a text that is sixteen times as long takes at most
// twice the time per byte. The best of several measurements counts, so that a busy machine does
// not matter.
func TestRedactionTakesTimeInProportionToTheText(t *testing.T) {
	t.Parallel()
	short, long := 2<<10, 32<<10
	if os.Getenv("KEYFIT_LONG") != "" {
		short, long = 64<<10, 1<<20
	}
	const key = "lorem-fitsum/1+2=3&4%5"
	r := redact.New(key, "another-"+key, "3-"+key)
	for name, unit := range hostile(key) {
		perByte := func(n int) float64 {
			text := strings.Repeat(unit, n/len(unit)+1)[:n]
			h := http.Header{"X-Echo": {text}, "X-" + text: {"1"}}
			best := time.Hour
			for range 3 {
				began := time.Now()
				r.Text(text)
				r.Header(h)
				best = min(best, time.Since(began))
			}
			return float64(best) / float64(n)
		}
		ratio := 0.0
		for range 10 {
			if ratio = perByte(long) / perByte(short); ratio <= 2 {
				break
			}
		}
		if ratio > 2 {
			t.Errorf("%s: %d bytes take %.1f times as long per byte as %d", name, long, ratio, short)
		}
	}
}

func TestAHeaderIsKeptWithinBounds(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	many := http.Header{}
	for i := range 10_000 {
		name := "X-" + strings.Repeat("a", i%100) + string(rune('a'+i%26))
		many[name] = append(many[name], "lorem-fitsum "+strings.Repeat("x", 100))
	}
	for name, h := range map[string]http.Header{
		"a long value": {"A": {"1"}, "X": {strings.Repeat("lorem-fitsum,", mib/10)}},
		"long values":  {"X": {strings.Repeat("x", mib), strings.Repeat("y", mib)}, "Y": {strings.Repeat("lorem-fitsum", mib/10)}},
		"a long name":  {"X-" + strings.Repeat("lorem-fitsum", mib/10): {"1"}},
		"many lines":   many,
		"empty values": {"X": make([]string, mib)},
	} {
		kept := 0
		for name, values := range redact.New("lorem-fitsum").Header(h) {
			for _, v := range append(values, name) {
				if kept += len(v); strings.Contains(v, "fitsum") {
					t.Errorf("%s: a secret stays", name)
				}
			}
		}
		if kept == 0 || kept > 2*redact.MaxHeader {
			t.Errorf("%s: %d bytes are kept, want at most %d", name, kept, redact.MaxHeader)
		}
	}
}
