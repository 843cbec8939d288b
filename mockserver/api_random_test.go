package mockserver_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// randomAPIs is how many APIs each property is tried with.
func randomAPIs() uint64 {
	if os.Getenv("KEYFIT_LONG") != "" {
		return 2000
	}
	return 12
}

// pick draws one of several.
func pick[T any](draw *rand.Rand, all ...T) T { return all[draw.IntN(len(all))] }

// randomAPI draws an API: schemes, key shapes, life, limit, headers and refusals.
func randomAPI(draw *rand.Rand) mockserver.API {
	name := mockserver.Provider(pick(draw, "a", "acme", "acme-2", "zeta-api"))
	a := mockserver.API{
		Name: name, Title: pick(draw, "", "Acme Corp."),
		Life:  pick(draw, 0, 0, time.Hour, 90*24*time.Hour),
		Limit: mockserver.Limit{Requests: 1 + draw.IntN(5), Per: time.Duration(1+draw.IntN(90)) * time.Second, Kind: pick(draw, mockserver.Fixed, mockserver.Sliding)},
		Hints: pick(draw, 0, mockserver.HintSeconds, mockserver.HintDate|mockserver.HintRateLimit, mockserver.HintXRateLimit),
		Quota: pick(draw, mockserver.QuotaHeaders{}, mockserver.QuotaHeaders{Limit: "X-Q-Limit", Remaining: "X-Q-Left", Reset: "X-Q-Reset", ResetAs: pick(draw, "", "seconds", "epoch", "duration", "date")}),

		RequestID: pick(draw, "", "X-Req"), Scopes: pick(draw, nil, []string{"read", "write"}),
		ErrorBody: pick(draw, "", "{code}", "<e>{message}</e>"), ErrorType: pick(draw, "", "text/plain", "application/xml"),
		Routes: []mockserver.Route{{Pattern: "GET /things/{id}"}, {Pattern: "POST /things"}},
	}
	shape := func() mockserver.KeyShape {
		return mockserver.KeyShape{
			Prefix:   pick(draw, "", "k_", "sk_test_", "SG-"),
			Alphabet: pick(draw, "", "base62", "base64url", "base32", "hex", "digits"), Length: 23 + draw.IntN(80),
		}
	}
	a.Key = shape()
	all := []mockserver.Scheme{
		{Header: "X-" + pick(draw, "Acme", "Api", "Zeta") + "-Key"}, {Authorization: pick(draw, "Bearer", "Key", "ApiKey-v2")}, {Query: pick(draw, "key", "api_key", "k")}, {Basic: true}, {Cookie: pick(draw, "sid", "acme_key")},
	}
	draw.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	a.Schemes = all[:1+draw.IntN(len(all))]
	if draw.IntN(4) == 0 {
		a.Schemes, a.Second = []mockserver.Scheme{{Pair: [2]string{"X-First-Key", "X-Second-Key"}}}, shape()
	}
	a.Header, a.Quota.Period = pick(draw, nil, map[string]string{"X-Version": "3"}), pick(draw, "", "X-Q-Period")
	a.Idempotency = pick(draw, mockserver.Idempotency{}, mockserver.Idempotency{Name: "Idempotency-Key", Replayed: "X-Replayed"})
	if draw.IntN(3) == 0 {
		a.Access = []mockserver.AccessType{"secret", "restricted"}
		a.Prefixes = map[mockserver.AccessType]string{pick(draw, a.Access...): pick(draw, "rk_", "pk_live_")}
	}
	if draw.IntN(2) == 0 {
		a.OAuth = randomOAuth(draw, shape)
		if a.Second == (mockserver.KeyShape{}) && draw.IntN(4) == 0 {
			a.Schemes = nil
		}
	}
	return a
}

// randomOAuth draws an authorization server.
func randomOAuth(draw *rand.Rand, shape func() mockserver.KeyShape) mockserver.OAuthServer {
	srv := mockserver.OAuthServer{
		Token: pick(draw, "/oauth/token", "/connect/token.json"), Authorize: pick(draw, "/oauth/authorize", "/login"),
		Revoke: "/oauth/revoke", Introspect: "/oauth/introspect", Metadata: pick(draw, "", "/.well-known/oauth-authorization-server"),
		Life: pick(draw, 0, 10*time.Minute, 2*time.Hour), RefreshLife: pick(draw, 0, 48*time.Hour), CodeLife: pick(draw, 0, 10*time.Second),
		Grants: pick(draw, nil, []string{"client_credentials", "refresh_token", "authorization_code"}),
	}
	if draw.IntN(2) == 0 {
		srv.Access, srv.Refresh, srv.Code, srv.Secret = shape(), shape(), shape(), shape()
	}
	return srv
}

