package mockserver

import (
	"net/http"
	"slices"
)

// WithCORS lets browsers at these origins ("http://localhost:3000", or "*" for
// every one) call the vendors' APIs: IMKIT's client key is made for that. Preflight
// requests are answered with 204 for every method and header, without a key; they
// use no quota and are not journalled. Without this option no answer has CORS
// headers. The admin API never has any.
func WithCORS(origins ...string) Option {
	return func(o *options) { o.cors = append(o.cors, origins...) }
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
