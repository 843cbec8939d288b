package mockserver_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// forms are the ways in which a client may write a secret down.
func forms(secret string) map[string]string {
	var percent, unicode strings.Builder
	for _, c := range []byte(secret) {
		fmt.Fprintf(&percent, "%%%02x", c)
		fmt.Fprintf(&unicode, `\u%04x`, c)
	}
	return map[string]string{
		"plain":           secret,
		"percent":         percent.String(),
		"percent twice":   strings.ReplaceAll(percent.String(), "%", "%25"),
		"json escapes":    unicode.String(),
		"base64":          base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 url":      base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"base64 of pair":  base64.StdEncoding.EncodeToString([]byte("user:" + secret)),
		"base64 twice":    base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(secret)))),
		"hex":             hex.EncodeToString([]byte(secret)),
		"in a text":       "see " + secret + ", and more",
		"in a member":     `{"a":{"b":["` + secret + `"]}}`,
		"as a pair":       "k=" + secret,
		"with a prefix":   "Bearer " + secret,
		"before a dot":    secret + ".tail",
		"pair of base64":  "=" + base64.StdEncoding.EncodeToString([]byte("user:"+secret)) + " 0",
		"name in hex":     hex.EncodeToString([]byte(secret)) + "=1",
		"in base64 JSON":  base64.StdEncoding.EncodeToString([]byte(`{"key":"` + secret + `"}`)),
		"percent, base64": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(secret))),
	}
}

// places are where a client may put it.
func places() map[string]func(r *http.Request, form string) {
	header := func(name, prefix string) func(*http.Request, string) {
		return func(r *http.Request, form string) { r.Header[name] = append(r.Header[name], prefix+form) }
	}
	body := func(contentType, format string) func(*http.Request, string) {
		return func(r *http.Request, form string) {
			r.Header.Set("Content-Type", contentType)
			r.Body = readCloser(fmt.Sprintf(format, form))
		}
	}
	query := func(name string) func(*http.Request, string) {
		return func(r *http.Request, form string) { r.URL.RawQuery += "&" + name + "=" + url.QueryEscape(form) }
	}
	return map[string]func(*http.Request, string){
		"X-API-KEY":      header("X-Api-Key", ""),
		"IM-API-KEY":     header("Im-Api-Key", ""),
		"IM-CLIENT-KEY":  header("Im-Client-Key", ""),
		"authorization":  header("Authorization", ""),
		"api key":        header("Authorization", "ApiKey "),
		"api key v2":     header("Authorization", "ApiKey-v2 "),
		"bearer":         header("Authorization", "Bearer "),
		"basic":          header("Authorization", "Basic "),
		"cookie":         header("Cookie", "session="),
		"unknown header": header("X-Nobody-Knows", ""),
		"user agent":     header("User-Agent", "agent/1 "),
		"request id":     header("X-Request-Id", ""),
		"accept":         header("Accept", "text/html, "),
		"header name": func(r *http.Request, form string) {
			r.Header["X-"+strings.Map(tokenChar, form)] = []string{"1"}
		},
		"query":        query("q"),
		"secret query": query("api_key"),
		"bare query":   func(r *http.Request, form string) { r.URL.RawQuery = url.QueryEscape(form) },
		"broken query": func(r *http.Request, form string) { r.URL.RawQuery = "%zz&" + form },
		"path":         func(r *http.Request, form string) { r.URL.Path += "/" + form },
		"path, middle": func(r *http.Request, form string) { r.URL.Path = "/a/" + form + "/b" },
		"method":       func(r *http.Request, form string) { r.Method = strings.Map(tokenChar, form) },
		"body":         body("application/json", `{"note":"%s"}`),
		"body, text":   body("text/plain", `here it is: %s.`),
		"body, form":   body("application/x-www-form-urlencoded", `grant_type=x&client_secret=%s&note=1`),
		"body, bare":   body("", `%s`),
	}
}

// tokenChar keeps what may stand in a header's name.
func tokenChar(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.~+", r) {
		return r
	}
	return '-'
}

func readCloser(s string) *bodyReader { return &bodyReader{strings.NewReader(s)} }

type bodyReader struct{ *strings.Reader }

