package keyfit_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// faultTree is every error under err, err first.
func faultTree(err error) []error {
	all := []error{err}
	for _, under := range canaryUnder(err) {
		all = append(all, faultTree(under)...)
	}
	return all
}

// faultCheck checks what holds for every failed call: a *RequestError on top, no
// *url.Error anywhere under it, since that prints the URL, and one line without query.
func faultCheck(t *testing.T, err error) *keyfit.RequestError {
	t.Helper()
	if err == nil {
		t.Fatal("want an error")
	}
	failed, ok := err.(*keyfit.RequestError) //nolint:errorlint // it is to be the outermost
	if !ok {
		t.Fatalf("want a *RequestError, got %T %v", err, err)
	}
	for _, e := range faultTree(err) {
		if _, ok := e.(*url.Error); ok { //nolint:errorlint // the tree is walked by hand, node by node
			t.Errorf("a *url.Error is in the tree: %v", e)
		}
	}
	if text := err.Error(); strings.Contains(text, wireQuery) || strings.Contains(text, "\n") {
		t.Errorf("query or line break in the error: %q", text)
	}
	return failed
}

func TestConnectionErrorsKeepTheirTypes(t *testing.T) {
	t.Parallel()
	refused := newPostListener(t, func(net.Conn) {})
	_ = refused.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = quietLog()
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	answering := func(h http.HandlerFunc) string { return rawServer(t, h).URL }
	for _, test := range []struct {
		name     string
		base     string
		attempts int
		status   int
		reach    map[string]func(error) bool
	}{
		{"refused dial", "http://" + refused.Addr().String(), 3, 0, map[string]func(error) bool{
			"net.Error":    rawIs[net.Error],
			"*net.OpError": func(err error) bool { op, ok := errors.AsType[*net.OpError](err); return ok && op.Op == "dial" },
		}},
		{"certificate not trusted", untrusted.URL, 1, 0, map[string]func(error) bool{
			"*tls.CertificateVerificationError": rawIs[*tls.CertificateVerificationError],
		}},
		{"reset", answering(postReset), 3, 0, map[string]func(error) bool{
			"net.Error": rawIs[net.Error], "*net.OpError": rawIs[*net.OpError],
		}},
		{"closed without an answer", answering(func(w http.ResponseWriter, _ *http.Request) { canaryRaw(w, "") }), 3, 0, map[string]func(error) bool{
			"io.EOF": func(err error) bool { return errors.Is(err, io.EOF) },
		}},
		{"garbage", answering(func(w http.ResponseWriter, _ *http.Request) { canaryRaw(w, "220 smtp.example.com\r\n\r\n") }), 3, 0, nil},
		{"body broken off", answering(func(w http.ResponseWriter, _ *http.Request) {
			canaryRaw(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
		}), 3, 200, map[string]func(error) bool{
			"io.ErrUnexpectedEOF": func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) },
		}},
	} {
		for _, s := range wireSchemes() {
			t.Run(test.name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				c, err := keyfit.New(s.provider(test.base), keyfit.WithSource(keyfit.Static(s.cred)), keyfit.WithRetry(rawPolicy(3)))
				if err != nil {
					t.Fatal(err)
				}
				_, err = keyfit.Get[string](t.Context(), c, "/path", keyfit.Param("next", wireQuery))
				failed := faultCheck(t, err)
				want := keyfit.RequestError{
					Provider: "acme", Method: http.MethodGet, Path: "/path", StatusCode: test.status,
					Attempts: test.attempts, KeyFingerprint: s.cred.Fingerprint(),
				}
				got := *failed
				for i, a := range got.History {
					if a.Number != i+1 || a.StatusCode != test.status || a.Err == nil || a.KeyFingerprint != want.KeyFingerprint {
						t.Errorf("number %d of the history is %+v", i+1, a)
					}
				}
				if len(got.History) != test.attempts {
					t.Errorf("the history has %d attempts, want %d", len(got.History), test.attempts)
				}
				got.Err, got.Last, got.History = nil, nil, nil
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("error (-want +got):\n%s", d)
				}
				for name, reachable := range test.reach {
					if !reachable(err) {
						t.Errorf("%s is not reachable from %v", name, err)
					}
				}
				newCanary(s.cred).absent(t, test.name, canaryForms(err))
			})
		}
	}
}

