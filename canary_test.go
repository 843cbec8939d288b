package keyfit_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// canaryFragment is how many bytes of a key in a row, from every fourth one on, count as a
// leak: what a cut leaves of it is a leak too.
const canaryFragment = 8

// canary finds planted credentials in text, whole or in part, in every form that a server,
// an encoder or a printer may have given them.
type canary struct {
	needles map[string]string   // fragment → the form's name
	heads   map[string][]string // the first canaryFragment bytes of fragments → the fragments
	may     *[1 << 16]bool      // by canaryHash: whether a fragment begins so
}

// canaryHash is of the first four bytes of a text.
func canaryHash(s string) uint16 {
	four := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
	return uint16(four * 0x9E3779B1 >> 16)
}

func newCanary(creds ...keyfit.Credential) canary {
	c := canary{needles: make(map[string]string), heads: make(map[string][]string), may: new([1 << 16]bool)}
	add := func(name, fragment string) {
		// Folding the text instead would cost more than the search.
		for _, needle := range []string{fragment, strings.ToLower(fragment), strings.ToUpper(fragment)} {
			c.needles[needle] = name
		}
	}
	for _, cred := range creds {
		for _, half := range []string{cred.ID.Reveal(), cred.Key.Reveal()} {
			for i := 0; i+canaryFragment <= len(half); i += 4 {
				for name, encode := range canaryEncodings() {
					add(name, encode(half[i:i+canaryFragment]))
				}
			}
			for shift := range 3 { // base64 looks different at each offset from a multiple of 3
				for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 for URLs": base64.RawURLEncoding} {
					text := enc.EncodeToString([]byte(strings.Repeat("x", shift) + half))
					for i := 3; half != "" && i+11 <= len(text); i += 4 {
						add(name, text[i:i+11])
					}
				}
			}
		}
	}
	for needle := range c.needles {
		head := needle[:canaryFragment]
		c.heads[head] = append(c.heads[head], needle)
		c.may[canaryHash(head)] = true
	}
	return c
}

// leak returns what of a planted credential is in text, or "".
func (c canary) leak(text string) string {
	for at := range max(0, len(text)-canaryFragment+1) { // once for all needles: there are hundreds
		if !c.may[canaryHash(text[at:])] {
			continue
		}
		for _, needle := range c.heads[text[at:at+canaryFragment]] {
			if strings.HasPrefix(text[at:], needle) {
				return fmt.Sprintf("%s, %q in …%s…", c.needles[needle], needle, text[max(0, at-300):min(len(text), at+300)])
			}
		}
	}
	return ""
}

// absent fails the test if a planted credential is in one of the texts.
func (c canary) absent(t *testing.T, where string, texts ...string) {
	t.Helper()
	if leak := c.leak(strings.Join(texts, "\x00")); leak != "" {
		t.Errorf("%s: the key is told: %s", where, leak)
	}
}

// canaryEncodings are encodings that go byte by byte.
func canaryEncodings() map[string]func(string) string {
	each := func(format, between string) func(string) string {
		return func(s string) string {
			var forms []string
			for i := range len(s) {
				forms = append(forms, fmt.Sprintf(format, s[i]))
			}
			return strings.Join(forms, between)
		}
	}
	return map[string]func(string) string{
		"raw":                   func(s string) string { return s },
		"percent-encoded query": url.QueryEscape,
		"percent-encoded path":  url.PathEscape,
		"JSON":                  canaryJSON,
		"JSON in JSON":          func(s string) string { return canaryJSON(canaryJSON(s)) },
		"quoted":                func(s string) string { q := strconv.Quote(s); return q[1 : len(q)-1] },
		"HTML":                  html.EscapeString,
		"HTML in JSON":          func(s string) string { return canaryJSON(html.EscapeString(s)) },
		"JSON, every byte":      each(`\u%04X`, ""),
		"percent, every byte":   each("%%%02x", ""),
		"HTML decimal":          each("&#%d;", ""),
		"HTML hexadecimal":      each("&#x%X;", ""),
		"%x":                    each("%x", ""),
		"%v of bytes":           each("%d", " "),
		"%#v of bytes":          each("%#x", ", "),
	}
}

// canaryForms are all texts that a program may make of a value: printed, encoded, logged,
// held in a field that printers reach only by reflection; and, for an error, of every
// error under it.
func canaryForms(v any) string {
	type holder struct {
		V any
		v any
		m map[string]any
		s []any
	}
	held := &holder{V: v, v: v, m: map[string]any{"k": v}, s: []any{v}}
	var all bytes.Buffer
	fmt.Fprintf(&all, "%v\n%+v\n%#v\n%q\n%s\n%v\n%+v\n%#v\n", v, v, v, v, v, held, held, held)
	for _, value := range []any{v, held} {
		text, err := json.Marshal(value)
		fmt.Fprintf(&all, "%s %v\n", text, err)
	}
	level := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, h := range []slog.Handler{slog.NewJSONHandler(&all, level), slog.NewTextHandler(&all, level)} {
		slog.New(h).With("with", v).Debug("canary", "v", held, slog.Group("g", slog.Any("v", v)))
	}
	if err, ok := v.(error); ok {
		fmt.Fprintln(&all, err.Error())
		for _, under := range canaryUnder(err) {
			all.WriteString(canaryForms(under))
		}
		canaryParts(&all, err)
	}
	return all.String()
}

