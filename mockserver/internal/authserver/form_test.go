package authserver

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestABodyIsReadAsWhatItLooksLike(t *testing.T) {
	t.Parallel()
	want := form{"grant_type": "refresh_token", "scope": "a b"}
	for name, body := range map[string]string{
		"form":                "grant_type=refresh_token&scope=a+b&state=",
		"JSON":                ` {"scope":"a b", "grant_type":"refresh_token", "state":""}` + "\n",
		"form, other escapes": "scope=a%20b&grant%5Ftype=refresh_token",
	} {
		got, bad := parseBody([]byte(body))
		if bad != nil {
			t.Errorf("%s: %v", name, bad)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	for _, body := range []string{"a=1&a=2", "a=%zz", "a=1;b=2", `{"a":1}`, `{"a":null}`, `{"a":{}}`, `{"a":"1","a":"2"}`, `{"a":"","a":"2"}`, `[]`, `{`, `{"a"`, `{"a":"b"`, `{"a":"b"} x`, `{"a":"b",}`} {
		if f, bad := parseBody([]byte(body)); bad == nil {
			t.Errorf("%s is read as %v", body, f)
		}
	}
}

func FuzzParseBody(f *testing.F) {
	for _, seed := range []string{
		"", "grant_type=authorization_code&code=a&code=b", "client_id=%zz", `{"grant_type":"client_credentials","client_id":"x"}`,
		`{"a":"b","a":"c"}`, `{"a":["b"]}`, "[]", "{} {}", "\xff", `{"a":"\ud800"}`, " \t{", `{"":""}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, bad := parseBody(body)
		if bad != nil {
			if bad.code != "invalid_request" || bad.status != 400 || bad.description == "" {
				t.Errorf("refused with %+v", bad)
			}
			return
		}
		for name, v := range got {
			if v == "" || len(v) > maxParameterSize {
				t.Errorf("%q has %d bytes", name, len(v))
			}
		}
		want := form{}
		if IsJSON(body) {
			if err := json.Unmarshal(body, &want); err != nil {
				t.Fatalf("encoding/json refuses what was read: %v", err)
			}
		} else {
			values, _ := url.ParseQuery(string(body))
			for name := range values {
				want[name] = values.Get(name)
			}
		}
		for name, v := range want {
			if v == "" {
				delete(want, name)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-library +own):\n%s", d)
		}
	})
}
