package problem_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/internal/problem"
)

// TestABodyTakesTimeInProportionToItsLength: see the bounds of a body in the root package; here
// a text of any length takes at most twice the time per byte of one that is eight times shorter.
func TestABodyTakesTimeInProportionToItsLength(t *testing.T) {
	t.Parallel()
	for name, unit := range map[string]string{
		"tags": "<", "titles": "<title>", "closed titles": "<title></title", "elements": "<a>", "brackets": "[", "objects": `{"error":`, "strings": `"`, "lists": `[`, "items": `{"errors":[`, "escapes": `\`,
		"ampersands": "&", "entities": "&amp;", "words": "invalid ", "keys": "key ", "words and keys": "invalid\nkey\n", "text": "lorem fitsum ",
	} {
		perByte := func(n int) float64 {
			text := strings.Repeat(unit, n/len(unit)+1)[:n]
			best := time.Hour
			for range 3 {
				began := time.Now()
				for _, body := range []string{text, "<" + text, `{"message":"` + strings.ReplaceAll(strings.ReplaceAll(text, `\`, ""), `"`, "") + `"}`} {
					p := problem.Parse([]byte(body))
					problem.Classify(http.StatusUnauthorized, http.Header{"Www-Authenticate": {text}}, p, true)
				}
				best = min(best, time.Since(began))
			}
			return float64(best) / float64(n)
		}
		ratio := 0.0
		for range 10 {
			if ratio = perByte(16<<10) / perByte(2<<10); ratio <= 2 {
				break
			}
		}
		if ratio > 2 {
			t.Errorf("%s: 16 KiB take %.1f times as long per byte as 2 KiB", name, ratio)
		}
	}
}
