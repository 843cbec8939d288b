package imkit_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/provider/imkit"
)

// A token that is handed over in the body is as secret as the key: a server that repeats the
// body in its error does not bring it into the caller's texts.
func TestATokenThatTheServerRepeatsIsNotTold(t *testing.T) {
	t.Parallel()
	const token = "lorem-fitsum-user-token"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"RC":400,"RM":"bad token %s","error":{"code":"BAD","message":"%s %s %s"}}`,
			token, url.QueryEscape(string(body)), base64.StdEncoding.EncodeToString([]byte(token)), strings.ToUpper(token))
	}))
	t.Cleanup(srv.Close)
	var told strings.Builder
	c, err := imkit.New("app", keyfit.WithKey("LoremFitsumKey1"), keyfit.WithBaseURL(srv.URL), keyfit.WithAllowHTTP(),
		keyfit.WithoutDotEnv(), keyfit.WithHooks(keyfit.Hooks{Attempt: func(_ context.Context, e keyfit.AttemptEvent) { fmt.Fprintf(&told, "%+v", e) }}))
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour)
	secret := keyfit.NewSecret(token)
	for name, call := range map[string]func() error{
		"Assign": func() error { _, err := c.Tokens.Assign(t.Context(), "u", secret, until); return err },
		"Update": func() error { _, err := c.Tokens.Update(t.Context(), "u", secret, until); return err },
		"Revoke": func() error { _, err := c.Tokens.Revoke(t.Context(), "u", secret); return err },
	} {
		err := call()
		var answer *keyfit.APIError
		if !errors.As(err, &answer) {
			t.Fatalf("%s: %v, want an APIError", name, err)
		}
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", answer, answer), string(answer.Body()), told.String()} {
			for _, form := range []string{token, strings.ToUpper(token), base64.StdEncoding.EncodeToString([]byte(token)), url.QueryEscape(token)} {
				if strings.Contains(text, form) {
					t.Errorf("%s: %q is told in %q", name, form, text)
				}
			}
		}
	}
}
