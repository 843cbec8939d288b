package contract_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// world is a mock of one vendor with a checking transport and a valid key.
type world struct {
	srv *mockserver.Server
	p   mockserver.Provider
	doc document
	rt  *checked
	key mockserver.Issued
}

func newWorld(t *testing.T, p mockserver.Provider, opts ...mockserver.Option) *world {
	t.Helper()
	doc := load(t, p)
	srv := mockserver.New(t, append([]mockserver.Option{mockserver.WithFrozenClock(epoch), mockserver.WithSeed(1)}, opts...)...)
	return &world{srv, p, doc, newChecked(t, doc, srv), srv.Keys().Issue(p)}
}

// do sends the example of an operation with a suitable credential.
func (w *world) do(t *testing.T, o *operation, change ...func(*http.Request)) answer {
	t.Helper()
	apply := w.credential(o)
	return w.bare(t, o, append([]func(*http.Request){apply}, change...)...)
}

func (w *world) bare(t *testing.T, o *operation, change ...func(*http.Request)) answer {
	t.Helper()
	return send(t, w.rt, w.p, o.method, o.target, o.body, append([]func(*http.Request){o.putHeader}, change...)...)
}

// credential sets the credential that the operation requires: the pair if only
// IMKIT's client key is allowed, otherwise the API key.
func (w *world) credential(o *operation) func(*http.Request) {
	security := w.doc.Security
	if o.op.Security != nil {
		security = *o.op.Security
	}
	if w.p == mockserver.IMKIT && len(security) == 1 && len(security[0]) == 2 {
		return w.srv.Keys().Issue(w.p, mockserver.ClientKey("user001")).Apply
	}
	if w.open(o) {
		return func(*http.Request) {}
	}
	return w.key.Apply
}

// open reports whether an operation requires no credential.
func (w *world) open(o *operation) bool {
	if o.op.Security == nil {
		return len(w.doc.Security) == 0
	}
	for _, alternative := range *o.op.Security {
		if len(alternative) == 0 {
			return true
		}
	}
	return len(*o.op.Security) == 0
}

func TestTheDocumentsExamplesSucceed(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p, mockserver.WithoutRateLimits())
			w.rt.requests = true
			prepare(t, w)
			all := w.doc.operations()
			for _, o := range all {
				if got := w.do(t, &o); !w.rt.succeeded(o.String()) && !alone(p, &o) {
					t.Errorf("%s: the example answers %d %.200s", &o, got.status, got.body)
				}
				for _, read := range all {
					if o.method != http.MethodGet && read.method == http.MethodGet && related(&o, &read) {
						w.do(t, &read) // shows what was written
					}
				}
			}
		})
	}
}

// related reports whether two operations belong to the same part of the API.
func related(a, b *operation) bool {
	part := func(o *operation) string {
		if len(o.op.Tags) > 0 {
			return o.op.Tags[0]
		}
		return ""
	}
	return part(a) == part(b)
}

func TestRefusedCredentialsAreAnsweredAsDescribed(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p, mockserver.WithoutRateLimits())
			revoked, expired := w.srv.Keys().Issue(p), w.srv.Keys().Issue(p, mockserver.ExpiresIn(time.Hour))
			_ = w.srv.Keys().Revoke(revoked.ID, "")
			_ = w.srv.Keys().Expire(expired.ID)
			bad := map[string]func(*http.Request){
				"none":    func(*http.Request) {},
				"revoked": revoked.Apply,
				"expired": expired.Apply,
				"foreign": func(r *http.Request) {
					w.key.Apply(r)
					for name, v := range r.Header {
						if secret := w.key.Secret.Reveal(); strings.Contains(v[0], secret) {
							r.Header[name] = []string{strings.ReplaceAll(v[0], secret, "a-key-that-no-mock-made")}
						}
					}
				},
				"another vendor's place": func(r *http.Request) { r.Header.Set("X-Auth-Token", "lorem") },
			}
			for _, o := range w.doc.operations() {
				for name, put := range bad {
					if got := w.bare(t, &o, put); got.status < 400 && !w.open(&o) {
						t.Errorf("%s with credential %q: %d", &o, name, got.status)
					}
				}
			}
		})
	}
}

