package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

type document struct {
	Name string `json:"name"`
	Sub  struct {
		N int `json:"n"`
	} `json:"sub"`
}

func TestWhatIsWrongIsSaidInWordsOfTheJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"name":"a","sub":{"n":1}} `: "",
		``:                            "empty, not JSON",
		` `:                           "empty, not JSON",
		`{"name":`:                    "cut short: the JSON does not end (8 bytes)",
		`{"name":"a"`:                 "cut short: the JSON does not end (11 bytes)",
		`{name}`:                      "not JSON: invalid character 'n' looking for beginning of object key string at byte 2",
		`{"sub":{"n":"x"}}`:           "sub.n has the wrong type: string",
		`[]`:                          "wrong type: array",
		`{"other":1}`:                 `unknown field "other"`,
		`{} {}`:                       "unexpected data after the end of the JSON",
		`{},`:                         "unexpected data after the end of the JSON",
	} {
		var d document
		got := ""
		if err := strictjson.Decode([]byte(in), &d); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestAWrongTypeIsTold(t *testing.T) {
	t.Parallel()
	var d document
	if !strictjson.IsWrongType(json.Unmarshal([]byte(`{"name":1}`), &d)) || strictjson.IsWrongType(json.Unmarshal([]byte(`{`), &d)) {
		t.Error("a wrong type and bad syntax are the same")
	}
}

// FuzzDecode: decoding ends, and no error speaks of Go.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name":"a","sub":{"n":1}}`))
	f.Add([]byte(`{"sub":[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d document
		if err := strictjson.Decode(data, &d); err != nil && strings.Contains(err.Error(), "Go ") {
			t.Errorf("%q: %v", data, err)
		}
	})
}
