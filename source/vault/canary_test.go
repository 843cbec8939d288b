package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/vault"
)

// A server or proxy echoes the request; no secret may appear in any output.
func TestNoSecretIsToldByErrorsLogsOrPrinters(t *testing.T) {
	t.Parallel()
	const token, secretID, oldKey, newKey = "hvs.CANARYTOKENCANARYTOKEN", "CANARYSECRETIDCANARY", "CANARYOLDKEYCANARY", "CANARYNEWKEYCANARY"
	const all = token + " " + secretID + " " + oldKey + " " + newKey
	tokenPath := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokenPath, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	doc := func(fields string) string { return `{"data":{"data":` + fields + `,"metadata":{"version":2}}}` }
	errorsOf := func(text string) string {
		raw, _ := json.Marshal(map[string][]string{"errors": {"permission denied: " + text, "invalid role or secret ID " + text}})
		return string(raw)
	}
	answers := []struct {
		status int
		body   string
	}{
		{400, errorsOf(all)},
		{403, errorsOf(all)},
		{404, errorsOf("no handler for route " + all)},
		{404, all},
		{429, errorsOf(all)},
		{503, "<html>" + all},
		{307, all},
		{200, all},
		{200, `{"data":"` + all + `"}`},
		{200, `{"data":{"data":"` + all + `","metadata":{"version":"` + all + `"}}}`},
		{200, doc(`{"` + newKey + `":"` + oldKey + `"}`)},
		{200, doc(`{"key":{"nested":"` + newKey + `"}}`)},
		{200, doc(`{"key":"` + newKey + `","not_after":"` + oldKey + `"}`)},
		{200, doc(`{"key":"` + newKey + `"}`)},
	}
	auths := map[string]func(*vault.Config){
		"token":             func(c *vault.Config) { c.Auth = vault.Token(keyfit.NewSecret(token)) },
		"token file":        func(c *vault.Config) { c.Auth = vault.TokenFile(tokenPath) },
		"role":              func(c *vault.Config) { c.Auth = vault.AppRole{RoleID: "r", SecretID: keyfit.NewSecret(secretID)} },
		"unprintable token": func(c *vault.Config) { c.Auth = vault.Token(keyfit.NewSecret(token + "\x00" + token)) },
	}
	for name, auth := range auths {
		for i, answer := range answers {
			for _, loginToo := range []bool{false, true} {
				t.Run(fmt.Sprint(name, i, loginToo), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { // fake time skips the waits between retries
						server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							if strings.HasSuffix(r.URL.Path, "/login") && !loginToo {
								_, _ = io.WriteString(w, `{"auth":{"client_token":"`+token+`"}}`)
								return
							}
							w.Header().Set("Location", "http://127.0.0.1:1/?"+url.QueryEscape(all))
							w.WriteHeader(answer.status)
							_, _ = io.WriteString(w, answer.body)
						})
						cfg := vault.Config{Address: "http://localhost", Path: "app", Transport: inProcess{server}}
						auth(&cfg)
						src := newSource(t, cfg)
						offer, err := src.Versions(t.Context())
						_, err2 := keyfit.NewKeyring(t.Context(), src)
						type holder struct {
							src  *vault.Source
							Src  *vault.Source
							Conf vault.Config
							Off  keyfit.Versions
						}
						h := holder{src, src, cfg, offer}
						for _, value := range []any{err, err2, src, cfg, offer, h, &h} {
							for form, text := range printed(value) {
								for _, part := range []string{"CANARY", "canary"} {
									if at := strings.Index(text, part); at >= 0 {
										t.Fatalf("%s of %T leaks a secret: …%s…", form, value, text[max(0, at-60):min(len(text), at+40)])
									}
								}
							}
						}
					})
				})
			}
		}
	}
}

type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// printed returns all printed forms of a value and of the errors it wraps.
func printed(value any) map[string]string {
	forms := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		forms[verb] = fmt.Sprintf(verb, value)
	}
	raw, _ := json.Marshal(value)
	forms["JSON"] = string(raw)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
	forms["slog"] = log.String()
	if err, ok := value.(error); ok && err != nil {
		var under []error
		switch u := err.(type) { //nolint:errorlint // inspects every layer
		case interface{ Unwrap() []error }:
			under = u.Unwrap()
		default:
			if inner := errors.Unwrap(err); inner != nil {
				under = []error{inner}
			}
		}
		for i, inner := range under {
			for form, text := range printed(inner) {
				forms[fmt.Sprint(form, " under ", i)] = text
			}
		}
	}
	return forms
}
