package contract_test

import (
	"net/http"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// prepare makes what a vendor's examples name.
func prepare(t *testing.T, w *world) {
	t.Helper()
	if w.p == mockserver.IMKIT {
		prepareIMKIT(t, w, w.rt)
	}
}

// alone reports whether an example cannot succeed by itself: it needs what only
// an earlier answer holds, and a test of its own covers it.
func alone(p mockserver.Provider, o *operation) bool {
	if p != mockserver.Iiniit {
		return false
	}
	switch o.op.OperationID { // clients and tokens: oauth_test.go
	case "login", "authorize", "token", "tokenAtAuthorize", "tokenDocumented", "revoke", "introspect":
		return o.method != http.MethodHead
	}
	return false
}