// TestTimeoutOfAnAttemptIsRetriedAndOneOfTheCallIsNot: turbopuffer-go#138 is about a peer
// that returned the first.
func TestTimeoutOfAnAttemptIsRetriedAndOneOfTheCallIsNot(t *testing.T) {
	t.Parallel()
	const bound = 3 * time.Second
	hang := rawTripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, context.Cause(r.Context()) // as http.Transport does
	})
	for _, test := range []struct {
		name     string
		ctx      func(context.Context) (context.Context, context.CancelFunc)
		attempts int
		took     time.Duration
		is       error
		timeout  bool
	}{
		{"attempt", func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} }, 3, 3 * bound, nil, true},
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, bound/3)
		}, 1, bound / 3, context.DeadlineExceeded, true},
		{"deadline in the second attempt", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, bound+bound/2)
		}, 2, bound + bound/2, context.DeadlineExceeded, true},
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(bound/3, cancel)
			return ctx, cancel
		}, 1, bound / 3, context.Canceled, false},
		{"cancelled with a cause", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(bound/3, func() { cancel(errors.New("shutting down")) })
			return ctx, func() { cancel(nil) }
		}, 1, bound / 3, context.Canceled, false},
		{"cancelled before", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, 0, 0, context.Canceled, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				policy := rawPolicy(3)
				policy.AttemptTimeout, policy.MaxBackoff = bound, time.Microsecond
				c, err := keyfit.New(rawProvider("http://localhost"), keyfit.WithKey(rawOldKey),
					keyfit.WithRetry(policy), keyfit.WithHTTPClient(&http.Client{Transport: hang}))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := test.ctx(t.Context())
				defer cancel()
				began := time.Now()
				_, err = keyfit.Get[string](ctx, c, "/path", keyfit.Param("next", wireQuery))
				failed := faultCheck(t, err)
				if took := time.Since(began); took < test.took || took > test.took+100*time.Millisecond {
					t.Errorf("took %s, want %s", took, test.took)
				}
				if d := cmp.Diff(test.attempts, failed.Attempts); d != "" {
					t.Errorf("attempts (-want +got):\n%s", d)
				}
				if test.is != nil && !errors.Is(err, test.is) {
					t.Errorf("want %v, got %v", test.is, err)
				}
				if test.is == nil && (!strings.Contains(err.Error(), "timed out after 3s") || errors.Is(err, context.DeadlineExceeded)) {
					t.Errorf("the caller's time is not over, and the error says what was: got %v", err)
				}
				timeout, ok := errors.AsType[net.Error](err)
				if got := ok && timeout.Timeout(); got != test.timeout {
					t.Errorf("a net.Error that timed out: %t, want %t: %v", got, test.timeout, err)
				}
			})
		})
	}
}

func TestTimeoutOfAnAttemptEndsAConnectionOfNetHTTP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var came atomic.Int32
		hc := poolPipe(t, func(w http.ResponseWriter, r *http.Request) {
			if came.Add(1) == 1 {
				<-r.Context().Done()
			}
			_, _ = io.WriteString(w, `"late"`)
		})
		policy := rawPolicy(2)
		policy.AttemptTimeout = time.Second
		c, err := keyfit.New(rawProvider("http://localhost"), keyfit.WithKey(rawOldKey), keyfit.WithRetry(policy), keyfit.WithHTTPClient(hc))
		if err != nil {
			t.Fatal(err)
		}
		got, err := keyfit.Get[string](t.Context(), c, "/")
		if err != nil || got != `"late"` {
			t.Errorf("want the second attempt's answer, got %q, %v", got, err)
		}
	})
}

