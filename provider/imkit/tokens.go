package imkit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// Token is a user's token: what IM-Authorization carries.
type Token struct {
	UserID    string                     `json:"_id"`
	Nickname  string                     `json:"nickname,omitempty"`
	AvatarURL string                     `json:"avatarUrl,omitempty"`
	Value     Secret                     `json:"token,omitzero"`
	Expires   time.Time                  `json:"expirationDate,omitzero"` // zero if the vendor told no end
	Issued    bool                       `json:"issueAccessToken,omitempty"`
	UpdatedAt time.Time                  `json:"updatedAt,omitzero"`
	Extra     map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a token and keeps unknown fields.
func (t *Token) UnmarshalJSON(b []byte) error {
	type plain Token
	err := wire.Decode(b, (*plain)(t), &t.Extra)
	t.Extra = sameID(&t.UserID, t.Extra)
	return err
}

// MarshalJSON encodes a token, unknown fields included and the value redacted.
func (t Token) MarshalJSON() ([]byte, error) {
	type plain Token
	return wire.Encode(plain(t), t.Extra)
}

// Revocation says what was revoked.
type Revocation struct {
	Success bool                       `json:"success"`
	Message string                     `json:"message,omitempty"`
	Revoked int                        `json:"revokedTokens"` // number of tokens
	Extra   map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a revocation and keeps unknown fields.
func (r *Revocation) UnmarshalJSON(b []byte) error {
	type plain Revocation
	return wire.Decode(b, (*plain)(r), &r.Extra)
}

// MarshalJSON encodes a revocation, unknown fields included.
func (r Revocation) MarshalJSON() ([]byte, error) {
	type plain Revocation
	return wire.Encode(plain(r), r.Extra)
}

// TokensService manages users' tokens. Pages "Issue Token", "Assign Token", "Update
// Token", "Revoke Token". The vendor prints these answers with and without its envelope:
// both decode to the same.
type TokensService struct{ caller *caller }

// tokenBody is a request with a token, whose value is not redacted on the wire.
type tokenBody struct {
	ID      string    `json:"_id,omitempty"`
	Issue   bool      `json:"issueAccessToken,omitempty"`
	Token   string    `json:"token,omitempty"`
	Expires time.Time `json:"expirationDate,omitzero"`
}

// Issue has the vendor make a new token for a user, who is created if unknown. It lives 7
// days in the vendor's sample; [Token.Expires] says.
func (s *TokensService) Issue(ctx context.Context, user string, opts ...keyfit.CallOption) (Token, error) {
	return s.put(ctx, tokenBody{ID: user, Issue: true}, nil, opts)
}

// Assign gives a user, who is created if unknown, a token of the caller's own making until
// expires. A token of somebody else is a 409, TOKEN_CONFLICT.
func (s *TokensService) Assign(ctx context.Context, user string, token keyfit.Secret, expires time.Time, opts ...keyfit.CallOption) (Token, error) {
	return s.put(ctx, tokenBody{ID: user, Token: token.Reveal(), Expires: expires}, given(token, expires), opts)
}

func (s *TokensService) put(ctx context.Context, body tokenBody, wrong error, opts []keyfit.CallOption) (Token, error) {
	r := request{method: http.MethodPost, template: "/admin/clients", body: body, err: cmp.Or(wire.Require("user", body.ID), wrong)}
	u, err := call[User](ctx, s.caller, r, opts)
	if err != nil {
		return Token{}, err
	}
	// With the envelope the answer is the whole user, without it a part: what both tell.
	return Token{UserID: u.ID, Nickname: u.Nickname, AvatarURL: u.AvatarURL, Value: u.Token, Expires: u.Expires, Issued: body.Issue}, nil
}

func given(token keyfit.Secret, expires time.Time) error {
	switch {
	case token.IsZero():
		return errors.New("the token is empty")
	case expires.IsZero():
		return errors.New("expires is the zero time")
	}
	return nil
}

// Update puts a token of the caller's own making in the place of all tokens of a user,
// until expires.
func (s *TokensService) Update(ctx context.Context, user string, token keyfit.Secret, expires time.Time, opts ...keyfit.CallOption) (Token, error) {
	r := request{
		method: http.MethodPut, template: "/admin/clients/{user}/token", values: []string{user},
		body: tokenBody{Token: token.Reveal(), Expires: expires}, err: given(token, expires),
	}
	return call[Token](ctx, s.caller, r, opts)
}

// Revoke ends one token of a user, for good. One that the user does not have is a 404,
// TOKEN_NOT_FOUND.
func (s *TokensService) Revoke(ctx context.Context, user string, token keyfit.Secret, opts ...keyfit.CallOption) (Revocation, error) {
	r := s.revocation(user)
	if r.body = (tokenBody{Token: token.Reveal()}); token.IsZero() { // the vendor would revoke them all
		r.err = errors.New("the token is empty; see RevokeAll")
	}
	return call[Revocation](ctx, s.caller, r, opts)
}

// RevokeAll ends all tokens of a user, for good.
func (s *TokensService) RevokeAll(ctx context.Context, user string, opts ...keyfit.CallOption) (Revocation, error) {
	return call[Revocation](ctx, s.caller, s.revocation(user), opts)
}

func (s *TokensService) revocation(user string) request {
	return request{method: http.MethodDelete, template: "/admin/clients/{user}/token", values: []string{user}}
}
