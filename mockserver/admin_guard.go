package mockserver

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
	"github.com/keyfit/keyfit/mockserver/internal/statefile"
)

// problem is an error of the admin API, in the format of RFC 9457.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"` // one sentence with the remedy
}

func (pr *problem) Error() string { return pr.Detail }

func refused(status int, format string, args ...any) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// asProblem finds the status that belongs to an error of the Go API.
func asProblem(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, ErrNoSuchKey), errors.Is(err, ErrNoSuchNamespace), errors.Is(err, ErrNoSuchCollection), errors.Is(err, ErrNoSuchSnapshot):
		status = http.StatusNotFound
	case errors.Is(err, ErrKeyEnded), errors.Is(err, ErrKeyReplaced), errors.Is(err, ErrKeySuspended), errors.Is(err, ErrNoOverlap),
		errors.Is(err, ErrTokenInUse), errors.Is(err, ErrKeyInUse), errors.Is(err, ErrDefaultNamespace), errors.Is(err, ErrScenarioPlays):
		status = http.StatusConflict
	case errors.Is(err, statefile.ErrNotSaved):
		status = http.StatusInternalServerError
	}
	return refused(status, "%s", strings.TrimPrefix(err.Error(), "mockserver: "))
}

// write answers with a problem. Its sentence may repeat a name that somebody typed, and somebody
// may have typed a key.
func (a *admin) write(w http.ResponseWriter, p *problem) {
	hidden := *p
	hidden.Detail = redact.New(&a.srv.vault).Text(p.Detail)
	writeProblem(w, &hidden)
}

func writeProblem(w http.ResponseWriter, p *problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="keyfit mock admin"`)
	}
	data, err := json.Marshal(p)
	if err != nil {
		data = []byte("{}") // a struct of strings and a number always encodes
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(data) // an error means that the client has disconnected
}

// ServeHTTP checks the caller, then finds the route. In this order a caller
// without the token does not learn which paths exist.
func (a *admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store") // responses contain secrets
	h.Set("X-Content-Type-Options", "nosniff")
	if p := a.guard(r); p != nil {
		a.write(w, p)
		return
	}
	if path.Clean(r.URL.Path) != r.URL.Path && r.URL.Path != "" { // the mux would redirect it, in HTML
		writeProblem(w, refused(http.StatusNotFound, "no such path; GET /openapi.json lists them all"))
		return
	}
	a.build()
	if _, pattern := a.mux.Handler(r); pattern == "" {
		a.write(w, a.unrouted(w, r))
		return
	}
	a.mux.ServeHTTP(w, r)
}

// unrouted distinguishes a wrong method from a wrong path.
func (a *admin) unrouted(w http.ResponseWriter, r *http.Request) *problem {
	var allowed []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := a.mux.Handler(probe); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if allowed == nil {
		return refused(http.StatusNotFound, "no such path; GET /openapi.json lists them all")
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return refused(http.StatusMethodNotAllowed, "this path takes %s", strings.Join(allowed, ", "))
}

// guard checks where a request comes from and whether it has the token. The
// first two checks refuse web pages that a developer visits (CVE-2021-32827 was
// such an attack). The health paths answer under any host, because the probe of a
// container comes by its address.
func (a *admin) guard(r *http.Request) *problem {
	switch probed := slices.Contains([]string{"/healthz", "/readyz"}, r.URL.Path); {
	case !probed && !a.knownHost(r.Host): // a probe comes by address, and those two tell nothing
		return refused(http.StatusMisdirectedRequest, "unknown host name; use the URL that was printed at the start, or add the name to the admin hosts")
	case !sameOrigin(r):
		return refused(http.StatusForbidden, "requests from web pages of another origin are refused")
	case probed, r.URL.Path == "/version":
		return nil
	case !a.authorized(r):
		return refused(http.StatusUnauthorized, "send the admin token as `Authorization: Bearer …`; it was printed at the start, or is in the token file")
	}
	return nil
}

func (a *admin) knownHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return true
	}
	if host != "" && host == a.srv.opts.public.host("admin") {
		return true
	}
	return host != "" && slices.ContainsFunc(a.cfg.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// sameOrigin refuses requests that a browser marks as coming from another
// origin. Other clients send neither header.
func sameOrigin(r *http.Request) bool {
	for _, o := range r.Header.Values("Origin") {
		if o != "http://"+r.Host && o != "https://"+r.Host {
			return false
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && (site != "none" || r.Method != http.MethodGet && r.Method != http.MethodHead) { // none: typed by the user
			return false
		}
	}
	return true
}

func (a *admin) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := hashCredential(strings.TrimSpace(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(sum[:], a.tokenSum[:]) == 1
}

// jsonBody reports whether the content type is JSON. A form on a foreign page
// cannot send that type.
func jsonBody(r *http.Request) bool {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	return err == nil && media == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}
