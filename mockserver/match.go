package mockserver

import "strings"

// Match selects requests. Zero fields match everything. Path is compared
// whole, or as a prefix when it ends in "*"; it is the path without query.
// Outcome and Status are known only after the response, so they select in the
// journal, and Inject refuses them.
type Match struct {
	Provider Provider `json:"provider,omitempty"`
	Method   string   `json:"method,omitempty"`
	Path     string   `json:"path,omitempty"`
	KeyID    string   `json:"keyId,omitempty"`
	Outcome  Outcome  `json:"outcome,omitempty"`
	Status   int      `json:"status,omitempty"`
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

func matchPath(pattern, path string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return pattern == path
}