// overRandomAPIs runs a property over random APIs.
func overRandomAPIs(t *testing.T, property func(t *testing.T, draw *rand.Rand, a mockserver.API)) {
	t.Helper()
	for seed := range randomAPIs() {
		draw := rand.New(rand.NewPCG(seed, 16))
		a := randomAPI(draw)
		property(t, draw, a)
		if t.Failed() {
			t.Fatalf("seed %d: %+v", seed, a)
		}
	}
}

// schemesOf are the ways to send a key; with an authorization server alone it is a bearer.
func schemesOf(a *mockserver.API) []mockserver.Scheme {
	if len(a.Schemes) == 0 {
		return []mockserver.Scheme{{Authorization: "Bearer"}}
	}
	return a.Schemes
}

// present sends values by a scheme; second is for a pair.
func present(r *http.Request, s mockserver.Scheme, value, second string) {
	switch {
	case s.Header != "":
		r.Header.Add(s.Header, value)
	case s.Authorization != "":
		r.Header.Add("Authorization", s.Authorization+" "+value)
	case s.Query != "":
		r.URL.RawQuery += "&" + s.Query + "=" + url.QueryEscape(value)
	case s.Cookie != "":
		r.Header.Add("Cookie", "lang=en; "+s.Cookie+"="+value)
	case s.Basic:
		r.Header.Add("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(value+":")))
	default:
		r.Header.Add(s.Pair[0], value)
		r.Header.Add(s.Pair[1], second)
	}
}

// thing is a request to the route of a random API.
func thing(tb testing.TB, a *mockserver.API) *http.Request {
	tb.Helper()
	return newRequest(tb, a.Name, "GET", "/things/1", "")
}

// TestAnyAPIRefusesEveryWrongKey is the wrong-key table: in each scheme, everything but the
// key is refused, and neither the key nor what was sent is shown anywhere.
func TestAnyAPIRefusesEveryWrongKey(t *testing.T) {
	t.Parallel()
	overRandomAPIs(t, func(t *testing.T, _ *rand.Rand, a mockserver.API) {
		t.Helper()
		var log bytes.Buffer
		// No alarm: it would log a line for each foreign key.
		srv, err := mockserver.NewHandler(mockserver.WithAPI(a), mockserver.WithoutRateLimits(), mockserver.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		other, err := mockserver.NewHandler(mockserver.WithAPI(a))
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		key, stranger := srv.Keys().Issue(a.Name), other.Keys().Issue(a.Name)
		good, token := key.Secret.Reveal(), key.Token.Reveal()
		for _, s := range schemesOf(&a) {
			for name, value := range map[string]string{
				"good": good, "empty": "", "stranger": stranger.Secret.Reveal(), "short": good[:len(good)-1], "long": good + "A", "changed": good[:len(good)-1] + other1(good[len(good)-1]),
				"twice": good + good, "quoted": `"` + good + `"`, "live": "sk_live_51Lorem4242Fitsum4242", "word": "wrong",
			} {
				r := thing(t, &a)
				present(r, s, value, token)
				got := call(t, srv.Transport(), r)
				if (got.status == 200) != (name == "good") {
					t.Errorf("%+v, %s: %d %s", s, name, got.status, got.header.Get("X-Mock-Diagnosis"))
				}
				if strings.Contains(fmt.Sprint(got.header, got.body), good) {
					t.Errorf("%s: the answer has the key", name)
				}
			}
			r := thing(t, &a)
			present(r, s, stranger.Secret.Reveal(), token)
			present(r, s, good, token)
			if got := call(t, srv.Transport(), r); got.status == 200 {
				t.Errorf("%+v: two keys are taken", s)
			}
		}
		all := srv.Requests(mockserver.Match{})
		journal, _ := json.Marshal(all)
		for _, secret := range []string{good, token, stranger.Secret.Reveal(), "51Lorem4242Fitsum4242"} {
			if shown := fmt.Sprintf("%s %+v %s", journal, all, log.String()); secret != "" && strings.Contains(shown, secret) {
				t.Errorf("%q is shown in %s", secret, shown)
			}
		}
	})
}

// other1 is another character of every alphabet.
func other1(c byte) string {
	if c == '3' {
		return "4"
	}
	return "3"
}

// TestAnyAPIKeepsItsWindow compares the limit with a model, at the edges of its windows.
func TestAnyAPIKeepsItsWindow(t *testing.T) {
	t.Parallel()
	overRandomAPIs(t, func(t *testing.T, draw *rand.Rand, a mockserver.API) {
		t.Helper()
		a.Life = 0
		srv := mockserver.New(t, mockserver.WithAPI(a), mockserver.WithFrozenClock(epoch))
		key := srv.Keys().Issue(a.Name)
		now, start := time.Duration(0), time.Duration(-1)
		var admitted []time.Duration
		for range 40 {
			room := func() time.Duration { // how long until there is room
				switch {
				case len(admitted) < a.Limit.Requests:
					return 0
				case a.Limit.Kind == mockserver.Sliding:
					return max(0, admitted[len(admitted)-a.Limit.Requests]+a.Limit.Per-now)
				default:
					return start + a.Limit.Per - now
				}
			}
			if a.Limit.Kind == mockserver.Fixed && (start < 0 || now-start >= a.Limit.Per) {
				admitted, start = nil, -1
			}
			wait := room()
			r := thing(t, &a)
			key.Apply(r)
			d := srv.Keys().Verify(a.Name, r)
			got := call(t, srv.Transport(), r)
			if (got.status == 429) != (wait > 0) || d.RetryAfter != wait {
				t.Errorf("at %s: status %d, wait %s, want a wait of %s", now, got.status, d.RetryAfter, wait)
				return
			}
			if wait == 0 {
				if admitted = append(admitted, now); start < 0 {
					start = now
				}
			}
			step := pick(draw, 0, time.Nanosecond, wait, max(0, wait-time.Nanosecond), time.Second, a.Limit.Per)
			now += step
			srv.Clock().Advance(step)
		}
	})
}

// TestAnyAPIKeepsTheLifeOfItsKeys does random things to keys, and asks after each which of
// them work, before and after the state went to another server.
func TestAnyAPIKeepsTheLifeOfItsKeys(t *testing.T) {
	t.Parallel()
	overRandomAPIs(t, func(t *testing.T, draw *rand.Rand, a mockserver.API) {
		t.Helper()
		opts := []mockserver.Option{mockserver.WithAPI(a), mockserver.WithoutRateLimits(), mockserver.WithFrozenClock(epoch)}
		srv, heir := mockserver.New(t, opts...), mockserver.New(t, opts...)
		type life struct {
			key              mockserver.Issued
			end              time.Time // zero is never
			revoked, suspend bool
			replaced         bool
		}
		born := func(k mockserver.Issued) *life {
			l := &life{key: k}
			if a.Life > 0 {
				l.end = srv.Clock().Now().Add(a.Life)
			}
			return l
		}
		keys := []*life{born(srv.Keys().Issue(a.Name))}
		for range 20 {
			l, now := pick(draw, keys...), srv.Clock().Now()
			ended := l.revoked || !l.end.IsZero() && !now.Before(l.end)
			switch draw.IntN(6) {
			case 0:
				keys = append(keys, born(srv.Keys().Issue(a.Name)))
			case 1:
				overlap := pick(draw, 0, time.Minute)
				next, err := srv.Keys().Rotate(l.key.ID, overlap)
				if (err != nil) != (ended || l.suspend || l.replaced) {
					t.Errorf("rotate: %v, want an error: %t", err, ended || l.suspend || l.replaced)
				}
				if err != nil {
					break
				}
				keys = append(keys, born(next))
				if l.replaced = true; l.end.IsZero() || now.Add(overlap).Before(l.end) {
					l.end = now.Add(overlap)
				}
			case 2:
				l.revoked = true
				_ = srv.Keys().Revoke(l.key.ID, "leaked")
			case 3:
				l.suspend = true
				_ = srv.Keys().Suspend(l.key.ID)
			case 4:
				if srv.Keys().Enable(l.key.ID) == nil {
					l.suspend = false
				}
			default:
				srv.Clock().Advance(pick(draw, time.Second, time.Minute, max(time.Second, a.Life/2)))
			}
			checkKeys(t, srv, &a, func(yield func(mockserver.Issued, bool)) {
				for _, l := range keys {
					alive := !l.revoked && !l.suspend && (l.end.IsZero() || srv.Clock().Now().Before(l.end))
					yield(l.key, alive)
				}
			})
		}
		was := srv.Snapshot()
		if err := heir.Restore(was); err != nil {
			t.Errorf("restore: %v", err)
			return
		}
		one, _ := json.Marshal(was)
		two, _ := json.Marshal(heir.Snapshot())
		if d := cmp.Diff(string(one), string(two)); d != "" {
			t.Errorf("the state that came back (-want +got):\n%s", d)
		}
		for _, l := range keys {
			if bytes.Contains(one, []byte(l.key.Secret.Reveal())) {
				t.Error("the state has a key")
			}
			r := thing(t, &a)
			l.key.Apply(r)
			if d := cmp.Diff(srv.Keys().Verify(a.Name, r), heir.Keys().Verify(a.Name, r)); d != "" {
				t.Errorf("after the round trip (-want +got):\n%s", d)
			}
		}
	})
}

// checkKeys compares which keys work.
func checkKeys(t *testing.T, srv *mockserver.Server, a *mockserver.API, all func(func(mockserver.Issued, bool))) {
	t.Helper()
	all(func(k mockserver.Issued, alive bool) {
		r := thing(t, a)
		k.Apply(r)
		if d := srv.Keys().Verify(a.Name, r); (d.Outcome == mockserver.OK) != alive {
			t.Errorf("%s works: %t, want %t: %s", k.ID, !alive, alive, d)
		}
	})
}

// TestAnyAPIsJournalHasNoKey puts keys where they do not belong.
func TestAnyAPIsJournalHasNoKey(t *testing.T) {
	t.Parallel()
	overRandomAPIs(t, func(t *testing.T, draw *rand.Rand, a mockserver.API) {
		t.Helper()
		srv := mockserver.New(t, mockserver.WithAPI(a), mockserver.WithoutRateLimits())
		srv.Handle(a.Name, "POST /echo/{x}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Echo", r.Header.Get("X-Stray"))
			_, _ = fmt.Fprint(w, r.URL.RawQuery, r.PathValue("x"))
		}))
		key, stray := srv.Keys().Issue(a.Name), srv.Keys().Issue(a.Name)
		secrets := []string{stray.Secret.Reveal(), key.Secret.Reveal()}
		if key.Token.Reveal() != "" {
			secrets = append(secrets, stray.Token.Reveal())
		}
		for _, secret := range secrets {
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte("user:" + secret)), "x=" + secret + "&y"} {
				body := fmt.Sprintf(`{"note":%q}`, form)
				r := newRequest(t, a.Name, "POST", "/echo/"+url.PathEscape(form)+"?"+pick(draw, "note", "q", "token")+"="+url.QueryEscape(form), body)
				r.Header.Set("X-Stray", form)
				r.Header.Set("User-Agent", "test "+form)
				key.Apply(r)
				call(t, srv.Transport(), r)
			}
		}
		all := srv.Requests(mockserver.Match{Provider: a.Name})
		journal, _ := json.Marshal(all)
		for i := range all {
			journal = append(journal, all[i].Curl()...)
		}
		for _, secret := range secrets {
			if i := bytes.Index(journal, []byte(secret)); i >= 0 {
				t.Errorf("the journal has %q: …%s", secret, journal[max(0, i-100):i+60])
			}
		}
		if len(all) != 3*len(secrets) || slices.ContainsFunc(all, func(x mockserver.Exchange) bool { return x.Status != 200 }) {
			t.Errorf("got %+v", all)
		}
	})
}

