package vaulttest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// engine is one KV version 2 engine.
type engine struct{ secrets map[string]*secret }

func newEngine() *engine { return &engine{secrets: map[string]*secret{}} }

type secret struct {
	custom   map[string]any
	versions []*version // the first one is version 1
}

type version struct {
	data      map[string]any
	created   time.Time
	deleted   time.Time // zero: not deleted
	destroyed bool
}

func (e *engine) serve(f *Fake, path string, r request) reply {
	kind, name, _ := strings.Cut(path, "/")
	s := e.secrets[name]
	switch {
	case kind == "data" && r.method == http.MethodGet:
		return s.read(f, r.version)
	case kind == "data" && r.isWrite():
		return e.write(f, name, r.body)
	case kind == "metadata" && r.method == http.MethodGet:
		return s.metadata(f)
	case kind == "metadata" && r.isWrite():
		if s == nil {
			s = &secret{}
			e.secrets[name] = s
		}
		s.custom, _ = r.body["custom_metadata"].(map[string]any)
	case kind == "metadata" && r.method == http.MethodDelete:
		delete(e.secrets, name)
	case kind == "data" && r.method == http.MethodDelete:
		s.each([]any{json.Number(strconv.Itoa(s.newest()))}, func(v *version) { v.deleted = f.now() })
	case kind == "delete" && r.isWrite():
		s.each(r.body["versions"], func(v *version) { v.deleted = f.now() })
	case kind == "undelete" && r.isWrite():
		s.each(r.body["versions"], func(v *version) { v.deleted = time.Time{} })
	case kind == "destroy" && r.isWrite():
		s.each(r.body["versions"], func(v *version) { v.destroyed, v.data = true, nil })
	default:
		return refuse(http.StatusNotFound, "1 error occurred:\n\t* unsupported path\n\n")
	}
	return reply{status: http.StatusNoContent}
}

func (s *secret) newest() int {
	if s == nil {
		return 0
	}
	return len(s.versions)
}

// each calls change for the versions in a JSON list.
func (s *secret) each(list any, change func(*version)) {
	numbers, _ := list.([]any)
	for _, n := range numbers {
		if i := number(n); i >= 1 && i <= s.newest() {
			change(s.versions[i-1])
		}
	}
}

// number returns a JSON value as an int; -1 if it is not a number.
func number(v any) int {
	switch n := v.(type) {
	case float64:
		return int(n)
	case json.Number:
		if i, err := strconv.Atoi(n.String()); err == nil {
			return i
		}
	}
	return -1
}

func (e *engine) write(f *Fake, name string, body map[string]any) reply {
	data, ok := body["data"].(map[string]any)
	if !ok {
		return refuse(http.StatusBadRequest, "no data provided")
	}
	s := e.secrets[name]
	options, _ := body["options"].(map[string]any)
	if cas, ok := options["cas"]; ok && number(cas) != s.newest() {
		return refuse(http.StatusBadRequest, "check-and-set parameter did not match the current version")
	}
	if s == nil {
		s = &secret{}
		e.secrets[name] = s
	}
	s.versions = append(s.versions, &version{data: data, created: f.now()})
	return f.ok("kv", s.versionMetadata(s.newest()))
}

func (s *secret) versionMetadata(n int) map[string]any {
	v := s.versions[n-1]
	meta := v.metadata()
	meta["version"], meta["custom_metadata"] = n, s.customOrNil()
	return meta
}

// customOrNil returns nil, which encodes as null, if there is no custom metadata.
func (s *secret) customOrNil() any {
	if len(s.custom) == 0 {
		return nil
	}
	return s.custom
}

func (v *version) metadata() map[string]any {
	deleted := ""
	if !v.deleted.IsZero() {
		deleted = v.deleted.Format(time.RFC3339Nano)
	}
	return map[string]any{"created_time": v.created.Format(time.RFC3339Nano), "deletion_time": deleted, "destroyed": v.destroyed}
}

func (s *secret) read(f *Fake, wanted string) reply {
	n := s.newest()
	if wanted != "" {
		i, err := strconv.Atoi(wanted)
		if err != nil {
			return refuse(http.StatusBadRequest, "Field validation failed: error converting input for field \"version\"")
		}
		if i > 0 {
			n = i
		}
	}
	if n == 0 || n > s.newest() {
		return refuse(http.StatusNotFound)
	}
	v := s.versions[n-1]
	answer := f.ok("kv", map[string]any{"data": v.data, "metadata": s.versionMetadata(n)})
	if v.destroyed || !v.deleted.IsZero() {
		answer.status, answer.data, answer.mountType = http.StatusNotFound, map[string]any{"data": nil, "metadata": s.versionMetadata(n)}, ""
	}
	return answer
}

func (s *secret) metadata(f *Fake) reply {
	if s == nil {
		return refuse(http.StatusNotFound)
	}
	versions := map[string]any{}
	for i, v := range s.versions {
		meta := v.metadata()
		if f.flavor == Vault {
			meta["created_by"] = map[string]any{"actor": "root", "operation": "create", "client_id": "fake"}
			meta["deleted_by"] = nil
		}
		versions[strconv.Itoa(i+1)] = meta
	}
	return f.ok("kv", map[string]any{
		"cas_required": false, "current_version": s.newest(), "custom_metadata": s.customOrNil(),
		"delete_version_after": "0s", "max_versions": 0, "oldest_version": 0, "versions": versions,
	})
}

// Write adds a version of a secret and returns its number. The engine at mount must exist. It
// is a shortcut for the HTTP API.
func (f *Fake) Write(mount, path string, data map[string]any) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.engines[mount]
	e.write(f, path, map[string]any{"data": data})
	return e.secrets[path].newest()
}
