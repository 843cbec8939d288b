package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keycheck"
)

// A key has one name in the whole program: what the mock lists, what check and call print of
// the same key at the real API, and what rotate reports.
func TestEveryCommandPrintsTheSameFingerprint(t *testing.T) {
	t.Parallel()
	mock := mockFor(t)
	for name, test := range map[string]struct {
		vendor string
		issue  []string
		lines  func(secret, token string) string
		want   func(secret, token string) keyfit.Credential
	}{
		"a key": {
			"imkit", nil,
			func(secret, _ string) string { return "IMKIT_API_KEY=" + secret },
			func(secret, _ string) keyfit.Credential { return keyfit.APIKey(secret) },
		},
		"a pair": {
			"imkit-user",
			[]string{"--client-key", "user001"},
			func(secret, token string) string { return "IMKIT_CLIENT_KEY=" + secret + "\nIMKIT_USER_TOKEN=" + token },
			keyfit.KeyPair,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issued := runKeyfit(t, mock, append([]string{"keys", "issue", "imkit", "--json"}, test.issue...)...)
			secret, token := field(t, issued.out, "secret"), field(t, issued.out, "token")
			dotenv := filepath.Join(t.TempDir(), ".env")
			writeFile(t, dotenv, test.lines(secret, token)+"\nIMKIT_BASE_URL="+mock["IMKIT_BASE_URL"]+"\n")
			want := test.want(secret, token).Fingerprint()

			got := map[string]string{
				"keys issue": field(t, issued.out, "fingerprint"),
				"keys show":  field(t, runKeyfit(t, mock, "keys", "show", field(t, issued.out, "id"), "--json").out, "fingerprint"),
			}
			if !strings.Contains(runKeyfit(t, mock, "keys", "list").out, want) {
				t.Error("keys list does not print it")
			}
			var checked struct{ Vendors []keycheck.Result }
			if err := json.Unmarshal([]byte(runKeyfit(t, nil, "check", test.vendor, "--json", "--dotenv", dotenv).out), &checked); err != nil || len(checked.Vendors) != 1 {
				t.Fatalf("check: %v, %+v", err, checked)
			}
			got["check"] = checked.Vendors[0].Fingerprint
			called := runKeyfit(t, nil, "call", test.vendor, "GET", "/rooms", "-v", "--dotenv", dotenv)
			_, rest, _ := strings.Cut(called.err, "> key ")
			got["call"], _, _ = strings.Cut(rest, ",")
			found, _ := events(t, runKeyfitIn(t.Context(), nil, "x", "rotate", test.vendor, "-", "--yes", "--json", "--dotenv", dotenv).out)
			got["rotate"] = found[0].Fingerprint

			all := map[string]string{"keys issue": want, "keys show": want, "check": want, "call": want, "rotate": want}
			if d := cmp.Diff(all, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
