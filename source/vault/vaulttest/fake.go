// Package vaulttest provides an in-memory fake of HashiCorp Vault and OpenBao for tests: KV
// version 2, tokens, policies and AppRole, with a clock that the test controls. Its responses
// follow those of Vault 1.21.4; with the flavor [OpenBao] they follow OpenBao 2.6 where it is
// known to differ.
package vaulttest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Flavor selects the server that the fake imitates.
type Flavor string

// The flavors.
const (
	Vault   Flavor = "Vault"
	OpenBao Flavor = "OpenBao"
)

// Fake is a fake of the server. It is an [http.Handler]; [Fake.Transport] works without a
// network. It is safe for concurrent use.
type Fake struct {
	flavor Flavor

	mu        sync.Mutex
	ahead     time.Duration // of the real clock
	root      string
	tokens    map[string]*token
	policies  map[string]policy
	engines   map[string]*engine // by mount, "secret"
	roles     map[string]*role   // by mount and name, "approle/app"
	methods   map[string]bool    // mounts of AppRole
	requests  []string
	intercept func(http.ResponseWriter, *http.Request) bool
}

// New returns a fake with a KV version 2 engine at secret/.
func New(flavor Flavor) *Fake {
	f := &Fake{
		flavor: flavor, root: "hvs." + random(24), tokens: map[string]*token{}, policies: map[string]policy{},
		engines: map[string]*engine{"secret": newEngine()}, roles: map[string]*role{}, methods: map[string]bool{},
	}
	f.tokens[f.root] = &token{policies: []string{"root"}}
	return f
}

// RootToken returns a token with all permissions that never expires.
func (f *Fake) RootToken() string { return f.root }

// Advance moves the clock of the fake forward, which affects the expiry of its tokens.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ahead += d
}

// Requests returns the requests since the last call, such as "GET secret/data/app?version=1".
func (f *Fake) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := f.requests
	f.requests = nil
	return seen
}

// Intercept sets a function that receives each request first. If it returns true, it has
// written the response. nil removes the function.
func (f *Fake) Intercept(answer func(http.ResponseWriter, *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.intercept = answer
}

// Transport returns a transport that answers requests to any host in this process. It works in
// a bubble of testing/synctest.
func (f *Fake) Transport() http.RoundTripper { return inProcess{f} }

type inProcess struct{ f *Fake }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	t.f.ServeHTTP(rec, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// ServeHTTP implements [http.Handler].
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	f.mu.Lock()
	line := r.Method + " " + path
	if r.URL.RawQuery != "" {
		line += "?" + r.URL.RawQuery
	}
	f.requests = append(f.requests, line)
	intercept := f.intercept
	f.mu.Unlock()
	if intercept != nil && intercept(w, r) {
		return
	}
	var body map[string]any
	if r.ContentLength != 0 {
		_ = json.NewDecoder(r.Body).Decode(&body) // these routes treat an invalid body as empty
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.route(request{path: path, method: r.Method, token: r.Header.Get("X-Vault-Token"), version: r.URL.Query().Get("version"), body: body}).write(w)
}

func (f *Fake) now() time.Time { return time.Now().Add(f.ahead).UTC() }

type request struct {
	path, method, token, version string
	body                         map[string]any
}

func (r request) isWrite() bool { return r.method == http.MethodPost || r.method == http.MethodPut }

// route returns the reply to a request. The caller holds mu.
func (f *Fake) route(r request) reply {
	if mount, ok := strings.CutPrefix(r.path, "auth/"); ok && strings.HasSuffix(mount, "/login") && r.isWrite() {
		return f.login(strings.TrimSuffix(mount, "/login"), r.body)
	}
	if r.path == "sys/health" {
		return reply{status: http.StatusOK, raw: map[string]any{"initialized": true, "sealed": false, "standby": false}}
	}
	if refused := f.authorize(r); refused != nil {
		return *refused
	}
	top, rest, _ := strings.Cut(r.path, "/")
	switch {
	case strings.HasPrefix(r.path, "sys/"):
		return f.system(r)
	case top == "auth":
		return f.authPath(rest, r)
	}
	for mount, e := range f.engines {
		if sub, ok := strings.CutPrefix(r.path, mount+"/"); ok {
			return e.serve(f, sub, r)
		}
	}
	return noHandler(r.path)
}

// system serves the sys/ paths that tests need for their setup.
func (f *Fake) system(r request) reply {
	kind, name, _ := strings.Cut(strings.TrimPrefix(r.path, "sys/"), "/")
	switch {
	case kind == "mounts" && r.isWrite():
		f.engines[name] = newEngine()
	case kind == "mounts" && r.method == http.MethodDelete:
		delete(f.engines, name)
	case kind == "auth" && r.isWrite():
		f.methods[name] = true
	case kind == "auth" && r.method == http.MethodDelete:
		delete(f.methods, name)
	case kind == "policies" && r.isWrite():
		p, ok := parsePolicy(text(r.body["policy"]))
		if !ok {
			return refuse(http.StatusBadRequest, "failed to parse policy: the fake reads policies in JSON")
		}
		f.policies[strings.TrimPrefix(name, "acl/")] = p
	case kind == "policies" && r.method == http.MethodDelete:
		delete(f.policies, strings.TrimPrefix(name, "acl/"))
	default: // sys/events/subscribe among them: Vault Enterprise only
		return refuse(http.StatusNotFound, "1 error occurred:\n\t* unsupported path\n\n")
	}
	return reply{status: http.StatusNoContent}
}
