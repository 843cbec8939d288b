package keyfit_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/keyfit/keyfit"
)

// canaryDump is what a printer gets that walks over all fields by reflection, exported or
// not, as spew, pp and litter do: every text and every byte, the unused part of a buffer too.
// It calls no method, and stops at functions, channels and unsafe pointers, as they do.
type canaryDump struct {
	text  bytes.Buffer
	seen  map[canarySeen]bool
	types map[reflect.Type]bool
}

type canarySeen struct {
	at unsafe.Pointer
	of reflect.Type
}

// leak returns a fragment of the credential that is in the dump. A dump is long, and its
// bytes are as they are: no encoding is looked for.
func (d *canaryDump) leak(cred keyfit.Credential) string {
	for _, half := range []string{cred.ID.Reveal(), cred.Key.Reveal()} {
		for i := 0; i+canaryFragment <= len(half); i += 4 {
			if fragment := half[i : i+canaryFragment]; bytes.Contains(d.text.Bytes(), []byte(fragment)) {
				return fragment
			}
		}
	}
	return ""
}

func newCanaryDump(values ...any) *canaryDump {
	d := &canaryDump{seen: map[canarySeen]bool{}, types: map[reflect.Type]bool{}}
	for _, v := range values {
		d.walk(reflect.ValueOf(v))
	}
	return d
}

func (d *canaryDump) walk(v reflect.Value) {
	if !v.IsValid() {
		return
	}
	d.types[v.Type()] = true
	switch v.Kind() {
	case reflect.Pointer, reflect.Map:
		at := canarySeen{v.UnsafePointer(), v.Type()}
		if v.IsNil() || d.seen[at] {
			return
		}
		d.seen[at] = true
		if v.Kind() == reflect.Pointer {
			d.walk(v.Elem())
			return
		}
		for entries := v.MapRange(); entries.Next(); {
			d.walk(entries.Key())
			d.walk(entries.Value())
		}
	case reflect.Interface:
		d.walk(v.Elem())
	case reflect.Struct:
		for _, field := range v.Fields() {
			d.walk(field)
		}
	case reflect.Array, reflect.Slice:
		d.list(v)
	case reflect.String:
		d.text.WriteString(v.String())
		d.text.WriteByte(0)
	default: // a number is not a text, and nothing else leads on
	}
}

func (d *canaryDump) list(v reflect.Value) {
	if v.Kind() == reflect.Slice && v.Cap() > v.Len() {
		v = v.Slice(0, v.Cap())
	}
	switch v.Type().Elem().Kind() {
	case reflect.Uint8, reflect.Int8, reflect.Uint16, reflect.Int32, reflect.Uint32:
		for i := range v.Len() {
			n := v.Index(i)
			if n.CanInt() {
				d.text.WriteByte(byte(n.Int()))
			} else {
				d.text.WriteByte(byte(n.Uint()))
			}
		}
		d.text.WriteByte(0)
	default:
		for i := range v.Len() {
			d.walk(v.Index(i))
		}
	}
}