// canaryTexts are the forms of an error, or its gist. How a value is printed does not depend
// on what is in it: one scheme meets all forms, and every scheme does in a long run.
func canaryTexts(err error, gist bool) string {
	switch {
	case err == nil:
		return ""
	case gist:
		return canaryGist(err)
	}
	return canaryForms(err)
}

// canaryGist is what the errors of a tree say and hold.
func canaryGist(err error) string {
	var all strings.Builder
	for err, rest := err, []error(nil); err != nil; {
		fmt.Fprintf(&all, "%v\n", err)
		canaryParts(&all, err)
		rest = append(rest, canaryUnder(err)...)
		if err = nil; len(rest) > 0 {
			err, rest = rest[0], rest[1:]
		}
	}
	return all.String()
}

// canaryUnder is what an error wraps.
func canaryUnder(err error) []error {
	switch e := err.(type) { //nolint:errorlint // the tree is walked by hand, node by node
	case interface{ Unwrap() error }:
		if under := e.Unwrap(); under != nil {
			return []error{under}
		}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return nil
}

// canaryParts is what the errors of this package tell when asked.
func canaryParts(all io.Writer, err error) {
	add := func(e *keyfit.APIError) {
		if e != nil {
			details, _ := e.Details()
			fmt.Fprintf(all, "%s\n%v\n%v\n", e.Body(), e.Header, details)
			if len(e.Body()) < 1<<10 { // printed byte by byte it is five times as long
				fmt.Fprintf(all, "%+v\n%#v\n", *e, *e)
			}
		}
	}
	before := func(history []keyfit.Attempt) {
		for _, a := range history {
			fmt.Fprintf(all, "%v\n%+v\n", a, a.Err)
			if answer, ok := errors.AsType[*keyfit.APIError](a.Err); ok {
				fmt.Fprintf(all, "%s\n%v\n", answer.Body(), answer.Header)
			}
		}
	}
	switch e := err.(type) { //nolint:errorlint // the tree is walked by hand, node by node
	case *keyfit.APIError:
		add(e)
		before(e.History)
	case *keyfit.RequestError:
		add(e.Last)
		before(e.History)
		fmt.Fprintf(all, "%+v\n%#v\n", *e, *e)
	case *keyfit.DecodeError:
		fmt.Fprintf(all, "%+v\n%#v\n", *e, *e)
	}
}

// canaryWatch collects everything that a client tells of its work.
type canaryWatch struct {
	mu         sync.Mutex
	json, text bytes.Buffer
	events     strings.Builder
	gist       bool
}

func (w *canaryWatch) see(v any) {
	texts := fmt.Sprintf("%+v", v)
	if !w.gist {
		texts = canaryForms(v)
	}
	w.mu.Lock()
	w.events.WriteString(texts)
	w.mu.Unlock()
}

// canaryGate lets everybody pass, for a 429 is to stop nobody here, and tells each time of
// a wait, whose event then quotes the last answer's hints.
type canaryGate struct{}

func (canaryGate) Enter(_ context.Context, e keyfit.Entry) (func(keyfit.Outcome), error) {
	e.Waiting(keyfit.WaitPause, time.Nanosecond)
	return func(keyfit.Outcome) {}, nil
}

func (w *canaryWatch) options() []keyfit.Option {
	level := &slog.HandlerOptions{Level: slog.LevelDebug}
	both := slog.NewMultiHandler(slog.NewJSONHandler(&w.json, level), slog.NewTextHandler(&w.text, level))
	return []keyfit.Option{
		keyfit.WithGate(canaryGate{}),
		keyfit.WithLogger(slog.New(both)),
		keyfit.WithHooks(keyfit.Hooks{
			CallStart:    func(_ context.Context, e keyfit.CallEvent) context.Context { w.see(e); return nil },
			Call:         func(_ context.Context, e keyfit.CallEvent) { w.see(e); w.seeError(e.Err) },
			AttemptStart: func(_ context.Context, e keyfit.AttemptEvent) context.Context { w.see(e); return nil },
			Attempt:      func(_ context.Context, e keyfit.AttemptEvent) { w.see(e); w.seeError(e.Err) },
			Wait:         func(_ context.Context, e keyfit.WaitEvent) { w.see(e) },
			Key:          func(e keyfit.KeyEvent) { w.see(e) },
		}),
	}
}

func (w *canaryWatch) seeError(err error) {
	if err != nil {
		w.see(err)
	}
}

// take returns what was told since it was last called. No call may be under way.
func (w *canaryWatch) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.events.String() + w.json.String() + w.text.String()
	w.events.Reset()
	w.json.Reset()
	w.text.Reset()
	return told
}

