package keyfit

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// originCheck decides whether a key may go to a URL: only to the provider's origin, and not
// over plain http unless that is allowed. It checks every attempt, redirects included.
type originCheck struct {
	base      *url.URL
	home      origin // of base
	allowHTTP bool
}

func (oc *originCheck) check(u *url.URL) error {
	if u.Opaque != "" { // it becomes the request line, which a proxy reads as the address
		return fmt.Errorf("%w: the request's URL is opaque", ErrCrossOrigin)
	}
	if u.Scheme == oc.base.Scheme && u.Host == oc.base.Host {
		return nil // identical to the base URL, which New has checked
	}
	if to := originOf(u); to != oc.home {
		return fmt.Errorf("%w: the request is for %s", ErrCrossOrigin, to)
	}
	if u.Scheme != "https" && !oc.allowHTTP && !isLoopback(u.Hostname()) {
		return fmt.Errorf("%w (%s)", ErrInsecure, oc.home)
	}
	return nil
}

// origin is where a key may go: RFC 6454, scheme, host and port.
type origin struct{ scheme, host string }

// originOf returns the origin of a URL with the port always given.
func originOf(u *url.URL) origin {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" {
		switch u.Scheme {
		case "http":
			port = "80"
		case "https":
			port = "443"
		}
	}
	return origin{scheme: u.Scheme, host: net.JoinHostPort(host, port)}
}

func (orig origin) String() string { return orig.scheme + "://" + orig.host }

// isLoopback reports whether a host is this machine by its literal name: a name server must
// not decide whether a key may go over plain http.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