// A dumper that finds nothing proves nothing: this one finds a key in net/http.
func TestCanaryTheDumperFindsAKeyInThePoolOfNetHTTP(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("it reads the memory of net/http while net/http writes it")
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	t.Cleanup(srv.Close)
	pool := new(http.Transport)
	t.Cleanup(pool.CloseIdleConnections)
	req, err := http.NewRequest(http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", wireKey)
	resp, err := pool.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	resp.Request = nil
	if newCanaryDump(resp).leak(keyfit.APIKey(wireKey)) == "" {
		t.Error("the dump of an answer of net/http lacks the key: the dumper does not walk as printers do, or net/http keeps no buffer any more")
	}
}

// TestCanaryNothingOfAnAnswerOrAClientLeadsToTheKey is promise 1 against printers that walk
// over fields: net/http keeps the request in a buffer of the connection.
func TestCanaryNothingOfAnAnswerOrAClientLeadsToTheKey(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(canaryReflectServe))
	t.Cleanup(plain.Close)
	two := httptest.NewUnstartedServer(http.HandlerFunc(canaryReflectServe))
	two.EnableHTTP2 = true
	two.StartTLS()
	t.Cleanup(two.Close)
	for name, srv := range map[string]*httptest.Server{"HTTP/1.1": plain, "HTTP/2": two} {
		schemes := append([]wireScheme{tracedSchemes()[0]}, tracedSchemes()[3:]...)
		if srv == two && !longRun() {
			schemes = schemes[:1] // a scheme does the same in both protocols
		}
		for _, s := range schemes {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				pool := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
				t.Cleanup(pool.CloseIdleConnections)
				seen := new(canaryThings)
				c, err := keyfit.New(s.provider(srv.URL), keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithHTTPClient(&http.Client{Transport: pool}),
					keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: 1, MaxBackoff: 1, Budget: math.Inf(1)}), keyfit.WithHooks(seen.hooks()))
				if err != nil {
					t.Fatal(err)
				}
				derived, err := c.With(keyfit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return next }), keyfit.WithRetry(keyfit.RetryPolicy{AttemptTimeout: time.Minute}))
				if err != nil {
					t.Fatal(err)
				}
				for _, client := range []*keyfit.Client{c, derived} {
					canaryReflectCalls(t, client, srv.URL, seen, s.cred)
				}
				seen.add(c, c.Keys(), c.HTTPClient(), derived, derived.HTTPClient(), c.Keys().Status(), c.Stats())
				dump := newCanaryDump(seen.all...)
				if leak := dump.leak(s.cred); leak != "" {
					t.Errorf("a walk over the fields of what calls leave behind finds %q of the key", leak)
				}
				if dump.types[reflect.TypeFor[http.Transport]()] {
					t.Error("a walk over the fields of what calls leave behind arrives at the pool")
				}
			})
		}
	}
}

// TestCanaryARedirectThatRepeatsTheKeyLeavesItInNoRequest: a server that adds a slash or a
// language may repeat the key, in the query or the path, under any name.
func TestCanaryARedirectThatRepeatsTheKeyLeavesItInNoRequest(t *testing.T) {
	t.Parallel()
	for _, s := range canarySchemes() {
		for name, location := range map[string]func(key string) string{
			"query":             func(key string) string { return "/end?back=" + url.QueryEscape(key) },
			"query, twice over": func(key string) string { return "/end?back=" + url.QueryEscape("/x?k="+url.QueryEscape(key)) },
			"path":              func(key string) string { return "/end/" + url.PathEscape(key) + "/x" },
			"fragment":          func(key string) string { return "/end#" + url.PathEscape(key) },
			"user":              func(key string) string { return "http://" + url.PathEscape(key) + "@localhost/end" },
		} {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				var asked []string
				pool := canaryStill(func(w http.ResponseWriter, r *http.Request) {
					asked = append(asked, r.URL.Path)
					if r.URL.Path == "/first" || r.URL.Path == "/second" {
						next := location(s.cred.Key.Reveal())
						if r.URL.Path == "/first" {
							next = "/second?back=" + url.QueryEscape(s.cred.Key.Reveal())
						}
						w.Header().Set("Location", next)
						w.WriteHeader(http.StatusFound)
					}
				})
				c, err := keyfit.New(s.provider("http://localhost"), keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithHTTPClient(pool))
				if err != nil {
					t.Fatal(err)
				}
				for door, do := range map[string]func(*http.Request) (*http.Response, error){"Do": c.Do, "HTTPClient": c.HTTPClient().Do} {
					req, err := http.NewRequest(http.MethodGet, "http://localhost/first", nil)
					if err != nil {
						t.Fatal(err)
					}
					resp, err := do(req)
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close()
					find, hops := newCanary(s.cred), 0
					for last := resp; last != nil && last.Request != nil; last = last.Request.Response {
						find.absent(t, door, last.Request.URL.String(), fmt.Sprintf("%#v", *last.Request.URL), fmt.Sprint(last.Request.Header, last.Header))
						hops++
					}
					if hops != 3 || !strings.HasPrefix(asked[len(asked)-1], "/end") {
						t.Errorf("%s: %d requests are within reach, want 3; asked %q", door, hops, asked)
					}
					if leak := newCanaryDump(resp).leak(s.cred); leak != "" {
						t.Errorf("%s: a walk over the fields of the response finds %q", door, leak)
					}
				}
			})
		}
	}
}