func TestPlainHTTPIsRefusedButForLoopback(t *testing.T) {
	t.Setenv("ACME_BASE_URL", "http://from-the-environment.example.com")
	for _, test := range []struct {
		base string
		want error
	}{
		{"http://api.example.com", keyfit.ErrInsecure},
		{"http://192.168.1.1:8080", keyfit.ErrInsecure},
		{"http://localhost.example.com", keyfit.ErrInsecure},
		{"http://api.localhost", keyfit.ErrInsecure}, // a name server may be asked
		{"http://128.0.0.1", keyfit.ErrInsecure},
		{"http://[2001:db8::1]", keyfit.ErrInsecure},
		{"", keyfit.ErrInsecure},
		{"http://localhost:8080", nil},
		{"http://127.0.0.1", nil},
		{"http://127.1.2.3:8080", nil},
		{"http://[::1]:8080", nil},
		{"https://api.example.com", nil},
	} {
		p := rawProvider("")
		p.EnvURL = "ACME_BASE_URL"
		opts := []keyfit.Option{keyfit.WithKey(rawOldKey), keyfit.WithoutDotEnv()}
		if test.base != "" {
			opts = append(opts, keyfit.WithBaseURL(test.base))
		}
		if _, err := keyfit.New(p, opts...); !errors.Is(err, test.want) {
			t.Errorf("%s: want %v, got %v", test.base, test.want, err)
		}
		if _, err := keyfit.New(p, append(opts, keyfit.WithAllowHTTP())...); err != nil {
			t.Errorf("%s with WithAllowHTTP: %v", test.base, err)
		}
	}
}

// TestPlainHTTPIsAllowedByOptOut shows that the opt-out reaches the wire, and that it says
// nothing of other origins.
func TestPlainHTTPIsAllowedByOptOut(t *testing.T) {
	t.Parallel()
	n := newWireNet(t)
	s := wireSchemes()[0]
	c := n.client(t, s, "http://api.example.com:"+n.plain, keyfit.WithAllowHTTP())
	if _, err := keyfit.Get[string](t.Context(), c, "/ok"); err != nil {
		t.Error(err)
	}
	_, err := keyfit.Get[string](t.Context(), c, "http://www.example.com:"+n.plain+"/trap")
	if !errors.Is(err, keyfit.ErrCrossOrigin) {
		t.Errorf("want ErrCrossOrigin, got %v", err)
	}
}

