package iiniit_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/provider/iiniit"
)

// The planted secrets, none of which may be printed.
func planted() map[string]string {
	return map[string]string{
		"client secret": "canary-Lorem/client+secret=1", "access token": "canary-Ipsum.access-token_2", "refresh token": "canary-Dolor~refresh-token_3",
		"next access": "canary-Sit.next-access_4", "next refresh": "canary-Amet~next-refresh_5", "code": "canary-Consectetur/code+6", "verifier": strings.Repeat("canary-verifier_7", 3),
	}
}

// noCanary fails the test if any printed form of a value contains a planted secret.
func noCanary(t *testing.T, where string, v any) {
	t.Helper()
	type holder struct {
		V any
		v any
		m map[string]any
	}
	held := holder{v, v, map[string]any{"k": v}}
	var all bytes.Buffer
	fmt.Fprintf(&all, "%v %+v %#v %q %s %x %v %+v %#v\n", v, v, v, v, v, v, held, held, &held)
	for _, value := range []any{v, held} {
		text, err := json.Marshal(value)
		fmt.Fprintf(&all, "%s %v\n", text, err)
	}
	fmt.Fprintln(&all, gob.NewEncoder(&all).Encode(v))
	for _, h := range []slog.Handler{slog.NewJSONHandler(&all, nil), slog.NewTextHandler(&all, nil)} {
		slog.New(h).Info("canary", "v", v, "held", held)
	}
	if err, ok := v.(error); ok {
		for ; err != nil; err = unwrap(err) {
			fmt.Fprintf(&all, "%v %+v %#v\n", err, err, err)
		}
	}
	for name, secret := range planted() {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), fmt.Sprintf("%x", secret)} {
			if strings.Contains(all.String(), form) {
				t.Errorf("%s: the %s leaked: %s", where, name, all.String())
			}
		}
	}
}

func unwrap(err error) error {
	switch e := err.(type) { //nolint:errorlint // inspects the chain itself
	case interface{ Unwrap() error }:
		return e.Unwrap()
	case interface{ Unwrap() []error }:
		return e.Unwrap()[len(e.Unwrap())-1]
	}
	return nil
}

// echoing responds to a token request with a status and echoes the request in every member.
func echoing(status int, template string) http.RoundTripper {
	return transport(func(r *http.Request) (*http.Response, error) {
		var sent bytes.Buffer
		_ = r.Header.Write(&sent)
		if r.Body != nil {
			_, _ = io.Copy(&sent, r.Body)
		}
		form, _ := url.ParseQuery(sent.String())
		quoted, _ := json.Marshal(sent.String() + fmt.Sprint(form))
		return &http.Response{
			StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{"Content-Type": {"application/json"}, "X-Echo": {sent.String()}},
			Body: io.NopCloser(strings.NewReader(strings.ReplaceAll(template, "ECHO", string(quoted)))), Request: r,
		}, nil
	})
}

