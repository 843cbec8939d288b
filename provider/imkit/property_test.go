package imkit_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/provider/imkit"
)

func TestAnyPropertyOfAMemberCanBeSet(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		property string
		value    any
		want     string
	}{
		{"role", imkit.RoleManager, `{"property":"role","value":"admin"}`},
		{"nickname", "Åse", `{"property":"nickname","value":"Åse"}`},
		{"muted", true, `{"property":"muted","value":true}`},
		{"badge", 0, `{"property":"badge","value":0}`},
		{"tags", []string{"a", "b"}, `{"property":"tags","value":["a","b"]}`},
		{"note", nil, `{"property":"note","value":null}`},
	} {
		wire := new(recorder)
		c := wire.client(t, keyfit.IMKITUser("lorem"), keyfit.KeyPair("client-key", "token"))
		if _, err := imkit.UserFromClient(c, "alice").Members.SetProperty(t.Context(), "r/1", "bob", test.property, test.value); err != nil {
			t.Fatal(err)
		}
		sent := wire.requests[0]
		if diff := cmp.Diff([]string{"PUT", "/rooms/r%2F1/member/bob", test.want}, []string{sent.method, sent.path, strings.TrimSpace(sent.body)}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.property, diff)
		}
	}
	wire := new(recorder)
	c := wire.client(t, keyfit.IMKITUser("lorem"), keyfit.KeyPair("client-key", "token"))
	_, err := imkit.UserFromClient(c, "alice").Members.SetProperty(t.Context(), "r", "bob", "", 1)
	if err == nil || len(wire.requests) > 0 {
		t.Errorf("no name: %v, %v", err, wire.requests)
	}
}
