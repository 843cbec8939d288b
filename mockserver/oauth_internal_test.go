package mockserver

import (
	"testing"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// A code that two exchange at the same moment: the loser ends the family before
// the winner has made its tokens.
func TestTokensOfAnEndedFamilyAreRevoked(t *testing.T) {
	t.Parallel()
	srv := New(t)
	client, err := srv.OAuth().Register(OAuthClient{})
	if err != nil {
		t.Fatal(err)
	}
	a := authorityServer{srv.OAuth().ns.oauth, srv.vendor(Iiniit)}
	grant := surface.Grant{Use: surface.Code, Client: client.ID, Family: a.NewFamily()}
	_, code := a.Issue(grant)
	if !a.Spend(code.ID) || a.Spend(code.ID) {
		t.Error("a code is spent once")
	}
	a.EndFamily(grant.Family, "used twice")
	for _, grant.Use = range []surface.Use{surface.AccessToken, surface.RefreshToken} {
		value, made := a.Issue(grant)
		if found, _ := a.Find(value); !made.Ended || !found.Ended {
			t.Errorf("use %d lives in an ended family", grant.Use)
		}
	}
	grant.Family = a.NewFamily()
	if _, made := a.Issue(grant); made.Ended {
		t.Error("another family is ended too")
	}
}
