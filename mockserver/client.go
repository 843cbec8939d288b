package mockserver

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// Client returns a client over sockets that trusts the server's CA. It connects
// the vendors' real hosts to the mock's listeners, so it works with their
// default base URLs (with https under WithTLS). It dials only loopback
// addresses: a mistake in a base URL cannot send a key out.
func (s *Server) Client() *http.Client {
	t := &http.Transport{DialContext: s.dialLoopback, MaxIdleConnsPerHost: 256}
	if s.ca != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: s.ca.pool(), MinVersion: tls.VersionTLS12}
		t.ForceAttemptHTTP2 = !s.opts.http1
	}
	s.onClose(t.CloseIdleConnections)
	return &http.Client{Transport: t}
}

// CAPEM returns the certificate of the server's CA in PEM, or nil without
// WithTLS.
func (s *Server) CAPEM() []byte {
	if s.ca == nil {
		return nil
	}
	return s.ca.pem
}

func (s *Server) dialLoopback(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	if v := vendorForHost(s.vendors, addr); v != nil {
		base, err := s.Listen(v.provider, "")
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(base)
		if err != nil {
			return nil, fmt.Errorf("mockserver: dial %s: %w", v.provider, err)
		}
		return d.DialContext(ctx, network, u.Host)
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("mockserver: dial: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("mockserver: dial %s: the mock's client stays on loopback", host)
	}
	return d.DialContext(ctx, network, addr)
}