func TestCanaryWhatHoldsATokenDoesNotShowIt(t *testing.T) {
	t.Parallel()
	p := planted()
	secret := func(name string) keyfit.Secret { return keyfit.NewSecret(p[name]) }
	app := iiniit.App{ClientID: "lorem", ClientSecret: secret("client secret"), RedirectURL: redirectURL, TokenURL: tokenURL}
	first := iiniit.Token{Access: secret("access token"), Refresh: secret("refresh token")}
	login := iiniit.Login{URL: "https://x.example/", State: keyfit.NewSecret("state"), Verifier: secret("verifier")}
	query := url.Values{"state": {"state"}, "code": {p["code"]}}
	noCanary(t, "app", app)
	noCanary(t, "token", first)
	noCanary(t, "login", login)

	good := fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","refresh_token":%q,"expires_in":1}`, p["next access"], p["next refresh"])
	for name, answer := range map[string]http.RoundTripper{
		"good":          echoing(200, good),
		"refused":       echoing(400, `{"error":"invalid_grant","error_description":ECHO,"error_uri":ECHO}`),
		"code echoed":   echoing(400, `{"error":ECHO,"error_description":ECHO}`),
		"text":          echoing(500, `ECHO`),
		"type echoed":   echoing(200, `{"access_token":"lorem-ipsum","token_type":ECHO}`),
		"broken JSON":   echoing(200, `{"access_token":ECHO`),
		"nothing":       echoing(200, `{"lorem":ECHO}`),
		"error in good": echoing(200, `{"error":"invalid_grant","error_description":ECHO}`),
		"connection": transport(func(r *http.Request) (*http.Response, error) {
			b, _ := io.ReadAll(r.Body)
			return nil, fmt.Errorf("lorem %s %s", b, r.URL)
		}),
		"redirect with echo": transport(func(r *http.Request) (*http.Response, error) {
			b, _ := io.ReadAll(r.Body)
			return &http.Response{StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"https://evil.example/?" + string(b)}}, Body: http.NoBody, Request: r}, nil
		}),
	} {
		app := app
		app.Transport = answer
		token, err := app.Exchange(t.Context(), login, query)
		noCanary(t, name+": exchanged", token)
		noCanary(t, name+": exchange", err)
		ofUser, err := app.Tokens(iiniit.Token{Refresh: first.Refresh})
		if err != nil {
			t.Fatal(err)
		}
		ofApp, err := app.ClientCredentials()
		if err != nil {
			t.Fatal(err)
		}
		for _, tokens := range []*iiniit.Tokens{ofUser, ofApp} {
			cred, err := tokens.Credential(t.Context())
			noCanary(t, name+": credential", cred)
			noCanary(t, name+": error", err)
			if (err == nil) != (name == "good") {
				t.Errorf("%s: %v", name, err)
			}
			c, err := iiniit.NewOAuth(tokens)
			noCanary(t, name+": client's error", err)
			if err == nil {
				noCanary(t, name+": status", c.Keyfit().Keys().Status())
				fmt.Fprintf(io.Discard, "%+v", c)
			}
		}
		noCanary(t, name+": tokens by reflection", struct{ t *iiniit.Tokens }{ofUser})
	}
	denied := url.Values{"state": {"state"}, "error": {p["verifier"]}, "error_description": {p["client secret"] + p["verifier"]}}
	_, err := app.Exchange(t.Context(), login, denied)
	noCanary(t, "denied", err)
}

// FuzzTokenAnswer checks that any response of the token endpoint gives a token or an error,
// and that the error contains no secret of the request.
func FuzzTokenAnswer(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"opaque","token_type":"Bearer","expires_in":3600,"refresh_token":"opaque","scope":"read:user"}`,
		`{"access_token":"a","expires_in":"12"}`, `{"access_token":"a","expires_in":-1e400}`, `{"access_token":1}`, `{"error":"invalid_grant"}`, `{"error":{}}`, `[]`, `null`, ``, `access_token=a&expires=1`, "\xff",
	} {
		f.Add(200, "application/json", body)
		f.Add(400, "text/plain", body)
	}
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		if status < 200 || status > 599 {
			return
		}
		app := iiniit.App{ClientID: "lorem", ClientSecret: keyfit.NewSecret("canary-client-secret"), TokenURL: tokenURL}
		app.Transport = transport(func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
			}, nil
		})
		tokens, err := app.ClientCredentials()
		if err != nil {
			t.Fatal(err)
		}
		cred, err := tokens.Credential(t.Context())
		if (err == nil) == cred.Key.IsZero() {
			t.Errorf("%v, and the token is there: %v", err, !cred.Key.IsZero())
		}
		if err != nil && (strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 4000 || strings.Contains(err.Error(), "canary-client-secret")) {
			t.Errorf("error %q", err)
		}
	})
}

// FuzzRedirectQuery checks that Exchange accepts a code only with the state of the login.
func FuzzRedirectQuery(f *testing.F) {
	for _, q := range []string{"state=s&code=c", "state=lorem-state&code=c", "state=lorem-state&code=c&code=d", "error=access_denied&state=lorem-state", "state=lorem-state", "state=&code=c", "%zz"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		query, _ := url.ParseQuery(raw)
		sent := false
		app := iiniit.App{ClientID: "lorem", TokenURL: tokenURL}
		app.Transport = transport(func(*http.Request) (*http.Response, error) { sent = true; return nil, io.ErrUnexpectedEOF })
		_, err := app.Exchange(t.Context(), iiniit.Login{State: keyfit.NewSecret("lorem-state"), Verifier: keyfit.NewSecret("v")}, query)
		ours := len(query["state"]) == 1 && query.Get("state") == "lorem-state"
		if err == nil || sent && !ours || strings.Contains(err.Error(), "lorem-state") {
			t.Errorf("%q: %v, sent %v", raw, err, sent)
		}
	})
}
