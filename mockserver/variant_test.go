package mockserver_test

import (
	"encoding/json"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

func TestVariantsAreWrittenByName(t *testing.T) {
	t.Parallel()
	all := mockserver.BareTokens | mockserver.EnvelopedTokens | mockserver.MemberStrings | mockserver.MemberObjects | mockserver.SenderStrings |
		mockserver.SenderObjects | mockserver.FlatErrors | mockserver.UserConflict | mockserver.PageRefusals
	for v, want := range map[mockserver.Variant]string{
		0:   `[]`,
		all: `["bare-tokens","enveloped-tokens","member-strings","member-objects","sender-strings","sender-objects","flat-errors","user-conflict","page-refusals"]`,
	} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "written", want, string(data))
		var back mockserver.Variant
		if err := json.Unmarshal(data, &back); err != nil || back != v {
			t.Errorf("%s is read as %d, %v", data, back, err)
		}
	}
	for _, bad := range []string{`["lorem"]`, `"bare-tokens"`, `7`} {
		if err := json.Unmarshal([]byte(bad), new(mockserver.Variant)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}
