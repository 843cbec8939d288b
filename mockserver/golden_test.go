package mockserver_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

var update = flag.Bool("update", false, "write golden files and ASSUMPTIONS.md anew")

// golden compares got with a file, byte for byte.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; go test -update accepts it):\n%s", path, d)
	}
}

// documented are the refusals that the vendors print, byte for byte.
func TestDocumentedRefusalsAreByteExact(t *testing.T) {
	t.Parallel()
	none := func(*http.Request, mockserver.Issued) {}
	apply := func(r *http.Request, k mockserver.Issued) { k.Apply(r) }
	enveloped := mockserver.WithProfile(mockserver.IMKIT, mockserver.Profile{Shape: mockserver.Enveloped})
	tests := map[string]struct {
		p     mockserver.Provider
		key   []mockserver.KeyOption
		opts  []mockserver.Option
		calls int // before the one that counts
		path  string
		set   func(*http.Request, mockserver.Issued)
		want  string
	}{
		"IMKIT, API Key page: invalid": {
			mockserver.IMKIT, nil, nil, 0, "", func(r *http.Request, _ mockserver.Issued) { r.Header.Set("IM-API-KEY", foreignKey) },
			"401 application/json; charset=utf-8\n" + imkitInvalid,
		},
		"IMKIT, API Key page: missing": {mockserver.IMKIT, nil, nil, 0, "", none, "401 application/json; charset=utf-8\n" + imkitMissing},
		"IMKIT, API Key page: limited": {mockserver.IMKIT, nil, nil, 1000, "", apply, "429 application/json; charset=utf-8\n" + imkitLimited},
		"IMKIT, API Key page: permissions": {
			mockserver.IMKIT,
			[]mockserver.KeyOption{mockserver.ClientKey("u")},
			nil, 0, "", apply,
			"403 application/json; charset=utf-8\n" + imkitForbidden,
		},
		"IMKIT, resource pages: invalid": {
			mockserver.IMKIT, nil,
			[]mockserver.Option{enveloped},
			0, "", func(r *http.Request, _ mockserver.Issued) { r.Header.Set("IM-API-KEY", foreignKey) },
			"401 application/json; charset=utf-8\n" + `{"RC": 401, "RM": "Unauthorized", "error": {"code": "INVALID_API_KEY", "message": "The provided API key is invalid or expired"}}`,
		},
		"IMKIT, resource pages: limited": {
			mockserver.IMKIT, nil,
			[]mockserver.Option{enveloped},
			1000, "", apply,
			"429 application/json; charset=utf-8\n" + `{"RC": 429, "RM": "Too Many Requests", "error": {"code": "RATE_LIMIT_EXCEEDED", "message": "Too many requests, please try again later", "retryAfter": 60}}`,
		},
		"Optimove, rate limits page": {mockserver.Optimove, nil, nil, 50, "", apply, "429 application/json; charset=utf-8\n" + optimoveLimited},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := mockserver.New(t, append(tt.opts, mockserver.WithFrozenClock(epoch))...)
			key := srv.Keys().Issue(tt.p, tt.key...)
			rt := srv.Transport()
			for range tt.calls {
				get(t, rt, key)
			}
			method, path := probe(tt.p)
			r := newRequest(t, tt.p, method, path, "")
			tt.set(r, key)
			got := call(t, rt, r)
			if d := cmp.Diff(tt.want, fmt.Sprintf("%d %s\n%s", got.status, got.header.Get("Content-Type"), got.body)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Every answer of every profile, documented or assumed, so that none changes
// by accident.
func TestProfilesAnswerAsTheGoldenFileSays(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	var b strings.Builder
	for _, p := range mockserver.Providers() {
		profile := mockserver.DefaultProfile(p)
		tables := []struct {
			name    string
			answers map[mockserver.Outcome]mockserver.Answer
		}{{"", profile.Answers}, {" client key", profile.Client}, {" user token", profile.Token}, {" bearer token", profile.Bearer}}
		for _, table := range tables {
			for _, o := range mockserver.Outcomes() {
				a, ok := table.answers[o]
				if !ok {
					continue
				}
				for _, shape := range shapes(a) {
					fmt.Fprintf(&b, "== %s%s %s%s\n%s\n", p, table.name, o, shape, rendered(t, srv, p, a, shape))
				}
			}
		}
	}
	golden(t, filepath.Join("testdata", "refusals.golden"), b.String())
}

func shapes(a mockserver.Answer) []string {
	if a.Code == "" {
		return []string{""}
	}
	return []string{" flat", " enveloped"}
}

// rendered is what a client sees of an answer: the mock answers a throttle with
// it, 45 seconds before the window opens.
func rendered(t *testing.T, srv *mockserver.Server, p mockserver.Provider, a mockserver.Answer, shape string) string {
	t.Helper()
	profile := mockserver.Profile{Answers: map[mockserver.Outcome]mockserver.Answer{mockserver.RateLimited: a}}
	switch shape {
	case " flat":
		profile.Shape = mockserver.Flat
	case " enveloped":
		profile.Shape = mockserver.Enveloped
	}
	srv.SetProfile(p, profile)
	defer srv.Inject(mockserver.Match{}, mockserver.Throttle(45*time.Second)).Remove()
	got := get(t, srv.Transport(), srv.Keys().Issue(p))
	out := fmt.Sprintf("%d %s\n", got.status, got.header.Get("Content-Type"))
	if c := got.header.Get("WWW-Authenticate"); c != "" {
		out += "WWW-Authenticate: " + c + "\n"
	}
	return out + got.body
}