func TestBadBaseURLIsRefusedWithoutRepeatingIt(t *testing.T) {
	const pasted = "lf_PASTED-4Qz8Wv1x"
	for _, test := range []struct{ name, base, want string }{
		{"path upwards", "https://api.example.com/../" + pasted, "dot segment"},
		{"path with an empty segment", "https://api.example.com//" + pasted, "empty segment"},
		{"escaped path", "https://api.example.com/%2f" + pasted, "escaped slash"},
		{"path with a parameter", "https://api.example.com/a;" + pasted, "parameter"},
		{"path escaped twice", "https://api.example.com/%252e%252e/" + pasted, "percent sign"},
		{"query", "https://api.example.com?api_key=" + pasted, "has a query"},
		{"empty query", "https://api.example.com?", "has a query"},
		{"fragment", "https://api.example.com#" + pasted, "fragment"},
		{"user", "https://" + pasted + "@api.example.com", "user information"},
		{"user and password", "https://me:" + pasted + "@api.example.com", "user information"},
		{"no scheme", "api.example.com/" + pasted, "needs a scheme"},
		{"no scheme, with port", "api.example.com:443/" + pasted, "needs a scheme"},
		{"other scheme", "ftp://" + pasted, "must be https"},
		{"a key", pasted, "needs a scheme"},
		{"a key with a colon", ":" + pasted, "cannot be parsed"},
		{"a key with a line break", "https://api.example.com\n" + pasted, "cannot be parsed"},
		{"no host", "https:///" + pasted, "needs a scheme and a host"},
		{"port alone", "https://:443/" + pasted, "needs a scheme and a host"},
		{"bad port", "https://api.example.com:" + pasted, "cannot be parsed"},
		{"opaque", "https:" + pasted, "needs a scheme and a host"},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := filepath.Join(t.TempDir(), ".env")
			if err := os.WriteFile(env, []byte("ACME_BASE_URL='"+test.base+"'\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			p := rawProvider("")
			p.EnvURL = "ACME_BASE_URL"
			t.Setenv("ACME_BASE_URL", test.base)
			for _, by := range []struct {
				name string
				p    keyfit.Provider
				opts []keyfit.Option
			}{
				{"option", rawProvider("https://api.example.com"), []keyfit.Option{keyfit.WithBaseURL(test.base)}},
				{"provider", rawProvider(test.base), nil},
				{"environment", p, []keyfit.Option{keyfit.WithoutDotEnv()}},
			} {
				c, err := keyfit.New(by.p, append(by.opts, keyfit.WithKey(rawOldKey))...)
				if err == nil || c != nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("by %s: want an error with %q, got %v", by.name, test.want, err)
					continue
				}
				newCanary(keyfit.APIKey(pasted)).absent(t, "by "+by.name, canaryForms(err))
			}
			if err := os.Unsetenv("ACME_BASE_URL"); err != nil { // t.Setenv puts it back
				t.Fatal(err)
			}
			_, err := keyfit.New(p, keyfit.WithDotEnv(env), keyfit.WithKey(rawOldKey))
			if err == nil {
				t.Error("by .env: want an error")
			} else {
				newCanary(keyfit.APIKey(pasted)).absent(t, "by .env", canaryForms(err))
			}
		})
	}
	if _, err := keyfit.New(rawProvider(""), keyfit.WithKey(rawOldKey)); err == nil {
		t.Error("no base URL: want an error")
	}
	for _, base := range []string{"https://api.example.com", "https://api.example.com/", "HTTPS://API.example.com:8443/", "https://[2001:db8::1]:443"} {
		if _, err := keyfit.New(rawProvider(base), keyfit.WithKey(rawOldKey)); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestNilContextIsAnErrorAndNotAPanic(t *testing.T) {
	t.Parallel()
	c := rawClient(t, "http://localhost", 1, keyfit.WithKey(rawOldKey))
	var none context.Context
	if _, err := keyfit.Get[string](none, c, "/"); err == nil || !strings.Contains(err.Error(), "context is nil") {
		t.Errorf("Get: got %v", err)
	}
	if _, err := keyfit.Send[string](none, c, http.MethodPost, "/", "body"); err == nil || !strings.Contains(err.Error(), "context is nil") {
		t.Errorf("Send: got %v", err)
	}
	for _, err := range keyfit.Pages(none, c, "/", func(string) string { return "" }) {
		if err == nil || !strings.Contains(err.Error(), "context is nil") {
			t.Errorf("Pages: got %v", err)
		}
	}
}

// faultOptions is every client option once, with a good value.
func faultOptions(t *testing.T) map[string]keyfit.Option {
	t.Helper()
	return map[string]keyfit.Option{
		"WithBaseURL":          keyfit.WithBaseURL("https://api.example.com"),
		"WithKey":              keyfit.WithKey(rawOldKey),
		"WithSource":           keyfit.WithSource(keyfit.Static(keyfit.APIKey(rawOldKey))),
		"GracePeriod":          keyfit.GracePeriod(0),
		"DrainTime":            keyfit.DrainTime(time.Second),
		"HoldCalls":            keyfit.HoldCalls(time.Second, 0),
		"Verify":               keyfit.Verify(func(context.Context, keyfit.Credential) error { return nil }),
		"ForProvider":          keyfit.ForProvider(keyfit.MindKey()),
		"WithDotEnv":           keyfit.WithDotEnv(filepath.Join(t.TempDir(), ".env")),
		"WithoutDotEnv":        keyfit.WithoutDotEnv(),
		"WithHTTPClient":       keyfit.WithHTTPClient(&http.Client{}),
		"WithLogger":           keyfit.WithLogger(slog.New(slog.DiscardHandler)),
		"WithHooks":            keyfit.WithHooks(keyfit.Hooks{}),
		"WithGate":             keyfit.WithGate(keyfit.NewGate(keyfit.Limit{})),
		"WithLimit":            keyfit.WithLimit(keyfit.Limit{Requests: 1, Per: time.Second}),
		"WithRetry":            keyfit.WithRetry(keyfit.RetryPolicy{}),
		"WithMaxResponseBytes": keyfit.WithMaxResponseBytes(1),
		"WithUserAgent":        keyfit.WithUserAgent("acme/1"),
		"WithAllowHTTP":        keyfit.WithAllowHTTP(),
	}
}

func TestOptionsThatContradictThemselvesAreRefusedInNew(t *testing.T) {
	t.Parallel()
	exclusive := [][]string{{"WithKey", "WithSource"}, {"WithDotEnv", "WithoutDotEnv"}, {"WithGate", "WithLimit"}}
	options := faultOptions(t)
	for first, a := range options {
		for second, b := range options {
			var opts []keyfit.Option
			if !slices.ContainsFunc([]string{first, second}, func(name string) bool { return name == "WithKey" || name == "WithSource" }) {
				opts = append(opts, keyfit.WithKey(rawOldKey))
			}
			_, err := keyfit.New(rawProvider("https://api.example.com"), append(opts, a, b)...)
			var want string
			if first == second {
				want = "the option " + first + " is given twice"
			} else if slices.ContainsFunc(exclusive, func(set []string) bool { return slices.Contains(set, first) && slices.Contains(set, second) }) {
				want = "the options " + first + " and " + second + " exclude each other"
			}
			switch {
			case want == "" && err != nil:
				t.Errorf("%s and %s: %v", first, second, err)
			case want != "" && (err == nil || err.Error() != "acme: "+want):
				t.Errorf("%s and %s: want %q, got %v", first, second, want, err)
			}
		}
	}
}

// TestAGivenKeyringTakesNoOptions: one that was made before has options of its own, and
// they are not changed by a client that it is given to.
func TestAGivenKeyringTakesNoOptions(t *testing.T) {
	t.Parallel()
	ring, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey(rawOldKey)))
	if err != nil {
		t.Fatal(err)
	}
	parent := rawClient(t, "http://localhost", 1, keyfit.WithKey(rawOldKey), keyfit.HoldCalls(time.Second, 0))
	for name, opt := range faultOptions(t) {
		_, ringOnly := map[string]bool{"GracePeriod": true, "DrainTime": true, "HoldCalls": true, "Verify": true, "ForProvider": true}[name]
		given := "the option " + name + " configures a keyring that the client creates: the one given with WithSource has its own options"
		kept := name + " configures a new keyring: a derived client keeps that of its parent, unless it is given a key"
		if name == "WithKey" || name == "WithSource" {
			continue
		}
		for _, opts := range [][]keyfit.Option{{keyfit.WithSource(ring), opt}, {opt, keyfit.WithSource(ring)}} {
			c, err := keyfit.New(rawProvider("https://api.example.com"), opts...)
			switch {
			case !ringOnly && (err != nil || c.Keys() != ring):
				t.Errorf("%s: the ring is not the client's, %v", name, err)
			case ringOnly && (err == nil || err.Error() != "acme: "+given):
				t.Errorf("%s: want %q, got %v", name, given, err)
			}
		}
		if !ringOnly {
			continue
		}
		if _, err := parent.With(opt); err == nil || err.Error() != "acme: "+kept {
			t.Errorf("%s: want %q, got %v", name, kept, err)
		}
		if c, err := parent.With(opt, keyfit.WithKey(rawNewKey)); err != nil || c.Keys() == parent.Keys() {
			t.Errorf("%s with a key: %v", name, err)
		}
	}
	if c, err := parent.With(keyfit.WithSource(ring)); err != nil || c.Keys() != ring {
		t.Errorf("a derived client with a ring of its own: %v", err)
	}
}

