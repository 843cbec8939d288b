package admin

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// The errors of [Check]. None repeats the address, which may hold a secret.
var (
	ErrNoAddress = errors.New("is not a URL such as http://127.0.0.1:4100")
	ErrUserInfo  = errors.New("has a user or a password in it; the admin token comes from KEYFIT_ADMIN_TOKEN or --admin-token-file")
	ErrRemote    = errors.New("is plain http to another machine: everyone on the way can read the admin token; use https, or allow it with --insecure-admin-url")
)

// Check returns an error for an address that the token must not be sent to. It has to be an
// http or https URL without user, query and fragment. Plain http is for this machine alone,
// unless remote allows more: for localhost, names below it, and addresses that [isLocal].
func Check(address string, remote bool) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return ErrNoAddress
	case u.User != nil:
		return ErrUserInfo
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return ErrNoAddress
	case u.Scheme == "http" && !remote && !localHost(u.Hostname()):
		return ErrRemote
	}
	return nil
}

// localHost reports whether a host, without port and brackets, names this machine.
func localHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return isLocal(addr)
	}
	// RFC 6761, section 6.3: names below localhost are this machine. Whether the resolver
	// agrees is checked once the connection is made.
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// isLocal reports whether a connection to the address stays on this machine: a loopback
// address, also as IPv4 in IPv6, or the unspecified one, which net.Dial takes for the local
// system.
func isLocal(addr netip.Addr) bool {
	addr = addr.Unmap()
	return addr.IsLoopback() || addr.IsUnspecified()
}

// newHTTPClient returns a client that follows no redirect and asks no proxy. With local it
// connects to this machine only, whatever address a name resolves to.
func newHTTPClient(local bool) *http.Client {
	dialer := new(net.Dialer)
	if local {
		dialer.Control = onlyLocal
	}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, ForceAttemptHTTP2: true}, // Proxy is nil
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// onlyLocal is called with each address before a connection to it is begun.
func onlyLocal(_, address string, _ syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err != nil || !isLocal(to.Addr()) {
		return ErrRemote
	}
	return nil
}
