package keyfit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// A key file may be an object with the key and its dates, which are replaced in one step.
func TestAKeyFileMayBeAnObject(t *testing.T) {
	t.Parallel()
	const key = "c4n4rY-f1tsum-0bject"
	type object struct{ ID, Key, Version, Expires, Issued, Reason string }
	noEnd := "not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)"
	read := ": a file that begins with { is read as a JSON object with the members key and not_after"
	tests := []struct {
		name, content string
		want          object
	}{
		{"the key alone", `{"key":"` + key + `"}`, object{Key: key}},
		{"a key and its end", "\ufeff {\n  \"key\": \"" + key + "\",\n  \"not_after\": \"2027-01-31\"\n}\r\n", object{Key: key, Expires: "2027-01-31T00:00:00Z"}},
		{"all members", `{"id":"i","key":" ` + key + `\n","version":7,"not_after":"2027-01-31T12:00:00+02:00","issued_at":"2026-01-31"}`, object{"i", key, "7", "2027-01-31T10:00:00Z", "2026-01-31T00:00:00Z", ""}},
		{"other members", `{"key":"` + key + `","note":"` + key + `","created":1,"tags":["a"],"nested":{"expires":"x"}}`, object{Key: key}},
		{"nothing but null", `{"key":"` + key + `","id":null,"version":null,"not_after":null,"issued_at":null}`, object{Key: key}},
		{"upper case, as encoding/json takes it", `{"KEY":"` + key + `","NOT_AFTER":"2027-01-31"}`, object{Key: key, Expires: "2027-01-31T00:00:00Z"}},
		{"no key", `{"token":"` + key + `"}`, object{Reason: "the file has no member key" + read}},
		{"nothing", `{}`, object{Reason: "the file has no member key" + read}},
		{"a number for a key", `{"key":12345678}`, object{Reason: "the file has a member key that is not text" + read}},
		{"an empty key", `{"key":""}`, object{Reason: "the file has a member key: the value is empty" + read}},
		{"a key of two lines", `{"key":"` + key + `\nx"}`, object{Reason: "the file has a member key: the value has a line break at byte 21 of 22: a key is one line" + read}},
		{"an object for an id", `{"key":"` + key + `","id":{}}`, object{Reason: "the file has a member id that is not text" + read}},
		{"a list for a version", `{"key":"` + key + `","version":[]}`, object{Reason: "the file has a member version that is neither text nor a number" + read}},
		{"no date", `{"key":"` + key + `","not_after":"` + key + `"}`, object{Reason: "the file has a member not_after that is " + noEnd + read}},
		{"a number for a date", `{"key":"` + key + `","issued_at":1700000000}`, object{Reason: "the file has a member issued_at that is not text" + read}},
		{"half an object", `{"key":"` + key + `","not_af`, object{Reason: "the file has a JSON object that is cut short" + read}},
		{"half a key", `{"key":"` + key[:9], object{Reason: "the file has a JSON object that is cut short" + read}},
		{"a brace", `{`, object{Reason: "the file has a JSON object that is cut short" + read}},
		{"no JSON", `{key: ` + key + `}`, object{Reason: "the file has invalid JSON at byte 2 of 27" + read}},
		{"two objects", `{"key":"` + key + `"}{"key":"b"}`, object{Reason: "the file has invalid JSON at byte 31 of 41" + read}},
		{"the end by another name", `{"key":"` + key + `","expires_at":"2027-01-31"}`, object{Reason: "the file has a member expiresat, which is not read: the name is not_after"}},
		{"the end in camel case", `{"key":"` + key + `","notAfter":"2027-01-31"}`, object{Reason: "the file has a member notafter, which is not read: the name is not_after"}},
		{"the issue by another name", `{"key":"` + key + `","issuedAt":"2027-01-31"}`, object{Reason: "the file has a member issuedat, which is not read: the name is issued_at"}},
		{"two keys", `{"key":"` + key + `","x":{"key":"a"},"KEY":"b"}`, object{Reason: "the file has two members key" + read}},
		{"two ends", `{"key":"` + key + `","not_after":"2027-01-31","Not_After":"2028-01-31"}`, object{Reason: "the file has two members not_after" + read}},
		{"a list", `["` + key + `"]`, object{Reason: "the value is JSON or XML: give the key alone"}},
		{"a template", `{{ .Values.key }}`, object{Reason: "the value is a template that was not filled in: write the key itself"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := sourceFile(t, "key", tt.content)
			cred, err := keyfit.File(path).Credential(t.Context())
			got := object{ID: cred.ID.Reveal(), Key: cred.Key.Reveal(), Version: cred.Version, Expires: dateText(cred.Expires), Issued: dateText(cred.Issued)}
			if err != nil {
				got.Reason = strings.TrimPrefix(err.Error(), "file "+path+": ")
				newCanary(keyfit.APIKey(key)).absent(t, "the error", err.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func dateText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// Half of a pair may be an object, and both halves in the file of one are an error.
func TestAHalfOfAPairThatIsAWholePairIsRefused(t *testing.T) {
	t.Setenv("HALF_ID", "i")
	t.Setenv("HALF_KEY_FILE", sourceFile(t, "key", `{"key":"c4n4rY","not_after":"2031-01-31"}`))
	cred, err := keyfit.EnvPair("HALF_ID", "HALF_KEY").Credential(t.Context())
	if err != nil || cred.ID.Reveal() != "i" || dateText(cred.Expires) != "2031-01-31T00:00:00Z" {
		t.Errorf("one half: %v, %s", err, dateText(cred.Expires))
	}
	t.Setenv("HALF_KEY_FILE", sourceFile(t, "key", `{"key":"c4n4rY","id":"c4n4rY"}`))
	if _, err := keyfit.EnvPair("HALF_ID", "HALF_KEY").Credential(t.Context()); err == nil || !strings.Contains(err.Error(), "both halves of a pair") || strings.Contains(err.Error(), "c4n4rY") {
		t.Errorf("both halves in one file: %v", err)
	}
}

// Whatever is written first, key or date: the date is that of its own key.
func TestADateIsThatOfTheKeyForWhichItWasGiven(t *testing.T) {
	dir := t.TempDir()
	key, end := filepath.Join(dir, "key"), filepath.Join(dir, "end")
	const first, second, third = "2031-01-31", "2032-01-31", "2033-01-31"
	tests := []struct {
		name  string
		steps []string // KEY, =DATE, a duration to wait, or KEY=DATE in one step
		want  []string // after each step
	}{
		{"key first", []string{"k1=" + first, "k2", "=" + second}, []string{"k1 " + first, "k2", "k2 " + second}},
		{"date first", []string{"k1=" + first, "=" + second, "k2"}, []string{"k1 " + first, "k1 " + second, "k2 " + second}},
		{"date much earlier", []string{"k1=" + first, "=" + second, "2m", "k2"}, []string{"k1 " + first, "k1 " + second, "k1 " + second, "k2"}},
		{"both at once, twice in a minute", []string{"k1=" + first, "k2=" + second, "k3"}, []string{"k1 " + first, "k2 " + second, "k3"}},
		{"back to the first", []string{"k1=" + first, "k2", "k1"}, []string{"k1 " + first, "k2", "k1 " + first}},
		{"date first, and two keys", []string{"k1=" + first, "=" + second, "k2", "k3", "=" + third}, []string{"k1 " + first, "k1 " + second, "k2 " + second, "k3", "k3 " + third}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("OWNED_API_KEY_FILE", key)
			t.Setenv("OWNED_API_KEY_EXPIRES_FILE", end)
			synctest.Test(t, func(t *testing.T) {
				src := keyfit.Env("OWNED_API_KEY")
				var got []string
				for _, step := range tt.steps {
					if d, err := time.ParseDuration(step); err == nil {
						time.Sleep(d) //nolint:forbidigo // fake time
					} else {
						next, date, dated := strings.Cut(step, "=")
						writeUnlessEmpty(t, key, next)
						if dated {
							writeUnlessEmpty(t, end, date)
						}
					}
					cred, err := src.Credential(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					line := cred.Key.Reveal()
					if !cred.Expires.IsZero() {
						line += " " + cred.Expires.Format(time.DateOnly)
					}
					got = append(got, line)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func writeUnlessEmpty(t *testing.T, path, content string) {
	t.Helper()
	if content == "" {
		return
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The date in a key file goes before the one beside it, and a hot-swapped key has its own.
func TestAHotSwappedObjectHasItsOwnEnd(t *testing.T) {
	path := sourceFile(t, "key", `{"key":"swap-1","not_after":"2031-01-31"}`)
	t.Setenv("SWAP_API_KEY_FILE", path)
	t.Setenv("SWAP_API_KEY_EXPIRES", "2030-01-31")
	ring, err := keyfit.NewKeyring(t.Context(), keyfit.Env("SWAP_API_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	show := func() { got = append(got, currentKey(t, ring)+" "+dateText(ring.Status().Current.Expires)) }
	show()
	for _, content := range []string{`{"key":"swap-2","not_after":"2032-01-31"}`, "swap-3"} {
		writeUnlessEmpty(t, path, content)
		if _, err := ring.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		show()
	}
	want := []string{"swap-1 2031-01-31T00:00:00Z", "swap-2 2032-01-31T00:00:00Z", "swap-3 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