func TestOptionsWithBadValuesAreRefusedInNew(t *testing.T) {
	t.Parallel()
	var noSource keyfit.Source
	var noRing *keyfit.Keyring
	for name, opt := range map[string]keyfit.Option{
		"nil":                            nil,
		"WithKey: empty":                 keyfit.WithKey(""),
		"WithKey: line break":            keyfit.WithKey(rawOldKey + "\n" + rawNewKey),
		"WithSource: nil":                keyfit.WithSource(noSource),
		"WithSource: nil ring":           keyfit.WithSource(noRing),
		"GracePeriod: negative":          keyfit.GracePeriod(-1),
		"DrainTime: zero":                keyfit.DrainTime(0),
		"HoldCalls: zero":                keyfit.HoldCalls(0, 1),
		"HoldCalls: negative":            keyfit.HoldCalls(time.Second, -1),
		"Verify: nil":                    keyfit.Verify(nil),
		"WithDotEnv: empty":              keyfit.WithDotEnv(""),
		"WithHTTPClient: nil":            keyfit.WithHTTPClient(nil),
		"WithMiddleware: nil":            keyfit.WithMiddleware(nil),
		"WithCallMiddleware: nil":        keyfit.WithCallMiddleware(nil),
		"WithLogger: nil":                keyfit.WithLogger(nil),
		"WithGate: nil":                  keyfit.WithGate(nil),
		"WithLimit: zero":                keyfit.WithLimit(keyfit.Limit{}),
		"WithLimit: negative":            keyfit.WithLimit(keyfit.Limit{Requests: -1, Per: time.Second}),
		"WithRetry: negative":            keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: -1}),
		"WithRetry: not a number":        keyfit.WithRetry(keyfit.RetryPolicy{Budget: math.NaN()}),
		"WithRetry: backoff upside down": keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: time.Minute, MaxBackoff: time.Second}),
		"WithMaxResponseBytes: zero":     keyfit.WithMaxResponseBytes(0),
		"WithUserAgent: line break":      keyfit.WithUserAgent("a\r\nX-Injected: 1"),
	} {
		opts := []keyfit.Option{opt}
		if !strings.HasPrefix(name, "WithKey") && !strings.HasPrefix(name, "WithSource") {
			opts = append(opts, keyfit.WithKey(rawOldKey))
		}
		c, err := keyfit.New(rawProvider("https://api.example.com"), opts...)
		if err == nil || c != nil {
			t.Errorf("%s: want an error, got %v", name, err)
			continue
		}
		newCanary(keyfit.APIKey(rawOldKey), keyfit.APIKey(rawNewKey)).absent(t, name, canaryForms(err))
	}
	for name, opt := range map[string]keyfit.CallOption{
		"nil":                            nil,
		"Param: no name":                 keyfit.Param("", "1"),
		"WithHeader: no name":            keyfit.WithHeader("", "1"),
		"WithHeader: bad name":           keyfit.WithHeader("X Injected", "1"),
		"WithHeader: line break":         keyfit.WithHeader("X-Name", "1\r\nX-Injected: 1"),
		"WithIdempotencyKey: empty":      keyfit.WithIdempotencyKey(""),
		"WithIdempotencyKey: line break": keyfit.WithIdempotencyKey("1\nX-Injected: 1"),
		"WithResponse: nil":              keyfit.WithResponse(nil),
		"WithSource: nil":                keyfit.WithSource(noSource),
		"WithSource: nil ring":           keyfit.WithSource(noRing),
		"WithKey: empty":                 keyfit.WithKey(""),
		"WithRetry: negative":            keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: -1}),
		"WithMaxResponseBytes: negative": keyfit.WithMaxResponseBytes(-1),
	} {
		var came atomic.Int32
		count := rawTripper(func(*http.Request) (*http.Response, error) { came.Add(1); return nil, io.EOF })
		c := rawClient(t, "http://localhost", 1, keyfit.WithKey(rawOldKey), keyfit.WithHTTPClient(&http.Client{Transport: count}))
		if _, err := keyfit.Get[string](t.Context(), c, "/", opt); err == nil || came.Load() != 0 {
			t.Errorf("%s: want an error and nothing sent, got %v after %d", name, err, came.Load())
		}
	}
}