func canaryReflectServe(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	switch r.URL.Path {
	case "/moved":
		http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
		return
	case "/missing":
		w.WriteHeader(http.StatusNotFound)
	case "/refused":
		w.WriteHeader(http.StatusUnauthorized)
	case "/busy":
		w.WriteHeader(http.StatusBadGateway)
	case "/broken":
		panic(http.ErrAbortHandler)
	case "/away":
		http.Redirect(w, r, "http://elsewhere.example/", http.StatusFound)
		return
	}
	_, _ = io.WriteString(w, `"`+string(bytes.Repeat([]byte("x"), 500))+`"`)
}

// canaryThings are the values that a program is left with, and may print.
type canaryThings struct{ all []any }

func (things *canaryThings) add(values ...any) { things.all = append(things.all, values...) }

func (things *canaryThings) hooks() keyfit.Hooks {
	return keyfit.Hooks{
		CallStart:    func(_ context.Context, e keyfit.CallEvent) context.Context { things.add(e); return nil },
		Call:         func(_ context.Context, e keyfit.CallEvent) { things.add(e) },
		AttemptStart: func(_ context.Context, e keyfit.AttemptEvent) context.Context { things.add(e); return nil },
		Attempt:      func(_ context.Context, e keyfit.AttemptEvent) { things.add(e) },
		Wait:         func(_ context.Context, e keyfit.WaitEvent) { things.add(e) },
		Key:          func(e keyfit.KeyEvent) { things.add(e) },
	}
}

// canaryReflectCalls makes calls of every kind, and leaves some bodies open: their
// connections are in use while they are printed.
func canaryReflectCalls(t *testing.T, c *keyfit.Client, base string, seen *canaryThings, cred keyfit.Credential) {
	t.Helper()
	ctx := context.Background() // a test's context changes while it is printed
	for _, path := range []string{"/here", "/moved", "/missing", "/refused", "/busy", "/broken", "/away"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for i, do := range []func(*http.Request) (*http.Response, error){c.Do, c.HTTPClient().Do} {
				req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader([]byte("body")))
				if err != nil {
					t.Fatal(err)
				}
				resp, err := do(req)
				seen.add(req, err)
				if err != nil {
					continue
				}
				var some [8]byte
				_, _ = resp.Body.Read(some[:])
				if method == http.MethodPost || i == 0 {
					_, _ = io.Copy(io.Discard, resp.Body)
				}
				if method == http.MethodPost {
					_ = resp.Body.Close()
				} else {
					t.Cleanup(func() { _ = resp.Body.Close() })
				}
				seen.add(resp, resp.Request, resp.Request.Context(), keyfit.CheckResponse(resp))
			}
			var told keyfit.Response
			got, err := keyfit.Send[string](ctx, c, method, path, "body", keyfit.WithResponse(&told))
			seen.add(got, err, told)
			_, err = keyfit.Send[int](ctx, c, method, path, "body", keyfit.WithSource(keyfit.Static(cred)))
			seen.add(err)
		}
	}
}

// A number of every width is not a byte of a text; this is what the dumper takes for one.
func TestCanaryTheDumperReadsBytesOfEveryType(t *testing.T) {
	t.Parallel()
	runes, shorts := []rune(wireKey), make([]uint16, len(wireKey))
	for i := range wireKey {
		shorts[i] = uint16(wireKey[i])
	}
	long := binary.LittleEndian.AppendUint64(nil, 0)
	for name, v := range map[string]any{"runes": runes, "shorts": shorts, "bytes": append(long, wireKey...), "beyond the length": []byte(wireKey)[:0], "array": [1]string{wireKey}} {
		if newCanaryDump(&struct{ v any }{v}).leak(keyfit.APIKey(wireKey)) == "" {
			t.Errorf("%s: not found", name)
		}
	}
}
