package keyfit

import (
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/internal/command"
)

func FuzzParseExecOutput(f *testing.F) {
	for _, seed := range []string{
		`{"key":"abc"}`, `{"key":"abc","id":"i","version":"7","not_after":"2027-01-31"}`, `{"key":"abc","version":7e3}`, `{"key":1}`, `{"key":`, `{}`, ``,
		"\ufeff{\"key\":\"a\"}", `{"key":"a"} `, `{"key":"a"}{}`, `{"Key":"a","KEY":"b"}`, `{"key":"\u0000"}`, `{"key":"\ud800"}`, `[{"key":"a"}]`, `{"key":"a","version":true}`, `{"key":"a","not_after":""}`,
	} {
		f.Add(seed, "c4n4rYc4n4rY")
	}
	f.Fuzz(func(t *testing.T, output, value string) {
		planted := fuzzPlant(value)
		for _, text := range []string{output, strings.ReplaceAll(output, "abc", planted), `{"key":"` + planted, `{"version":` + planted + `}`, `{"key":"x","not_after":"` + planted + `"}`} {
			for _, parse := range []func([]byte) (Credential, error){parseExecOutput, parseExecText, parseKeyFile} {
				fuzzParse(t, text, planted, parse)
			}
		}
	})
}

func fuzzParse(t *testing.T, text, planted string, parse func([]byte) (Credential, error)) {
	t.Helper()
	cred, err := parse([]byte(text))
	if err != nil {
		if found := fuzzQuotes(err, planted); found != "" && strings.Contains(text, planted) {
			t.Fatalf("the error quotes %q of the output: %v", found, err)
		}
		if strings.ContainsAny(err.Error(), "\r\n") {
			t.Fatalf("the error is more than a line: %q", err)
		}
		return
	}
	clean, err := cred.clean()
	if err != nil || clean.Fingerprint() != cred.Fingerprint() {
		t.Fatalf("%q: the credential is not clean: %v", text, err)
	}
	if strings.TrimSpace(cred.Version) != cred.Version {
		t.Fatalf("%q: version %q", text, cred.Version)
	}
}

func TestExecGivesUpAfterItsTimeout(t *testing.T) {
	t.Parallel()
	s, ok := Exec("sleep", "60").(execSource)
	if !ok || s.limits != (command.Limits{Timeout: 10 * time.Second, Linger: time.Second, Output: 64 << 10}) {
		t.Fatalf("the defaults are %+v", s.limits)
	}
	s.limits.Timeout = 30 * time.Millisecond
	_, err := s.Credential(t.Context())
	if err == nil || err.Error() != "command sleep: gave no answer within 30ms" {
		t.Errorf("%v", err)
	}
}

// A command that never stops printing is ended by its output, not by the timeout, and what
// is kept of it stays small.
func TestExecEndsACommandThatPrintsWithoutEnd(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	_, err := Exec("yes").Credential(t.Context())
	if took := time.Since(begin); err == nil || !strings.Contains(err.Error(), "printed more than 65536 bytes") || took > execLimits().Timeout/2 {
		t.Errorf("after %s: %v", took, err)
	}
}
