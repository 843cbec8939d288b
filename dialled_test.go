package keyfit_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// dialNet is an internet of pipes. It answers at every address, and records where a request
// with the key arrived: what was dialled says that, not how a URL reads.
type dialNet struct {
	location string // what /start redirects to, byte by byte
	next     string // what /list links to

	mu      sync.Mutex
	dialled []string // every address
	keyed   []string // addresses that received the key
	targets []string // what the request lines with the key ask for
}

const (
	dialHome = "kits.imin.example" // has the letters that other alphabets imitate: k, i, s
	dialKey  = "lf_dialled-Zq7xW3vN9"
)

func (n *dialNet) dial(_ context.Context, _, addr string) (net.Conn, error) {
	client, server := net.Pipe()
	n.mu.Lock()
	n.dialled = append(n.dialled, addr)
	n.mu.Unlock()
	go n.serve(server, addr)
	return client, nil
}

// serve answers one request, whatever it looks like.
func (n *dialNet) serve(conn net.Conn, addr string) {
	defer func() { _ = conn.Close() }()
	var head bytes.Buffer
	for lines := bufio.NewReader(io.TeeReader(conn, &head)); ; {
		if line, err := lines.ReadString('\n'); err != nil || line == "\r\n" {
			break
		}
	}
	line, _, _ := strings.Cut(head.String(), "\r\n")
	_, target, _ := strings.Cut(line, " ")
	target, _, _ = strings.Cut(target, " HTTP/1.1")
	n.mu.Lock()
	if bytes.Contains(head.Bytes(), []byte(dialKey)) {
		n.keyed, n.targets = append(n.keyed, addr), append(n.targets, target)
	}
	location, next := n.location, n.next
	n.mu.Unlock()
	status, body := "200 OK", "{}"
	switch {
	case strings.HasSuffix(target, "/start"):
		status = "302 Found\r\nLocation: " + location
	case strings.HasSuffix(target, "/list"):
		body = next
	}
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
}

// take returns what arrived since it was last called.
func (n *dialNet) take() (dialled, keyed, targets []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	dialled, keyed, targets = n.dialled, n.keyed, n.targets
	n.dialled, n.keyed, n.targets = nil, nil, nil
	return dialled, keyed, targets
}

func (n *dialNet) client(base string) (*keyfit.Client, error) {
	return n.clientBy(&http.Transport{DialContext: n.dial, DisableKeepAlives: true}, base)
}

func (n *dialNet) clientBy(pool *http.Transport, base string) (*keyfit.Client, error) {
	p := keyfit.Provider{Name: "acme", BaseURL: base, Scheme: keyfit.Header("X-Acme-Key")}
	return keyfit.New(p, keyfit.WithKey(dialKey), keyfit.WithoutDotEnv(), keyfit.WithAllowHTTP(),
		keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}), keyfit.WithHTTPClient(&http.Client{Transport: pool}))
}

