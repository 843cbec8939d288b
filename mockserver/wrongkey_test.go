package mockserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// carry puts a value where the vendor wants its key.
func carry(r *http.Request, p mockserver.Provider, value string) {
	switch p {
	case mockserver.MindKey:
		r.Header.Set("Authorization", "ApiKey-v2 "+value)
	case mockserver.IMKIT:
		r.Header.Set("IM-API-KEY", value)
	case mockserver.Iiniit:
		r.Header.Set("Authorization", "ApiKey "+value)
	default:
		r.Header.Set("X-API-KEY", value)
	}
}

// refusal is what a client sees of a refused key.
type refusal struct {
	status int
	body   string
}

// refusals are the vendor's answers to no key where it wants one, and to a bad
// one there.
func refusals(p mockserver.Provider) (missing, bad refusal) {
	switch p {
	case mockserver.MindKey:
		return refusal{401, `{"Message":"Unauthorized"}`}, refusal{401, `{"Message":"Unauthorized"}`}
	case mockserver.IMKIT:
		return refusal{401, imkitMissing}, refusal{401, imkitInvalid}
	case mockserver.Optimove:
		return refusal{401, "Missing API Key"}, refusal{403, "Invalid API Key"}
	case mockserver.Iiniit:
		return refusal{401, `{"error":"unauthorized"}`}, refusal{401, `{"error":"unauthorized"}`}
	}
	return refusal{401, `{"message":"No API key found in request"}`}, refusal{401, `{"message":"Invalid authentication credentials"}`}
}

// attempt is one row of the table in which the peers fail: most answer 200, or
// print the key that they expected.
type attempt struct {
	name    string
	absent  bool // no key stands where the vendor wants one
	present func(r *http.Request, p mockserver.Provider, good, stranger string)
}

func attempts() []attempt {
	value := func(f func(good, stranger string) string) func(*http.Request, mockserver.Provider, string, string) {
		return func(r *http.Request, p mockserver.Provider, good, stranger string) { carry(r, p, f(good, stranger)) }
	}
	fixed := func(v string) func(*http.Request, mockserver.Provider, string, string) {
		return value(func(string, string) string { return v })
	}
	bearer := func(v string) func(*http.Request, mockserver.Provider, string, string) {
		return func(r *http.Request, _ mockserver.Provider, _, _ string) { r.Header.Set("Authorization", "Bearer "+v) }
	}
	return []attempt{
		{"no key", true, func(*http.Request, mockserver.Provider, string, string) {}},
		{"an empty key", true, fixed("")},
		{"a wrong key", false, fixed("wrong")},
		{"a key that was never issued", false, value(func(_, stranger string) string { return stranger })},
		{"a test key in another's shape", false, fixed("sk_test_neverissued")},
		{"a live key in another's shape", false, fixed("sk_live_" + strings.Repeat("4242", 6))},
		{"the key without its last character", false, value(func(good, _ string) string { return good[:len(good)-1] })},
		{"the key with one more character", false, value(func(good, _ string) string { return good + "A" })},
		{"the key with one character changed", false, value(func(good, _ string) string { return flip(good) })},
		{"the key twice over", false, value(func(good, _ string) string { return good + good })},
		{"the key in quotes", false, value(func(good, _ string) string { return `"` + good + `"` })},
		{"the key and another one", false, func(r *http.Request, p mockserver.Provider, good, stranger string) {
			carry(r, p, stranger)
			for name, v := range r.Header.Clone() {
				r.Header[name] = append(v, strings.Replace(v[0], stranger, good, 1))
			}
		}},
		{"a bearer token that was never issued", true, bearer("neverissued")},
		{"a live bearer token", true, bearer("sk_live_123")},
		{"any token in a header of no vendor", true, func(r *http.Request, _ mockserver.Provider, good, _ string) { r.Header.Set("X-Auth-Token", good) }},
	}
}

// flip changes the first character to another of the same alphabet.
func flip(key string) string {
	if key[0] == 'a' {
		return "b" + key[1:]
	}
	return "a" + key[1:]
}

func TestAWrongKeyIsRefusedInTheVendorsWords(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		for _, a := range attempts() {
			t.Run(string(p)+"/"+a.name, func(t *testing.T) {
				t.Parallel()
				var log bytes.Buffer
				srv := mockserver.New(t, mockserver.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
				key, stranger := srv.Keys().Issue(p), mockserver.New(t).Keys().Issue(p)
				method, path := probe(p)
				r := newRequest(t, p, method, path, "")
				a.present(r, p, key.Secret.Reveal(), stranger.Secret.Reveal())
				got := call(t, srv.Transport(), r)

				missing, bad := refusals(p)
				want := bad
				switch {
				case p == mockserver.Iiniit && strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "):
					want = refusal{401, `{"error":"invalid_token"}`} // the one vendor that takes bearer tokens, RFC 6750
				case a.absent:
					want = missing
				}
				if d := cmp.Diff(want, refusal{got.status, got.body}, cmp.AllowUnexported(refusal{})); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
				all := srv.Requests(mockserver.Match{})
				journal, _ := json.Marshal(all)
				for where, text := range map[string]string{
					"header": fmt.Sprint(got.header), "body": got.body, "log": log.String(),
					"journal": fmt.Sprintf("%s%+v%s", journal, all, all),
				} {
					if strings.Contains(text, key.Secret.Reveal()) {
						t.Errorf("the expected key stands in the %s: %s", where, text)
					}
				}
				if len(all) != 1 || !all[0].Diagnosis.Refused() || got.header.Get("X-Mock-Diagnosis") == "" {
					t.Errorf("not journalled as refused: %+v", all)
				}
			})
		}
	}
}

func TestAKeyThatEndedIsRefusedLikeAnyOther(t *testing.T) {
	t.Parallel()
	ends := map[mockserver.Outcome]func(*mockserver.Keys, string) error{
		mockserver.Revoked: func(k *mockserver.Keys, id string) error { return k.Revoke(id, "leaked") },
		mockserver.Expired: (*mockserver.Keys).Expire,
	}
	for _, p := range mockserver.Providers() {
		for outcome, end := range ends {
			srv := mockserver.New(t)
			key := srv.Keys().Issue(p)
			if err := end(srv.Keys(), key.ID); err != nil {
				t.Fatal(err)
			}
			got := get(t, srv.Transport(), key)
			_, bad := refusals(p)
			if d := cmp.Diff(bad, refusal{got.status, got.body}, cmp.AllowUnexported(refusal{})); d != "" {
				t.Errorf("%s %s (-want +got):\n%s", p, outcome, d)
			}
			srv.Expect(t, mockserver.Match{Outcome: outcome, KeyID: key.ID}, 1)
		}
	}
}

// The two rows about limits: windows that keys share, and a limiter that the
// clock does not reach.
func TestOneKeysLimitIsNotAnothersAndFollowsTheClock(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		srv := mockserver.New(t, mockserver.WithFrozenClock(epoch),
			mockserver.WithLimit(p, mockserver.Limit{Requests: 3, Per: time.Minute}))
		rt, one, two := srv.Transport(), srv.Keys().Issue(p), srv.Keys().Issue(p)
		var got []int
		for _, k := range []mockserver.Issued{one, one, one, one, two} {
			got = append(got, get(t, rt, k).status)
		}
		srv.Clock().Advance(61 * time.Second)
		got = append(got, get(t, rt, one).status)
		if d := cmp.Diff([]int{200, 200, 200, 429, 200, 200}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", p, d)
		}
	}
}
