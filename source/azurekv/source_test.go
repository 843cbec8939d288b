package azurekv_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/azurekv"
)

const bearer = "CANARYTOKENCANARY"

// version is a version of the secret of a fake, which was created a day after the one before.
type version struct {
	value     string
	disabled  bool
	expires   time.Time
	notBefore time.Time
}

// fake stands in for a vault, over https on a loopback address. It answers as
// https://learn.microsoft.com/rest/api/keyvault/secrets documents: with a challenge first.
type fake struct {
	mu       sync.Mutex
	url      string
	versions []version
	noList   bool
	answer   func(http.ResponseWriter, *http.Request) bool // before all else, if it returns true
	requests []string
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Header.Get("Authorization") == "" {
		w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://vault.azure.net"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	f.requests = append(f.requests, strings.TrimPrefix(r.URL.Path, "/secrets/"))
	w.Header().Set("Content-Type", "application/json")
	if f.answer != nil && f.answer(w, r) {
		return
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/secrets/"), "/")
	n := len(f.versions)
	switch {
	case r.Header.Get("Authorization") != "Bearer "+bearer:
		refuse(w, http.StatusUnauthorized, "Unauthorized")
	case name != "imkit" || n == 0:
		refuse(w, http.StatusNotFound, "SecretNotFound")
	case rest == "versions" && f.noList:
		refuse(w, http.StatusForbidden, "Forbidden")
	case rest == "versions":
		f.list(w, r.URL.Query().Get("page") == "2")
	default:
		if rest != "" {
			_, _ = fmt.Sscanf(rest, "v%d", &n)
		}
		if n < 1 || n > len(f.versions) {
			refuse(w, http.StatusNotFound, "SecretNotFound")
			return
		}
		if f.versions[n-1].disabled {
			refuse(w, http.StatusForbidden, "Forbidden")
			return
		}
		item := f.item(n)
		item["value"] = f.versions[n-1].value
		_ = json.NewEncoder(w).Encode(item)
	}
}

// list writes the versions, in no order, on two pages.
func (f *fake) list(w io.Writer, second bool) {
	items := make([]map[string]any, 0, len(f.versions))
	for n := range f.versions {
		if (n%2 == 0) == second {
			items = append(items, f.item(n+1))
		}
	}
	page := map[string]any{"value": items}
	if !second {
		page["nextLink"] = f.url + "/secrets/imkit/versions?page=2"
	}
	_ = json.NewEncoder(w).Encode(page)
}

func (f *fake) item(n int) map[string]any {
	v := f.versions[n-1]
	attributes := map[string]any{"enabled": !v.disabled, "created": time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC).Unix()}
	if !v.expires.IsZero() {
		attributes["exp"] = v.expires.Unix()
	}
	if !v.notBefore.IsZero() {
		attributes["nbf"] = v.notBefore.Unix()
	}
	return map[string]any{"id": fmt.Sprintf("%s/secrets/imkit/v%d", f.url, n), "attributes": attributes}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":{"code":%q,"message":"the service says CANARYKEYCANARY and %s"}}`, code, bearer)
}

type credential struct{ err error }

func (c credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: bearer, ExpiresOn: time.Now().Add(time.Hour)}, c.err
}

