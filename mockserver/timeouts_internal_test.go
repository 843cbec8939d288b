package mockserver

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// short are timeouts that a test can wait for.
func short() Timeouts {
	return Timeouts{Header: 40 * time.Millisecond, Body: 40 * time.Millisecond, Idle: 60 * time.Millisecond}
}

// moderate are timeouts that a good client keeps on a busy machine too; lasting is longer than each.
func moderate() Timeouts {
	return Timeouts{Header: 500 * time.Millisecond, Body: 500 * time.Millisecond, Idle: 500 * time.Millisecond}
}

const lasting = 800 * time.Millisecond

// port is a listener of the mock and a request without a key or token that it answers.
type port struct{ addr, path string }

// portsOf opens the listener of the admin API and that of a vendor.
func portsOf(t *testing.T, limits Timeouts, opts ...Option) (srv *Server, ports map[string]port) {
	t.Helper()
	srv = New(t, append(opts, WithTimeouts(limits))...)
	srv.admin.timeouts = limits
	address := func(url string) string { _, addr, _ := strings.Cut(url, "://"); return addr }
	return srv, map[string]port{
		"admin":  {address(srv.AdminURL()), "/healthz"},
		"vendor": {address(srv.BaseURL(IMKIT)), "/admin/connection-count"},
	}
}

// ended reads until the server closes the connection, and fails if that takes too long.
func ended(t *testing.T, c net.Conn, name string) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	got, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s: still open after 10 s", name)
	}
	return string(got)
}

// A client that does not finish its request, or sends no next one, loses its connection,
// whether or not it has the token or a key.
func TestASlowClientLosesItsConnection(t *testing.T) {
	t.Parallel()
	srv, ports := portsOf(t, short())
	bearer := "Authorization: Bearer " + srv.AdminToken().Reveal() + "\r\n"
	for name, p := range ports {
		get := "GET " + p.path + " HTTP/1.1\r\nHost: localhost\r\n"
		post := "POST " + p.path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		for what, sent := range map[string]string{
			"nothing":                        "",
			"half a method":                  "GE",
			"half a line":                    "GET /hea",
			"a line":                         "GET /healthz HTTP/1.1\r\n",
			"half a field":                   get + "X-Half: ",
			"all fields but no end":          get,
			"idle after an answer":           get + "\r\n",
			"half a second request":          get + "\r\n" + get,
			"no body":                        post + "Content-Length: 10\r\n\r\n",
			"half a body":                    post + "Content-Length: 10\r\n\r\n{",
			"half a chunk":                   post + "Transfer-Encoding: chunked\r\n\r\n5\r\n{",
			"a body that was not asked for":  get + "Content-Length: 10\r\n\r\n",
			"half a body after a continue":   post + "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
			"a large body, half sent":        post + "Content-Length: 300000\r\n\r\n" + strings.Repeat(" ", 1000),
			"half a body with the token":     strings.Replace(post, p.path, "/v1/namespaces", 1) + bearer + "Content-Length: 10\r\n\r\n{",
			"half a body of an unknown path": strings.Replace(post, p.path, "/nowhere", 1) + bearer + "Content-Length: 10\r\n\r\n{",
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				c, err := net.Dial("tcp", p.addr)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				_, _ = io.WriteString(c, sent)
				ended(t, c, what)
			})
		}
	}
}

// The time is for the whole header: a byte now and then does not renew it.
func TestADripOfHeadersIsNoReasonToWait(t *testing.T) {
	t.Parallel()
	_, ports := portsOf(t, short())
	for name, p := range ports {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "GET "+p.path+" HTTP/1.1\r\nHost: localhost\r\nX-Drip: ")
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		drops := 0
		for ; drops < 2000; drops++ {
			<-tick.C
			if _, err := io.WriteString(c, "x"); err != nil {
				break
			}
		}
		if drops == 2000 {
			t.Errorf("%s: still open after %d bytes", name, drops)
		}
	}
}

// Over TLS the handshake is part of it, and with HTTP/2 a header frame that does not come.
func TestASlowClientOfTLSLosesItsConnection(t *testing.T) {
	t.Parallel()
	_, ports := portsOf(t, moderate(), WithTLS())
	plain := func() (net.Conn, error) { return net.Dial("tcp", ports["vendor"].addr) }
	http2 := func() (net.Conn, error) {
		return tls.Dial("tcp", ports["vendor"].addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	}
	const begin = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x00\x04\x01\x00\x00\x00\x00"
	for what, c := range map[string]struct {
		dial func() (net.Conn, error)
		sent string
	}{
		"nothing":              {plain, ""},
		"half a hello":         {plain, "\x16\x03\x01\x02\x00\x01"},
		"no frame of HTTP/2":   {http2, begin},
		"half a HEADERS frame": {http2, begin + "\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			conn, err := c.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, c.sent)
			ended(t, conn, what)
		})
	}
}

