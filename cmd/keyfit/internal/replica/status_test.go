package replica

import (
	"strings"
	"testing"
	"unicode"
)

// What a service answers is another's text: it must not steer the terminal, and no answer
// may pass for a key let go that is current or held.
func FuzzDecodeStatus(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `{"current":null}`, `{"provider":"imkit","current":{"generation":1,"fingerprint":"0123456789ab"}}`,
		`[{"provider":"imin"},{"provider":"imkit","current":{"generation":4,"fingerprint":"b"},"previous":{"fingerprint":"a","in_flight":-1,"last_used":"2027-01-31T12:00:00Z"},"safe_to_revoke":["a"]}]`,
		`{"current":{"generation":2,"fingerprint":"a"},"safe_to_revoke":["a"]}`, "{\"current\":{\"fingerprint\":\"\\u001b[2J\"}}", `{"current":{"generation":1,"fingerprint":"b"},"staged":{"fingerprint":"a"}}`,
		`{"current":{"generation":1},"safe_to_revoke":["a"]}`, `{"current":{"last_used":"x"}}`, `{"safe_to_revoke":"a"}`,
	} {
		f.Add([]byte(seed), "a")
	}
	f.Fuzz(func(t *testing.T, data []byte, old string) {
		list, err := decode(data)
		var s *Status
		if err == nil {
			s, err = Of(list, "imkit", old)
		}
		if err != nil {
			if s != nil || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Fatalf("%v, %q", s, err)
			}
			return
		}
		if text := s.Describe(old); strings.ContainsFunc(text, unicode.IsControl) {
			t.Fatalf("%q would steer the terminal", text)
		}
		if !s.Released(old) {
			return
		}
		named := false
		for _, fp := range s.SafeToRevoke {
			named = named || fp == old
		}
		if s.Current.Fingerprint == old || !named && s.Key(old) != nil || !named && s.Current.Generation > uint64(1+len(s.SafeToRevoke)) && s.Previous == nil {
			t.Fatalf("%s passes for a service that let go of %q", data, old)
		}
	})
}

// A process with several rings of one provider has released the old key when the last of them has.
func TestOfPrefersTheRingThatHasNotReleasedTheOldKey(t *testing.T) {
	t.Parallel()
	const (
		done    = `{"provider":"imkit","current":{"generation":2,"fingerprint":"bb"},"safe_to_revoke":["aa"]}`
		usesOld = `{"provider":"imkit","current":{"generation":1,"fingerprint":"aa"}}`
		drains  = `{"provider":"imkit","current":{"generation":2,"fingerprint":"bb"},"previous":{"generation":1,"fingerprint":"aa"}}`
		account = `{"provider":"imkit","current":{"generation":3,"fingerprint":"cc"}}`
		other   = `{"provider":"imin","current":{"generation":1,"fingerprint":"aa"}}`
	)
	for list, released := range map[string]bool{
		done: true, done + "," + usesOld: false, usesOld + "," + done: false, done + "," + drains + "," + done: false,
		account + "," + done: true, done + "," + account: true, other + "," + done: true, done + "," + done: true,
	} {
		all, err := decode([]byte("[" + list + "]"))
		if err != nil {
			t.Fatal(err)
		}
		if s, err := Of(all, "imkit", "aa", "bb"); err != nil || s.Released("aa") != released {
			t.Errorf("%s: %+v, %v; want released %t", list, s, err, released)
		}
	}
}
