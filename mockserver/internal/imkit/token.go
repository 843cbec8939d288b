package imkit

import (
	"net/http"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// tokenLife is the lifetime of an issued token: 7 days in the vendor's sample.
const tokenLife = 7 * 24 * time.Hour

func tokenConflict() *apiError {
	return &apiError{http.StatusConflict, "Conflict", "TOKEN_CONFLICT", "Token already exists for another client", true}
}

func tokenClientNotFound(id string) *apiError {
	return &apiError{http.StatusNotFound, "Not Found", "CLIENT_NOT_FOUND", "Client with id '" + id + "' not found", true}
}

// tokenResult is a token in a response without the envelope, as on the token pages.
type tokenResult struct {
	ID         string `json:"_id"`
	Nickname   string `json:"nickname,omitempty"`
	AvatarURL  string `json:"avatarUrl,omitempty"`
	Issue      bool   `json:"issueAccessToken"`
	Token      string `json:"token"`
	Expiration string `json:"expirationDate,omitempty"`
	UpdatedAt  string `json:"updatedAt,omitempty"`
}

func bareToken(u *user, issued bool, token, expiration string) tokenResult {
	return tokenResult{ID: u.id, Nickname: u.nickname, AvatarURL: u.avatar, Issue: issued, Token: token, Expiration: expiration}
}

// tokenExpiry checks an assigned token and parses its expiry. It returns the zero
// time, which means no expiry, if the expiry is missing and not required.
func tokenExpiry(token string, expiration *string, required bool) (time.Time, error) {
	if len(token) > maxToken {
		return time.Time{}, invalidRequest("Invalid token format")
	}
	if expiration == nil {
		if required {
			return time.Time{}, invalidRequest("Missing required field: expirationDate")
		}
		return time.Time{}, nil
	}
	t, ok := parseTime(*expiration, false)
	if !ok {
		return time.Time{}, invalidRequest("Invalid expirationDate format")
	}
	return t, nil
}

// tokenAnswer omits the envelope, as on the token pages, unless the profile
// selects the envelope.
func tokenAnswer(c *surface.Call, v any) any {
	if c.Variants&surface.EnvelopedTokens != 0 {
		return v
	}
	return rawResult{v}
}

// updateToken replaces the user's tokens by the given one: "the old token will be
// invalidated". The given token may already belong to the user; it then gets the
// new expiry.
func (a *app) updateToken(c *surface.Call) (any, error) {
	var in struct {
		Token      *string `json:"token"`
		Expiration *string `json:"expirationDate"`
	}
	if err := decode(c, &in, invalidRequest); err != nil {
		return nil, err
	}
	if in.Token == nil || *in.Token == "" {
		return nil, invalidRequest("Missing required field: token")
	}
	expires, err := tokenExpiry(*in.Token, in.Expiration, true)
	if err != nil {
		return nil, err
	}
	id := c.PathValue("id")
	u := a.users[id]
	if u == nil {
		return nil, tokenClientNotFound(id)
	}
	if a.tokens().Replace(id, *in.Token, expires) != nil {
		return nil, tokenConflict()
	}
	next := *u
	next.updated = c.Now
	a.users[id] = &next
	out := bareToken(&next, false, *in.Token, iso(expires))
	out.UpdatedAt = iso(c.Now)
	return tokenAnswer(c, out), nil
}

// revokeToken revokes one token or all tokens of a user.
func (a *app) revokeToken(c *surface.Call) (any, error) {
	var in struct {
		Token *string `json:"token"`
	}
	if len(c.Data) > 0 { // no body means all tokens
		if err := decode(c, &in, invalidRequest); err != nil {
			return nil, err
		}
	}
	id := c.PathValue("id")
	if !validID(id) {
		return nil, invalidRequest("Invalid client_id format")
	}
	token, subject := "", "All tokens"
	if in.Token != nil && *in.Token != "" {
		token, subject = *in.Token, "Token"
	}
	n := a.tokens().Revoke(id, token)
	switch {
	case n == 0 && a.users[id] == nil:
		return nil, tokenClientNotFound(id)
	case n == 0 && token != "":
		return nil, &apiError{http.StatusNotFound, "Not Found", "TOKEN_NOT_FOUND", "Specified token not found for this client", true}
	}
	return tokenAnswer(c, struct {
		Success bool   `json:"success"`
		Message string `json:"message"`
		Revoked int    `json:"revokedTokens"`
	}{true, subject + " revoked successfully", n}), nil
}
