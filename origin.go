package keyfit

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// originCheck decides whether a key may go to a URL: only to the provider's origin, there only
// below the path of the base URL if it has one, and not over plain http unless that is allowed. It checks every attempt, redirects included, and
// once more after a scheme of the caller's own has changed the request.
//
// It compares what net/http will dial, not how a URL reads. The base URL is plain ASCII; see
// [parseBaseURL]. A host with other characters is another origin, because net/http dials its
// IDNA form: lower case by the rules of Unicode makes a letter i of the letter İ, IDNA does
// not.
type originCheck struct {
	base      *url.URL
	home      origin // of base
	prefix    string // the escaped path of base; "" for none
	allowHTTP bool
}

// checkRequest checks a request as the caller gives it. Its Host may be another spelling of the
// origin, and is then sent as it is.
func (oc *originCheck) checkRequest(req *http.Request) error {
	if host := hostOf(req); host != "" {
		if err := oc.checkHost(host); err != nil {
			return err
		}
	}
	return oc.check(req.URL)
}

// hostOf returns the Host that the caller wants; "" is that of the URL. That of a request which
// a server has received, and which is passed on, is the name of that server.
func hostOf(req *http.Request) string {
	if req.RequestURI != "" || req.URL != nil && req.Host == req.URL.Host {
		return ""
	}
	return req.Host
}

// checkHost checks the Host of a request, which becomes the header and, to a proxy, the address.
func (oc *originCheck) checkHost(host string) error {
	if to := originOf(&url.URL{Scheme: oc.base.Scheme, Host: host}); to != oc.home {
		return fmt.Errorf("%w: the request's Host names %s", ErrCrossOrigin, to)
	}
	return nil
}

func (oc *originCheck) check(u *url.URL) error {
	if !startsWithSlash(u) { // a proxy reads the request line as one URL
		return fmt.Errorf("%w: the request's URL is opaque, or its path does not begin with a slash", ErrCrossOrigin)
	}
	if u.Scheme != oc.base.Scheme || u.Host != oc.base.Host { // the base URL was checked by New
		if to := originOf(u); to != oc.home {
			return fmt.Errorf("%w: the request is for %s", ErrCrossOrigin, to)
		}
		if u.Scheme != "https" && !oc.allowHTTP && !isLoopback(u.Hostname()) {
			return fmt.Errorf("%w (%s)", ErrInsecure, oc.home)
		}
	}
	if oc.prefix == "" {
		return nil
	}
	return checkPrefix(oc.prefix, u)
}

// recheck checks a request that a scheme of the caller's own has changed.
func (oc *originCheck) recheck(out *http.Request) error {
	if out.Host != "" {
		if err := oc.checkHost(out.Host); err != nil {
			return err
		}
	}
	return oc.check(out.URL)
}

// startsWithSlash reports whether nothing can come between the host and the path where a
// request line holds both: no opaque URL, and no path such as "@other.example/". It judges
// the path as it is sent, which URL.RawPath decides if it is there.
func startsWithSlash(u *url.URL) bool {
	switch {
	case u.Opaque != "":
		return false
	case u.RawPath != "":
		sent := u.EscapedPath()
		return sent == "" || sent[0] == '/'
	}
	return u.Path == "" || u.Path[0] == '/'
}

// origin is where a key may go: RFC 6454, scheme, host and port.
type origin struct{ scheme, host string }

// originOf returns the origin of a URL with the port always given.
func originOf(u *url.URL) origin {
	port := u.Port()
	if port == "" {
		switch u.Scheme {
		case "http":
			port = "80"
		case "https":
			port = "443"
		}
	}
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") && !strings.Contains(host, ":") {
		host = "[" + host + "]" // no IPv6 address, and not the name in the brackets either
	}
	return origin{scheme: u.Scheme, host: net.JoinHostPort(lowerHost(host), port)}
}

// lowerHost turns the ASCII letters of a host into lower case, as the domain name system
// compares them (RFC 4343). The zone of an IPv6 address is the name of a network interface
// and stays as it is.
func lowerHost(host string) string {
	name, zone := host, ""
	if i := strings.IndexByte(host, '%'); i >= 0 {
		name, zone = host[:i], host[i:]
	}
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name) + zone
}

// String shows the origin in ASCII: letters that only look like those of the provider's host
// are written as escapes.
func (orig origin) String() string {
	text := strconv.QuoteToASCII(orig.scheme + "://" + orig.host)
	return text[1 : len(text)-1]
}

// isLoopback reports whether a host is this machine by its literal name: a name server must
// not decide whether a key may go over plain http.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
