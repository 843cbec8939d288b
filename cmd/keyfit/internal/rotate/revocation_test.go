package rotate

import (
	"strings"
	"testing"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
)

func TestEveryVendorHasAWayToRevoke(t *testing.T) {
	t.Parallel()
	for _, name := range vendors.Names() {
		if r := revocationOf(name); r.how == "" || r.when == "" || strings.Contains(r.how, "is not documented: ask") != strings.HasPrefix(name, "iiniit") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