// canarySchemes are the schemes, each with a key as vendors make them and with one of all
// characters that some encoder changes.
func canarySchemes() []wireScheme {
	var all []wireScheme
	for _, s := range wireSchemes() {
		nasty := s
		nasty.name += ", nasty key"
		nasty.cred.Key = keyfit.NewSecret(`Zq7+W3v/9=mR8%2Bt&5d<H4>k"Q'x\\j%25u\`)
		if all = append(all, s); s.name != "cookie" { // whose key may have no quotation marks
			all = append(all, nasty)
		}
	}
	return all
}

// canaryEcho is a way in which a server repeats what it was sent.
type canaryEcho struct {
	name   string
	answer func(w http.ResponseWriter, key string)
	every  bool // to be given in every form
	large  bool // its body is beyond what is kept
	good   bool // it is no error
}

func canaryBody(status int, contentType, body string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, key string) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "KEY", key))
	}
}

func canaryEchoes() []canaryEcho {
	filler := strings.Repeat("f", 64<<10)
	echoes := []canaryEcho{
		{name: "status line", answer: func(w http.ResponseWriter, key string) {
			canaryRaw(w, "HTTP/1.1 400 "+key+"\r\nContent-Length: 0\r\n\r\n")
		}},
		{every: true, name: "malformed answer", answer: func(w http.ResponseWriter, key string) { canaryRaw(w, key+"\r\n\r\n") }},
		{name: "malformed version", answer: func(w http.ResponseWriter, key string) { canaryRaw(w, "HTTP/"+key+" 200 OK\r\n\r\n") }},
		{name: "malformed status", answer: func(w http.ResponseWriter, key string) { canaryRaw(w, "HTTP/1.1 "+key+" OK\r\n\r\n") }},
		{name: "malformed header", answer: func(w http.ResponseWriter, key string) { canaryRaw(w, "HTTP/1.1 200 OK\r\n"+key+"\r\n\r\n") }},
		{name: "malformed length", answer: func(w http.ResponseWriter, key string) {
			canaryRaw(w, "HTTP/1.1 200 OK\r\nContent-Length: "+key+"\r\n\r\n")
		}},
		{name: "malformed chunk", answer: func(w http.ResponseWriter, key string) {
			canaryRaw(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+key+"\r\n")
		}},
		{name: "location host", answer: func(w http.ResponseWriter, key string) {
			w.Header().Set("Location", "http://"+url.PathEscape(key)+".example.com/")
			w.WriteHeader(http.StatusFound)
		}},
		{every: true, name: "location query", answer: func(w http.ResponseWriter, key string) {
			w.Header().Set("Location", "http://example.com/?api_key="+url.QueryEscape(key))
			w.WriteHeader(http.StatusTemporaryRedirect)
		}},
		{every: true, name: "broken location", answer: func(w http.ResponseWriter, key string) {
			w.Header().Set("Location", "http://[::1/?api_key="+key)
			w.WriteHeader(http.StatusFound)
		}},
		{name: "location without redirect", answer: func(w http.ResponseWriter, key string) {
			w.Header().Set("Location", "/?api_key="+key)
			w.WriteHeader(http.StatusNotModified)
		}},
		{every: true, name: "retry-after", answer: func(w http.ResponseWriter, key string) {
			w.Header().Set("Retry-After", key)
			w.Header().Set("Ratelimit-Reset", key)
			w.Header().Set("X-Ratelimit-Reset", key)
			canaryBody(http.StatusTooManyRequests, "application/json", `{"retryAfter":"KEY"}`)(w, canaryJSON(key))
		}},
		{every: true, name: "request id across its cut", answer: func(w http.ResponseWriter, key string) {
			w.Header().Set("X-Request-Id", strings.Repeat("r", 110)+key)
			w.WriteHeader(http.StatusNotFound)
		}},
		{every: true, name: "header name", answer: func(w http.ResponseWriter, key string) {
			canaryRaw(w, "HTTP/1.1 403 Forbidden\r\nX-"+canaryToken(key)+": 1\r\nContent-Length: 0\r\n\r\n")
		}},
		{every: true, name: "wrong type", answer: canaryBody(http.StatusOK, "application/json", `{"n":"KEY"}`)},
		{name: "wrong number", answer: canaryBody(http.StatusOK, "application/json", `{"n":0.KEY}`)},
		{name: "a decoder that quotes", answer: func(w http.ResponseWriter, key string) {
			canaryBody(http.StatusOK, "application/json", `{"at":"KEY"}`)(w, canaryJSON(key))
		}},
		{name: "broken JSON", answer: canaryBody(http.StatusOK, "application/json", `{"n":12, KEY`)},
		{name: "not JSON", answer: canaryBody(http.StatusOK, "text/html", `KEY`)},
		{name: "good answer", answer: canaryBody(http.StatusOK, "application/json", `{"n":12,"t":"KEY"}`), good: true},
		{name: "broken off", answer: func(w http.ResponseWriter, key string) {
			canaryRaw(w, "HTTP/1.1 200 OK\r\nX-Echo: "+key+"\r\nContent-Length: 1000\r\n\r\n"+key)
		}},
		{every: true, name: "message across its cut", answer: canaryBody(http.StatusBadRequest, "text/plain", strings.Repeat("m", 280)+"KEY")},
		{every: true, name: "code across its cut", answer: canaryBody(http.StatusBadRequest, "application/json", `{"code":"`+strings.Repeat("c", 50)+`KEY"}`)},
	}
	for _, status := range []int{400, 401, 403, 404, 408, 429, 500, 503} {
		echoes = append(echoes,
			canaryEcho{every: status == 400, name: fmt.Sprintf("%d headers", status), answer: func(w http.ResponseWriter, key string) {
				for _, name := range []string{"X-Echo", "X-Request-Id", "Www-Authenticate", "Link"} {
					w.Header().Set(name, "you sent "+key)
				}
				w.WriteHeader(status)
			}},
			canaryEcho{every: status == 400, name: fmt.Sprintf("%d JSON", status), answer: canaryBody(status, "application/json", `{"code":"INVALID_KEY_KEY","message":"no such key KEY","requestId":"KEY"}`)},
			canaryEcho{every: status == 400, name: fmt.Sprintf("%d text", status), answer: canaryBody(status, "text/plain", "no such key: KEY")},
			canaryEcho{every: status == 400, name: fmt.Sprintf("%d HTML", status), answer: canaryBody(status, "text/html", "<html><title>KEY</title><body>KEY</body></html>")},
		)
	}
	// Across the edge of what is kept, with one byte of the key before it, two, … all;
	// and the same behind many echoes, whose removal must not shift the edge.
	for _, before := range []int{0, 1, 7, 24, 25, 31} {
		echoes = append(echoes,
			canaryEcho{name: fmt.Sprintf("cut after %d", before), answer: func(w http.ResponseWriter, key string) {
				canaryBody(http.StatusBadRequest, "text/plain", filler[:len(filler)-before]+"KEY"+filler)(w, key)
			}, large: true},
			canaryEcho{name: fmt.Sprintf("cut after many echoes and %d", before), answer: func(w http.ResponseWriter, key string) {
				many := strings.Repeat("KEY,", 200)
				rest := len(filler) - len(strings.ReplaceAll(many, "KEY", key)) - before
				canaryBody(http.StatusInternalServerError, "text/plain", many+filler[:rest]+"KEYKEY"+filler)(w, key)
			}, large: true},
		)
	}
	return echoes
}

func canaryJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b[1 : len(b)-1])
}

// canaryToken returns s if it may stand in a header's name.
func canaryToken(s string) string {
	if strings.ContainsAny(s, "\"(),/:;<=>?@[\\]{} &") {
		return "No"
	}
	return s
}

// canaryRaw answers with bytes that are no good HTTP and closes.
func canaryRaw(w http.ResponseWriter, answer string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, answer)
	_ = conn.Close()
}

// canaryWriters are the forms in which an echo may come.
func canaryWriters() map[string]func(string) string {
	writers := canaryEncodings()
	for _, printed := range []string{"%x", "%v of bytes", "%#v of bytes"} {
		delete(writers, printed) // no server writes these, and nothing takes them out
	}
	writers["upper case"], writers["lower case"] = strings.ToUpper, strings.ToLower
	for name, enc := range map[string]*base64.Encoding{
		"base64": base64.StdEncoding, "base64 for URLs": base64.RawURLEncoding,
	} {
		writers[name] = func(key string) string { return enc.EncodeToString([]byte(key)) }
		writers[name+" of Basic"] = func(key string) string { return enc.EncodeToString([]byte("x:" + key)) }
		writers[name+" of a header"] = func(key string) string { return enc.EncodeToString([]byte("k: " + key + "\r\n")) }
		writers[name+" in a query"] = func(key string) string { return url.QueryEscape(enc.EncodeToString([]byte("k=" + key))) }
	}
	return writers
}

// canaryAnswer is what the calls ask for. A time.Time quotes what it cannot decode.
type canaryAnswer struct {
	N  int       `json:"n"`
	At time.Time `json:"at"`
}

// canaryServer repeats the keys given in every way: /ECHO/WRITER.
func canaryServer(t *testing.T, creds ...keyfit.Credential) *httptest.Server {
	t.Helper()
	echoes, writers := map[string]canaryEcho{}, canaryWriters()
	for _, e := range canaryEchoes() {
		echoes[e.name] = e
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		echo, write := echoes[r.PathValue("echo")], writers[r.PathValue("writer")]
		var halves []string
		for _, c := range creds {
			for _, half := range []string{c.ID.Reveal(), c.Key.Reveal()} {
				if half != "" {
					halves = append(halves, write(half))
				}
			}
		}
		echo.answer(w, strings.Join(halves, ","))
	}))
	mux := http.NewServeMux()
	mux.Handle("/{echo}/{writer}", srv.Config.Handler)
	srv.Config.Handler, srv.Config.ErrorLog = mux, quietLog()
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

func canaryPolicy() keyfit.RetryPolicy {
	return keyfit.RetryPolicy{MaxAttempts: 2, MinBackoff: time.Microsecond, MaxBackoff: time.Microsecond, MaxWait: time.Millisecond, Budget: math.Inf(1)}
}

// TestCanaryAnEchoedKeyIsNeverTold is promise 1 against a provider that repeats the key,
// as seven of openclaw/crabbox's did (#798). For the cut see #2451 there.
func TestCanaryAnEchoedKeyIsNeverTold(t *testing.T) {
	t.Parallel()
	for i, s := range canarySchemes() {
		if raceDetector && i > 1 {
			break // calls one after another; two schemes meet all of the client and of its readers
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			srv, find := canaryServer(t, s.cred), newCanary(s.cred)
			var watch canaryWatch
			p := s.provider(srv.URL)
			if i%2 == 1 {
				p.ReadError, p.ErrorsInSuccess = canaryReader, true
			}
			c, err := keyfit.New(p, append(watch.options(),
				keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithRetry(canaryPolicy()))...)
			if err != nil {
				t.Fatal(err)
			}
			for _, echo := range canaryEchoes() {
				for writer, write := range canaryWriters() {
					// What an echo looks like does not depend on the scheme, nor what becomes of
					// it on the status: one scheme meets all forms in a few answers, and every
					// scheme meets every answer.
					key := s.cred.Key.Reveal()
					switch first := i < 2; {
					case writer == "raw" && (first || echo.every || !echo.large && key == wireKey):
					case first && echo.every && write(key) != key:
					case first && echo.large && writer == "JSON, every byte":
					default:
						continue
					}
					path := "/" + url.PathEscape(echo.name) + "/" + url.PathEscape(writer)
					watch.gist = writer != "raw" || i > 1 && !longRun()
					var told keyfit.Response
					_, err := keyfit.Send[canaryAnswer](t.Context(), c, http.MethodPut, path, "body", keyfit.WithResponse(&told))
					if err == nil && !echo.good || told.Attempts == 0 {
						t.Fatalf("%s: want an error after an attempt, got %v", path, err)
					}
					texts := fmt.Sprintf("%+v", told)
					if !watch.gist {
						texts = canaryForms(told)
					}
					find.absent(t, path, texts, canaryTexts(err, watch.gist), watch.take())
				}
			}
		})
	}
}

// canaryReader is a provider's own reader that repeats everything.
func canaryReader(status int, h http.Header, body []byte) (keyfit.Problem, bool) {
	all := fmt.Sprint(h) + string(body)
	return keyfit.Problem{Code: string(body), Message: all, RequestID: all}, status >= http.StatusMultipleChoices
}

// TestCanaryAnEchoOfARetiredKeyIsNotToldEither: a provider may repeat a key that a call
// before this one sent, and it need not be dead yet.
func TestCanaryAnEchoOfARetiredKeyIsNotToldEither(t *testing.T) {
	t.Parallel()
	const next, last = "lf_Nx4Gk8Lw-2QvT6Yb9", "lf_Ls7Hd3Mz-5WcU1Xf8"
	for name, rotate := range map[string]func(*keyfit.Keyring) error{
		"held": func(k *keyfit.Keyring) error { return k.Rotate(t.Context(), keyfit.APIKey(next)) },
		"let go at once": func(k *keyfit.Keyring) error {
			return k.Rotate(t.Context(), keyfit.APIKey(next), keyfit.GracePeriod(0))
		},
		"two generations old": func(k *keyfit.Keyring) error {
			return errors.Join(k.Rotate(t.Context(), keyfit.APIKey(next)), k.Rotate(t.Context(), keyfit.APIKey(last)))
		},
	} {
		for i, s := range []wireScheme{wireSchemes()[0], wireSchemes()[3]} {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				srv, find := canaryServer(t, s.cred), newCanary(s.cred, keyfit.APIKey(next), keyfit.APIKey(last))
				watch := canaryWatch{gist: i > 0 && !longRun()}
				c, err := keyfit.New(s.provider(srv.URL), append(watch.options(), keyfit.WithoutHoldCalls(),
					keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithRetry(canaryPolicy()))...)
				if err != nil {
					t.Fatal(err)
				}
				if err := rotate(c.Keys()); err != nil {
					t.Fatal(err)
				}
				for _, echo := range canaryEchoes() {
					if echo.large {
						continue
					}
					path := "/" + url.PathEscape(echo.name) + "/raw"
					var told keyfit.Response
					_, err := keyfit.Get[canaryAnswer](t.Context(), c, path, keyfit.WithResponse(&told))
					if err == nil && !echo.good || told.Attempts == 0 {
						t.Fatalf("%s: want an error after an attempt, got %v", path, err)
					}
					find.absent(t, path, canaryTexts(err, watch.gist))
					find.absent(t, path+" as events", watch.take())
				}
			})
		}
	}
}

// TestCanaryAPairRotatedAwayIsNotTold: each half is a secret of its own.
func TestCanaryAPairRotatedAwayIsNotTold(t *testing.T) {
	t.Parallel()
	s := wireSchemes()[4]
	srv := canaryServer(t, s.cred)
	c, err := keyfit.New(s.provider(srv.URL), keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithRetry(canaryPolicy()))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Keys().Rotate(t.Context(), keyfit.KeyPair("lf_id-Gk8Lw2QvT6Yb9", "lf_key-Hd3Mz5WcU1Xf8")); err != nil {
		t.Fatal(err)
	}
	for _, echo := range []string{"/400 JSON/raw", "/401 text/raw", "/500 headers/raw", "/malformed answer/raw"} {
		_, err := keyfit.Get[string](t.Context(), c, (&url.URL{Path: echo}).String())
		if err == nil {
			t.Fatal("want an error")
		}
		newCanary(s.cred).absent(t, echo, canaryForms(err))
	}
}

// TestCanaryAKeyOfOneCallIsNotTold: a tenant's key is no key of the ring.
func TestCanaryAKeyOfOneCallIsNotTold(t *testing.T) {
	t.Parallel()
	for i, s := range wireSchemes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			srv, find := canaryServer(t, s.cred), newCanary(s.cred)
			watch := canaryWatch{gist: i > 0 && !longRun()}
			own := keyfit.APIKey(rawOldKey)
			if !s.cred.ID.IsZero() {
				own = keyfit.KeyPair(rawNewKey, rawOldKey)
			}
			c, err := keyfit.New(s.provider(srv.URL), append(watch.options(),
				keyfit.WithSource(keyfit.Static(own)), keyfit.WithRetry(canaryPolicy()))...)
			if err != nil {
				t.Fatal(err)
			}
			for _, echo := range canaryEchoes() {
				if echo.large {
					continue
				}
				path := "/" + url.PathEscape(echo.name) + "/raw"
				var told keyfit.Response
				_, err := keyfit.Get[canaryAnswer](t.Context(), c, path, keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithResponse(&told))
				if err == nil && !echo.good || told.Attempts == 0 {
					t.Fatalf("%s: want an error after an attempt, got %v", path, err)
				}
				find.absent(t, path, canaryTexts(err, watch.gist))
				find.absent(t, path+" as events", watch.take())
			}
		})
	}
}

// TestCanaryAKeyPastedIntoAPathIsNotTold: errors and events name the path.
func TestCanaryAKeyPastedIntoAPathIsNotTold(t *testing.T) {
	t.Parallel()
	srv := rawServer(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "{")
	})
	for _, s := range canarySchemes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var watch canaryWatch
			c, err := keyfit.New(s.provider(srv.URL), append(watch.options(),
				keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithRetry(canaryPolicy()))...)
			if err != nil {
				t.Fatal(err)
			}
			for _, status := range []string{"200", "401", "404", "429", "500"} {
				path := (&url.URL{Path: "/keys/" + s.cred.Key.Reveal(), RawQuery: "k=" + url.QueryEscape(s.cred.Key.Reveal())}).String()
				var curl string
				_, err := keyfit.Get[int](t.Context(), c, path, keyfit.Param("status", status), keyfit.WithCurl(&curl), keyfit.WithHeader("X-Note", s.cred.Key.Reveal()))
				if err == nil || curl == "" {
					t.Fatalf("want an error, and a command line of curl: %v, %q", err, curl)
				}
				newCanary(s.cred).absent(t, status, canaryForms(err), watch.take(), curl)
			}
		})
	}
}

// canaryStill answers without a connection. What it leaves behind stands still, so that it
// can be printed to its bottom: %s and %q follow pointers that %v does not.
func canaryStill(h http.HandlerFunc) *http.Client {
	return &http.Client{Transport: rawTripper(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h(w, r)
		resp := w.Result()
		resp.Request = r
		return resp, nil
	})}
}

// TestCanaryTheRequestOfAnAnswerHoldsNoKey: whoever logs resp.Request of a raw call logs no
// key, since only a copy of the request ever had one.
func TestCanaryTheRequestOfAnAnswerHoldsNoKey(t *testing.T) {
	t.Parallel()
	pool := canaryStill(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/here?"+r.URL.RawQuery, http.StatusFound)
		}
	})
	for _, s := range canarySchemes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			c, err := keyfit.New(s.provider("http://localhost"), keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithHTTPClient(pool))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{"/here", "/moved"} {
				for name, do := range map[string]func(*http.Request) (*http.Response, error){"Do": c.Do, "HTTPClient": c.HTTPClient().Do} {
					req, err := http.NewRequest(http.MethodGet, "http://localhost"+path, nil) // a test's context changes while it is printed
					if err != nil {
						t.Fatal(err)
					}
					resp, err := do(req)
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close()
					dump, err := httputil.DumpRequest(resp.Request, false)
					if err != nil {
						t.Fatal(err)
					}
					newCanary(s.cred).absent(t, name+" "+path, string(dump), resp.Request.URL.String(), fmt.Sprint(resp.Request.Header),
						canaryForms(req), canaryForms(resp.Request), canaryForms(resp.Request.Context()))
				}
			}
		})
	}
}

// TestCanaryWhatMiddlewareFailsWithIsNotTold: middleware is under the key, and its errors
// may quote the request.
func TestCanaryWhatMiddlewareFailsWithIsNotTold(t *testing.T) {
	t.Parallel()
	for _, s := range canarySchemes() {
		for name, fail := range map[string]func(*http.Request) error{
			"header":    func(r *http.Request) error { return fmt.Errorf("cannot send %v", r.Header) },
			"URL":       func(r *http.Request) error { return fmt.Errorf("cannot reach %s", r.URL) },
			"url.Error": func(r *http.Request) error { return &url.Error{Op: "Get", URL: r.URL.String(), Err: io.EOF} },
			"url.Error, wrapped": func(r *http.Request) error {
				return fmt.Errorf("proxy: %w", &url.Error{Op: "Get", URL: r.URL.String(), Err: io.EOF})
			},
			"joined": func(r *http.Request) error {
				return errors.Join(io.EOF, &url.Error{Op: "Get", URL: r.URL.String(), Err: fmt.Errorf("with %v", r.Header)})
			},
		} {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				var watch canaryWatch
				broken := func(http.RoundTripper) http.RoundTripper {
					return rawTripper(func(r *http.Request) (*http.Response, error) { return nil, fail(r) })
				}
				c, err := keyfit.New(s.provider("http://localhost"), append(watch.options(), keyfit.WithMiddleware(broken),
					keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithRetry(canaryPolicy()))...)
				if err != nil {
					t.Fatal(err)
				}
				_, err = keyfit.Get[string](t.Context(), c, "/path", keyfit.Param("next", wireQuery))
				if err == nil {
					t.Fatal("want an error")
				}
				newCanary(s.cred).absent(t, name, canaryForms(err), watch.take())
			})
		}
	}
}

// TestCanarySourcesAndProbesThatQuoteTheKeyAreNotRepeated: a source must not put key
// material into its errors, and a probe is the caller's function; neither is trusted.
func TestCanarySourcesAndProbesThatQuoteTheKeyAreNotRepeated(t *testing.T) {
	t.Parallel()
	current, next := keyfit.APIKey(wireKey), keyfit.APIKey(wireID)
	find := newCanary(current, next)
	var watch canaryWatch
	asked := false
	source := keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
		if !asked {
			asked = true
			return current, nil
		}
		return next, fmt.Errorf("vault: cannot replace %s by %s", current.Key.Reveal(), next.Key.Reveal())
	})
	c, err := keyfit.New(rawProvider("http://localhost"), append(watch.options(), keyfit.WithSource(source))...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Keys().Reload(t.Context())
	if err == nil {
		t.Fatal("want an error")
	}
	find.absent(t, "Reload", canaryForms(err), canaryForms(c.Keys().Status()))
	err = c.Keys().Rotate(t.Context(), next, keyfit.Verify(func(_ context.Context, c keyfit.Credential) error {
		return fmt.Errorf("tried %s instead of %q", c.Key.Reveal(), current.Key.Reveal())
	}))
	if err == nil {
		t.Fatal("want an error")
	}
	find.absent(t, "Rotate", canaryForms(err))
	for _, bad := range []keyfit.Credential{
		keyfit.APIKey(wireKey + "\n" + wireKey), keyfit.APIKey(wireKey + "\x01"), keyfit.APIKey("“" + wireKey + "”"),
		keyfit.KeyPair(wireID+"\x7f", wireKey),
		{ID: keyfit.NewSecret(wireID)},
	} {
		if err := c.Keys().Rotate(t.Context(), bad); err != nil {
			find.absent(t, "Rotate to a malformed key", canaryForms(err))
		}
		_, err := keyfit.New(rawProvider("http://localhost"), keyfit.WithSource(keyfit.Static(bad)))
		if err != nil {
			find.absent(t, "New with a malformed key", canaryForms(err))
		}
		_, err = keyfit.Get[string](t.Context(), c, "/", keyfit.WithSource(keyfit.Static(bad)))
		find.absent(t, "a call with a malformed key", canaryForms(err))
	}
	find.absent(t, "events", watch.take())
}

// canaryText is a value that encodes as its Secret's text, for XML attributes and keys.
type canaryText struct {
	XMLName xml.Name      `xml:"held"`
	Attr    keyfit.Secret `xml:"attr,attr"`
	Elem    keyfit.Secret `xml:"elem"`
	Cred    keyfit.Credential
	List    []keyfit.Credential
}

// TestCanaryValuesThatHoldAKeyDoNotShowIt: fmt calls no method on an unexported field
// (golang/go#18281), so a String method alone hides nothing.
func TestCanaryValuesThatHoldAKeyDoNotShowIt(t *testing.T) {
	t.Parallel()
	cred := keyfit.KeyPair(wireID, wireKey)
	find := newCanary(cred)
	echo := canaryStill(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.Header.Get("Im-Authorization"), http.StatusBadRequest)
	})
	c, err := keyfit.New(wireSchemes()[4].provider("http://localhost"), keyfit.WithSource(keyfit.Static(cred)), keyfit.WithHTTPClient(echo))
	if err != nil {
		t.Fatal(err)
	}
	_, used := keyfit.Get[string](context.Background(), c, "/") // a test's context changes while it is printed
	type mine struct {
		s keyfit.Secret
		p *keyfit.Secret
		c keyfit.Credential
		l []keyfit.Secret
		m map[string]keyfit.Credential
		k *keyfit.Keyring
		x *keyfit.Client
		e error
		a any
	}
	secret := keyfit.NewSecret(wireKey)
	values := map[string]any{
		"secret": secret, "pointer to secret": &secret, "credential": cred, "pointer to credential": &cred,
		"keyring": c.Keys(), "status": c.Keys().Status(), "client": c, "provider": c.Provider(), "http client": c.HTTPClient(),
		"source": keyfit.Static(cred), "static source": keyfit.Static(keyfit.APIKey(wireKey)),
		"chain": keyfit.Chain(keyfit.Static(keyfit.APIKey(wireKey))), "chain of the caller's own": keyfit.Chain(plainSource{wireKey, wireID}), "option": keyfit.WithKey(wireKey),
		"keys option": keyfit.WithSource(keyfit.Static(cred)), "error": used,
		"struct": mine{secret, &secret, cred, []keyfit.Secret{secret}, map[string]keyfit.Credential{"k": cred}, c.Keys(), c, used, cred},
		"slice":  []keyfit.Credential{cred}, "map": map[string]keyfit.Secret{"k": secret}, "map key": map[*keyfit.Secret]int{&secret: 1},
		"array": [2]keyfit.Secret{secret, secret}, "interface": []any{secret, cred, &secret},
	}
	for name, v := range values {
		texts := []string{canaryForms(v)}
		if name != "client" && name != "keyring" && name != "http client" { // they hold locks, which are not copied
			for _, verb := range "bcdoOqxXUeEfFgGpt" {
				texts = append(texts, fmt.Sprintf("%"+string(verb), v), fmt.Sprintf("%+#-0 20.9"+string(verb), v))
			}
		}
		var out bytes.Buffer
		if err := gob.NewEncoder(&out).Encode(v); err != nil {
			texts = append(texts, err.Error())
		}
		texts = append(texts, out.String())
		text, err := xml.Marshal(v)
		texts = append(texts, string(text), fmt.Sprint(err))
		find.absent(t, name, texts...)
	}
	text, err := xml.Marshal(canaryText{Attr: secret, Elem: secret, Cred: cred, List: []keyfit.Credential{cred}})
	if err != nil || !strings.Contains(string(text), "[redacted]") {
		t.Errorf("XML shows that something is there: got %s, %v", text, err)
	}
	find.absent(t, "XML", string(text))
	keys, err := json.Marshal(map[*keyfit.Secret]int{&secret: 1})
	if d := cmp.Diff(`{"[redacted]":1}`, string(keys)); d != "" || err != nil {
		t.Errorf("JSON map key, %v (-want +got):\n%s", err, d)
	}
	if d := cmp.Diff("[redacted] [redacted] [redacted]", fmt.Sprintf("%s %#v %x", secret, secret, &secret)); d != "" {
		t.Errorf("printed (-want +got):\n%s", d)
	}
	if d := cmp.Diff(wireKey, secret.Reveal()); d != "" {
		t.Errorf("revealed (-want +got):\n%s", d)
	}
	var back keyfit.Credential
	var wire bytes.Buffer
	if err := errors.Join(gob.NewEncoder(&wire).Encode(cred), gob.NewDecoder(&wire).Decode(&back)); err != nil || !back.Key.IsZero() {
		t.Errorf("gob carries no key and breaks nothing: got %v, %v", back, err)
	}
}

// plainSource is a source of a caller's that holds its key as it is.
type plainSource struct{ Key, id string }

func (s plainSource) Credential(context.Context) (keyfit.Credential, error) {
	return keyfit.KeyPair(s.id, s.Key), nil
}

// TestCanaryAKeyOfDigitsIsNotQuotedAsABadHint: a number that cannot be a wait is told to
// the Wait hook, and a key may be such a number.
func TestCanaryAKeyOfDigitsIsNotQuotedAsABadHint(t *testing.T) {
	t.Parallel()
	for _, digits := range []string{"84629173504862", "8462917350486291735048629173504862917350486291735048629173504862917350"} {
		s := wireSchemes()[0]
		s.cred = keyfit.APIKey(digits)
		srv := canaryServer(t, s.cred)
		var watch canaryWatch
		c, err := keyfit.New(s.provider(srv.URL), append(watch.options(),
			keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithRetry(canaryPolicy()))...)
		if err != nil {
			t.Fatal(err)
		}
		for _, echo := range []string{"/retry-after/raw", "/wrong number/raw", "/wrong type/raw"} {
			_, err = keyfit.Get[canaryAnswer](t.Context(), c, (&url.URL{Path: echo}).String())
			if err == nil {
				t.Fatal("want an error")
			}
			newCanary(s.cred).absent(t, echo, canaryForms(err), watch.take())
		}
	}
}
