package mockserver

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// WithCORS lets browsers at these origins ("http://localhost:3000", or "*" for
// every one) call the vendors' APIs: IMKIT's client key is made for that. Preflight
// requests are answered with 204 for every method and header, without a key; they
// use no quota and are not journalled. Without this option no answer has CORS
// headers. The admin API never has any. What no browser sends as its origin is an error of
// the server.
func WithCORS(origins ...string) Option {
	return func(o *options) {
		for _, origin := range origins {
			switch {
			case validOrigin(origin):
			case strings.Contains(origin, "@"): // not repeated: it may be a password
				o.fail(errors.New("an origin of a browser has no user information in it"))
			default:
				o.fail(fmt.Errorf("%.80q is not an origin of a browser, such as http://localhost:3000, or *", origin))
			}
		}
		o.cors = append(o.cors, origins...)
	}
}

// validOrigin reports whether a browser may send this as its Origin: scheme, host and port
// (RFC 6454, section 6.1), or null.
func validOrigin(origin string) bool {
	if origin == "*" || origin == "null" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Hostname() != "" && u.Scheme != "" && origin == strings.ToLower(origin) && strings.TrimPrefix(origin, u.Scheme+"://") == u.Host
}

// cors adds the headers for an allowed origin. It reports true if the request was a
// preflight, which it has answered then.
func (s *Server) cors(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	if !slices.Contains(s.opts.cors, origin) && !slices.Contains(s.opts.cors, "*") {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	method := r.Header.Get("Access-Control-Request-Method")
	if r.Method != http.MethodOptions || method == "" {
		h.Set("Access-Control-Expose-Headers", "*")
		return false
	}
	h.Set("Access-Control-Allow-Methods", method)
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