func TestALimitIsAnsweredAsDescribed(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p)
			w.key = w.srv.Keys().Issue(p, mockserver.LimitTo(mockserver.Limit{Requests: 1, Per: time.Minute}))
			limited := 0
			for _, o := range w.doc.operations() {
				if w.do(t, &o).status == http.StatusTooManyRequests {
					limited++
				}
			}
			if limited == 0 {
				t.Error("no operation was limited")
			}
		})
	}
}

// badBodies are request bodies that no operation accepts, or edge cases.
func badBodies() []string {
	return []string{
		"", "{", "nul", "null", "[]", "{}", "true", "1e999", `"lorem"`, `[[]]`, `[{}]`, `{"lorem":"fitsum"}`, `{} {}`,
		`[1,"x",null,{}]`, "a=b&a=c", "%zz", "\xff\xfe", strings.Repeat("[", 20_000), `{"a":` + strings.Repeat(`{"a":`, 5000) + "1",
	}
}

// badValues are values that few parameters accept.
func badValues() []string {
	return []string{
		"", " ", "-1", "0", "51", "1.5", "1e9", "99999999999999999999", "true", "null", "2027-13-45", "'", "\"", "(", ")))", "a,b,c", "..", "%00",
		"\x00", "\xff", "lorem fitsum", "eq", strings.Repeat("9", 400), strings.Repeat("(", 400), "Ünïcødé",
	}
}

func TestBadRequestsAreAnsweredAsDescribed(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p, mockserver.WithoutRateLimits(), mockserver.WithJournal(10, 1<<20))
			prepare(t, w)
			w.rt.sample, w.rt.requests = 20, true
			for _, o := range w.doc.operations() {
				for _, body := range badBodies() {
					if o.op.RequestBody != nil {
						bad := o
						bad.body = body
						w.do(t, &bad)
						w.do(t, &bad, func(r *http.Request) { r.Header.Set("Content-Type", "text/lorem") })
					}
				}
				path, raw, _ := strings.Cut(o.target, "?")
				for _, ref := range o.params {
					name := ref.Value.Name
					for _, value := range badValues() {
						bad := o
						switch ref.Value.In {
						case "query":
							q, _ := url.ParseQuery(raw)
							q.Set(name, value)
							bad.target = path + "?" + q.Encode()
						case "path":
							if value == "" || value == ".." || strings.Contains(value, "%00") {
								continue // a different path
							}
							bad.target = strings.ReplaceAll(o.path, "{"+name+"}", url.PathEscape(value))
							if strings.Contains(bad.target, "{") {
								continue
							}
						default:
							continue
						}
						w.do(t, &bad)
					}
				}
				bad := o
				bad.target = path + "?lorem=fitsum&%zz=1;2&" + raw
				w.do(t, &bad)
			}
		})
	}
}

func TestAWrongMethodIsRefused(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p, mockserver.WithoutRateLimits())
			for _, o := range w.doc.operations() {
				wrong := o
				for _, wrong.method = range []string{"PATCH", "DELETE", "LOREM", "OPTIONS"} {
					if w.doc.Paths.Value(o.path).GetOperation(strings.ReplaceAll(wrong.method, "LOREM", "TRACE")) != nil {
						continue
					}
					if got := w.do(t, &wrong); got.status < 400 || got.status >= 500 {
						t.Errorf("%s: %d %.200s", &wrong, got.status, got.body)
					}
				}
			}
		})
	}
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	large := `{"lorem":"` + strings.Repeat("x", 11<<20) + `"}`
	for _, p := range mockserver.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p, mockserver.WithoutRateLimits(), mockserver.WithJournal(0, 0))
			for _, o := range w.doc.operations() {
				if o.op.RequestBody == nil {
					continue
				}
				o.body = large
				if got := w.do(t, &o); got.status < 400 {
					t.Errorf("%s: %d", &o, got.status)
				}
				return // one operation is enough, because the core refuses the body
			}
		})
	}
}
