package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

// Data that is hidden is lost, so only what holds a credential is.
func TestDataWithoutACredentialIsKeptHoweverLongItIs(t *testing.T) {
	t.Parallel()
	red := redact.New(known{})
	long := strings.Repeat("LoremFitsum0123456789", 500)
	for name, value := range map[string]string{
		"a run":             long,
		"4,097 letters":     strings.Repeat("a", 4097),
		"base64":            base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\xff\x00lorem/fitsum+", 2000))),
		"base64 of text":    base64.StdEncoding.EncodeToString([]byte(strings.Repeat("lorem fitsum ", 2000))),
		"base64, in a URL":  "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("lorem fitsum", 2000))),
		"hex":               strings.Repeat("6c6f72656d", 2000),
		"many runs":         strings.Repeat("loremfitsum ", 4000),
		"percent":           strings.Repeat("%25", 3000),
		"percent, nested":   "%" + strings.Repeat("25", 2000),
		"escapes":           strings.Repeat(`\\u0041`, 2000),
		"beginnings of JWT": strings.Repeat("eyJ.", 3000),
		"dots":              strings.Repeat("a.", 5000),
	} {
		raw, err := json.Marshal(map[string]string{"value": value, value: "name"})
		if err != nil {
			t.Fatal(err)
		}
		if got := red.JSON(raw); string(got) != string(raw) {
			t.Errorf("%s is changed to %.80s…", name, got)
		}
	}
}

func TestDataWithACredentialIsHiddenHoweverLongItIs(t *testing.T) {
	t.Parallel()
	red := redact.New(known{})
	filler := strings.Repeat("LoremFitsum0123456789", 500)
	for name, value := range map[string]string{
		"before":           stored + " " + filler,
		"behind":           filler + " " + stored,
		"in base64":        base64.StdEncoding.EncodeToString([]byte(filler + " " + stored + " " + filler)),
		"minted, in a run": filler + "-" + minted + "-" + filler,
	} {
		raw, err := json.Marshal(map[string]string{"value": value})
		if err != nil {
			t.Fatal(err)
		}
		if got := red.JSON(raw); strings.Contains(string(got), filler) || !strings.Contains(string(got), "[redacted]#") {
			t.Errorf("%s: %.80s…", name, got)
		}
	}
}
