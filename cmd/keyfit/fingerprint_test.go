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

			lines := secret + "\n"
			if test.vendor == "imkit-user" {
				lines += token + "\n"
			}
			got["fingerprint"] = strings.TrimSpace(runKeyfitIn(t.Context(), nil, lines, "fingerprint", "-").out)

			all := map[string]string{"fingerprint": want, "keys issue": want, "keys show": want, "check": want, "call": want, "rotate": want}
			if d := cmp.Diff(all, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// However a key is written down, it has one fingerprint, and no way of giving it shows it.
func TestFingerprintReadsAKeyAsTheSDKDoes(t *testing.T) {
	t.Parallel()
	const key = "c4n4rY-c4n4rY-0123"
	want := fingerprint(key)
	for name, text := range map[string]string{
		"alone": key, "a line": key + "\n", "CRLF": key + "\r\n", "blanks": "  " + key + " \n\n", "quotes": "\"" + key + "\"\n", "a mark": "\ufeff" + key,
	} {
		file := filepath.Join(t.TempDir(), "key")
		writeFile(t, file, text)
		for _, got := range []result{runKeyfitIn(t.Context(), nil, text, "fingerprint", "-"), runKeyfit(t, nil, "fingerprint", "--file", file)} {
			if d := cmp.Diff(result{out: want + "\n"}, got, cmp.AllowUnexported(result{})); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
		if got := runKeyfitIn(t.Context(), nil, text, "fingerprint", "-", "--json"); field(t, got.out, "fingerprint") != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestFingerprintRefusesWhatIsNoKey(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c4n4rYc4n4rY0123")
	for name, tt := range map[string]struct {
		in   string
		args []string
		code int
		want string
	}{
		"an argument":       {"", []string{"c4n4rY"}, 2, "the key cannot be an argument"},
		"after the dash":    {"", []string{"-", "c4n4rY"}, 2, "the key cannot be an argument"},
		"nobody to ask":     {"", nil, 2, "there is no terminal to ask at"},
		"both":              {"", []string{"-", "--file", "x"}, 2, "exclude each other"},
		"nothing":           {"\n", []string{"-"}, 1, "has 0 lines"},
		"three lines":       {"c4n4rY\nc4n4rY\nc4n4rY", []string{"-"}, 1, "has 3 lines"},
		"an assignment":     {"IMKIT_API_KEY=c4n4rYc4n4rY", []string{"-"}, 1, "is an assignment with a name in it"},
		"a header":          {"Bearer c4n4rYc4n4rY", []string{"-"}, 1, "begins with the name of an authentication scheme"},
		"curly quotes":      {"“c4n4rY”", []string{"-"}, 1, "non-ASCII character"},
		"a file's absence":  {"", []string{"--file", file}, 1, "--file: no such file"},
		"a directory":       {"", []string{"--file", filepath.Dir(file)}, 1, "is a directory"},
		"a key for a file":  {"", []string{"--file", "c4n4rYc4n4rY0123"}, 1, "--file: no such file"},
		"more than a key":   {strings.Repeat("c4n4rY", 20<<10), []string{"-"}, 1, "larger than"},
		"a key and a space": {"c4n4rY c4n4rY", []string{"-"}, 1, "white space"},
	} {
		got := runKeyfitIn(t.Context(), nil, tt.in, append([]string{"fingerprint"}, tt.args...)...)
		oneLine(t, name, got, tt.code, tt.want)
		if strings.Contains(got.err, "c4n4rY") {
			t.Errorf("%s: %s", name, got.err)
		}
	}
}
