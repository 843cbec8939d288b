// Package iiniit calls the iiniit API. The vendor documents how a request is
// authenticated and no resource at all, so this package has the three carriers of a
// credential, OAuth 2.0, and generic calls; it invents no endpoint.
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
// [NewQuery] sends ?api_key=<key> in place of the header, for places where no header can
// be set. A URL is written into logs on the way: prefer the header. [Path] fills a path
// with values of any content.
//
// # On behalf of a user
//
// An [App] is what the Developer Portal registered. The user's browser is sent to
// [Login.URL]; what comes back to the redirect URI goes to [App.Exchange], which checks
// the state and redeems the code with the PKCE verifier (RFC 7636, S256):
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
// The vendor's pages name the authorization code flow only; whether an app may use client
// credentials (RFC 6749, section 4.4) or refresh (section 6) is the server's to say.
//
// # The life of a token
//
// [Tokens] is a [keyfit.Source], so the client's keyring does with a token what it does
// with a key. Within [RefreshAhead] of its end the next [Get] or [Send] fetches the next
// one first, once for all callers. A token that the server revoked (401 invalid_token) is
// dropped, one other is fetched, and the call is sent again with that, once. Raw calls
// through [Client.Keyfit] have the second; for the first run its Keys().Watch. A refresh
// token that the server changes is kept and handed to [OnRefresh]. When there is nothing
// left to refresh with, the error is [ErrLoginAgain].
//
// Tokens, secrets, state and verifier are [keyfit.Secret] and do not print.
package iiniit
