package imkit_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/provider/imkit"
)

func secret(s string) imkit.Secret { return imkit.Secret{Secret: keyfit.NewSecret(s)} }

func TestWhatTheAdministratorCalls(t *testing.T) {
	t.Parallel()
	week := at().Add(7 * 24 * time.Hour)
	for _, tc := range []typedCall{
		{"Users.Create", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Users.Create(ctx, imkit.UserInput{ID: "dave", Nickname: "Dave", Email: "d@example.com", Description: "new", AvatarURL: "https://example.com/d"})
		}, is(imkit.User{ID: "dave", AppID: "LoremFitsum", Nickname: "Dave", Email: "d@example.com", Description: "new", AvatarURL: "https://example.com/d", UpdatedAt: at()})},
		{"Users.Create keeps what is not given", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Users.Create(ctx, imkit.UserInput{ID: "alice"})
		}, is(aUser("alice", "Alice"))},
		{"Users.CreateBatch", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Users.CreateBatch(ctx, []imkit.UserInput{{ID: "x"}, {ID: "y"}})
		}, is(2)},
		{"Users.List", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Users.List(ctx, imkit.UserQuery{Limit: 1, Skip: 1})
		}, is(imkit.Page[imkit.User]{TotalCount: 3, Items: []imkit.User{aUser("bob", "")}})},
		{"Users.List with a filter", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Users.List(ctx, imkit.UserQuery{Filter: map[string]any{"nickname": map[string]any{"$regex": "^A"}}})
		}, is(imkit.Page[imkit.User]{TotalCount: 1, Items: []imkit.User{aUser("alice", "Alice")}})},
		{"Tokens.Assign", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Tokens.Assign(ctx, "alice", keyfit.NewSecret("my-own-token"), week)
		}, is(imkit.Token{UserID: "alice", Nickname: "Alice", Value: secret("my-own-token"), Expires: week})},
		{"Tokens.Update", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Tokens.Update(ctx, "alice", keyfit.NewSecret("my-own-token"), week)
		}, is(imkit.Token{UserID: "alice", Nickname: "Alice", Value: secret("my-own-token"), Expires: week, UpdatedAt: at()})},
		{"Tokens.Revoke", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			for _, token := range []string{"one", "two"} {
				if _, err := w.admin.Tokens.Assign(ctx, "alice", keyfit.NewSecret(token), week); err != nil {
					return nil, err
				}
			}
			return w.admin.Tokens.Revoke(ctx, "alice", keyfit.NewSecret("one"))
		}, is(imkit.Revocation{Success: true, Message: "Token revoked successfully", Revoked: 1})},
		{"Tokens.RevokeAll", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			for range 2 {
				if _, err := w.admin.Tokens.Issue(ctx, "alice"); err != nil {
					return nil, err
				}
			}
			return w.admin.Tokens.RevokeAll(ctx, "alice")
		}, is(imkit.Revocation{Success: true, Message: "All tokens revoked successfully", Revoked: 2})},
		{"Groups.Create", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Groups.Create(ctx, imkit.GroupInput{ID: "g", Nickname: "G", Members: []string{"bob"}})
		}, is(imkit.Group{ID: "g", Nickname: "G", Members: []imkit.Person{bob()}, CreatedAt: at(), UpdatedAt: at()})},
		{"Groups.List", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Groups.List(ctx, imkit.GroupQuery{Limit: 1})
		}, is(imkit.Page[imkit.Group]{TotalCount: 1, Items: []imkit.Group{
			{ID: "crew", Nickname: "Crew", Members: []imkit.Person{bob(), {ID: "carol"}}, CreatedAt: at(), UpdatedAt: at()},
		}})},
		{"Rooms.Create", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Rooms.Create(ctx, imkit.RoomInput{ID: "pair", Type: imkit.DirectRoom, Members: []string{"alice", "bob"}})
		}, is(imkit.Room{ID: "pair", AppID: "LoremFitsum", Type: imkit.DirectRoom, Status: new(1), Members: []imkit.Person{{ID: "alice"}, {ID: "bob"}}, CreatedAt: millis()})},
		{"Messages.Send", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			m, err := w.admin.Messages.Send(ctx, imkit.MessageInput{Room: "team", Sender: "bob", Type: "card", Body: map[string]any{"n": 1}, Push: new(false)})
			m.ID = ""
			return m, err
		}, is(imkit.Message{Room: "team", Type: "card", Body: json.RawMessage(`{"n":1}`), Sender: bob(), AppID: "LoremFitsum", SentAt: millis(), CreatedAt: millis(), UpdatedAt: millis()})},
		{"Mutes.Mute", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Mutes.Mute(ctx, "alice", "team")
		}, is(aUser("alice", "Alice", "team"))},
		{"Mutes.Unmute", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			if _, err := w.admin.Mutes.Mute(ctx, "alice", "team"); err != nil {
				return nil, err
			}
			return w.admin.Mutes.Unmute(ctx, "alice", "team")
		}, is(aUser("alice", "Alice"))},
		{"Config.Update", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			if _, err := w.admin.Config.Update(ctx, map[string]any{"a": 1}); err != nil {
				return nil, err
			}
			return w.admin.Config.Update(ctx, map[string]any{"censorship": map[string]any{"keywords": []string{"rude"}}})
		}, is(imkit.Settings{"a": json.RawMessage("1"), "censorship": json.RawMessage(`{"keywords":["rude"]}`)})},
		{"Config.Delete", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			if _, err := w.admin.Config.Update(ctx, map[string]any{"a/b": 1, "c": 2}); err != nil {
				return nil, err
			}
			if err := w.admin.Config.Delete(ctx, "a/b"); err != nil {
				return nil, err
			}
			return w.admin.Config.Get(ctx)
		}, is(imkit.Settings{"c": json.RawMessage("2")})},
		{"Push.ToClients", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return nil, w.admin.Push.ToClients(ctx, []string{"alice"}, map[string]any{"title": "Hi"})
		}, is(nil)},
		{"Stats.Connections", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Stats.Connections(ctx)
		}, is(0)},
		{"Stats.Get", func(ctx context.Context, w *world, _ *imkit.UserClient) (any, error) {
			return w.admin.Stats.Get(ctx)
		}, is(imkit.Statistics{
			ClientKey: secret("[redacted]"), APIKey: secret("[redacted]"), StartTime: at().Add(-time.Hour), EndTime: at(),
			Start: at().Unix() - 3600, End: at().Unix(), Users: []string{"alice", "bob", "carol"}, Rooms: 1, TotalRooms: 1, Messages: 1,
			TotalMemory: 8 << 30, FreeMemory: 3 << 30,
		})},
	} {
		tc.run(t, nil)
	}
}

