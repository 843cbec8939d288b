package mockserver_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// Whoever gives a key's value where an ID or a name is wanted finds it in no error, in Go or over
// the admin API.
func TestNoErrorRepeatsAKeyThatWasGivenAsAnID(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithSeed(3))
	values := []string{"sk_live_9fQ2xLr7TnB4vKd8WmZp", "key_sk_live_9fQ2xLr7TnB4vKd8WmZp", "key_4929123456781234567"}
	for _, p := range mockserver.Providers() {
		values = append(values, srv.Keys().Issue(p).Secret.Reveal())
	}
	for i, value := range values {
		_, rotated := srv.Keys().Rotate(value, 0)
		for _, err := range []error{rotated, srv.Keys().Revoke(value, ""), srv.Keys().Expire(value), srv.Keys().Suspend(value), srv.Keys().Enable(value)} {
			if err == nil || strings.Contains(err.Error(), value) {
				t.Errorf("%v", err)
			}
		}
		of := "/v1/namespaces/default/"
		calls := []string{
			"GET " + of + "keys/X", "PATCH " + of + "keys/X", "POST " + of + "keys/X/rotate", "POST " + of + "keys/X/revoke", "POST " + of + "keys/X/expire",
			"POST " + of + "keys/X/suspend", "POST " + of + "keys/X/enable",
		}
		if i >= 3 { // the server knows it
			calls = append(calls, "DELETE "+of+"faults/X", "GET "+of+"requests/X", "GET /v1/namespaces/X", "DELETE /v1/namespaces/X",
				"POST "+of+"snapshots/X/restore", "DELETE "+of+"snapshots/X", "GET "+of+"data/imkit/X", "GET "+of+"keys?X=1", "DELETE "+of+"oauth/clients/X")
		}
		for _, c := range calls {
			method, path, _ := strings.Cut(c, " ")
			got := adminCall(t, srv, method, strings.ReplaceAll(path, "X", url.PathEscape(value)), "{}")
			if got.status < 400 || strings.Contains(got.body, value) {
				t.Errorf("%s: %d %s", c, got.status, got.body)
			}
		}
	}
}
