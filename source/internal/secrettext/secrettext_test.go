package secrettext_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/source/internal/secrettext"
)

const canary = "lorem-fitsum-canary"

func TestASecretIsAKeyOrAnObjectWithOne(t *testing.T) {
	t.Parallel()
	alone := secrettext.Names{Expires: "not_after", Issued: "issued_at"}
	object := secrettext.Names{Key: "key", Expires: "not_after", Issued: "issued_at"}
	pair := secrettext.Names{Key: "key", ID: "id", Expires: "not_after", Issued: "issued_at"}
	type result struct{ Key, ID, Expires, Issued, Reason string }
	for name, tt := range map[string]struct {
		names secrettext.Names
		text  string
		want  result
	}{
		"the key alone":         {alone, canary, result{Key: canary}},
		"an object, no field":   {alone, `{"key":"` + canary + `"}`, result{Reason: "the secret is a JSON object: set Config.Field to the field that holds the key"}},
		"nothing":               {alone, " \n", result{Reason: "the secret is empty"}},
		"the key for an object": {object, canary, result{Reason: `the secret is not a JSON object, so it has no field "key"`}},
		"null for an object":    {object, "null", result{Reason: `the secret is not a JSON object, so it has no field "key"`}},
		"an object":             {object, `{"key":"` + canary + `","not_after":"2031-01-31","issued_at":"2030-01-31T12:00:00Z"}`, result{Key: canary, Expires: "2031-01-31", Issued: "2030-01-31"}},
		"dates that are null":   {object, `{"key":"` + canary + `","not_after":null,"issued_at":" "}`, result{Key: canary}},
		"a pair":                {pair, `{"key":"` + canary + `","id":"lorem-id"}`, result{Key: canary, ID: "lorem-id"}},
		"half a pair":           {pair, `{"key":"` + canary + `"}`, result{Reason: `the secret has no field "id" (it has 1 fields)`}},
		"a number":              {object, `{"key":7}`, result{Reason: `field "key" of the secret is not a string`}},
		"an empty key":          {object, `{"key":" "}`, result{Reason: `field "key" of the secret is empty`}},
		"no date":               {object, `{"key":"a","not_after":"` + canary + `"}`, result{Reason: `"not_after" is not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got result
			if cred, err := tt.names.Credential(tt.text); err != nil {
				got.Reason = err.Error()
			} else {
				got = result{cred.Key.Reveal(), cred.ID.Reveal(), day(cred.Expires), day(cred.Issued), ""}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if strings.Contains(got.Reason, canary) {
				t.Errorf("it quotes the secret: %s", got.Reason)
			}
		})
	}
}

func day(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.DateOnly)
}