func (*bodyReader) Close() error { return nil }

// watched is a server whose every output can be read.
type watched struct {
	*mockserver.Server
	log *bytes.Buffer
}

func watch(tb testing.TB) watched {
	tb.Helper()
	var log bytes.Buffer
	srv, err := mockserver.NewHandler(mockserver.WithJournal(1, 1<<20), mockserver.WithoutRateLimits(),
		mockserver.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = srv.Close() })
	return watched{srv, &log}
}

// send lets the handler of p answer and returns everything that the server
// says about it, except the answer's body, which is the vendor's.
func (w watched) send(p mockserver.Provider, r *http.Request) string {
	rec := httptest.NewRecorder()
	w.Handler(p).ServeHTTP(rec, r)
	all := w.Requests(mockserver.Match{})
	journal, err := json.Marshal(all)
	if err != nil {
		return err.Error()
	}
	out := fmt.Sprintf("diagnosis: %s\njournal: %s\n%+v\n%s\nlog: %s", rec.Header().Get("X-Mock-Diagnosis"), journal, all, all, w.log)
	w.log.Reset()
	return out
}

// outside is what other programs may read: the state to export, the metrics,
// and what the admin API tells about keys and requests.
func (w watched) outside(t *testing.T) string {
	t.Helper()
	state, err := json.Marshal(w.SnapshotAll())
	if err != nil {
		t.Fatal(err)
	}
	out := string(state)
	for _, path := range []string{"/metrics", "/v1/namespaces/default/keys", "/v1/namespaces/default/requests"} {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, http.NoBody)
		r.Header.Set("Authorization", "Bearer "+w.AdminToken().Reveal())
		rec := httptest.NewRecorder()
		w.AdminHandler().ServeHTTP(rec, r)
		if rec.Code != http.StatusOK || rec.Body.Len() == 0 {
			t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
		}
		out += "\n" + path + ": " + rec.Body.String()
	}
	return out
}

// lowerASCII is strings.ToLower for the letters that credentials have, in a tenth of the time.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// leak returns the form in which the secret stands in the output, if any, in
// whatever case. Of a presented one no stretch of 16 characters may stand there
// either.
func leak(out, secret string, written map[string]string, presented bool) string {
	lower := lowerASCII(out)
	for name, f := range written {
		if strings.Contains(lower, lowerASCII(f)) {
			return name
		}
	}
	for i := 0; presented && i+16 <= len(secret); i++ {
		if strings.Contains(out, secret[i:i+16]) {
			return "a stretch"
		}
	}
	return ""
}

// secrets are one of each kind that the server knows, by vendor.
func secrets(srv *mockserver.Server) map[mockserver.Provider][]string {
	out := make(map[mockserver.Provider][]string)
	for _, p := range mockserver.Providers() {
		keys := []mockserver.Issued{srv.Keys().Issue(p), srv.Keys().Issue(p, mockserver.Raw("imported+key/of~"+string(p)))}
		switch p {
		case mockserver.IMKIT:
			keys = append(keys, srv.Keys().Issue(p, mockserver.ClientKey("u1")))
		case mockserver.Iiniit:
			keys = append(keys, srv.Keys().Issue(p, mockserver.Bearer()))
		}
		for _, k := range keys {
			out[p] = append(out[p], k.Secret.Reveal())
			if !k.Token.IsZero() {
				out[p] = append(out[p], k.Token.Reveal())
			}
		}
	}
	return out
}

