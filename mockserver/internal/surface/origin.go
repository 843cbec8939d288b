package surface

import "net/http"

// Origin returns the scheme and host under which the caller reached the
// surface, for links that the caller will follow. A host for which isReal
// reports true is the vendor's own, which is https always: the in-memory
// transport carries it without TLS.
func Origin(r *http.Request, isReal func(host string) bool) string {
	if r.TLS != nil || isReal(r.Host) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
