// Package imkit plays IMKIT's Platform API: today users and the connection
// count.
package imkit

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

const (
	defaultLimit = 50  // documented for GET /admin/clients
	maxLimit     = 100 // documented
	tokenLife    = 7 * 24 * time.Hour
	isoMillis    = "2006-01-02T15:04:05.000Z"
)

type user struct {
	ID         string `json:"_id"`
	Same       string `json:"id"`
	AppID      string `json:"appID"`
	Nickname   string `json:"nickname"`
	AvatarURL  string `json:"avatarUrl,omitempty"`
	IsRobot    bool   `json:"isRobot"`
	Mute       []any  `json:"mute"`
	LastLogin  int64  `json:"lastLoginTimeMS"`
	UpdatedAt  string `json:"updatedAt"`
	Token      string `json:"token,omitempty"` // never in lists
	Expiration string `json:"expirationDate,omitempty"`
}

type app struct {
	env   surface.Env
	mu    sync.Mutex
	users map[string]user
	order []string
}

// New builds the routes.
func New(env surface.Env) []surface.Route {
	a := &app{env: env, users: make(map[string]user)}
	admin := surface.Need{Kinds: surface.Key}
	return []surface.Route{
		{Pattern: "GET /admin/clients", Need: admin, Handle: a.list},
		{Pattern: "POST /admin/clients", Need: admin, Handle: a.create},
		{Pattern: "GET /admin/connection-count", Need: admin, Handle: func(w http.ResponseWriter, _ *surface.Call) {
			ok(w, map[string]int{"count": 0})
		}},
		{Pattern: "GET /me", Handle: a.me},
	}
}

// ok writes the documented envelope.
func ok(w http.ResponseWriter, result any) {
	surface.JSON(w, http.StatusOK, struct {
		RC     int
		RM     string
		Result any `json:"result"`
	}{0, "OK", result})
}

// fail writes the enveloped error, which the resource pages document.
func fail(w http.ResponseWriter, status int, code, message string) {
	surface.JSON(w, status, map[string]any{"RC": status, "RM": http.StatusText(status),
		"error": map[string]string{"code": code, "message": message}})
}

// create is an upsert (the user-management pages; the token pages say 409).
func (a *app) create(w http.ResponseWriter, c *surface.Call) {
	var in struct {
		ID         string     `json:"_id"`
		Nickname   string     `json:"nickname"`
		AvatarURL  string     `json:"avatarUrl"`
		Issue      bool       `json:"issueAccessToken"`
		Token      string     `json:"token"`
		Expiration *time.Time `json:"expirationDate"`
	}
	if err := json.Unmarshal(c.Data, &in); err != nil {
		fail(w, http.StatusBadRequest, "INVALID_BODY", "the body is not valid JSON")
		return
	}
	if in.ID == "" {
		fail(w, http.StatusBadRequest, "MISSING_PARAMETER", "_id is required")
		return
	}
	u := a.put(in.ID, in.Nickname, in.AvatarURL, c.Now)
	var expires time.Time
	switch {
	case in.Issue:
		u.Token, expires = a.env.Tokens.Issue(u.ID, tokenLife)
	case in.Token != "":
		if in.Expiration != nil {
			expires = *in.Expiration
		}
		if err := a.env.Tokens.Assign(u.ID, in.Token, expires); err != nil {
			fail(w, http.StatusConflict, "TOKEN_CONFLICT", "the token is in use")
			return
		}
		u.Token = in.Token
	}
	if !expires.IsZero() {
		u.Expiration = expires.UTC().Format(isoMillis)
	}
	ok(w, u)
}

func (a *app) put(id, nickname, avatar string, now time.Time) user {
	a.mu.Lock()
	defer a.mu.Unlock()
	u, known := a.users[id]
	if !known {
		u = user{ID: id, Same: id, AppID: "LoremFitsum", Mute: []any{}}
		a.order = append(a.order, id)
	}
	if nickname != "" {
		u.Nickname = nickname
	}
	if avatar != "" {
		u.AvatarURL = avatar
	}
	u.UpdatedAt = now.Format(isoMillis)
	a.users[id] = u
	return u
}

func (a *app) list(w http.ResponseWriter, c *surface.Call) {
	q := c.URL.Query()
	limit, good1 := number(q, "limit", defaultLimit)
	skip, good2 := number(q, "skip", 0)
	if !good1 || !good2 {
		fail(w, http.StatusBadRequest, "INVALID_QUERY", "limit and skip must be numbers")
		return
	}
	limit = min(limit, maxLimit)
	a.mu.Lock()
	from := min(skip, len(a.order))
	ids := slices.Clone(a.order[from:min(from+limit, len(a.order))])
	total, data := len(a.order), make([]user, 0, len(ids))
	for _, id := range ids {
		data = append(data, a.users[id])
	}
	a.mu.Unlock()
	ok(w, map[string]any{"totalCount": total, "data": data})
}

func number(q url.Values, name string, otherwise int) (int, bool) {
	if !q.Has(name) {
		return otherwise, true
	}
	n, err := strconv.Atoi(q.Get(name))
	return n, err == nil && n >= 0
}

// me answers for the token's user; a key acts for IM-CLIENT-ID (assumed: the
// key page says a key may call everything, not as whom).
func (a *app) me(w http.ResponseWriter, c *surface.Call) {
	id := c.Caller.User
	if id == "" {
		id = c.Header.Get("IM-CLIENT-ID")
	}
	if id == "" {
		fail(w, http.StatusBadRequest, "MISSING_PARAMETER", "IM-CLIENT-ID header is required")
		return
	}
	a.mu.Lock()
	u, known := a.users[id]
	a.mu.Unlock()
	if !known {
		u = a.put(id, id, "", c.Now)
	}
	ok(w, u)
}
