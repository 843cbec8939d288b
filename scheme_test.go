package keyfit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// sentWith returns the header that a client with this scheme and credential sends.
func sentWith(t *testing.T, scheme keyfit.Scheme, cred keyfit.Credential, hc *http.Client, own http.Header) (http.Header, error) {
	t.Helper()
	var got http.Header
	hc.Transport = roundTripFunc(func(req *http.Request) (*http.Response, error) {
		got = req.Header.Clone()
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	})
	p := keyfit.Provider{Name: "acme", BaseURL: "https://api.acme.example", Scheme: scheme}
	c, err := keyfit.New(p, keyfit.WithSource(keyfit.Static(cred)), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(hc))
	if err != nil {
		return nil, err
	}
	resp, err := c.Do((&http.Request{URL: &url.URL{Path: "/x"}, Header: own}).WithContext(t.Context()))
	if err != nil {
		return nil, err
	}
	return got, resp.Body.Close()
}

func TestBasicAndCookieSendTheKeyAsTheirStandardsSay(t *testing.T) {
	t.Parallel()
	key, pair := keyfit.APIKey("lorem/fitsum+1"), keyfit.KeyPair("AC-lorem", "lorem/fitsum+1")
	for _, test := range []struct {
		name   string
		scheme keyfit.Scheme
		cred   keyfit.Credential
		own    http.Header
		want   string // of Authorization and Cookie
	}{
		{"key as password", keyfit.Basic("api"), key, nil, basicText("api", "lorem/fitsum+1")},
		{"key as password of nobody", keyfit.Basic(""), key, nil, basicText("", "lorem/fitsum+1")},
		{"key as user", keyfit.BasicUser(""), key, nil, basicText("lorem/fitsum+1", "")},
		{"key as user with a password", keyfit.BasicUser("X"), key, nil, basicText("lorem/fitsum+1", "X")},
		{"a pair", keyfit.Basic(""), pair, nil, basicText("AC-lorem", "lorem/fitsum+1")},
		{"a user in UTF-8", keyfit.Basic("Åse"), key, nil, basicText("Åse", "lorem/fitsum+1")},
		{"the caller's own", keyfit.Basic("api"), key, http.Header{"authorization": {"Basic b3duOm93bg=="}}, basicText("api", "lorem/fitsum+1")},
		{"a cookie", keyfit.Cookie("session"), key, nil, "session=lorem/fitsum+1"},
		{"a cookie beside others", keyfit.Cookie("session"), key, http.Header{"Cookie": {"a=1; session=old;b=2", "session=older; c=3"}}, "session=lorem/fitsum+1; a=1; b=2; c=3"},
		{"a cookie of a longer name", keyfit.Cookie("s"), key, http.Header{"Cookie": {"s2=1; ss=2"}}, "s=lorem/fitsum+1; s2=1; ss=2"},
	} {
		got, err := sentWith(t, test.scheme, test.cred, &http.Client{}, test.own)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, strings.Join(append(got["Authorization"], got["Cookie"]...), " | ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if len(got[strings.ToLower("Authorization")]) > 0 {
			t.Errorf("%s: sent is %v", test.name, got)
		}
	}
}

