package mockserver

import (
	"net/url"
	"strings"
)

// Match selects requests. Zero fields match everything. Path is compared
// whole, or as a prefix when it ends in "*"; it is the path as it was sent, without query.
//
// Query, Headers and Body are looked up in the journal, so they select only what is
// still in it, as it is there: a value that was redacted does not match, nor does a body
// that was cut. Inject refuses Body, because it is asked before the body is read.
//
// Outcome and Status are known only after the response, so they select in the
// journal, and Inject refuses them.
type Match struct {
	Provider Provider `json:"provider,omitempty"`
	Method   string   `json:"method,omitempty"`
	Path     string   `json:"path,omitempty"`
	KeyID    string   `json:"keyId,omitempty"`
	Outcome  Outcome  `json:"outcome,omitempty"`
	Status   int      `json:"status,omitempty"`

	// Query are parameters that must have these values, "*" any value.
	Query map[string]string `json:"query,omitempty"`
	// Headers are names of headers that must be there. Most values are redacted, so
	// they do not select.
	Headers []string `json:"headers,omitempty"`
	// Body are members of a JSON body that must have these values: strings, numbers,
	// booleans or nil. A member is named by a path such as "user.name" or "items.0.id",
	// or by a JSON pointer ("/user/name", RFC 6901).
	Body map[string]any `json:"body,omitempty"`
}

// facts are what a Match selects by; also the key of a counter.
type facts struct {
	provider Provider
	method   string
	path     string
	keyID    string
	outcome  Outcome
	status   int
}

// request matches what is known before the response.
func (m *Match) request(f *facts) bool {
	return (m.Provider == "" || m.Provider == f.provider) &&
		(m.Method == "" || m.Method == f.method) &&
		(m.KeyID == "" || m.KeyID == f.keyID) &&
		(m.Path == "" || matchPath(m.Path, f.path))
}

// exchange matches everything.
func (m *Match) exchange(f *facts) bool {
	return (m.Outcome == "" || m.Outcome == f.outcome) &&
		(m.Status == 0 || m.Status == f.status) && m.request(f)
}

// matchPath compares a pattern with a path as it was sent. A pattern may be written
// without escapes: "/rooms/my room" is "/rooms/my%20room", but "/rooms/a/b" is never
// "/rooms/a%2Fb".
func matchPath(pattern, path string) bool {
	pattern, prefix := strings.CutSuffix(pattern, "*")
	if matchAs(pattern, path, prefix) {
		return true
	}
	escaped := (&url.URL{Path: pattern}).EscapedPath()
	return escaped != pattern && matchAs(escaped, path, prefix)
}

func matchAs(pattern, path string, prefix bool) bool {
	if prefix {
		return strings.HasPrefix(path, pattern)
	}
	return pattern == path
}
