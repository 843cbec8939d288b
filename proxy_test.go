package keyfit_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/keyfit/keyfit"
)

// refusingProxy answers every CONNECT with a status line.
func refusingProxy(t *testing.T, status string) (*url.URL, *atomic.Int64) {
	t.Helper()
	asked := new(atomic.Int64)
	l := newPostListener(t, func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			asked.Add(1)
			_, _ = io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n")
		}
	})
	return &url.URL{Scheme: "http", Host: l.Addr().String()}, asked
}

// The refusal of a proxy is the proxy's and no other attempt changes it, unless its status says so;
// whether the connections are the client's own or of the caller's transport.
func TestTheRefusalOfAProxyIsNamed(t *testing.T) {
	t.Parallel()
	for status, test := range map[string]struct{ code, attempts int64 }{
		"403 Forbidden":                     {403, 1},
		"407 Proxy Authentication Required": {407, 1},
		"404 Not Found":                     {404, 1},
		"400 Bad Request":                   {400, 1},
		"502 Bad Gateway":                   {502, 3},
		"503 Service Unavailable":           {503, 3},
		"429 Too Many Requests":             {429, 3},
		"403 Blocked by Lorem: Fitsum":      {403, 1},
	} {
		for _, own := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, own %t", status, own), func(t *testing.T) {
				t.Parallel()
				proxy, asked := refusingProxy(t, status)
				wire := &http.Transport{Proxy: http.ProxyURL(proxy)}
				if own {
					wire.OnProxyConnectResponse = keyfit.ProxyAnswered
				}
				t.Cleanup(wire.CloseIdleConnections)
				c := lastingClient(t, wire, keyfit.WithMaxAttempts(3))
				_, err := keyfit.Get[struct{}](t.Context(), c, "/x")
				refusal, ok := errors.AsType[*keyfit.ProxyError](err)
				if !ok || !strings.Contains(err.Error(), "proxy") {
					t.Fatalf("the error is %v, want a *ProxyError", err)
				}
				_, reason, _ := strings.Cut(status, " ")
				known := own || !strings.Contains(reason, "Blocked")
				if refusal.Reason != reason || known && int64(refusal.StatusCode) != test.code || asked.Load() != test.attempts {
					t.Errorf("asked %d times, and the error is %+v", asked.Load(), refusal)
				}
			})
		}
	}
}

// What TLS refuses stays refused.
func TestATLSFailureIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(server, client *tls.Config){
		"no certificate for the name": func(server, _ *tls.Config) { server.GetCertificate, server.Certificates = noCertificate, nil },
		"a certificate of the client": func(server, _ *tls.Config) { server.ClientAuth = tls.RequireAnyClientCert },
		"the same, before TLS 1.3": func(server, _ *tls.Config) {
			server.ClientAuth, server.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		},
		"no version in common": func(server, client *tls.Config) {
			server.MaxVersion, client.MinVersion = tls.VersionTLS12, tls.VersionTLS13
		},
		"no cipher in common": func(server, client *tls.Config) {
			server.CipherSuites, client.CipherSuites, client.MaxVersion = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}, tls.VersionTLS12
		},
		"no protocol in common": func(server, client *tls.Config) {
			server.NextProtos, client.NextProtos = []string{"lorem"}, []string{"fitsum"}
		},
		"a certificate of nobody":      func(_, client *tls.Config) { client.RootCAs = nil },
		"a certificate of other names": func(_, client *tls.Config) { client.ServerName = "other.example" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewUnstartedServer(http.NotFoundHandler())
			srv.Config.ErrorLog, srv.TLS = quietLog(), new(tls.Config)
			srv.StartTLS()
			t.Cleanup(srv.Close)
			wire := srv.Client().Transport.(*http.Transport)
			change(srv.TLS, wire.TLSClientConfig)
			var attempts atomic.Int64
			c := lastingClient(t, wire, keyfit.WithBaseURL(srv.URL),
				keyfit.WithHooks(keyfit.Hooks{Attempt: func(context.Context, keyfit.AttemptEvent) { attempts.Add(1) }}))
			_, err := keyfit.Get[struct{}](t.Context(), c, "/x")
			if err == nil || errors.Is(err, keyfit.ErrNotFound) || attempts.Load() != 1 {
				t.Errorf("%d attempts, and the error is %v", attempts.Load(), err)
			}
		})
	}
}

func noCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return nil, errors.New("no such name")
}