func blank(tb testing.TB, p mockserver.Provider) *http.Request {
	tb.Helper()
	_, path := probe(p)
	r, err := http.NewRequest(http.MethodPost, "http://"+string(p)+".localhost"+path, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestNoOutputShowsASecretHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	w := watch(t)
	known, all := secrets(w.Server), places()
	for _, p := range mockserver.Providers() {
		for _, secret := range known[p] {
			written := forms(secret)
			for formName, form := range written {
				for placeName, put := range all {
					r := blank(t, p)
					put(r, form)
					if l := leak(w.send(p, r), secret, written, false); l != "" {
						t.Errorf("%s: %s, sent %s in %s, stands in an output (%s)", p, secret, formName, placeName, l)
					}
				}
			}
		}
	}
	out := w.outside(t)
	for p, list := range known {
		for _, secret := range list {
			if l := leak(out, secret, forms(secret), false); l != "" {
				t.Errorf("%s: %s stands in state, metrics or admin API (%s)", p, secret, l)
			}
		}
	}
}

// A secret that the server cannot know, presented where credentials stand, is
// not repeated from anywhere else in the request. With KEYFIT_LONG=1 each place meets all
// three forms of it, and else one after the other.
func TestNoOutputShowsAForeignSecretThatWasPresented(t *testing.T) {
	t.Parallel()
	w, turn := watch(t), 0
	presenting := []string{"X-API-KEY", "IM-API-KEY", "authorization", "api key", "api key v2", "bearer", "secret query"}
	all := places()
	for _, p := range mockserver.Providers() {
		for _, secret := range []string{foreignKey, "sk_live_51Habcdefghijklmnopqrstuv", "correct+horse/battery=staple"} {
			written := forms(secret)
			for _, presented := range presenting {
				for placeName, put := range all {
					cut := []string{secret, secret[:len(secret)-3], "x" + secret[4:]}
					if turn++; os.Getenv("KEYFIT_LONG") == "" {
						cut = cut[turn%3:][:1]
					}
					for _, form := range cut {
						r := blank(t, p)
						put(r, form)
						all[presented](r, secret)
						if l := leak(w.send(p, r), secret, written, true); l != "" {
							t.Errorf("%s: %s, presented in %s and put in %s, stands in an output (%s)", p, secret, presented, placeName, l)
						}
					}
				}
			}
		}
	}
}

func TestASecretCutInTwoIsHidden(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for _, p := range mockserver.Providers() {
		sender, secret := w.Keys().Issue(p), w.Keys().Issue(p).Secret.Reveal()
		for at := 8; at <= len(secret)-8; at++ {
			a, b := secret[:at], secret[at:]
			for name, put := range map[string]func(r *http.Request){
				"query":       func(r *http.Request) { r.URL.RawQuery = "a=" + a + "&b=" + b },
				"query, back": func(r *http.Request) { r.URL.RawQuery = "z=" + a + "&b=" + b },
				"one name":    func(r *http.Request) { r.URL.RawQuery = "a=" + a + "&a=" + b },
				"path":        func(r *http.Request) { r.URL.Path = "/x/" + a + "/" + b },
				"body":        func(r *http.Request) { r.Body = readCloser(`["` + a + `","` + b + `"]`) },
				"members":     func(r *http.Request) { r.Body = readCloser(`{"a":"` + a + `","b":"` + b + `"}`) },
			} {
				r := blank(t, p)
				sender.Apply(r)
				put(r)
				out := w.send(p, r)
				long := a
				if len(b) > len(a) {
					long = b
				}
				if strings.Contains(out, long) {
					t.Errorf("%s: cut at %d in %s: %s stands in %s", p, at, name, long, out)
				}
			}
		}
	}
}

// Values under a credential's name are hidden, whether or not a mock made them.
func TestValuesUnderACredentialsNameAreHidden(t *testing.T) {
	t.Parallel()
	w := watch(t)
	key := w.Keys().Issue(mockserver.Iiniit)
	const value = "nobody-knows-this"
	for name, put := range map[string]func(r *http.Request){
		"form":   func(r *http.Request) { places()["body, form"](r, value) },
		"member": func(r *http.Request) { r.Body = readCloser(`{"a":1, "client_secret" : "` + value + `"}`) },
		"array":  func(r *http.Request) { r.Body = readCloser(`{"tokens":["` + value + `",{"x":"` + value + `"}],"b":2}`) },
		"query":  func(r *http.Request) { r.URL.RawQuery = "refresh_token=" + value },
		"code":   func(r *http.Request) { r.URL.RawQuery = "code=" + value },
	} {
		r := blank(t, mockserver.Iiniit)
		put(r)
		key.Apply(r)
		if out := w.send(mockserver.Iiniit, r); strings.Contains(out, value) {
			t.Errorf("%s: %s", name, out)
		}
	}
	r := blank(t, mockserver.Iiniit)
	r.URL.RawQuery = "keyword=yoga+for+everybody&author=somebody"
	key.Apply(r)
	if out := w.send(mockserver.Iiniit, r); !strings.Contains(out, "yoga") || !strings.Contains(out, "somebody") {
		t.Errorf("a harmless name hides its value: %s", out)
	}
}

// around are pieces of text that may stand beside a secret: separators, escapes, names,
// and what looks like a part of a credential.
var around = []string{
	"=", "==", "&", "k=", "?", "/", "//", "+", "%", "%3d", "%3D", "%25", "%2B", "%2f", `\`, `\u003d`, `\/`, `\n`, `\x3d`, `"`, "'", ": ",
	"{", "[", `"}`, ";", ",", "\n", "\r\n", "\x00", " ", "-", "_", ".", "a", "Z9", "é", "\xff", "(", ")", "<", ">", "#", "@", "!", "~", "`",
	"|", "^", "$", "*", "AAAA", "x y", "abcabcabcabcab", "http://h/", "Basic ", "Bearer ", "=?", "&amp;", "&#61;",
}

// This is FuzzSecrecy with inputs that are drawn from what stands around credentials, and
// with a seed to replay.
func TestNoOutputShowsASecretWhateverStandsAroundIt(t *testing.T) {
	t.Parallel()
	n := 2_000
	if os.Getenv("KEYFIT_LONG") != "" {
		n = 40_000
	}
	w := watch(t)
	known := secrets(w.Server)
	formNames, placeNames := slices.Sorted(maps.Keys(forms("x"))), slices.Sorted(maps.Keys(places()))
	for seed := range uint64(n) {
		rng := rand.New(rand.NewPCG(seed, 15))
		p := mockserver.Providers()[rng.IntN(len(mockserver.Providers()))]
		secret := known[p][rng.IntN(len(known[p]))]
		form, place := formNames[rng.IntN(len(formNames))], placeNames[rng.IntN(len(placeNames))]
		var before, after string
		for range rng.IntN(4) {
			before += around[rng.IntN(len(around))]
		}
		for range rng.IntN(4) {
			after += around[rng.IntN(len(around))]
		}
		written := forms(secret)
		text := apart(before, written[form], after)
		r := blank(t, p)
		places()[place](r, text)
		if l := leak(w.send(p, r), secret, written, false); l != "" {
			t.Errorf("seed %d: %s: %q in %s stands in an output (%s)", seed, p, text, place, l)
		}
	}
}

// apart keeps a secret apart from its neighbours where one run with it would be another value.
func apart(before, secret, after string) string {
	if n := len(before); n > 0 && (before[n-1] == '%' || credential(before[n-1])) {
		before += " "
	}
	if len(after) > 0 && (credential(after[0]) || after[0] == '=') {
		after = " " + after
	}
	return before + secret + after
}

// FuzzSecrecy puts a known key, written in any form, into any place of a
// request with any other content.
func FuzzSecrecy(f *testing.F) {
	w := watch(f)
	known := secrets(w.Server)
	formNames, placeNames := slices.Sorted(maps.Keys(forms("x"))), slices.Sorted(maps.Keys(places()))
	f.Add(uint8(0), uint8(0), uint8(0), "", "")
	f.Add(uint8(1), uint8(3), uint8(7), "a=b&", "\x00%41")
	f.Add(uint8(4), uint8(9), uint8(20), `{"token":"`, `"}`)
	f.Add(uint8(2), uint8(5), uint8(13), "/", "?x=\\u0041")
	f.Fuzz(func(t *testing.T, vendor, form, place uint8, before, after string) {
		p := mockserver.Providers()[int(vendor)%len(mockserver.Providers())]
		for _, secret := range known[p] {
			r := blank(t, p)
			written := forms(secret)
			text := apart(before, written[formNames[int(form)%len(formNames)]], after)
			places()[placeNames[int(place)%len(placeNames)]](r, text)
			if l := leak(w.send(p, r), secret, written, false); l != "" {
				t.Errorf("%s: %q stands in an output (%s)", p, text, l)
			}
		}
	})
}

func credential(c byte) bool {
	return tokenChar(rune(c)) != '-' || c == '-' || c == '/' || c == '\\' || c >= 0x80
}
