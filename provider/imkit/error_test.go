package imkit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/imkit"
)

type answer struct {
	status int
	body   string
}

func (a answer) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(a.body)),
	}, nil
}

// fixed returns a client of a server that sends the same response to every request.
func fixed(t *testing.T, status int, body string) *imkit.Client {
	t.Helper()
	c, err := imkit.New("your-app", keyfit.WithKey("lorem-api-key"), keyfit.WithHTTPClient(&http.Client{Transport: answer{status, body}}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBothErrorShapesAreTheSameError(t *testing.T) {
	t.Parallel()
	for _, variant := range []mockserver.Variant{0, mockserver.FlatErrors} {
		w := newWorld(t, mockserver.WithProfile(mockserver.IMKIT, mockserver.Profile{Variants: variant}))
		_, err := w.admin.Rooms.Get(t.Context(), "nowhere")
		api, ok := errors.AsType[*keyfit.APIError](err)
		if !ok || !errors.Is(err, keyfit.ErrNotFound) {
			t.Fatalf("variant %d: %v", variant, err)
		}
		got := []string{api.Method, api.Path, api.Code, api.Message}
		if d := cmp.Diff([]string{"GET", "/rooms/nowhere", "ROOM_NOT_FOUND", "Room with specified ID does not exist"}, got); d != "" {
			t.Errorf("variant %d (-want +got):\n%s", variant, d)
		}
	}
	for _, shape := range []mockserver.Shape{mockserver.Flat, mockserver.Enveloped} {
		w := newWorld(t, mockserver.WithProfile(mockserver.IMKIT, mockserver.Profile{Shape: shape}))
		w.srv.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 1, Per: time.Minute})
		var err error
		for range 2 {
			_, err = w.admin.Stats.Connections(t.Context(), keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
		}
		limited, ok := errors.AsType[*keyfit.RateLimitError](err)
		if !ok || limited.Code != keyfit.CodeRateLimited || limited.RetryAfter != time.Minute {
			t.Errorf("shape %d: %v", shape, err)
		}
	}
}

func TestRefusalsOfUsersAndKeysAreTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mockserver.WithProfile(mockserver.IMKIT, mockserver.Profile{Variants: mockserver.UserConflict}))
	if _, err := w.admin.Users.Create(t.Context(), imkit.UserInput{ID: "alice"}); !errors.Is(err, keyfit.ErrConflict) {
		t.Errorf("a known user: %v", err)
	}
	_, err := w.as(t, "bob").Rooms.Update(t.Context(), "team", imkit.RoomUpdate{Name: new("Mine")})
	if _, ok := errors.AsType[*keyfit.PermissionError](err); !ok {
		t.Errorf("not a manager: %v", err)
	}
	for _, key := range w.srv.Keys().List(mockserver.KeyFilter{}) {
		if key.Kind == mockserver.KindKey {
			if err := w.srv.Keys().Revoke(key.ID, "test"); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err = w.admin.Users.List(t.Context(), imkit.UserQuery{})
	if _, ok := errors.AsType[*keyfit.InvalidKeyError](err); !ok {
		t.Errorf("a revoked key: %v", err)
	}
}

func TestAnErrorInAGoodAnswerIsAnError(t *testing.T) {
	t.Parallel()
	_, err := fixed(t, http.StatusOK, `{"RC":404,"RM":"Not Found","error":{"code":"X","message":"lorem-api-key"}}`).Users.List(t.Context(), imkit.UserQuery{})
	if !errors.Is(err, keyfit.ErrNotFound) || strings.Contains(err.Error(), "lorem-api-key") {
		t.Errorf("%v", err)
	}
}

func TestArgumentsAreCheckedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := &recorder{}
	a, u := r.admin(t), r.user(t)
	users := make([]imkit.UserInput, imkit.MaxBatchUsers+1)
	for i := range users {
		users[i].ID = "u"
	}
	two := func(_ any, err error) error { return err }
	for want, err := range map[string]error{
		"POST /admin/clients: the ID is empty":                                                                               two(a.Users.Create(ctx, imkit.UserInput{})),
		"POST /admin/clients/list: there are no users":                                                                       two(a.Users.CreateBatch(ctx, nil)),
		"POST /admin/clients/list: users[1].ID is empty":                                                                     two(a.Users.CreateBatch(ctx, []imkit.UserInput{{ID: "a"}, {}})),
		"POST /admin/clients/list: the number of users is 101, above the documented 100":                                     two(a.Users.CreateBatch(ctx, users)),
		"GET /admin/clients: Limit is 101, above the documented 100":                                                         two(a.Users.List(ctx, imkit.UserQuery{Limit: 101})),
		"GET /admin/clients: Skip is -1, which is negative":                                                                  two(a.Users.List(ctx, imkit.UserQuery{Skip: -1})),
		"GET /admin/clients: the field Filter cannot be encoded: json: unsupported type: chan int":                           two(a.Users.List(ctx, imkit.UserQuery{Filter: map[string]any{"a": make(chan int)}})),
		"POST /admin/clients: the user is empty":                                                                             two(a.Tokens.Issue(ctx, "")),
		"POST /admin/clients: expires is the zero time":                                                                      two(a.Tokens.Assign(ctx, "u", keyfit.NewSecret("t"), time.Time{})),
		"PUT /admin/clients/{user}/token: the token is empty":                                                                two(a.Tokens.Update(ctx, "u", keyfit.Secret{}, at())),
		"DELETE /admin/clients/{user}/token: the token is empty; see RevokeAll":                                              two(a.Tokens.Revoke(ctx, "u", keyfit.Secret{})),
		"DELETE /admin/clients/{user}/token: the user is empty":                                                              two(a.Tokens.RevokeAll(ctx, "")),
		"POST /admin/groups: the Nickname is empty":                                                                          two(a.Groups.Create(ctx, imkit.GroupInput{})),
		"POST /rooms/: the field Type must be direct or group":                                                               two(a.Rooms.Create(ctx, imkit.RoomInput{Type: "public"})),
		"GET /rooms/{room}: the room is empty":                                                                               two(a.Rooms.Get(ctx, "")),
		"PUT /rooms/{room}: there is nothing to change":                                                                      two(a.Rooms.Update(ctx, "r", imkit.RoomUpdate{})),
		"PUT /rooms/{room}: Opening is 2; it must be 0 or 1":                                                                 two(a.Rooms.Update(ctx, "r", imkit.RoomUpdate{Opening: new(2)})),
		"GET /rooms: Limit is -1, which is negative":                                                                         two(u.Rooms.List(ctx, imkit.RoomQuery{Limit: -1})),
		"GET /rooms: the field Pref cannot be encoded: json: unsupported type: chan int":                                     two(u.Rooms.List(ctx, imkit.RoomQuery{Pref: map[string]any{"a": make(chan int)}})),
		"PUT /rooms/{room}/lastRead: the message is empty":                                                                   two(u.Rooms.MarkRead(ctx, "r", "")),
		"POST /rooms/{room}/members: Invitees is empty":                                                                      two(u.Members.Add(ctx, "r", imkit.Invitation{})),
		"POST /rooms/{room}/delete/members: Members[0] is empty":                                                             two(u.Members.Remove(ctx, "r", imkit.Removal{Members: []string{""}})),
		"PUT /rooms/{room}/member/{user}: the role must be RoleManager or RoleMember":                                        two(u.Members.SetRole(ctx, "r", "u", "owner")),
		"POST /messages: the Sender is empty":                                                                                two(a.Messages.Send(ctx, imkit.MessageInput{Room: "r", Type: "text", Body: ""})),
		"POST /messages: the Body is nil":                                                                                    two(a.Messages.Send(ctx, imkit.MessageInput{Room: "r", Sender: "u", Type: "text"})),
		"POST /messages/batch: there are no recipients: To is empty":                                                         two(a.Messages.SendBatch(ctx, imkit.BatchInput{Type: "text", Body: ""})),
		"POST /messages/batch: recipient To[0]: neither Receiver nor Room is set":                                            two(a.Messages.SendBatch(ctx, imkit.BatchInput{Type: "text", Body: "", To: []imkit.Recipient{{}}})),
		"POST /messages/batch: recipient To[0]: a name in Values is empty or contains a $: write it without":                 two(a.Messages.SendBatch(ctx, imkit.BatchInput{Type: "text", Body: "", To: []imkit.Recipient{{Room: "r", Values: map[string]string{"$n$": ""}}}})),
		"GET /rooms/{room}/messages/v3: the field TimeField is not one of the three documented values":                       two(u.Messages.List(ctx, "r", imkit.MessageQuery{TimeField: "deletedAt"})),
		"DELETE /rooms/{room}/messages/{message}: _all means every message; see DeleteAll":                                   two(u.Messages.Delete(ctx, "r", "_all")),
		"POST /rooms/{room}/message: the message is empty":                                                                   two(u.Messages.Recall(ctx, "r", "")),
		"POST /messages/{message}/pin: the message is empty":                                                                 two(u.Messages.Pin(ctx, "")),
		"POST /config: there are no settings to change":                                                                      two(a.Config.Update(ctx, nil)),
		"DELETE /config/{key}: the key is empty":                                                                             a.Config.Delete(ctx, ""),
		"POST /push/push2clients: users is empty":                                                                            a.Push.ToClients(ctx, nil, map[string]any{}),
		"POST /push/push2clients: the payload is nil":                                                                        a.Push.ToClients(ctx, []string{"u"}, nil),
		"POST /search: the Keyword is empty":                                                                                 two(u.Search.Messages(ctx, imkit.SearchQuery{})),
		"GET /me/badge: roomTags[0] is empty":                                                                                two(u.Badges.Unread(ctx, []string{""})),
		"POST /badges/byRoomTags: tags[1] is empty":                                                                          two(u.Badges.ByTags(ctx, []string{"a", ""})),
		"GET /me: the user is empty":                                                                                         two(a.As("").Me.Get(ctx)),
		"GET /me: the user cannot be sent in the header IM-CLIENT-ID: it has surrounding white space or a control character": two(a.As(" u").Me.Get(ctx)),
	} {
		if err == nil || err.Error() != "imkit: "+want {
			t.Errorf("got %v, want imkit: %s", err, want)
		}
	}
	if len(r.requests) != 0 {
		t.Errorf("%d requests went out", len(r.requests))
	}
	if _, err := imkit.NewUser("your-app", ""); err == nil || err.Error() != "imkit: the user is empty" {
		t.Errorf("NewUser without a user: %v", err)
	}
}
