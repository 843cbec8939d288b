package imkit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// The vendor's limits. A call that exceeds one returns an error without a request.
const (
	// MaxUsers is the maximum number of users per page of GET /admin/clients (page "List
	// Users").
	MaxUsers = 100
	// MaxBatchUsers is the maximum number of users in a batch (page "Batch Create Users").
	MaxBatchUsers = 100
)

// User is a user of the application.
type User struct {
	ID           string   `json:"_id"`
	AppID        string   `json:"appID,omitempty"`
	Nickname     string   `json:"nickname,omitempty"`
	Email        string   `json:"email,omitempty"`
	Description  string   `json:"description,omitempty"`
	AvatarURL    string   `json:"avatarUrl,omitempty"`
	IsRobot      bool     `json:"isRobot,omitempty"`
	Muted        []string `json:"mute,omitempty"` // IDs of muted rooms
	Address      *Address `json:"address,omitempty"`
	UserAgent    string   `json:"userAgent,omitempty"`
	LastLogin    Millis   `json:"lastLoginTimeMS,omitzero"`
	Notification bool     `json:"notificationEnabled,omitempty"` // only set by GET /me
	// Token and Expires are set in the response to the call that issued the token. Expires
	// is zero if the vendor sent none.
	Token     Secret                     `json:"token,omitzero"`
	Expires   time.Time                  `json:"expirationDate,omitzero"`
	UpdatedAt time.Time                  `json:"updatedAt,omitzero"`
	Version   int                        `json:"__v,omitempty"`
	Extra     map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a user and keeps unknown fields.
func (u *User) UnmarshalJSON(b []byte) error {
	type plain User
	err := wire.Decode(b, (*plain)(u), &u.Extra)
	u.Extra = sameID(&u.ID, u.Extra)
	return err
}

// MarshalJSON encodes a user, unknown fields included and the token redacted.
func (u User) MarshalJSON() ([]byte, error) {
	type plain User
	return wire.Encode(plain(u), u.Extra)
}

// Address is the network address of a user's connection.
type Address struct {
	Address string                     `json:"address,omitempty"`
	Family  string                     `json:"family,omitempty"`
	Port    int                        `json:"port,omitempty"`
	Extra   map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes an address and keeps unknown fields.
func (a *Address) UnmarshalJSON(b []byte) error {
	type plain Address
	return wire.Decode(b, (*plain)(a), &a.Extra)
}

// MarshalJSON encodes an address, unknown fields included.
func (a Address) MarshalJSON() ([]byte, error) {
	type plain Address
	return wire.Encode(plain(a), a.Extra)
}

// UserInput is a user to create or update. An update does not change zero fields.
type UserInput struct {
	ID          string `json:"_id"` // required
	Nickname    string `json:"nickname,omitempty"`
	Email       string `json:"email,omitempty"`
	Description string `json:"description,omitempty"`
	AvatarURL   string `json:"avatarUrl,omitempty"`
	// IssueAccessToken requests a token, which is returned in the response. To assign a
	// token of your own, see [TokensService.Assign].
	IssueAccessToken bool `json:"issueAccessToken,omitempty"`
}

// UserQuery selects users. The zero value selects the first 50.
type UserQuery struct {
	// Filter is a MongoDB query: {"nickname": {"$regex": "^A"}}. Values are encoded as JSON,
	// so that they cannot change the structure of the query. nil selects all users.
	Filter map[string]any
	Limit  int // users per page, at most MaxUsers; 0: the vendor's default, 50
	Skip   int // number of users to skip
}

func (q *UserQuery) values() (url.Values, error) {
	v := url.Values{}
	if q.Filter != nil {
		filter, err := json.Marshal(q.Filter)
		if err != nil {
			return nil, fmt.Errorf("the field Filter cannot be encoded: %w", err)
		}
		v.Set("q", string(filter))
	}
	setNumber(v, "limit", q.Limit)
	setNumber(v, "skip", q.Skip)
	return v, cmp.Or(atMost("Limit", q.Limit, MaxUsers), atMost("Skip", q.Skip, 0))
}

func setNumber(v url.Values, name string, n int) {
	if n != 0 {
		v.Set(name, strconv.Itoa(n))
	}
}

// UsersService manages the application's users. Pages "Create a User", "Batch Create
// Users", "List Users".
type UsersService struct{ caller *caller }

// Create creates a user, or updates an existing one. An ID is required. One page of the
// vendor documents a 409 for an existing user instead, which is [keyfit.ErrConflict].
func (s *UsersService) Create(ctx context.Context, user UserInput, opts ...keyfit.CallOption) (User, error) {
	r := request{method: http.MethodPost, template: "/admin/clients", body: user, err: wire.Require("ID", user.ID)}
	return call[User](ctx, s.caller, r, opts)
}

// CreateBatch creates or updates at most [MaxBatchUsers] users and returns their number. It
// issues no tokens.
func (s *UsersService) CreateBatch(ctx context.Context, users []UserInput, opts ...keyfit.CallOption) (int, error) {
	r := request{method: http.MethodPost, template: "/admin/clients/list", body: map[string]any{"data": users}}
	if r.err = atMost("the number of users", len(users), MaxBatchUsers); len(users) == 0 {
		r.err = errors.New("there are no users")
	}
	for i, u := range users {
		if u.ID == "" {
			r.err = cmp.Or(r.err, fmt.Errorf("users[%d].ID is empty", i))
		}
	}
	out, err := call[counted](ctx, s.caller, r, opts)
	return out.Count, err
}

// counted is the response {"count": n}.
type counted struct {
	Count int `json:"count"`
}

// List reads one page of users. If the page is too large for the vendor, the error is a 413,
// RESULT_TOO_LARGE.
func (s *UsersService) List(ctx context.Context, q UserQuery, opts ...keyfit.CallOption) (Page[User], error) {
	r := request{method: http.MethodGet, template: "/admin/clients"}
	r.query, r.err = q.values()
	return call[Page[User]](ctx, s.caller, r, opts)
}

// All iterates over all selected users, starting at Skip.
func (s *UsersService) All(ctx context.Context, q UserQuery, opts ...keyfit.CallOption) iter.Seq2[User, error] {
	return bySkip("/admin/clients", q.Skip, func(u User) string { return u.ID }, func(skip int) (Page[User], error) {
		q := q
		q.Skip = skip
		return s.List(ctx, q, opts...)
	})
}

// MeService reads the calling user. Page "Get a User".
type MeService struct{ caller *caller }

// Get returns the calling user.
func (s *MeService) Get(ctx context.Context, opts ...keyfit.CallOption) (User, error) {
	return call[User](ctx, s.caller, request{method: http.MethodGet, template: "/me"}, opts)
}
