package mockserver

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"strconv"
	"strings"
)

// WithPublicURL sets the address that the server announces instead of the one that it
// listens at, for a mock in a container or behind a proxy: Listen, BaseURL and
// AdminURL return it, and the admin API accepts it as Host.
//
// "http://mock.example" stands for that host with the port of each listener.
// "{provider}" and "{port}" make it a pattern, as in "https://{provider}.mocks.example"
// or "http://mock.example:{port}"; the admin API has the provider "admin". NewHandler
// fails on anything else.
func WithPublicURL(pattern string) Option {
	return func(o *options) {
		public, err := parsePublicURL(pattern)
		if err != nil {
			o.fail(err)
			return
		}
		o.public = public
	}
}

// publicURL is a pattern with {provider} or {port}; "" is none.
type publicURL string

const (
	providerMark = "{provider}"
	portMark     = "{port}"
)

func parsePublicURL(pattern string) (publicURL, error) {
	pattern = strings.TrimRight(pattern, "/")
	u, err := url.Parse(strings.NewReplacer(providerMark, "imin", portMark, "80").Replace(pattern))
	bad := err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(pattern, "?#")
	switch {
	case strings.Contains(pattern, "@"): // not repeated: it may be a password
		return "", errors.New("public URL: it has user information in it; leave that out")
	case bad:
		return "", fmt.Errorf("public URL %.100q: it is http:// or https:// and a host, without query, or a pattern such as https://{provider}.mocks.example", pattern)
	case strings.Contains(pattern, providerMark), strings.Contains(pattern, portMark):
		return publicURL(pattern), nil
	case u.Port() != "" || u.Path != "":
		return "", fmt.Errorf("public URL %.100q: five providers cannot have one address; leave out port and path, or give a pattern with {provider} or {port}", pattern)
	}
	return publicURL(pattern + ":" + portMark), nil
}

func (pu publicURL) set() bool { return pu != "" }

// of returns the address that is announced for a provider, or for "admin".
func (pu publicURL) of(provider, port string) string {
	return strings.NewReplacer(providerMark, provider, portMark, port).Replace(string(pu))
}

// host returns the host of that address in lower case, "" without a pattern.
func (pu publicURL) host(provider string) string {
	u, err := url.Parse(pu.of(provider, "80"))
	if err != nil {
		return "" // parsePublicURL took it
	}
	return strings.ToLower(u.Hostname())
}

// hosts lists the hosts of all addresses, for the certificate.
func (pu publicURL) hosts(rows []*vendor) []string {
	if !pu.set() {
		return nil
	}
	var out []string
	for _, v := range rows {
		out = append(out, pu.host(string(v.provider)))
	}
	return out
}

// announced returns the origin of a vendor's listener, as clients are told it.
func (s *Server) announced(provider string, l net.Listener) string {
	if s.opts.public.set() {
		return s.opts.public.of(provider, portOf(l))
	}
	if s.ca != nil {
		return originOf("https", l)
	}
	return originOf("http", l)
}

// originOf returns the origin at which this machine reaches a listener. Nobody can dial
// a wildcard address; the loopback address is one of those that it stands for.
func originOf(scheme string, l net.Listener) string {
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok || !addr.IP.IsUnspecified() {
		return scheme + "://" + l.Addr().String()
	}
	return scheme + "://" + net.JoinHostPort("127.0.0.1", portOf(l))
}

func portOf(l net.Listener) string {
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		return strconv.Itoa(addr.Port)
	}
	return ""
}

// errInBubble is why nothing listens inside a bubble of testing/synctest: a goroutine
// that waits for a socket is not durably blocked, so the bubble's time stands still and
// whoever waits for it waits for ever.
var errInBubble = errors.New("sockets do not work in a testing/synctest bubble; give the client Transport() instead")

// inBubble reports whether the caller is in a bubble of testing/synctest, which package
// runtime writes into the first line of a goroutine's stack.
func inBubble() bool {
	var buf [128]byte
	head, _, _ := strings.Cut(string(buf[:runtime.Stack(buf[:], false)]), "\n")
	return strings.Contains(head, "synctest bubble")
}
