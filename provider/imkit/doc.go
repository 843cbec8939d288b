// Package imkit is a typed client for IMKIT's Platform API, as documented at
// https://docs.imkit.io/en/: users, tokens, groups, rooms, members, messages, bans, blocks,
// mutes, badges, search, settings, push and statistics.
//
// # Two credentials, two clients
//
// A program with the API key acts as the platform's administrator. [New] reads the key from
// IMKIT_API_KEY or .env:
//
//	admin, err := imkit.New("your-app") // https://your-app.imkit.io
//	user, err := admin.Users.Create(ctx, imkit.UserInput{ID: "user001", Nickname: "Alice"})
//	token, err := admin.Tokens.Issue(ctx, "user001")
//
// A program with the client key and a user's token acts as that user. [NewUser] reads them
// from IMKIT_CLIENT_KEY and IMKIT_USER_TOKEN:
//
//	alice, err := imkit.NewUser("your-app", "user001")
//	for room, err := range alice.Rooms.All(ctx, imkit.RoomQuery{}) { … }
//
// A [UserClient] has no methods for what a user's pair may not do (create users, manage
// tokens, send batches, change settings: page "Client Key"). The API key may call everything
// (page "API Key"); [Client.As] returns the calls that act on behalf of a user:
//
//	me, err := admin.As("user001").Me.Get(ctx)
//
// # Responses
//
// The client removes the vendor's envelope {RC, RM, result}; responses of the token pages,
// which have none, decode to the same values. A room's members and a message's sender are
// IDs in some responses and objects in others; they always decode to a [Person], in which at
// least the ID is set. Times are of type [time.Time], or [Millis] where the vendor sends
// milliseconds. Unknown members of a record are kept in Extra and written when the record is
// encoded. A token is a [Secret] and prints as [redacted].
//
// # Lists
//
// List reads one page. All iterates over all items, page by page, and ends with the first
// error. Messages are in descending order of time.
//
// # Errors
//
// Invalid arguments (an empty ID, a limit above the documented maximum) return an error
// without a request. Both error shapes of the vendor decode to the types of package keyfit,
// with the vendor's code in APIError.Code:
//
//	api, ok := errors.AsType[*keyfit.APIError](err)
//	if ok && api.Code == "ROOM_NOT_FOUND" { … }
//	if errors.Is(err, keyfit.ErrNotFound) { … } // or by class
//
// The client respects the limit of 1000 requests per minute and API key.
package imkit
