package imkit

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

const (
	defaultUsers = 50      // page "List Users"
	maxUsers     = 100     // same page; higher limits are reduced to it
	maxUserBytes = 1 << 20 // of one response; more is RESULT_TOO_LARGE
)

// user is what the vendor calls a client.
type user struct {
	id, nickname, email, avatar, description string
	muted                                    []string // never modified in place
	created, updated                         time.Time
}

func (u *user) size() int {
	n := sizeOf(u.id, u.nickname, u.email, u.avatar, u.description)
	for _, m := range u.muted {
		n += len(m) + 16
	}
	return n
}

// userView is a user in a response. It omits address and userAgent, which belong
// to a socket connection.
type userView struct {
	ID            string   `json:"_id"`
	V             int      `json:"__v"`
	AppID         string   `json:"appID"`
	Nickname      string   `json:"nickname,omitempty"`
	Email         string   `json:"email,omitempty"`
	Description   string   `json:"description,omitempty"`
	AvatarURL     string   `json:"avatarUrl,omitempty"`
	UpdatedAt     string   `json:"updatedAt"`
	IsRobot       bool     `json:"isRobot"`
	Mute          []string `json:"mute"`
	Same          string   `json:"id"`
	LastLogin     int64    `json:"lastLoginTimeMS"`
	Notifications bool     `json:"notificationEnabled,omitempty"` // only on GET /me
	Token         string   `json:"token,omitempty"`               // set if the operation issued or assigned one
	Expiration    string   `json:"expirationDate,omitempty"`
}

func (u *user) view() userView {
	return userView{
		ID: u.id, AppID: appID, Nickname: u.nickname, Email: u.email, Description: u.description,
		AvatarURL: u.avatar, UpdatedAt: iso(u.updated), Mute: append([]string{}, u.muted...), Same: u.id,
	}
}

// userInput holds the documented members of a user. A missing member keeps the
// value of an existing user.
type userInput struct {
	ID          *string `json:"_id"`
	Nickname    *string `json:"nickname"`
	Email       *string `json:"email"`
	Description *string `json:"description"`
	AvatarURL   *string `json:"avatarUrl"`
}

// upsertUser creates or updates a user.
func (a *app) upsertUser(in *userInput, now time.Time) (*user, error) {
	next := user{id: *in.ID, created: now}
	old, known := a.users[next.id]
	before := 0
	if known {
		next, before = *old, old.size()
	}
	setIfGiven(&next.nickname, in.Nickname)
	setIfGiven(&next.email, in.Email)
	setIfGiven(&next.description, in.Description)
	setIfGiven(&next.avatar, in.AvatarURL)
	next.updated = now
	if err := a.reserve(next.size() - before); err != nil {
		return nil, err
	}
	a.effects.changed = true // a GET can create the user of a token, and a failed operation can have created users
	if !known {
		a.userOrder = append(a.userOrder, next.id)
	}
	a.users[next.id] = &next
	return &next, nil
}

// ensureUser creates a user that no operation has created: the user of a token, or
// the sender of a batch.
func (a *app) ensureUser(id string, now time.Time) error {
	if id == "" || a.users[id] != nil {
		return nil
	}
	_, err := a.upsertUser(&userInput{ID: &id, Nickname: &id}, now)
	return err
}

// newUser is a user with an optional token, which the vendor issues or the
// request contains.
type newUser struct {
	userInput
	Issue      bool    `json:"issueAccessToken"`
	Token      *string `json:"token"`
	Expiration *string `json:"expirationDate"`
}

// createUser creates or updates a user, as the user-management pages document. The
// token pages document a 409, which the variant UserConflict selects.
func (a *app) createUser(c *surface.Call) (any, error) {
	var in newUser
	if err := decode(c, &in, invalidRequest); err != nil {
		return nil, err
	}
	if in.ID == nil || *in.ID == "" {
		return nil, invalidRequest("Missing required field: _id")
	}
	if !validID(*in.ID) {
		return nil, invalidRequest("Invalid _id format")
	}
	if _, known := a.users[*in.ID]; known && c.Variants&surface.UserConflict != 0 {
		return nil, &apiError{http.StatusConflict, "Conflict", "USER_EXISTS", "User with _id '" + *in.ID + "' already exists", true}
	}
	token, expires, err := a.assignNew(&in)
	if err != nil {
		return nil, err
	}
	u, err := a.upsertUser(&in.userInput, c.Now)
	if err != nil {
		if token != "" { // "" would revoke all of them
			a.tokens().Revoke(*in.ID, token)
		}
		return nil, err
	}
	view := u.view()
	if view.Token = token; in.Issue {
		view.Token, expires = a.tokens().Issue(u.id, tokenLife)
	}
	if !expires.IsZero() {
		view.Expiration = iso(expires)
	}
	if view.Token != "" && c.Variants&surface.BareTokens != 0 {
		return rawResult{bareToken(u, in.Issue, view.Token, view.Expiration)}, nil
	}
	return view, nil
}