func TestAnIssuedTokenOpensTheApplicationForItsUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token, err := w.admin.Tokens.Issue(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(imkit.Token{UserID: "bob", Value: token.Value, Expires: at().Add(7 * 24 * time.Hour), Issued: true}, token); d != "" || token.Value.IsZero() {
		t.Errorf("(-want +got):\n%s", d)
	}
	client := w.as(t, "carol").Keyfit().Keys()
	cred, err := client.Credential(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bobs, err := w.as(t, "bob").Keyfit().With(keyfit.WithSource(keyfit.Static(keyfit.Credential{ID: cred.ID, Key: token.Value.Secret})))
	if err != nil {
		t.Fatal(err)
	}
	me, err := imkit.UserFromClient(bobs, "bob").Me.Get(t.Context())
	if err != nil || me.ID != "bob" {
		t.Errorf("Me is %q, %v", me.ID, err)
	}
}

func TestABatchReachesEachRecipientWithItsValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	batch, err := w.admin.Messages.SendBatch(ctx, imkit.BatchInput{
		Sender: "alice", Type: "text", Body: "Dear $name$, $n$ new",
		To: []imkit.Recipient{{Room: "team", Values: map[string]string{"name": "team", "n": "1"}}, {Receiver: "bob", Values: map[string]string{"name": "Bob", "n": "2"}}},
	})
	if err != nil || batch.Count != 2 || batch.ID == "" {
		t.Fatalf("%+v, %v", batch, err)
	}
	w.srv.Clock().Advance(time.Second)
	var got []string
	for room, err := range w.as(t, "bob").Rooms.All(ctx, imkit.RoomQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(room.Type)+": "+room.LastMessage.Text())
	}
	if d := diff([]string{"group: Dear team, 1 new", "direct: Dear Bob, 2 new"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
