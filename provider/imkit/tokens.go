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

// Token is a user's token, which is sent in IM-Authorization.
type Token struct {
	UserID    string                     `json:"_id"`
	Nickname  string                     `json:"nickname,omitempty"`
	AvatarURL string                     `json:"avatarUrl,omitempty"`
	Value     Secret                     `json:"token,omitzero"`
	Expires   time.Time                  `json:"expirationDate,omitzero"` // zero if the vendor sent none
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

// Revocation is the result of revoking tokens.
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

// TokensService manages users' tokens. The vendor's pages show responses with and without the
// envelope; both decode to the same values. Pages "Issue Token", "Assign Token", "Update
// Token", "Revoke Token".
type TokensService struct{ caller *caller }

// tokenBody is a request body with a token, which must not be redacted.
type tokenBody struct {
	ID      string    `json:"_id,omitempty"`
	Issue   bool      `json:"issueAccessToken,omitempty"`
	Token   string    `json:"token,omitempty"`
	Expires time.Time `json:"expirationDate,omitzero"`
}

// Issue requests a new token for a user, who is created if unknown. [Token.Expires] is its
// expiry; it is valid for 7 days in the vendor's sample.
func (s *TokensService) Issue(ctx context.Context, user string, opts ...keyfit.CallOption) (Token, error) {
	return s.put(ctx, tokenBody{ID: user, Issue: true}, nil, opts)
}

// Assign assigns a token chosen by the caller to a user, who is created if unknown. The token
// is valid until expires. If it belongs to another user, the error is a 409, TOKEN_CONFLICT.
func (s *TokensService) Assign(ctx context.Context, user string, token keyfit.Secret, expires time.Time, opts ...keyfit.CallOption) (Token, error) {
	return s.put(ctx, tokenBody{ID: user, Token: token.Reveal(), Expires: expires}, given(token, expires), opts)
}

func (s *TokensService) put(ctx context.Context, body tokenBody, wrong error, opts []keyfit.CallOption) (Token, error) {
	r := request{method: http.MethodPost, template: "/admin/clients", body: body, secret: body.Token, err: cmp.Or(wire.Require("user", body.ID), wrong)}
	u, err := call[User](ctx, s.caller, r, opts)
	if err != nil {
		return Token{}, err
	}
	// The response is the whole user with the envelope and a part without it; use the
	// common part.
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

// Update replaces all tokens of a user by a token chosen by the caller, which is valid until
// expires.
func (s *TokensService) Update(ctx context.Context, user string, token keyfit.Secret, expires time.Time, opts ...keyfit.CallOption) (Token, error) {
	r := request{
		method: http.MethodPut, template: "/admin/clients/{user}/token", values: []string{user},
		body: tokenBody{Token: token.Reveal(), Expires: expires}, secret: token.Reveal(), err: given(token, expires),
	}
	return call[Token](ctx, s.caller, r, opts)
}

// Revoke revokes one token of a user permanently. If the user does not have the token, the
// error is a 404, TOKEN_NOT_FOUND.
func (s *TokensService) Revoke(ctx context.Context, user string, token keyfit.Secret, opts ...keyfit.CallOption) (Revocation, error) {
	r := s.revocation(user)
	r.secret = token.Reveal()
	if r.body = (tokenBody{Token: token.Reveal()}); token.IsZero() { // the vendor would revoke all tokens
		r.err = errors.New("the token is empty; see RevokeAll")
	}
	return call[Revocation](ctx, s.caller, r, opts)
}

// RevokeAll revokes all tokens of a user permanently.
func (s *TokensService) RevokeAll(ctx context.Context, user string, opts ...keyfit.CallOption) (Revocation, error) {
	return call[Revocation](ctx, s.caller, s.revocation(user), opts)
}

func (s *TokensService) revocation(user string) request {
	return request{method: http.MethodDelete, template: "/admin/clients/{user}/token", values: []string{user}}
}
