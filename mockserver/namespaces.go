package mockserver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DefaultNamespace is the default namespace's name where a name is required: in
// paths of the admin API and in state documents. InNamespace accepts it instead
// of "".
const DefaultNamespace = "default"

// Errors about namespaces.
var (
	ErrNoSuchNamespace  = errors.New("no such namespace")
	ErrDefaultNamespace = errors.New("the default namespace cannot be deleted")
)

// InNamespace returns the namespace of that name and makes it at first use. Keys
// issued there select it. "" is the default namespace.
func (s *Server) InNamespace(name string) *Namespace {
	if name == DefaultNamespace {
		name = ""
	}
	s.mu.Lock()
	n := s.namespaces[name]
	made := n == nil
	if made {
		n = newNamespace(s, name)
		s.namespaces[name] = n
	}
	s.mu.Unlock()
	if made {
		s.unsaved.namespace(n)
		s.file.Later()
	}
	return n
}

// existing returns the namespace of that name, or nil.
func (s *Server) existing(name string) *Namespace {
	if name == DefaultNamespace {
		name = ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.namespaces[name]
}

// Namespaces lists the namespaces by name, the default one first.
func (s *Server) Namespaces() []*Namespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Namespace, 0, len(s.namespaces))
	for _, n := range s.namespaces {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b *Namespace) int { return strings.Compare(a.name, b.name) })
	return list
}

// DeleteNamespace deletes a namespace: its keys become unknown, its listeners
// close. It fails with ErrNoSuchNamespace and, for the default one, with
// ErrDefaultNamespace.
func (s *Server) DeleteNamespace(name string) error {
	if name == "" || name == DefaultNamespace {
		return fmt.Errorf("mockserver: delete namespace: %w", ErrDefaultNamespace)
	}
	s.mu.Lock()
	n := s.namespaces[name]
	s.mu.Unlock()
	if n == nil {
		return fmt.Errorf("mockserver: delete namespace %q: %w", name, ErrNoSuchNamespace)
	}
	before := n.memento()
	s.forget(n)
	if err := s.file.Flush(); err != nil {
		s.remember(n, before)
		return fmt.Errorf("mockserver: delete namespace %q: nothing was changed: %w", name, err)
	}
	n.origins.close(s)
	return nil
}

// forget removes a namespace from the server. Its listeners stay open until that is
// saved.
func (s *Server) forget(n *Namespace) {
	s.mu.Lock()
	delete(s.namespaces, n.name)
	s.mu.Unlock()
	n.playing.stop()
	n.keys.replace(nil, 0)
	s.unsaved.dropNamespace(n.title())
}

// remember undoes forget.
func (s *Server) remember(n *Namespace, before memento) {
	s.mu.Lock()
	s.namespaces[n.name] = n
	s.mu.Unlock()
	n.recall(before)
}

// validNamespace checks a name that comes from outside: it must be valid in a host
// name and must not be a vendor's.
func validNamespace(name string, rows []*vendor) error {
	ok := name != "" && len(name) <= 63 && name[0] != '-' && name[len(name)-1] != '-'
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return fmt.Errorf("namespace name %.300q: use up to 63 of a-z, 0-9 and '-', as in a host name", name)
	}
	for _, v := range rows {
		if string(v.provider) == name {
			return fmt.Errorf("namespace name %q is a provider's", name)
		}
	}
	return nil
}

// namespaceHost reads "<namespace>.<vendor>.localhost". It returns nil for any
// other host.
func namespaceHost(rows []*vendor, host string) (*vendor, string) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	const local = ".localhost"
	at := len(host) - len(local)
	if at < 0 || !strings.EqualFold(host[at:], local) {
		return nil, ""
	}
	rest := strings.ToLower(host[:at])
	name, provider, ok := strings.Cut(rest, ".")
	if !ok {
		return nil, ""
	}
	for _, v := range rows {
		if string(v.provider) == provider {
			return v, name
		}
	}
	return nil, ""
}
