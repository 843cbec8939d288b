package surface

import "net/http"

// Origin returns the scheme and host under which the caller reached the
// surface, for links in responses. isReal reports whether a host belongs to the
// vendor; such a host always gets https, because the in-memory transport
// carries it without TLS.
func Origin(r *http.Request, isReal func(host string) bool) string {
	if r.TLS != nil || isReal(r.Host) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
