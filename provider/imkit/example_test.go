package imkit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/imkit"
)

// startMock starts a mock of IMKIT and sets the environment variables for its key and URL.
func startMock() *mockserver.Server {
	srv, err := mockserver.Start(context.Background(), mockserver.WithSeed(1), mockserver.WithoutSampleData(), mockserver.WithFrozenClock(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
	if err != nil {
		panic(err)
	}
	_ = os.Setenv("IMKIT_BASE_URL", srv.BaseURL(mockserver.IMKIT))
	_ = os.Setenv("IMKIT_API_KEY", srv.Keys().Issue(mockserver.IMKIT).Secret.Reveal())
	return srv
}

func Example() {
	srv := startMock()
	defer srv.Close()
	ctx := context.Background()

	admin, err := imkit.New("your-app") // key: IMKIT_API_KEY, then .env
	if err != nil {
		fmt.Println(err)
		return
	}
	user, err := admin.Users.Create(ctx, imkit.UserInput{ID: "user001", Nickname: "Alice"})
	fmt.Println(user.ID, user.Nickname, err)
	_, err = admin.Users.Create(ctx, imkit.UserInput{ID: "user002", Nickname: "Bob"})
	fmt.Println(err)
	room, err := admin.Rooms.Create(ctx, imkit.RoomInput{ID: "team", Members: []string{"user001", "user002"}})
	fmt.Println(room.MemberIDs(), err)
	message, err := admin.Messages.Send(ctx, imkit.MessageInput{Room: "team", Sender: "user001", Type: "text", Body: "Hello"})
	fmt.Println(message.Sender.ID, message.Text(), err)
	// Output:
	// user001 Alice <nil>
	// <nil>
	// [user001 user002] <nil>
	// user001 Hello <nil>
}

// The administrator issues a token for a user, whose program calls with it and the client key.
func ExampleNewUser() {
	srv := startMock()
	defer srv.Close()
	ctx := context.Background()
	admin, err := imkit.New("your-app")
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := admin.Tokens.Issue(ctx, "user001")
	fmt.Println(token.UserID, token.Value, token.Expires.Format(time.DateOnly), err)

	// The user's program has the pair in IMKIT_CLIENT_KEY and IMKIT_USER_TOKEN.
	clientKey := srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("somebody")).Secret.Reveal()
	_ = os.Setenv("IMKIT_CLIENT_KEY", clientKey)
	_ = os.Setenv("IMKIT_USER_TOKEN", token.Value.Reveal())
	user, err := imkit.NewUser("your-app", "user001")
	if err != nil {
		fmt.Println(err)
		return
	}
	me, err := user.Me.Get(ctx)
	fmt.Println(me.ID, err)
	// Output:
	// user001 [redacted] 2030-01-08 <nil>
	// user001 <nil>
}

func ExampleUsersService_All() {
	srv := startMock()
	defer srv.Close()
	ctx := context.Background()
	admin, err := imkit.New("your-app")
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := admin.Users.CreateBatch(ctx, []imkit.UserInput{{ID: "a", Nickname: "Amy"}, {ID: "b", Nickname: "Ben"}, {ID: "c", Nickname: "Ada"}})
	fmt.Println(n, err)

	query := imkit.UserQuery{Filter: map[string]any{"nickname": map[string]any{"$regex": "^A"}}, Limit: 1}
	for user, err := range admin.Users.All(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(user.ID, user.Nickname)
	}
	// Output:
	// 3 <nil>
	// a Amy
	// c Ada
}

// The administrator reads the newest messages of a room on behalf of a member.
func ExampleMessagesService_All() {
	srv := startMock()
	defer srv.Close()
	ctx := context.Background()
	admin, err := imkit.New("your-app")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = admin.Users.Create(ctx, imkit.UserInput{ID: "user001"})
	fmt.Println(err)
	_, err = admin.Rooms.Create(ctx, imkit.RoomInput{ID: "team", Members: []string{"user001"}})
	fmt.Println(err)
	for _, body := range []string{"one", "two", "three"} {
		if _, err := admin.Messages.Send(ctx, imkit.MessageInput{Room: "team", Sender: "user001", Type: "text", Body: body}); err != nil {
			fmt.Println(err)
		}
	}

	for message, err := range admin.As("user001").Messages.All(ctx, "team", imkit.MessageQuery{Limit: 2}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(message.Text())
	}
	// Output:
	// <nil>
	// <nil>
	// three
	// two
	// one
}

// A refusal is an error type of package keyfit with the vendor's code.
func ExampleClient_errors() {
	srv := startMock()
	defer srv.Close()
	admin, err := imkit.New("your-app")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = admin.Rooms.Get(context.Background(), "nowhere")
	api, ok := errors.AsType[*keyfit.APIError](err)
	fmt.Println(ok && api.Code == "ROOM_NOT_FOUND", errors.Is(err, keyfit.ErrNotFound))
	// Output: true true
}