// FuzzTemplate holds that a template writes what stands in it and the values of its names,
// escaped, and nothing else.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "{", "{path.id}", `{"a":"{path.id}"}`, "{{now}}", "{query.x}{keyId}", "{file./etc/passwd}", "{env.HOME}", "{query.}", "{path.id"} {
		f.Add(s, `a"b<`)
	}
	f.Fuzz(func(t *testing.T, body, value string) {
		srv, err := mockserver.NewHandler(mockserver.WithFrozenClock(epoch), mockserver.WithAPI(mockserver.API{
			Name: "fuzz", Schemes: []mockserver.Scheme{{Header: "X-Fuzz-Key"}},
			Routes: []mockserver.Route{{Pattern: "GET /{id}", Reply: mockserver.Reply{Body: body}}},
		}))
		if err != nil {
			return
		}
		defer srv.Close()
		r := newRequest(t, "fuzz", "GET", "/v?x="+url.QueryEscape(value), "")
		srv.Keys().Issue("fuzz").Apply(r)
		got := call(t, srv.Transport(), r)
		if got.status != 200 || len(got.body) > len(body)+(len(body)/7+1)*6<<10 {
			t.Errorf("%d, %d bytes", got.status, len(got.body))
		}
		if strings.Contains(body, `"{query.x}"`) && json.Valid([]byte(body)) && !json.Valid([]byte(got.body)) {
			t.Errorf("a value broke the document: %q", got.body)
		}
	})
}