// ways are the places where a server or a caller can name a host and a path.
func (n *dialNet) ways(host, path string) map[string]func(*keyfit.Client) error {
	oneLine := strings.NewReplacer("\r", "", "\n", "")
	raw := func(u url.URL) func(*keyfit.Client) error {
		return func(c *keyfit.Client) error { return dialDo(c.Do, u) }
	}
	redirect := func(location string) func(*keyfit.Client) error {
		return func(c *keyfit.Client) error {
			n.mu.Lock()
			n.location = oneLine.Replace(location)
			n.mu.Unlock()
			_, err := keyfit.Get[[]byte](context.Background(), c, "/start")
			return err
		}
	}
	return map[string]func(*keyfit.Client) error{
		"Get": func(c *keyfit.Client) error {
			_, err := keyfit.Get[[]byte](context.Background(), c, "http://"+host+path)
			return err
		},
		"Do":             raw(url.URL{Scheme: "http", Host: host, Path: path}),
		"Do, raw path":   raw(url.URL{Scheme: "http", Host: host, Path: dialUnescape(path), RawPath: path}),
		"Do, opaque":     raw(url.URL{Scheme: "http", Host: dialHome, Opaque: "//" + host + path}),
		"Do, as user":    raw(url.URL{Scheme: "http", User: url.User(dialHome), Host: host, Path: path}),
		"Do, no scheme":  raw(url.URL{Host: host, Path: path}),
		"Do, home":       raw(url.URL{Scheme: "http", Host: dialHome, Path: host + path}),
		"Do, home, raw":  raw(url.URL{Scheme: "http", Host: dialHome, Path: dialUnescape(host + path), RawPath: host + path}),
		"Do, home, @":    raw(url.URL{Scheme: "http", Host: dialHome, Path: "@" + host + path}),
		"Do, home, %2F@": raw(url.URL{Scheme: "http", Host: dialHome, Path: "/@" + host + path, RawPath: "%2F@" + host + path}),
		"HTTPClient": func(c *keyfit.Client) error {
			return dialDo(c.HTTPClient().Do, url.URL{Scheme: "http", Host: host, Path: path})
		},
		"redirect":                    redirect("http://" + host + path),
		"redirect without a scheme":   redirect("//" + host + path),
		"redirect, percent-encoded":   redirect("http://" + dialPercent(host) + path),
		"redirect, home as user":      redirect("http://" + dialHome + "@" + host + path),
		"redirect to a relative path": redirect(host + path),
		"next link": func(c *keyfit.Client) error {
			n.mu.Lock()
			n.next = "http://" + host + path
			n.mu.Unlock()
			for _, err := range keyfit.Pages(context.Background(), c, "/list", func(next string) string {
				if next == "{}" {
					return ""
				}
				return next
			}) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func dialDo(do func(*http.Request) (*http.Response, error), u url.URL) error {
	resp, err := do((&http.Request{Method: http.MethodGet, URL: &u, Header: http.Header{}}).WithContext(context.Background()))
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}

func dialUnescape(path string) string {
	if plain, err := url.PathUnescape(path); err == nil {
		return plain
	}
	return path
}

// dialPercent encodes the bytes that are not ASCII, as a server may write them in a Location.
func dialPercent(host string) string {
	var b strings.Builder
	for i := range len(host) {
		if host[i] < 0x80 {
			b.WriteByte(host[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", host[i])
		}
	}
	return b.String()
}

// foreignHosts are host names that are not dialHome, and read like it, are lowered to it,
// contain it, or are dialled in another form than they are written.
func foreignHosts() []string {
	return []string{
		"kits.\u0130min.example",      // İ: i by the lower case of Unicode, xn-- by IDNA
		"kits.\u0131min.example",      // ı without a dot
		"\u212aits.imin.example",      // the Kelvin sign
		"kit\u017f.imin.example",      // the long s
		"kits\u3002imin\u3002example", // ideographic full stops
		"kits\uff0eimin.example",      // fullwidth full stop
		"kits\uff61imin.example",      // halfwidth ideographic full stop
		"\uff4bits.imin.example",      // fullwidth letter
		"kits.im\u00adin.example",     // soft hyphen, which IDNA drops
		"kits.imin.example\u200b",     // zero-width space
		"kits.imin.exa\u200cmple",     // zero-width non-joiner
		"kits.imin.exam\u2060ple",     // word joiner
		"kits.imin.example\ufeff",     // byte order mark
		"kits.\u0456min.example",      // Cyrillic i
		"kits.i\u0307min.example",     // i with a combining dot
		"kits.imin.example\xff",       // not UTF-8
		"kits.imin.example\u2100evil", // a/c, which compatibility forms write with a slash
		"kits.imin.example\u2488evil", // 1., in one character
		"kits.imin.example\uff0fevil", // fullwidth slash
		"kits.imin.example\uff20evil", // fullwidth at sign
		"kits.imin.example\uff1aevil", // fullwidth colon
		"KITS.\u0130MIN.EXAMPLE",      // the same in capitals
		"kits.xn--imin-qwc.example",   // what İ is dialled as
		"kits.imin.example.",          // absolute
		"kits.imin.example..",
		".kits.imin.example",
		"kits.imin.example:81",  // another port
		"kits.imin.example:080", // a port in another spelling
		"kits.imin.example:443",
		"kits.imin.example:99999",
		"kits.imin.example:80:81",
		"[kits.imin.example]", // brackets, which Hostname drops
		"[kits.imin.example]:80",
		"[kits.imin.example%25eth0]", // a zone
		"kits.imin.example%25eth0",
		"kits%2eimin%2eexample",
		"kits.imin.example%2eevil",
		"kits.imin.example%00.evil",
		"kits.imin.example\x00.evil",
		"kits.imin.example .evil",
		"kits.imin.example\t",
		"kits.imin.example@evil.example",
		"kits.imin.example:80@evil",
		"user:password@evil.example",
		"evil.example#kits.imin.example",
		"evil.example?kits.imin.example",
		"evil.example/kits.imin.example",
		`evil.example\kits.imin.example`,
		`kits.imin.example\evil.example`,
		"evil.kits.imin.example",
		"kits.imin.example.evil.example",
		"imin.example",
		"127.0.0.1", "127.1", "[::1]:80",
		"[::ffff:127.0.0.1]", "[fe80::1]",
		"", ":80", "@", "%", "[", "]", "*", "//evil.example", "/evil.example",
	}
}

// foreignPaths are paths that could end a host name, or begin another one.
func foreignPaths() []string {
	return []string{
		"/x", "", "x", "@evil.example/x", ".evil.example/x", ":81@evil.example/", ":81/", "%2F@evil.example/x", "%2f%2fevil.example",
		"//evil.example/x", "/\\evil.example", "\\\\evil.example", "*", "?@evil.example", "#@evil.example", "/%2e%2e/@evil.example", "/../x", "/./x",
	}
}

// isDialHome compares as the domain name system does, without regard to the case of ASCII
// letters.
func isDialHome(addr string) bool {
	lower := []byte(addr)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower) == dialHome+":80"
}

// check fails if the key went to an address that is not the provider's.
func (n *dialNet) check(t *testing.T, what string, err error) {
	t.Helper()
	dialled, keyed, targets := n.take()
	for _, addr := range dialled {
		if !isDialHome(addr) {
			t.Errorf("%s: %q was dialled (%v)", what, addr, err)
		}
	}
	for i, addr := range keyed {
		if !isDialHome(addr) {
			t.Errorf("%s: the key went to %q (%v)", what, addr, err)
		}
		if !strings.HasPrefix(targets[i], "/") {
			t.Errorf("%s: the request line asks for %q", what, targets[i])
		}
	}
}

func TestWhatIsDialledWithAKeyIsTheProvidersHost(t *testing.T) {
	t.Parallel()
	n := new(dialNet)
	c, err := n.client("http://" + dialHome)
	if err != nil {
		t.Fatal(err)
	}
	for i, host := range foreignHosts() {
		path := foreignPaths()[i%len(foreignPaths())]
		for name, call := range n.ways(host, path) {
			n.check(t, fmt.Sprintf("%s of %q and %q", name, host, path), call(c))
		}
	}
	for _, path := range foreignPaths() {
		for name, call := range n.ways(dialHome, path) {
			n.check(t, fmt.Sprintf("%s of the own host and %q", name, path), call(c))
		}
	}
}

// Another origin is said to be one: the caller is not left with a host that cannot be found.
func TestAHostThatIsDialledInAnotherFormIsAnotherOrigin(t *testing.T) {
	t.Parallel()
	n := new(dialNet)
	c, err := n.client("http://" + dialHome)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{
		"kits.\u0130min.example", "\u212aits.imin.example", "kit\u017f.imin.example", "kits\u3002imin.example", "kits.im\u00adin.example",
		"kits.imin.example.", "kits.imin.example:81", "[kits.imin.example]", "kits.imin.example@evil", "kits.imin.example%00",
	} {
		for name, do := range map[string]func(*http.Request) (*http.Response, error){"Do": c.Do, "HTTPClient": c.HTTPClient().Do} {
			err := dialDo(do, url.URL{Scheme: "http", Host: host, Path: "/x"})
			if !errors.Is(err, keyfit.ErrCrossOrigin) {
				t.Errorf("%s of %q: want ErrCrossOrigin, got %v", name, host, err)
			}
			if failed, ok := errors.AsType[*keyfit.RequestError](err); ok && strings.IndexFunc(failed.Err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
				t.Errorf("%s of %q: the error shows a letter that looks like another one: %v", name, host, err)
			}
		}
	}
	if dialled, _, _ := n.take(); len(dialled) > 0 {
		t.Errorf("dialled %q", dialled)
	}
	for _, host := range []string{dialHome, "KITS.Imin.EXAMPLE", dialHome + ":80", dialHome + ":"} {
		if err := dialDo(c.Do, url.URL{Scheme: "http", Host: host, Path: "/x"}); err != nil {
			t.Errorf("%q is the provider's host: %v", host, err)
		}
	}
	if _, keyed, _ := n.take(); len(keyed) != 4 {
		t.Errorf("want the key at four requests, got it at %q", keyed)
	}
}

// The zone of an address is the name of an interface: en0 and EN0 are two.
func TestTheZoneOfAnAddressIsComparedAsItIs(t *testing.T) {
	t.Parallel()
	n := new(dialNet)
	c, err := n.client("http://[fe80::A%25en0]:8080")
	if err != nil {
		t.Fatal(err)
	}
	for host, home := range map[string]bool{"[fe80::a%en0]:8080": true, "[FE80::A%en0]:8080": true, "[fe80::a%EN0]:8080": false, "[fe80::a]:8080": false, "[fe80::a%en0]": false} {
		err := dialDo(c.Do, url.URL{Scheme: "http", Host: host, Path: "/"})
		if home && err != nil || !home && !errors.Is(err, keyfit.ErrCrossOrigin) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestABaseURLIsDialledAsItIsWritten(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"http://kits.imin.example":              "kits.imin.example:80",
		"http://KITS.imin.example":              "KITS.imin.example:80",
		"http://kits.imin.example:":             "kits.imin.example:80",
		"http://kits.imin.example:08080/":       "kits.imin.example:8080",
		"http://kits_2.imin.example.":           "kits_2.imin.example.:80",
		"http://[::1]:8080":                     "[::1]:8080",
		"http://[fe80::1%25en0]":                "[fe80::1%en0]:80",
		"http://xn--imin-qwc.example":           "xn--imin-qwc.example:80",
		"http://k\u0130ts.example":              "",
		"http://kits.%C4%B0min.example":         "",
		"http://kits\u3002imin.example":         "",
		"http://kits.imin.example\xff":          "",
		"http://kits.imin.example:0":            "",
		"http://kits.imin.example:65536":        "",
		"http://kits.imin.example:99999":        "",
		"http://kits.imin.example:abc":          "",
		"http://[kits.imin.example]":            "",
		"http://[127.0.0.1]":                    "",
		"http://kits.imin.example:80:81":        "",
		"http://kits!.imin.example":             "",
		"http://kits.imin.example@evil.example": "",
		"http://\"kits\".imin.example":          "",
	} {
		n := new(dialNet)
		c, err := n.client(base)
		if err != nil {
			if want != "" {
				t.Errorf("%s: %v", base, err)
			}
			if _, host, _ := strings.Cut(base, "//"); strings.Contains(err.Error(), host) {
				t.Errorf("the error quotes the URL: %v", err)
			}
			continue
		}
		_, err = keyfit.Get[[]byte](t.Context(), c, "/x")
		dialled, keyed, _ := n.take()
		if diff := cmp.Diff([][]string{{want}, {want}}, [][]string{dialled, keyed}); diff != "" || err != nil {
			t.Errorf("%s: %v; dialled, and given the key (-want +got):\n%s", base, err, diff)
		}
	}
}

// A proxy is given the whole URL in the request line, and finds the host in it by rules of
// its own.
func TestARequestLineToAProxyNamesTheProvidersHost(t *testing.T) {
	t.Parallel()
	n := new(dialNet)
	c, err := n.clientBy(&http.Transport{
		DialContext: n.dial, DisableKeepAlives: true, Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example:3128"}),
	}, "http://"+dialHome)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, err error) {
		t.Helper()
		_, _, targets := n.take()
		for _, target := range targets {
			if !strings.HasPrefix(target, "http://"+dialHome+"/") {
				t.Errorf("%s: the proxy is asked for %q, with the key (%v)", what, target, err)
			}
		}
	}
	for _, path := range foreignPaths() {
		for _, host := range []string{dialHome, "@evil.example"} {
			for name, call := range n.ways(host, path) {
				check(fmt.Sprintf("%s of %q and %q", name, host, path), call(c))
			}
		}
	}
	for _, u := range []url.URL{
		{Path: "@evil.example/x"},
		{Path: ".evil.example/x"},
		{Path: ":81@evil.example/"},
		{Path: "*"},
		{Path: "x"},
		{Path: "/@evil.example/x", RawPath: "%2F@evil.example/x"},
		{Path: "/x", RawPath: "%2Fx"},
		{Opaque: "//evil.example/x"},
	} {
		u.Scheme, u.Host = "http", dialHome
		for name, do := range map[string]func(*http.Request) (*http.Response, error){"Do": c.Do, "HTTPClient": c.HTTPClient().Do} {
			if err := dialDo(do, u); !errors.Is(err, keyfit.ErrCrossOrigin) {
				t.Errorf("%s of %#v: want ErrCrossOrigin, got %v", name, u, err)
			}
		}
	}
	if dialled, _, _ := n.take(); len(dialled) > 0 {
		t.Errorf("dialled %q", dialled)
	}
}

// FuzzTheKeyReachesTheProvidersHostAlone takes host and path as bytes, and every place where
// somebody can name them. The hook that dials decides.
func FuzzTheKeyReachesTheProvidersHostAlone(f *testing.F) {
	for i, host := range foreignHosts() {
		f.Add([]byte(host), []byte(foreignPaths()[i%len(foreignPaths())]))
	}
	n := new(dialNet)
	c, err := n.client("http://" + dialHome)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host, path []byte) {
		for name, call := range n.ways(string(host), string(path)) {
			n.check(t, name, call(c))
		}
		base := "http://" + string(host) + string(path)
		own, err := n.client(base)
		if err != nil {
			return
		}
		_, _ = keyfit.Get[[]byte](context.Background(), own, "/x")
		u, err := url.Parse(base)
		if err != nil {
			t.Fatalf("%q was taken for a base URL: %v", base, err)
		}
		dialled, _, _ := n.take()
		for _, addr := range dialled {
			name, _, err := net.SplitHostPort(addr)
			if err != nil || name != u.Hostname() {
				t.Errorf("the base URL %q is dialled as %q", base, addr)
			}
		}
	})
}
