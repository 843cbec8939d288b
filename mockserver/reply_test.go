package mockserver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// The journal has the answer when the client has it.
func TestTheJournalHasTheAnswer(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	for _, p := range mockserver.Providers() {
		key := srv.Keys().Issue(p)
		for _, send := range []func() answer{
			func() answer { return get(t, srv.Transport(), key) },
			func() answer { return get(t, srv.Transport(), key) }, // the same once more
			func() answer {
				method, path := probe(p)
				return call(t, srv.Transport(), newRequest(t, p, method, path, "")) // refused
			},
			func() answer {
				r := newRequest(t, p, "GET", "/no/such/path", "")
				key.Apply(r)
				return call(t, srv.Transport(), r)
			},
		} {
			got := send()
			all := srv.Requests(mockserver.Match{})
			x := all[len(all)-1]
			body := got.body
			if len(body) > 16<<10 {
				body = body[:16<<10] + "[cut]"
			}
			body = strings.Replace(body, `"credential":"api_key"`, `"credential":"[redacted]"`, 1) // a name that credentials have
			if x.Status != got.status || x.ResponseBody != body || x.ResponseHeader.Get("Content-Type") != got.header.Get("Content-Type") ||
				x.ResponseHeader.Get("X-Mock-Diagnosis") != got.header.Get("X-Mock-Diagnosis") {
				t.Errorf("%s: answered %d %v %.200s\nrecorded %d %v %.200s", p, got.status, got.header, got.body, x.Status, x.ResponseHeader, x.ResponseBody)
			}
		}
	}
}

// What a fault sends is recorded as far as it was sent.
func TestTheJournalHasWhatAFaultSends(t *testing.T) {
	t.Parallel()
	const whole = `{"RC":0,"RM":"OK","result":{"count":0}}`
	for want, fault := range map[string]mockserver.Fault{
		"busy":       mockserver.Status(503, "busy"),
		whole[:7]:    mockserver.Truncate(7),
		whole[:19]:   mockserver.MalformedJSON(),
		whole:        mockserver.SlowBody(1, time.Second),
		`"lorem fit`: mockserver.Body(10),
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := mockserver.New(t)
			srv.Inject(mockserver.Match{}, fault)
			r := newRequest(t, mockserver.IMKIT, "GET", "/admin/connection-count", "")
			srv.Keys().Issue(mockserver.IMKIT).Apply(r)
			res, err := srv.Transport().RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body) // it breaks off
			_ = res.Body.Close()
			synctest.Wait()
			x := srv.Requests(mockserver.Match{})[0]
			if x.ResponseBody != want {
				t.Errorf("%s: recorded %q, want %q", fault, x.ResponseBody, want)
			}
			<-time.After(time.Minute)
			if fault.Kind == mockserver.FaultSlowBody && x.Duration != mockserver.Duration(time.Duration(len(whole)-1)*time.Second) {
				t.Errorf("took %s", x.Duration)
			}
		})
	}
}

// exports are everything that other programs may read of a journal.
func (w watched) exports(t *testing.T) string {
	t.Helper()
	out := w.outside(t)
	for _, format := range []string{"har", "curl", "go"} {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/v1/namespaces/default/requests/export?format="+format, http.NoBody)
		r.Header.Set("Authorization", "Bearer "+w.AdminToken().Reveal())
		rec := httptest.NewRecorder()
		w.AdminHandler().ServeHTTP(rec, r)
		if rec.Code != http.StatusOK || rec.Body.Len() == 0 {
			t.Fatalf("%s: %d %s", format, rec.Code, rec.Body)
		}
		out += "\n" + format + ": " + rec.Body.String()
	}
	return out
}

// Answers that show a key once, repeat one, or break off in the middle of one show none in
// the journal, nor in any export of it.
func TestNoAnswerInTheJournalShowsASecret(t *testing.T) {
	t.Parallel()
	w := watch(t)
	client, err := w.OAuth().Register(mockserver.OAuthClient{RedirectURIs: []string{"https://app.example/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	form := func(body string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "http://iiniit.localhost/oauth/token", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	grant := func() *http.Request {
		return form("grant_type=client_credentials&client_id=" + client.ID + "&client_secret=" + client.Secret.Reveal())
	}
	check := func(name string, r *http.Request, p mockserver.Provider, more ...string) {
		t.Helper()
		rec := httptest.NewRecorder()
		func() {
			defer func() { _ = recover() }() // an aborted handler
			w.Handler(p).ServeHTTP(rec, r)
		}()
		w.ClearFaults() // the tester's own text is in the state
		out := w.exports(t)
		secrets := append([]string{client.Secret.Reveal()}, more...)
		var answer map[string]any
		if json.Unmarshal(rec.Body.Bytes(), &answer) == nil {
			for _, member := range []string{"access_token", "refresh_token", "token"} {
				if s, ok := answer[member].(string); ok {
					secrets = append(secrets, s)
				}
			}
		}
		for _, secret := range secrets {
			if l := leak(out, secret, forms(secret), true); l != "" {
				t.Errorf("%s: %q stands in an output (%s)", name, secret, l)
			}
		}
	}
	check("a token", grant(), mockserver.Iiniit)
	for _, fault := range []mockserver.Fault{mockserver.Truncate(40), mockserver.Truncate(60), mockserver.MalformedJSON(), mockserver.SlowBody(3, 0)} {
		w.Inject(mockserver.Match{}, fault)
		tokens := w.OAuth().Tokens()
		check(fault.String(), grant(), mockserver.Iiniit)
		if len(w.OAuth().Tokens()) == len(tokens) {
			t.Errorf("%s: no token was issued", fault)
		}
	}
	for _, p := range mockserver.Providers() {
		for _, key := range []mockserver.Issued{w.Keys().Issue(p), w.Keys().Issue(p, mockserver.Raw("imported+key/of~"+string(p)))} {
			secret := key.Secret.Reveal()
			for name, fault := range map[string]mockserver.Fault{
				"echo":     mockserver.Echo(),
				"status":   mockserver.Status(400, "you sent "+secret+", did you not?").With("X-Sent", secret).With("X-Request-Id", secret),
				"redirect": mockserver.Redirect(302, "https://evil.example/?api_key="+secret),
			} {
				w.Inject(mockserver.Match{}, fault)
				r := blank(t, p)
				key.Apply(r)
				check(fmt.Sprintf("%s, %s", p, name), r, p, secret)
			}
		}
		foreign := "sk_live_51Habcdefghijklmnopqrstuv"
		w.Inject(mockserver.Match{}, mockserver.Echo())
		r := blank(t, p)
		r.Header.Set("Authorization", "Bearer "+foreign)
		r.Header.Set("X-Api-Key", foreign)
		check(string(p)+", a foreign key", r, p, foreign)
	}
}
