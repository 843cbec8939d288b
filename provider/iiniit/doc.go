// Package iiniit calls the iiniit API. The vendor documents how requests are authenticated
// but no resources. This package therefore supports the three ways to send a credential,
// OAuth 2.0, and generic calls; it invents no endpoints.
//
// Source: www.iiniit.com, "Authentication methods for the iiniit API",
// https://www.iiniit.com/support/view/authentication-methods-for-the-iiniit-api, and
// https://www.iiniit.com/developers/docs/oauth2/authentication.
//
// # With an API key
//
//	c, err := iiniit.New()                                     // key: IINIIT_API_KEY, then .env
//	thing, err := iiniit.Get[Thing](ctx, c, "/resource")       // Authorization: ApiKey <key>
//	made, err := iiniit.Send[Thing](ctx, c, "POST", "/resource", Thing{Name: "Lorem"})
//
// [NewQuery] sends ?api_key=<key> instead of the header, for environments that cannot set
// headers. Prefer the header, because proxies and servers log URLs. [Path] inserts values
// with any content into a path, and [Call] names the operation by the template too.
//
// # On behalf of a user
//
// An [App] describes an application registered in the Developer Portal. Send the user's
// browser to [Login.URL]. Pass the query of the request to the redirect URI to
// [App.Exchange], which checks the state and exchanges the code with the PKCE verifier
// (RFC 7636, S256):
//
//	login, err := app.Login()                                  // keep it in the user's session
//	http.Redirect(w, r, login.URL, http.StatusFound)
//
//	token, err := app.Exchange(ctx, login, r.URL.Query())      // in the handler of the redirect URI
//	tokens, err := app.Tokens(token, iiniit.OnRefresh(save))
//	c, err := iiniit.NewOAuth(tokens)                          // Authorization: Bearer <token>
//
// # As the program itself
//
//	tokens, err := app.ClientCredentials()
//	c, err := iiniit.NewOAuth(tokens)
//
// The vendor's pages document only the authorization code flow; the server decides whether
// an app may use client credentials (RFC 6749, section 4.4) or refresh tokens (section 6).
//
// # Token lifetime
//
// [Tokens] is a [keyfit.Source], so the client's keyring treats tokens like keys. If a
// token expires within [RefreshAhead], the next [Get] or [Send] first fetches a new one,
// once for all callers. If the server has revoked a token (401 invalid_token), the client
// fetches a new one and sends the call once more. Untyped calls through [Client.Keyfit]
// also do the latter; for the former, run its Keys().Watch. If the server issues a new
// refresh token, the client uses it and passes it to [OnRefresh]. If no new token is
// available, the error is [ErrLoginAgain]. A token that is refused before it has worked once
// is kept for the time of [RefusalPause]: the error wraps a [*RefreshPausedError] then.
//
// [Tokens.Revoke] ends the grant at the server, for a user who logs out, and
// [Tokens.Introspect] asks what the server says about the token. Both need a URL that the
// vendor does not document: [App.RevokeURL] and [App.IntrospectURL].
//
// Tokens, secrets, state and verifier are of type [keyfit.Secret] and are never printed.
package iiniit