// A body of HTTP/2 has its time as well; the connection and its other streams live on.
func TestASlowBodyOfHTTP2IsAnsweredWithoutItsRest(t *testing.T) {
	t.Parallel()
	srv, _ := portsOf(t, Timeouts{Body: 40 * time.Millisecond}, WithTLS())
	key := srv.Keys().Issue(IMKIT)
	half, more := io.Pipe()
	defer more.Close()
	go func() { _, _ = io.WriteString(more, `{"_id":"lo`) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.BaseURL(IMKIT)+"/admin/clients", half)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("IM-API-KEY", key.Secret.Reveal())
	r.Header.Set("Content-Type", "application/json")
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ProtoMajor != 2 || res.StatusCode != http.StatusBadRequest {
		t.Errorf("%s %s", res.Proto, res.Status)
	}
}

// What the mock is slow with on purpose outlasts the timeouts of the client's side.
func TestFaultsThatNeedTimeKeepIt(t *testing.T) {
	t.Parallel()
	for protocol, opts := range map[string][]Option{"HTTP/1": nil, "HTTP/2": {WithTLS()}} {
		for _, f := range []Fault{Latency(lasting), SlowBody(20, lasting/7)} {
			t.Run(protocol+", "+f.String(), func(t *testing.T) {
				t.Parallel()
				srv, _ := portsOf(t, moderate(), opts...)
				srv.Inject(Match{}, f)
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.BaseURL(IMKIT)+"/admin/clients", strings.NewReader(`{"_id":"lorem"}`))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("IM-API-KEY", srv.Keys().Issue(IMKIT).Secret.Reveal())
				r.Header.Set("Content-Type", "application/json")
				began := time.Now()
				res, err := srv.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				got, err := io.ReadAll(res.Body)
				if err != nil || !bytes.Contains(got, []byte("lorem")) || time.Since(began) < moderate().Body {
					t.Errorf("%q, %v after %v", got, err, time.Since(began))
				}
			})
		}
	}
	for _, f := range []Fault{Stall(), HangHeaders()} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			srv, ports := portsOf(t, moderate())
			srv.Inject(Match{}, f)
			c, err := net.Dial("tcp", ports["vendor"].addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = io.WriteString(c, "POST /admin/clients HTTP/1.1\r\nHost: localhost\r\nIM-API-KEY: "+srv.Keys().Issue(IMKIT).Secret.Reveal()+
				"\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"_id\":\"sit\"}")
			_ = c.SetReadDeadline(time.Now().Add(lasting))
			if got, err := io.ReadAll(c); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("ended by itself: %q, %v", got, err)
			}
		})
	}
}

// A stream of the admin API lives as long as its client wants it to.
func TestAFollowerOfTheJournalKeepsItsConnection(t *testing.T) {
	t.Parallel()
	srv, ports := portsOf(t, moderate())
	c, err := net.Dial("tcp", ports["admin"].addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET /v1/namespaces/default/requests/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+srv.AdminToken().Reveal()+"\r\n\r\n")
	_ = c.SetReadDeadline(time.Now().Add(lasting))
	got, err := io.ReadAll(c)
	if !errors.Is(err, os.ErrDeadlineExceeded) || !bytes.Contains(got, []byte("200 OK")) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTheTimeoutsOfTheListeners(t *testing.T) {
	t.Parallel()
	type bounds struct {
		Header, Idle, Read, Write time.Duration
		MaxHeader                 int
	}
	of := func(h *http.Server) bounds {
		return bounds{h.ReadHeaderTimeout, h.IdleTimeout, h.ReadTimeout, h.WriteTimeout, h.MaxHeaderBytes}
	}
	const admin = 64 << 10
	for name, c := range map[string]struct {
		opts          []Option
		admin, vendor bounds
	}{
		"by default":   {nil, bounds{10 * time.Second, 2 * time.Minute, 0, 0, admin}, bounds{10 * time.Second, 2 * time.Minute, 0, 0, 0}},
		"given":        {[]Option{WithTimeouts(Timeouts{Header: time.Minute, Idle: time.Hour})}, bounds{10 * time.Second, 2 * time.Minute, 0, 0, admin}, bounds{time.Minute, time.Hour, 0, 0, 0}},
		"switched off": {[]Option{WithTimeouts(noTimeouts())}, bounds{10 * time.Second, 2 * time.Minute, 0, 0, admin}, bounds{}},
	} {
		srv := New(t, c.opts...)
		srv.AdminHandler()
		got := []bounds{of(srv.httpServer(srv.admin, srv.admin.limits())), of(srv.httpServer(srv, limits{Timeouts: srv.opts.timeouts}))}
		if d := cmp.Diff([]bounds{c.admin, c.vendor}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestTheAdminPortRefusesAHugeHeader(t *testing.T) {
	t.Parallel()
	_, ports := portsOf(t, Timeouts{})
	c, err := net.Dial("tcp", ports["admin"].addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Huge: "+strings.Repeat("x", 2*maxAdminHeader))
	}()
	if got := ended(t, c, "a huge header"); !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("%.200q", got)
	}
}
