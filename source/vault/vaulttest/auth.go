package vaulttest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

type token struct {
	policies []string
	ends     time.Time // zero: never
}

// policy maps a path, which may end in *, to the allowed capabilities.
type policy map[string][]string

// parsePolicy parses a policy in JSON, which both servers accept besides HCL.
func parsePolicy(raw string) (policy, bool) {
	var doc struct {
		Path map[string]struct {
			Capabilities []string `json:"capabilities"`
		} `json:"path"`
	}
	if json.Unmarshal([]byte(raw), &doc) != nil {
		return nil, false
	}
	p := policy{}
	for path, rule := range doc.Path {
		p[path] = rule.Capabilities
	}
	return p, true
}

func (p policy) allows(path, capability string) bool {
	for rule, capabilities := range p {
		prefix, glob := strings.CutSuffix(rule, "*")
		if (rule == path || glob && strings.HasPrefix(path, prefix)) && slices.Contains(capabilities, capability) {
			return true
		}
	}
	return false
}

// authorize returns the refusal of a request, or nil.
func (f *Fake) authorize(r request) *reply {
	t, known := f.tokens[r.token]
	if known && !t.ends.IsZero() && !f.now().Before(t.ends) {
		delete(f.tokens, r.token)
		known = false
	}
	var refused reply
	switch {
	case r.token == "" || !known && f.flavor == OpenBao:
		refused = refuse(http.StatusForbidden, "permission denied")
	case !known:
		refused = refuse(http.StatusForbidden, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
	case !f.may(t, r):
		refused = refuse(http.StatusForbidden, "1 error occurred:\n\t* permission denied\n\n")
	default:
		return nil
	}
	return &refused
}

func (f *Fake) may(t *token, r request) bool {
	capability := map[string]string{http.MethodGet: "read", http.MethodDelete: "delete"}[r.method]
	if capability == "" {
		capability = "update"
	}
	for _, name := range t.policies {
		if name == "root" || f.policies[name].allows(r.path, capability) || name == "default" && strings.HasPrefix(r.path, "auth/token/lookup-self") {
			return true
		}
	}
	return false
}

// role is an AppRole role.
type role struct {
	id, secretID string
	ttl          time.Duration
	policies     []string
}

func (f *Fake) login(mount string, body map[string]any) reply {
	if !f.methods[mount] {
		return refuse(http.StatusForbidden, "permission denied")
	}
	if text(body["secret_id"]) == "" {
		return refuse(http.StatusBadRequest, "missing secret_id")
	}
	for name, r := range f.roles {
		if strings.HasPrefix(name, mount+"/") && r.id == text(body["role_id"]) && r.secretID == text(body["secret_id"]) {
			return f.issue(r)
		}
	}
	return refuse(http.StatusBadRequest, "invalid role or secret ID")
}

func (f *Fake) issue(r *role) reply {
	value, t := "hvs."+random(24), &token{policies: append([]string{"default"}, r.policies...)}
	if r.ttl > 0 {
		t.ends = f.now().Add(r.ttl)
	}
	f.tokens[value] = t
	return reply{status: http.StatusOK, auth: map[string]any{
		"client_token": value, "accessor": random(24), "policies": t.policies, "token_policies": t.policies,
		"lease_duration": int(r.ttl.Seconds()), "renewable": true, "token_type": "service", "orphan": true,
	}}
}

// authPath serves the paths below auth/ except the login.
func (f *Fake) authPath(path string, r request) reply {
	switch {
	case path == "token/lookup-self" && r.method == http.MethodGet:
		return f.ok("token", map[string]any{"id": r.token, "policies": f.tokens[r.token].policies})
	case path == "token/revoke" && r.isWrite():
		delete(f.tokens, text(r.body["token"]))
		return reply{status: http.StatusNoContent}
	}
	mount, name, ok := strings.Cut(path, "/role/")
	if !ok || !f.methods[mount] {
		return noHandler(r.path)
	}
	name, leaf, _ := strings.Cut(name, "/")
	have := f.roles[mount+"/"+name]
	switch {
	case leaf == "" && r.isWrite():
		ttl, err := time.ParseDuration(text(r.body["token_ttl"]))
		if err != nil {
			ttl = 0
		}
		made := &role{id: random(16), secretID: random(16), ttl: ttl}
		for p := range strings.SplitSeq(text(r.body["token_policies"]), ",") {
			made.policies = append(made.policies, strings.TrimSpace(p))
		}
		f.roles[mount+"/"+name] = made
		return reply{status: http.StatusNoContent}
	case have == nil:
		return refuse(http.StatusNotFound)
	case leaf == "role-id":
		return f.ok("approle", map[string]any{"role_id": have.id})
	case leaf == "secret-id" && r.isWrite():
		have.secretID = random(16)
		return f.ok("approle", map[string]any{"secret_id": have.secretID, "secret_id_num_uses": 0, "secret_id_ttl": 0})
	}
	return refuse(http.StatusNotFound)
}

// Role holds the credentials with which a program logs in.
type Role struct{ RoleID, SecretID string }

// NewRole creates a role of the AppRole method at mount. Its tokens have the lifetime ttl
// ("20m"; "" means unlimited) and a policy in JSON. It is a shortcut for the HTTP API.
func (f *Fake) NewRole(mount, name, ttl, policyJSON string) Role {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.methods[mount] = true
	f.policies[mount+"-"+name], _ = parsePolicy(policyJSON)
	life, err := time.ParseDuration(ttl)
	if err != nil {
		life = 0
	}
	made := &role{id: random(16), secretID: random(16), ttl: life, policies: []string{mount + "-" + name}}
	f.roles[mount+"/"+name] = made
	return Role{made.id, made.secretID}
}

// Knows reports whether a token is currently valid.
func (f *Fake) Knows(token string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.tokens[token]
	return ok && (t.ends.IsZero() || f.now().Before(t.ends))
}
