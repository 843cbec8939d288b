package redact_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/redact"
)

func TestSecretsAreTakenOutOfText(t *testing.T) {
	t.Parallel()
	const secret = "lorem-Fitsum/1"
	for _, tt := range []struct {
		name, text, want string
		secrets          []string
	}{
		{"nothing known", "a " + secret, "a " + secret, nil},
		{"raw", "a " + secret + " b", "a [redacted] b", []string{secret}},
		{"in another case", "a LOREM-FITSUM/1", "a [redacted]", []string{secret}},
		{"two of them", secret + "ipsum", "[redacted][redacted]", []string{secret, "ipsum"}},
		{"the longest of two that begin alike", "loremipsum", "[redacted]", []string{"lorem", "loremipsum"}},
		{"percent-encoded", "lorem%2dFitsum%2F1", "[redacted]", []string{secret}},
		{"in Basic credentials", "Basic dXNlcjpsb3JlbS1GaXRzdW0vMQ==", "Basic dXNlcjp[redacted]Q==", []string{secret}},
		{"as hexadecimal digits", "got 6C6f72656d2d46697473756d2f31", "got [redacted]", []string{secret}},
		{"in UTF-16", "l\x00o\x00r\x00e\x00m\x00-\x00F\x00i\x00t\x00s\x00u\x00m\x00/\x001\x00", "[redacted]\x00", []string{secret}},
		{"too short to be one", "abcabc", "abcabc", []string{"abc", ""}},
		{"none there", "harmless", "harmless", []string{secret}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, redact.New(tt.secrets...).Text(tt.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestASecretAcrossTheLimitIsTakenOutWhole(t *testing.T) {
	t.Parallel()
	r := redact.New("lorem-fitsum")
	for limit, want := range map[int]string{0: "", 3: "at ", 5: "at [redacted]", 15: "at [redacted]", 17: "at [redacted] i", 99: "at [redacted] is"} {
		if diff := cmp.Diff(want, r.Prefix("at lorem-fitsum is", limit)); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
}

func TestAHeaderLosesSecretsAndCookies(t *testing.T) {
	t.Parallel()
	given := http.Header{"X-Echo": {"a lorem-fitsum", "b"}, "X-Lorem-Fitsum": {"c"}, "Set-Cookie": {"session=1"}}
	want := http.Header{"X-Echo": {"a [redacted]", "b"}, "X-[redacted]": {"c"}}
	if diff := cmp.Diff(want, redact.New("lorem-fitsum").Header(given)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = http.Header{"X-Echo": {"a lorem-fitsum", "b"}, "X-Lorem-Fitsum": {"c"}}
	if diff := cmp.Diff(want, redact.Redactor{}.Header(given)); diff != "" {
		t.Errorf("by the zero Redactor (-want +got):\n%s", diff)
	}
}

func TestAnErrorWithASecretKeepsOnlyWhatItIs(t *testing.T) {
	t.Parallel()
	r := redact.New("lorem-fitsum")
	if got := r.Error(nil); got != nil {
		t.Errorf("nil becomes %v", got)
	}
	if harmless := io.ErrUnexpectedEOF; r.Error(harmless) != harmless { //nolint:errorlint // the very same value
		t.Error("an error without a secret is not the same")
	}
	clean := r.Error(fmt.Errorf("dial lorem-fitsum: %w: %w", context.DeadlineExceeded, &fs.PathError{Op: "open", Path: "lorem-fitsum", Err: fs.ErrNotExist}))
	if diff := cmp.Diff("dial [redacted]: context deadline exceeded: open [redacted]: file does not exist", clean.Error()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if !errors.Is(clean, context.DeadlineExceeded) || !errors.Is(clean, fs.ErrNotExist) || errors.Is(clean, io.EOF) {
		t.Error("errors.Is finds something else than in the original")
	}
	if pe, ok := errors.AsType[*fs.PathError](clean); ok || errors.Unwrap(clean) != nil {
		t.Errorf("what is underneath can be reached: %v", pe)
	}
	if timeout, ok := errors.AsType[net.Error](clean); !ok || !timeout.Timeout() || timeout.Temporary() { //nolint:staticcheck // part of the interface
		t.Error("a deadline is no timeout any more")
	}
}

// byteForms are the ways in which an encoder may write one byte of a key into its text.
var byteForms = []func(c byte) string{
	func(c byte) string { return string(c) },
	func(c byte) string {
		if s := string(c); strings.ToUpper(s) != s {
			return strings.ToUpper(s)
		}
		return strings.ToLower(string(c))
	},
	func(c byte) string { return url.QueryEscape(string(c)) },
	func(c byte) string { return fmt.Sprintf("%%%02x", c) },
	func(c byte) string { return fmt.Sprintf("%%25%02X", c) },
	func(c byte) string { return fmt.Sprintf("%%2525%02X", c) },
	func(c byte) string { return `\` + string(c) },
	func(c byte) string { return fmt.Sprintf(`\u%04x`, c) },
	func(c byte) string { return fmt.Sprintf(`\u%04X`, c) },
	func(c byte) string { return fmt.Sprintf(`\\u%04x`, c) },
	func(c byte) string { return fmt.Sprintf(`\x%02x`, c) },
	func(c byte) string { // JSON in JSON, as an encoder that escapes every slash does
		if c == '\\' {
			return `\\\\`
		}
		return `\\\` + string(c)
	},
	func(c byte) string { return fmt.Sprintf("&#%d;", c) },
	func(c byte) string { return fmt.Sprintf("&#x%x;", c) },
	func(c byte) string { return fmt.Sprintf("&#X%04X;", c) },
	func(c byte) string { return fmt.Sprintf("&amp;#%d;", c) },
	func(c byte) string {
		name := map[byte]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&quot;", '\'': "&apos;"}[c]
		if name == "" {
			return string(c)
		}
		return name
	},
}

func FuzzNoEchoOfASecretStays(f *testing.F) {
	const imkit = "MjJZcFlIRGFRbElRbERTdlZMQ0xMbzJNUHpGZlZtOWpZcHh3MnZ1QnJtaz0="
	for form := range byteForms {
		f.Add(imkit, []byte{byte(form)}, "before", "after", 10)
		f.Add(`a%b\c&d+e/f=g<h>i"j'k u0075`, []byte{byte(form)}, "b", "a", 40)
	}
	f.Add(imkit, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, "", "", 64)
	f.Add(imkit, []byte{253, 0, 2}, "b", "a", 3)
	f.Add(imkit, []byte{254, 0, 12}, "b", "a", 3)
	f.Add(`\\\\\\`, []byte{0, 6, 11, 0}, "b", "a", 3)
	f.Add(`%25%25`, []byte{0, 2, 3}, "b", "a", 3)
	f.Add(`&amp;&`, []byte{16, 0, 12}, "b", "a", 3)
	f.Add(`uu0075x41`, []byte{6, 7, 10}, "b", "a", 3)
	f.Fuzz(func(t *testing.T, secret string, chosen []byte, before, after string, limit int) {
		secret = strings.TrimSpace(strings.Map(func(r rune) rune { return ' ' + r&0x7f%('~'-' '+1) }, secret))
		if len(secret) < redact.MinSecret || len(secret) > 200 || len(chosen) == 0 {
			return
		}
		// The text around it has no character in common with any form of a key.
		filler := func(s string) string {
			return strings.Map(func(r rune) rune { return rune("\n\t\x00\x1f"[r&3]) }, s)
		}
		before, after = filler(before), filler(after)

		// The first byte may also choose a base64 of the whole.
		plain := secret
		switch chosen[0] {
		case 253:
			plain = base64.StdEncoding.EncodeToString([]byte(secret))
		case 254:
			plain = base64.RawURLEncoding.EncodeToString([]byte(secret))
		}
		var echoed strings.Builder
		for i := range len(plain) {
			echoed.WriteString(byteForms[int(chosen[i%len(chosen)])%len(byteForms)](plain[i]))
		}
		text := before + echoed.String() + after
		if limit < 0 || limit > len(text) {
			limit = len(text)
		}

		redactor := redact.New("another-"+imkit, secret)
		got := redactor.Prefix(text, limit)
		want := before[:min(limit, len(before))]
		if limit > len(before) {
			want += redact.Mark
		}
		if rest := limit - len(before) - echoed.Len(); rest > 0 {
			want += after[:rest]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("key %q echoed as %q, cut at %d (-want +got):\n%s", secret, echoed.String(), limit, diff)
		}
		// Amid other data, as in Basic credentials: a character at either end may be shared.
		offset := len(chosen) % 3
		amid := base64.StdEncoding.EncodeToString([]byte("u:u:"[:offset] + secret + ":tail"))
		from, to := (offset*8+5)/6, (offset+len(secret))*8/6
		if got := redactor.Text(amid); to-from >= redact.MinSecret && strings.Contains(strings.ToLower(got), strings.ToLower(amid[from:to])) {
			t.Fatalf("key %q survives in %q as %q", secret, amid, got)
		}
		if redactor.Reach() < echoed.Len() {
			t.Fatalf("an echo of %d bytes is longer than the %d that are read beyond a limit", echoed.Len(), redactor.Reach())
		}
	})
}