// A key goes before what a jar has under the same name.
func TestTheKeysCookieIsNotThatOfTheJar(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(&url.URL{Scheme: "https", Host: "api.acme.example"}, []*http.Cookie{{Name: "session", Value: "stale"}, {Name: "lang", Value: "en"}})
	got, err := sentWith(t, keyfit.Cookie("session"), keyfit.APIKey("fresh-lorem"), &http.Client{Jar: jar}, nil)
	if diff := cmp.Diff([]string{"session=fresh-lorem; lang=en"}, got["Cookie"]); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestWhatASchemeCannotSendIsAnErrorWithoutTheKey(t *testing.T) {
	t.Parallel()
	key := keyfit.APIKey("lorem:fitsum;1")
	for name, test := range map[string]struct {
		scheme keyfit.Scheme
		cred   keyfit.Credential
		want   string
	}{
		"a user with a colon":        {keyfit.Basic("a:b"), key, "has a colon"},
		"a key with a colon as user": {keyfit.BasicUser(""), key, "has a colon"},
		"a user with a line break":   {keyfit.Basic("a\nb"), key, "control character"},
		"a pair as user":             {keyfit.BasicUser(""), keyfit.KeyPair("lorem", "fitsum-1"), "is a pair"},
		"two users":                  {keyfit.Basic("api"), keyfit.KeyPair("lorem", "fitsum-1"), "which is a pair"},
		"a cookie without a name":    {keyfit.Cookie(""), key, "cookie name"},
		"a cookie with a semicolon":  {keyfit.Cookie("s"), key, "a cookie may not have"},
		"a pair as cookie":           {keyfit.Cookie("s"), keyfit.KeyPair("lorem", "fitsum-1"), "is a pair"},
	} {
		_, err := sentWith(t, test.scheme, test.cred, &http.Client{}, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "fitsum") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A scheme that signs finds the digest of the body at every attempt: the first one, retries,
// redirects, replays with another key. The body is sent whole each time.
// What cannot be sent shows when the client is made, not at its first call.
func TestAKeyThatTheSchemeCannotSendIsAnErrorOfNew(t *testing.T) {
	t.Parallel()
	single, pair := keyfit.APIKey("lorem-fitsum-1"), keyfit.KeyPair("lorem", "fitsum-1")
	for name, test := range map[string]struct {
		scheme keyfit.Scheme
		cred   keyfit.Credential
	}{
		"a key as pair":      {keyfit.Pair("X-Id", "X-Secret"), single},
		"a pair as header":   {keyfit.Header("X-Key"), pair},
		"a pair as query":    {keyfit.Query("key"), pair},
		"a pair as cookie":   {keyfit.Cookie("s"), pair},
		"a pair and a user":  {keyfit.Basic("api"), pair},
		"a pair as the user": {keyfit.BasicUser(""), pair},
		"a colon in a user":  {keyfit.BasicUser(""), keyfit.APIKey("lorem:fitsum-1")},
	} {
		_, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: "https://acme.example", Scheme: test.scheme}, keyfit.WithSource(keyfit.Static(test.cred)))
		if err == nil || !strings.HasPrefix(err.Error(), "acme: ") || strings.Contains(err.Error(), "fitsum") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASigningSchemeSeesTheBodyAtEveryAttempt(t *testing.T) {
	t.Parallel()
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sum := sha256.Sum256(body)
		got = append(got, fmt.Sprintf("%s %s %t %s", r.URL.Path, body, r.Header.Get("X-Digest") == hex.EncodeToString(sum[:]), r.Header.Get("X-Nonce")))
		switch len(got) {
		case 1:
			w.WriteHeader(http.StatusBadGateway)
		case 2:
			http.Redirect(w, r, "/moved", http.StatusTemporaryRedirect)
		case 3:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"INVALID_API_KEY"}`)
		}
	}))
	t.Cleanup(srv.Close)
	nonce := 0
	scheme := ownScheme(func(req *http.Request, c keyfit.Credential) error {
		nonce++
		sum, err := keyfit.BodySHA256(req)
		req.Header.Set("X-Digest", hex.EncodeToString(sum))
		req.Header.Set("X-Nonce", fmt.Sprint(nonce))
		return err
	})
	ring, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey("first-lorem")))
	if err != nil {
		t.Fatal(err)
	}
	p := keyfit.Provider{Name: "acme", BaseURL: srv.URL, Scheme: scheme}
	c, err := keyfit.New(p, keyfit.WithSource(ring), keyfit.WithRetry(rawPolicy(4)))
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Rotate(t.Context(), keyfit.APIKey("second-lorem")); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPut, "/x", []byte("data")); err != nil {
		t.Error(err)
	}
	want := []string{"/x data true 1", "/x data true 2", "/moved data true 3", "/moved data true 4"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheDigestOfABody(t *testing.T) {
	t.Parallel()
	broken := func() (io.ReadCloser, error) { return nil, errors.New("gone") }
	request := func(body io.Reader) *http.Request {
		req, err := http.NewRequest(http.MethodPost, "https://acme.example/", body)
		if err != nil {
			t.Fatal(err)
		}
		return req
	}
	const none, abc = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	for name, test := range map[string]struct {
		req  *http.Request
		want string
	}{
		"no body":          {request(nil), none},
		"NoBody":           {request(http.NoBody), none},
		"bytes":            {request(bytes.NewReader([]byte("abc"))), abc},
		"text":             {request(strings.NewReader("abc")), abc},
		"a stream":         {request(io.LimitReader(strings.NewReader("abc"), 3)), "error"},
		"a broken GetBody": {&http.Request{Body: io.NopCloser(strings.NewReader("abc")), GetBody: broken}, "error"},
	} {
		sum, err := keyfit.BodySHA256(test.req)
		got := hex.EncodeToString(sum)
		if err != nil {
			got = "error"
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		if rest, _ := io.ReadAll(bodyOrNone(test.req)); got == abc && string(rest) != "abc" {
			t.Errorf("%s: the body is read", name)
		}
	}
}

func bodyOrNone(req *http.Request) io.Reader {
	if req.Body == nil {
		return http.NoBody
	}
	return req.Body
}

// The fixed half of Basic credentials is in no text either, in whatever form it is echoed.
func TestTheFixedPasswordOfBasicIsRedacted(t *testing.T) {
	t.Parallel()
	const password = "fixed-lorem-fitsum"
	wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		user, sent, _ := req.BasicAuth()
		return respond(req, 400, fmt.Sprintf(`{"code":%q,"message":%q}`, sent, req.Header.Get("Authorization")+" "+user+" "+sent), "X-Echo: "+sent), nil
	})
	p := keyfit.Provider{Name: "acme", BaseURL: "https://acme.example", Scheme: keyfit.BasicUser(password)}
	c, err := keyfit.New(p, keyfit.WithKey("scheme-lorem-key"), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
	if err != nil {
		t.Fatal(err)
	}
	if c, err = c.With(keyfit.WithAppName("shop/1")); err != nil {
		t.Fatal(err)
	}
	_, err = keyfit.Get[struct{}](t.Context(), c, "/x")
	answer, ok := errors.AsType[*keyfit.APIError](err)
	if !ok {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %s %v", err, answer, answer.Body(), answer.Header)
	for _, secret := range []string{password, base64.StdEncoding.EncodeToString([]byte("scheme-lorem-key:" + password))[26:44]} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
}
