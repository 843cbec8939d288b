package contract_test

import (
	"net/http"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// prepare creates the records that a vendor's examples name.
func prepare(t *testing.T, w *world) {
	t.Helper()
	if w.p == mockserver.IMKIT {
		prepareIMKIT(t, w, w.rt)
	}
}

// alone reports whether an example cannot succeed on its own, because it needs a
// value from an earlier response. A separate test covers such an operation.
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
