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

func TestAVendorsOwnHostsAreThoseOfItsDocumentation(t *testing.T) {
	t.Parallel()
	for vendor, hosts := range map[string]map[string]bool{
		"imin":         {"https://search.imin.co": true, "https://places.imin.co": true, "http://search.imin.co": false, "https://search.imin.co:8443": false, "https://imin.co.evil.example": false, "https://evilimin.co": false, "https://SEARCH.imin.co": true},
		"mindkey":      {"https://connector.mindkey.com": true, "https://x.connector.mindkey.com": false},
		"imkit":        {"https://app.imkit.io": true, "https://imkit.io.evil.example": false},
		"imkit-user":   {"https://app.imkit.io": true, "http://127.0.0.1:8080": false},
		"optimove":     {"https://api4.optimove.net": true, "https://optimove.net.example": false},
		"iiniit":       {"https://api.iiniit.com": true, "": false},
		"iiniit-token": {"https://api.iiniit.com": true, "://": false},
	} {
		v, _ := Find(vendor)
		for address, want := range hosts {
			if v.OwnHost(address) != want || (v.Host(address) == address) != want {
				t.Errorf("%s at %s: own is not %t, %q", vendor, address, want, v.Host(address))
			}
		}
	}
}
