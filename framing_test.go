package keyfit_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// wireHeads is a pool whose server writes down the header of each request as it stands on the
// wire, and answers that all is well.
func wireHeads(t *testing.T) (pool *http.Transport, heads <-chan string) {
	t.Helper()
	all := make(chan string, 1)
	pool = &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer func() { _ = server.Close() }()
			in, head := bufio.NewReader(server), ""
			for line := ""; line != "\r\n"; head += line {
				var err error
				if line, err = in.ReadString('\n'); err != nil {
					return
				}
			}
			all <- head
			_, _ = io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
		}()
		return client, nil
	}}
	return pool, all
}

// fieldsOf returns the lines of a header whose field may be taken for one of names, in order.
func fieldsOf(head string, names ...string) []string {
	var found []string
	for line := range strings.Lines(head) {
		name, _, _ := strings.Cut(line, ":")
		if slices.Contains(names, textproto.CanonicalMIMEHeaderKey(strings.NewReplacer("_", "-", ".", "-").Replace(name))) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	slices.Sort(found)
	return found
}

// net/http leaves out what a caller says of the host and the length under the usual names.
// Under another spelling it was sent beside net/http's own, for a proxy to choose.
func TestNoSecondHostOrLengthIsSentBesideTheKey(t *testing.T) {
	t.Parallel()
	framing := []string{"Host", "Content-Length", "Transfer-Encoding", "Trailer"}
	for _, field := range framing {
		for _, spelling := range []string{field, strings.ToLower(field), strings.ToUpper(field), strings.ToLower(field[:1]) + field[1:], strings.ReplaceAll(field, "-", "_"), strings.ReplaceAll(strings.ToLower(field), "-", ".")} {
			for _, by := range []string{"caller", "scheme"} {
				t.Run(by+"/"+spelling, func(t *testing.T) {
					t.Parallel()
					pool, heads := wireHeads(t)
					scheme := keyfit.Header("X-Api-Key")
					if by == "scheme" {
						scheme = ownScheme(func(r *http.Request, c keyfit.Credential) error {
							r.Header["X-Api-Key"], r.Header[spelling] = []string{c.Key.Reveal()}, []string{"evil"}
							return nil
						})
					}
					c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: "http://localhost:81", Scheme: scheme}, keyfit.WithKey(wireKey), keyfit.WithHTTPClient(&http.Client{Transport: pool}))
					if err != nil {
						t.Fatal(err)
					}
					req, err := http.NewRequest(http.MethodPost, "http://localhost:81/x", strings.NewReader("body"))
					if err != nil {
						t.Fatal(err)
					}
					if by == "caller" {
						req.Header[spelling] = []string{"evil"}
					}
					resp, err := c.Do(req)
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close()
					want := []string{"Content-Length: 4", "Host: localhost:81", "X-Api-Key: " + wireKey}
					if d := cmp.Diff(want, fieldsOf(<-heads, append(framing, "X-Api-Key")...)); d != "" {
						t.Errorf("on the wire (-want +got):\n%s", d)
					}
				})
			}
		}
	}
}

// A scheme may give the request a context with a trace, as a library that signs requests does.
func TestATraceOfASchemeIsNotToldTheKey(t *testing.T) {
	t.Parallel()
	told := make(chan string, 64)
	pool, heads := wireHeads(t)
	scheme := ownScheme(func(r *http.Request, c keyfit.Credential) error {
		r.Header.Set("X-Acme-Key", c.Key.Reveal())
		*r = *r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteHeaderField: func(name string, values []string) { told <- name + strings.Join(values, "") }}))
		return nil
	})
	c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: "http://localhost", Scheme: scheme}, keyfit.WithKey(wireKey), keyfit.WithHTTPClient(&http.Client{Transport: pool}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"X-Acme-Key: " + wireKey}, fieldsOf(<-heads, "X-Acme-Key")); d != "" {
		t.Errorf("on the wire (-want +got):\n%s", d)
	}
	for len(told) > 0 {
		newCanary(keyfit.APIKey(wireKey)).absent(t, "trace", <-told)
	}
}

func TestASchemeThatRemovesTheHeaderSendsTheRest(t *testing.T) {
	t.Parallel()
	pool, heads := wireHeads(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(mustRequest(t.Context(), "http://localhost/").URL, []*http.Cookie{{Name: "a", Value: "b"}})
	scheme := ownScheme(func(r *http.Request, _ keyfit.Credential) error { r.Header = nil; return nil })
	c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: "http://localhost", Scheme: scheme}, keyfit.WithKey(wireKey), keyfit.WithHTTPClient(&http.Client{Transport: pool, Jar: jar}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyfit.Get[struct{}](t.Context(), c, "/x"); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"Cookie: a=b", "Host: localhost"}, fieldsOf(<-heads, "Cookie", "Host")); d != "" {
		t.Errorf("on the wire (-want +got):\n%s", d)
	}
}
