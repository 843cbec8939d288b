package mockserver

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// Records share a class when their specs are the same: a field that same
// forgot would give a key another's rights.
func TestEveryFieldOfASpecTellsClassesApart(t *testing.T) {
	t.Parallel()
	var zero keySpec
	for field := range reflect.TypeFor[keySpec]().Fields() {
		var other keySpec
		name := field.Name
		switch name {
		case "kind":
			other.kind = KindPair
		case "name":
			other.name = "x"
		case "contact":
			other.contact = "x"
		case "scopes":
			other.scopes = []string{}
		case "scoped":
			other.scoped = true
		case "access":
			other.access = Admin
		case "user":
			other.user = "x"
		case "life":
			other.life = 1
		case "until":
			other.until = time.Unix(1, 0)
		case "limit":
			other.limit = &Limit{}
		case "attributes":
			other.attributes = []string{}
		case "channels":
			other.channels = []int{}
		case "grant":
			other.grant = &OAuthGrant{}
		case "lasting":
			other.lasting = true
		case "raw": // taken out before a record is made
			continue
		default:
			t.Fatalf("keySpec has a new field %s: add it to same and to this test", name)
		}
		if zero.same(&other) || other.same(&zero) {
			t.Errorf("%s does not tell two specs apart", name)
		}
	}
	if !zero.same(&keySpec{}) {
		t.Error("equal specs differ")
	}
}

func TestTokensThatClientsAskForAreBounded(t *testing.T) {
	t.Parallel()
	srv := New(t)
	tokens := userTokens{srv.Keys(), srv.vendor(IMKIT)}
	pair := srv.Keys().Issue(IMKIT, ClientKey("u")) // made by the test: it stays
	first, _ := tokens.Issue("u0", 0)
	for i := range maxGivenTokens {
		if i%2 == 0 {
			tokens.Issue(fmt.Sprint("u", i%100), 0)
		} else if err := tokens.Assign("v", fmt.Sprint("token-", i), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(srv.Keys().List(KeyFilter{Kind: KindToken})); n != maxGivenTokens+1 {
		t.Errorf("%d tokens", n)
	}
	if srv.vault.find(hashCredential(first)) != nil {
		t.Error("the first token is still known")
	}
	if srv.vault.find(hashCredential(pair.Token.Reveal())) == nil {
		t.Error("the test's own token is forgotten")
	}
	if n := tokens.Revoke("v", ""); n != maxGivenTokens/2 {
		t.Errorf("%d revoked", n)
	}
}
