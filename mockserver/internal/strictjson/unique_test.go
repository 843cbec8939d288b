package strictjson_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

func TestAMemberThatOccursTwiceIsTold(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":1,"a":2}`:                   `member "a" occurs twice`,
		`{"a":"b","b":"a","c":"a"}`:       "",
		`{"a":{"a":[{"a":1},{"a":1}]}}`:   "",
		`{"x":[1,{"b":1,"c":{},"b":[]}]}`: `member "b" occurs twice`,
		`{"a":{},"b":[],"a":null}`:        `member "a" occurs twice`,
		`["a","a"]`:                       "",
		`{"a":1,"\u0061":2}`:              `member "a" occurs twice`,
		`{"a":1,"A":2}`:                   "",
		`{"a":1`:                          "",
		``:                                "",
		`}`:                               "",
		`{"a":1} {"a":1,"a":1}`:           "", // for Decode
	} {
		got := ""
		if err := strictjson.Unique([]byte(in)); err != nil {
			got = err.Error()
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", in, d)
		}
	}
}
