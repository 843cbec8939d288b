package vendors

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyfit/keyfit"
)

func TestTheVendorsSchemesAreSpelledAsTheSDKSendsThem(t *testing.T) {
	t.Parallel()
	for _, v := range All() {
		req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		cred := keyfit.APIKey("K")
		if v.Provider.EnvID != "" {
			cred = keyfit.KeyPair("I", "K")
		}
		if err := v.Provider.Scheme.Apply(req, cred); err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(v.Scheme, ", ") {
			name, word, _ := strings.Cut(part, ": ")
			if value := req.Header.Get(name); value == "" || !strings.HasPrefix(value, word) {
				t.Errorf("%s sends %v, not %s", v.Name, req.Header, part)
			}
		}
	}
}