// TestOptionInTheWrongPlaceDoesNotCompile: what an option's function returns can be
// assigned to the parameter that takes it, and to no other, which is the compiler's rule.
func TestOptionInTheWrongPlaceDoesNotCompile(t *testing.T) {
	t.Parallel()
	client, call := reflect.TypeFor[keyfit.Option](), reflect.TypeFor[keyfit.CallOption]()
	ring, rotation := reflect.TypeFor[keyfit.KeyringOption](), reflect.TypeFor[keyfit.RotateOption]()
	type fits struct{ Client, Call, Ring, Rotation bool }
	for _, test := range []struct {
		name string
		of   any
		want fits
	}{
		{"WithBaseURL", keyfit.WithBaseURL, fits{Client: true}},
		{"GracePeriod", keyfit.GracePeriod, fits{Client: true, Ring: true, Rotation: true}},
		{"Verify", keyfit.Verify, fits{Client: true, Ring: true, Rotation: true}},
		{"DrainTime", keyfit.DrainTime, fits{Client: true, Ring: true}},
		{"HoldCalls", keyfit.HoldCalls, fits{Client: true, Ring: true}},
		{"ForProvider", keyfit.ForProvider, fits{Client: true, Ring: true}},
		{"WithDotEnv", keyfit.WithDotEnv, fits{Client: true}},
		{"WithoutDotEnv", keyfit.WithoutDotEnv, fits{Client: true}},
		{"WithHTTPClient", keyfit.WithHTTPClient, fits{Client: true}},
		{"WithMiddleware", keyfit.WithMiddleware, fits{Client: true}},
		{"WithCallMiddleware", keyfit.WithCallMiddleware, fits{Client: true}},
		{"WithLogger", keyfit.WithLogger, fits{Client: true, Ring: true}},
		{"WithHooks", keyfit.WithHooks, fits{Client: true, Ring: true}},
		{"WithGate", keyfit.WithGate, fits{Client: true}},
		{"WithLimit", keyfit.WithLimit, fits{Client: true}},
		{"WithUserAgent", keyfit.WithUserAgent, fits{Client: true}},
		{"WithAllowHTTP", keyfit.WithAllowHTTP, fits{Client: true}},
		{"WithKey", keyfit.WithKey, fits{Client: true, Call: true}},
		{"WithSource", keyfit.WithSource, fits{Client: true, Call: true}},
		{"WithRetry", keyfit.WithRetry, fits{Client: true, Call: true}},
		{"WithMaxResponseBytes", keyfit.WithMaxResponseBytes, fits{Client: true, Call: true}},
		{"Param", keyfit.Param, fits{Call: true}},
		{"Params", keyfit.Params, fits{Call: true}},
		{"WithHeader", keyfit.WithHeader, fits{Call: true}},
		{"WithIdempotencyKey", keyfit.WithIdempotencyKey, fits{Call: true}},
		{"WithResponse", keyfit.WithResponse, fits{Call: true}},
	} {
		returns := reflect.TypeOf(test.of).Out(0)
		got := fits{returns.AssignableTo(client), returns.AssignableTo(call), returns.AssignableTo(ring), returns.AssignableTo(rotation)}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, d)
		}
	}
}
