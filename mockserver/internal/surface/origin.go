package surface

import (
	"net"
	"net/http"
)

// Origin returns the scheme and host under which the caller reached the
// surface, for links in responses. isReal reports whether a host belongs to the
// vendor; such a host always gets https, because the in-memory transport
// carries it without TLS. A client of HTTP/1.0 may send no host: it gets the
// address of the listener.
func Origin(r *http.Request, isReal func(host string) bool) string {
	host := r.Host
	if host == "" {
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = local.String()
		} else {
			host = "localhost"
		}
	}
	if r.TLS != nil || isReal(host) {
		return "https://" + host
	}
	return "http://" + host
}
