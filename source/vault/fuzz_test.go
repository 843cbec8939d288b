package vault_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/vault"
)

// Any response of a server gives a key or an error of one line.
func FuzzTheAnswerOfAServer(f *testing.F) {
	f.Add(200, `{"data":{"data":{"key":"k1","id":"c1","not_after":"2027-01-31"},"metadata":{"version":2,"custom_metadata":{"not_after":"x"}}}}`)
	f.Add(404, `{"data":{"data":null,"metadata":{"version":2,"deletion_time":"2026-11-22T03:27:11Z","destroyed":false}}}`)
	f.Add(404, `{"errors":[]}`)
	f.Add(403, `{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}`)
	f.Add(200, `{"data":{"data":{"key":1},"metadata":{"version":"1e3"}}}`)
	f.Add(204, ``)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 499 || status == http.StatusTooManyRequests || status == http.StatusPreconditionFailed {
			return // these are retried after waits
		}
		server := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
		src := newSource(t, vault.Config{
			Address: "http://localhost", Path: "app", IDField: "id", Transport: inProcess{server},
			Auth: vault.Token(keyfit.NewSecret("hvs.t")),
		})
		offer, err := src.Versions(t.Context())
		switch {
		case err == nil && (strings.TrimSpace(offer.Current.Key.Reveal()) == "" || strings.TrimSpace(offer.Current.ID.Reveal()) == "" || offer.Current.Version == ""):
			t.Errorf("no error, and half a credential: version %q", offer.Current.Version)
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("an error of several lines: %q", err)
		}
	})
}
