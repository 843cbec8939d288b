// Package imkit is the typed client of IMKIT's Platform API, as https://docs.imkit.io/en/
// documents it: users, tokens, groups, rooms, members, messages, bans, blocks, mutes,
// badges, search, settings, push and statistics.
//
// # Two credentials, two clients
//
// The API key makes a program the platform's administrator. [New] takes it from
// IMKIT_API_KEY, or from .env:
//
//	admin, err := imkit.New("your-app") // https://your-app.imkit.io
//	user, err := admin.Users.Create(ctx, imkit.UserInput{ID: "user001", Nickname: "Alice"})
//	token, err := admin.Tokens.Issue(ctx, "user001")
//
// The client key and a user's token, together, act as that user. [NewUser] takes them
// from IMKIT_CLIENT_KEY and IMKIT_USER_TOKEN:
//
//	alice, err := imkit.NewUser("your-app", "user001")
//	for room, err := range alice.Rooms.All(ctx, imkit.RoomQuery{}) { … }
//
// What a user's pair may not do (create users, manage tokens, send batches, change
// settings: page "Client Key") is not there on a [UserClient]: it does not compile. The
// API key may call everything (page "API Key"); what needs a user to be meant is reached
// by [Client.As]:
//
//	me, err := admin.As("user001").Me.Get(ctx)
//
// # Answers
//
// The vendor's envelope {RC, RM, result} is taken off; token pages, which print their
// answers without it, decode to the same values. A room's members and a message's sender
// are IDs in some answers and objects in others: here they are a [Person] always, with
// the ID set at least. Times are [time.Time] or, where the vendor writes milliseconds,
// [Millis]. What a record has no field for is in its Extra and is written again when the
// record is encoded. A token is a [Secret] and prints as [redacted].
//
// # Lists
//
// List reads one page; All ranges over everything, a page at a time, and ends with the
// first error. Messages come newest first.
//
// # Errors
//
// Arguments that cannot be right (an empty ID, a limit above the documented one) are
// refused before anything is sent. Both error shapes of the vendor decode to the types of
// package keyfit, with the vendor's code in APIError.Code:
//
//	api, ok := errors.AsType[*keyfit.APIError](err)
//	if ok && api.Code == "ROOM_NOT_FOUND" { … }
//	if errors.Is(err, keyfit.ErrNotFound) { … } // or by class
//
// A limit of 1000 requests a minute per API key is kept by the client itself.
package imkit