// client returns the Azure client of the fake.
func (f *fake) client(t *testing.T, cred credential) *azsecrets.Client {
	t.Helper()
	server := httptest.NewTLSServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	client, err := azsecrets.NewClient(server.URL, cred, &azsecrets.ClientOptions{
		ClientOptions:                        azcore.ClientOptions{Transport: server.Client(), Retry: policy.RetryOptions{MaxRetries: 1, RetryDelay: time.Millisecond}},
		DisableChallengeResourceVerification: true, // it is no vault.azure.net
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func newSource(t *testing.T, f *fake, cfg azurekv.Config) *azurekv.Source {
	t.Helper()
	cfg.Secret = "imkit"
	src, err := azurekv.New(f.client(t, credential{}), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// shown is a key as a test compares it.
type shown struct{ ID, Key, Version, Expires, Issued string }

func show(c keyfit.Credential) shown {
	s := shown{ID: c.ID.Reveal(), Key: c.Key.Reveal(), Version: c.Version}
	if !c.Expires.IsZero() {
		s.Expires = c.Expires.UTC().Format(time.DateOnly)
	}
	if !c.Issued.IsZero() {
		s.Issued = c.Issued.UTC().Format(time.DateOnly)
	}
	return s
}

func TestTheVersionsAreTheStatesOfTheKey(t *testing.T) {
	t.Parallel()
	end := time.Date(2037, 1, 31, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		versions                   []version
		cfg                        azurekv.Config
		noList                     bool
		current, previous, pending shown
	}{
		"one version":              {versions: []version{{value: "k1"}}, current: shown{Key: "k1", Version: "v1"}},
		"with an end":              {versions: []version{{value: "k1", expires: end}}, current: shown{Key: "k1", Version: "v1", Expires: "2037-01-31"}},
		"five versions":            {versions: []version{{value: "k1"}, {value: "k2"}, {value: "k3"}, {value: "k4"}, {value: "k5"}}, current: shown{Key: "k5", Version: "v5"}, previous: shown{Key: "k4", Version: "v4"}},
		"the one before is off":    {versions: []version{{value: "k1"}, {value: "k2", disabled: true}, {value: "k3"}}, current: shown{Key: "k3", Version: "v3"}, previous: shown{Key: "k1", Version: "v1"}},
		"no permission to list":    {versions: []version{{value: "k1"}, {value: "k2"}}, noList: true, current: shown{Key: "k2", Version: "v2"}},
		"the latest is not active": {versions: []version{{value: "k1"}, {value: "k2"}, {value: "k3", notBefore: end}}, current: shown{Key: "k2", Version: "v2"}, pending: shown{Key: "k3", Version: "v3"}},
		"nothing else is active":   {versions: []version{{value: "k1", notBefore: end}}, current: shown{Key: "k1", Version: "v1"}},
		"an activation that was":   {versions: []version{{value: "k1", notBefore: end.AddDate(-20, 0, 0)}}, current: shown{Key: "k1", Version: "v1"}},
		"fields, a pair and dates": {
			versions: []version{{value: `{"key":"k1","id":"c1"}`, expires: end}, {value: `{"id":"c2","key":"k2","not_after":"2027-01-31","issued_at":"2026-01-31"}`, expires: end}}, cfg: azurekv.Config{Field: "key", IDField: "id"},
			current: shown{ID: "c2", Key: "k2", Version: "v2", Expires: "2027-01-31", Issued: "2026-01-31"}, previous: shown{ID: "c1", Key: "k1", Version: "v1", Expires: "2037-01-31"},
		},
		"what is wrong with the one before": {versions: []version{{value: "no JSON"}, {value: `{"key":"k2"}`}}, cfg: azurekv.Config{Field: "key"}, current: shown{Key: "k2", Version: "v2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{versions: test.versions, noList: test.noList}
			src := newSource(t, f, test.cfg)
			got, err := src.Versions(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]shown{test.current, test.previous, test.pending}, []shown{show(got.Current), show(got.Previous), show(got.Pending)}); diff != "" {
				t.Errorf("current, previous and pending (-want +got):\n%s", diff)
			}
			alone, err := src.Credential(t.Context())
			if diff := cmp.Diff(test.current, show(alone)); err != nil || diff != "" || got.Current.Place != "Azure Key Vault secret imkit" {
				t.Errorf("%v, %s, the current one alone (-want +got):\n%s", err, got.Current.Place, diff)
			}
		})
	}
}

// What is wrong is said, in words of our own: the service and what is in between may repeat a
// secret, and a chain goes on only if there is no key.
func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	const canary = "CANARYKEYCANARY"
	answer := func(status int, body string) *fake {
		return &fake{answer: func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return true
		}}
	}
	says := func(code string) string { return `{"error":{"code":"` + code + `","message":"` + canary + `"}}` }
	const notSent = "the request was not sent, or the response is not from Key Vault: check the credential and the URL of the vault, which must be https"
	for name, test := range map[string]struct {
		fake  *fake
		cfg   azurekv.Config
		cred  credential
		noKey bool
		want  string
	}{
		"no such secret":       {fake: &fake{}, noKey: true, want: "404 Not Found: there is no such secret in this vault (no key)"},
		"no such page":         {fake: answer(http.StatusNotFound, "<html>"+canary), want: "404 Not Found: the response is not from Key Vault: check the URL of the vault"},
		"disabled":             {fake: &fake{versions: []version{{value: canary, disabled: true}}}, want: "403 Forbidden: the version is disabled, or the credential lacks the role Key Vault Secrets User, or the vault's firewall refuses this network"},
		"no credential":        {fake: &fake{versions: []version{{value: canary}}}, cred: credential{errors.New("tenant says " + canary)}, want: notSent},
		"a credential refused": {fake: answer(http.StatusUnauthorized, says("Unauthorized")), want: "401 Unauthorized: the Azure credential is missing, wrong or expired, or of another tenant"},
		"throttled for good":   {fake: answer(http.StatusTooManyRequests, says("Throttled")), want: "429 Too Many Requests: the vault limits requests: read less often"},
		"away":                 {fake: answer(http.StatusServiceUnavailable, canary), want: "503 Service Unavailable: the service is unavailable; the next read tries again"},
		"a malformed name":     {fake: answer(http.StatusBadRequest, says(canary)), want: "400 Bad Request: the service refused: check the name of the secret"},
		"a page":               {fake: answer(http.StatusOK, "<html>"+canary), want: notSent},
		"no value":             {fake: answer(http.StatusOK, `{"id":"https://v/secrets/imkit/v1"}`), want: "the response is not from Key Vault: it has no value"},
		"empty":                {fake: &fake{versions: []version{{value: " "}}}, want: "the secret is empty"},
		"JSON, and no field":   {fake: &fake{versions: []version{{value: `{"key":"` + canary + `"}`}}}, want: "the secret is a JSON object: set Config.Field to the field that holds the key"},
		"a field, and no JSON": {fake: &fake{versions: []version{{value: canary}}}, cfg: azurekv.Config{Field: "key"}, want: `the secret is not a JSON object, so it has no field "key"`},
		"no date":              {fake: &fake{versions: []version{{value: `{"key":"` + canary + `","not_after":"` + canary + `"}`}}}, cfg: azurekv.Config{Field: "key"}, want: `"not_after" is not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.cfg.Secret = "imkit"
			src, err := azurekv.New(test.fake.client(t, test.cred), test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = src.Versions(t.Context()); err == nil || errors.Is(err, keyfit.ErrNoKey) != test.noKey {
				t.Fatalf("ErrNoKey is to be %v: %v", test.noKey, err)
			}
			if diff := cmp.Diff("Azure Key Vault secret imkit: "+test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			_, ringErr := keyfit.NewKeyring(t.Context(), src)
			for _, value := range []any{err, ringErr, src, struct{ src *azurekv.Source }{src}} {
				text := fmt.Sprintf("%v %+v %#v %s %q", value, value, value, value, value)
				raw, _ := json.Marshal(value)
				var log bytes.Buffer
				slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
				for err, ok := value.(error); ok && err != nil; err = errors.Unwrap(err) {
					text += fmt.Sprintf("%+v %#v", err, err)
				}
				if strings.Contains(text+string(raw)+log.String(), "CANARY") {
					t.Errorf("%T tells a secret: %s", value, text)
				}
			}
		})
	}
}

func TestAVaultThatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	f := &fake{}
	src := newSource(t, f, azurekv.Config{Timeout: 200 * time.Millisecond})
	f.mu.Lock()
	f.answer = func(w http.ResponseWriter, _ *http.Request) bool { panic(http.ErrAbortHandler) }
	f.mu.Unlock()
	if _, err := src.Versions(t.Context()); err == nil || errors.Is(err, keyfit.ErrNoKey) || strings.Contains(err.Error(), "https://") {
		t.Errorf("a connection that breaks: %v", err)
	}
}

func TestAConfigurationThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	client := (&fake{}).client(t, credential{})
	for want, cfg := range map[string]azurekv.Config{
		"the name of a secret": {},
		"IDField but no Field": {Secret: "imkit", IDField: "id"},
		"must not be negative": {Secret: "imkit", Timeout: -1},
	} {
		if _, err := azurekv.New(client, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %q", cfg, err, want)
		}
	}
	if _, err := azurekv.New(nil, azurekv.Config{Secret: "imkit"}); err == nil {
		t.Error("no client is no error")
	}
}

// The keyring of a client follows the secret, and keeps its key while the vault fails.
func TestAKeyringFollowsTheSecret(t *testing.T) {
	t.Parallel()
	f := &fake{versions: []version{{value: "k1"}}}
	ring, err := keyfit.NewKeyring(t.Context(), newSource(t, f, azurekv.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	reload := func(change func()) {
		f.mu.Lock()
		change()
		f.mu.Unlock()
		_, err := ring.Reload(t.Context())
		status := ring.Status()
		got = append(got, fmt.Sprint(status.Current.Version, " ", status.Source.Stale, " ", err != nil))
	}
	reload(func() { f.versions = append(f.versions, version{value: "k2"}) })
	reload(func() {
		f.answer = func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, http.StatusForbidden, "Forbidden")
			return true
		}
	})
	reload(func() { f.answer = nil; f.versions = append(f.versions, version{value: "k3"}) })
	if diff := cmp.Diff([]string{"v2 false false", "v2 true true", "v3 false false"}, got); diff != "" {
		t.Errorf("version, stale, error (-want +got):\n%s", diff)
	}
}