// assignNew assigns the token in the request, if there is one, to the user.
func (a *app) assignNew(in *newUser) (string, time.Time, error) {
	if in.Issue || in.Token == nil || *in.Token == "" {
		return "", time.Time{}, nil
	}
	expires, err := tokenExpiry(*in.Token, in.Expiration, false)
	if err != nil {
		return "", expires, err
	}
	if a.tokens().Assign(*in.ID, *in.Token, expires) != nil {
		return "", expires, tokenConflict()
	}
	return *in.Token, expires, nil
}

// createUsers creates or updates several users without tokens.
func (a *app) createUsers(c *surface.Call) (any, error) {
	var in struct {
		Data *[]userInput `json:"data"`
	}
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	if in.Data == nil {
		return nil, missing("data")
	}
	for i := range *in.Data {
		switch id := (*in.Data)[i].ID; {
		case id == nil || *id == "":
			return nil, missing("_id")
		case !validID(*id):
			return nil, invalidBody("_id is not valid")
		}
	}
	for i := range *in.Data {
		if _, err := a.upsertUser(&(*in.Data)[i], c.Now); err != nil {
			return nil, err
		}
	}
	return map[string]int{"count": len(*in.Data)}, nil
}

func (a *app) listUsers(c *surface.Call) (any, error) {
	q := c.URL.Query()
	limit, err := number(q, "limit", defaultUsers, 1)
	if err != nil {
		return nil, err
	}
	skip, err := number(q, "skip", 0, 0)
	if err != nil {
		return nil, err
	}
	var match filter
	if q.Get("q") != "" {
		if match, err = parseFilter(q.Get("q")); err != nil {
			return nil, invalidQuery("MongoDB query syntax error")
		}
	}
	total, size := 0, 0
	limit = min(limit, maxUsers)
	data := []userView{}
	for _, id := range a.userOrder {
		u := a.users[id]
		if match != nil && !match(u.document()) {
			continue
		}
		total++
		if total > skip && len(data) < limit {
			data = append(data, u.view())
			size += u.size()
		}
	}
	if size > maxUserBytes {
		return nil, refused(http.StatusRequestEntityTooLarge, "Query result too large", "RESULT_TOO_LARGE",
			"Please use more specific query or smaller limit")
	}
	return struct {
		Total int        `json:"totalCount"`
		Data  []userView `json:"data"`
	}{total, data}, nil
}

// document returns the user as a document for queries. createdAt is not in any
// response, but the page list-users queries it.
func (u *user) document() map[string]any {
	doc := map[string]any{
		"_id": u.id, "id": u.id, "__v": 0.0, "appID": appID, "isRobot": false,
		"lastLoginTimeMS": 0.0, "createdAt": u.created, "updatedAt": u.updated, "mute": u.muted,
	}
	for name, value := range map[string]string{"nickname": u.nickname, "email": u.email, "description": u.description, "avatarUrl": u.avatar} {
		if value != "" {
			doc[name] = value
		}
	}
	return doc
}

func (a *app) me(c *surface.Call) (any, error) {
	u, err := a.caller(c)
	if err != nil {
		return nil, err
	}
	view := u.view()
	view.Notifications = true
	return view, nil
}

// The mute operations change the list of rooms that a user has muted.

func (a *app) muteClient(c *surface.Call) (any, error)   { return a.setMuteOf(c, true) }
func (a *app) unmuteClient(c *surface.Call) (any, error) { return a.setMuteOf(c, false) }

func (a *app) setMuteOf(c *surface.Call, mute bool) (any, error) {
	u := a.users[c.PathValue("uid")]
	if u == nil {
		return nil, clientNotFound()
	}
	return a.setMute(u, c, mute)
}

func (a *app) muteMe(c *surface.Call) (any, error)   { return a.setMyMute(c, true) }
func (a *app) unmuteMe(c *surface.Call) (any, error) { return a.setMyMute(c, false) }

func (a *app) setMyMute(c *surface.Call, mute bool) (any, error) {
	u, err := a.caller(c)
	if err != nil {
		return nil, err
	}
	return a.setMute(u, c, mute)
}

func (a *app) setMute(u *user, c *surface.Call, mute bool) (any, error) {
	id := c.PathValue("room")
	if a.rooms[id] == nil {
		return nil, roomNotFound()
	}
	at := slices.Index(u.muted, id)
	next := *u
	switch {
	case mute && at < 0:
		next.muted = append(slices.Clone(u.muted), strings.Clone(id))
	case !mute && at < 0:
		return nil, refused(http.StatusBadRequest, "Room is not muted", "ROOM_NOT_MUTED", "The specified room is not in the mute list")
	case !mute:
		next.muted = slices.Delete(slices.Clone(u.muted), at, at+1)
	}
	next.updated = c.Now
	if err := a.reserve(next.size() - u.size()); err != nil {
		return nil, err
	}
	a.users[u.id] = &next
	return next.view(), nil
}
