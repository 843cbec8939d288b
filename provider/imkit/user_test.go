package imkit_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/keyfit/keyfit/provider/imkit"
)

// userCalls returns the calls that alice may make with her pair, and the administrator on
// her behalf.
func userCalls() []typedCall {
	type user = imkit.UserClient
	return []typedCall{
		{
			"Me.Get", func(ctx context.Context, _ *world, u *user) (any, error) { return u.Me.Get(ctx) },
			is(func() imkit.User { me := aUser("alice", "Alice"); me.Notification = true; return me }()),
		},
		{
			"Rooms.Get", func(ctx context.Context, _ *world, u *user) (any, error) { return u.Rooms.Get(ctx, "team") },
			func(w *world) any { return w.team(func(r *imkit.Room) { r.Superuser = true }) },
		},
		{"Rooms.List", func(ctx context.Context, _ *world, u *user) (any, error) {
			return u.Rooms.List(ctx, imkit.RoomQuery{Sort: "-lastMessage name", Pref: map[string]any{"hidden": false}, UnreadFirst: true, UpdatedAfter: at().AddDate(-1, 0, 0)})
		}, func(w *world) any {
			return imkit.Page[imkit.Room]{TotalCount: 1, Items: []imkit.Room{w.team(func(r *imkit.Room) { r.MemberProperties = nil })}}
		}},
		{"Rooms.Update", func(ctx context.Context, _ *world, u *user) (any, error) {
			return u.Rooms.Update(ctx, "team", imkit.RoomUpdate{Name: new("Crew"), Tags: []string{}, Status: new(0)})
		}, func(w *world) any {
			return w.team(func(r *imkit.Room) { r.Name, r.Tags, r.Status = "Crew", nil, new(0) })
		}},
		{"Rooms.Delete", func(ctx context.Context, _ *world, u *user) (any, error) { return nil, u.Rooms.Delete(ctx, "team") }, is(nil)},
		{
			"Rooms.MarkRead", func(ctx context.Context, w *world, u *user) (any, error) {
				return u.Rooms.MarkRead(ctx, "team", w.message)
			},
			func(w *world) any { return imkit.ReadState{Client: "alice", LastRead: w.message} },
		},
		{"Members.Add", func(ctx context.Context, _ *world, u *user) (any, error) {
			return u.Members.Add(ctx, "team", imkit.Invitation{Invitees: []string{"carol"}})
		}, func(w *world) any {
			return w.team(func(r *imkit.Room) {
				r.Members = append(r.Members, imkit.Person{ID: "carol"})
				r.MemberProperties = append(r.MemberProperties, imkit.MemberState{Client: "carol"})
			})
		}},
		{"Members.Remove", func(ctx context.Context, _ *world, u *user) (any, error) {
			return u.Members.Remove(ctx, "team", imkit.Removal{Members: []string{"bob"}})
		}, func(w *world) any {
			return w.team(func(r *imkit.Room) { r.Members, r.MemberProperties = r.Members[:1], r.MemberProperties[:1] })
		}},
		{"Members.SetRole", func(ctx context.Context, _ *world, u *user) (any, error) {
			r, err := u.Members.SetRole(ctx, "team", "bob", imkit.RoleManager)
			return []string{r.LastMessage.Type, r.LastMessage.Member.ID, r.LastMessage.Text()}, err
		}, is([]string{"assignAdmin", "bob", "bob"})},
		{"Messages.List", func(ctx context.Context, _ *world, u *user) (any, error) {
			return u.Messages.List(ctx, "team", imkit.MessageQuery{Limit: 5, AfterTime: at().AddDate(0, 0, -1), TimeField: imkit.ByMessageTime})
		}, func(w *world) any { return imkit.Page[imkit.Message]{TotalCount: 1, Items: []imkit.Message{w.hello()}} }},
		{
			"Messages.Recall", func(ctx context.Context, w *world, u *user) (any, error) {
				return u.Messages.Recall(ctx, "team", w.message)
			},
			func(w *world) any {
				return w.changed(func(m *imkit.Message) { m.Type, m.Body = "recall", json.RawMessage(`""`) })
			},
		},
		{
			"Messages.Delete", func(ctx context.Context, w *world, u *user) (any, error) {
				return u.Messages.Delete(ctx, "team", w.message)
			},
			func(w *world) any {
				return imkit.Deletion{Count: 1, Room: "team", Message: w.message, DeletedBy: "alice", DeletedAt: at()}
			},
		},
		{
			"Messages.DeleteAll", func(ctx context.Context, _ *world, u *user) (any, error) { return u.Messages.DeleteAll(ctx, "team") },
			is(imkit.Deletion{Count: 1, Room: "team", Message: "_all", DeletedBy: "alice", DeletedAt: at()}),
		},
		{
			"Messages.Pin", func(ctx context.Context, w *world, u *user) (any, error) { return u.Messages.Pin(ctx, w.message) },
			func(w *world) any { return w.changed(func(m *imkit.Message) { m.Pinned = true }) },
		},
		{
			"Messages.Unpin", func(ctx context.Context, w *world, u *user) (any, error) { return u.Messages.Unpin(ctx, w.message) },
			func(w *world) any { return w.hello() },
		},
		{
			"Mutes.Mute", func(ctx context.Context, _ *world, u *user) (any, error) { return u.Mutes.Mute(ctx, "team") },
			is(aUser("alice", "Alice", "team")),
		},
		{"Mutes.Unmute", func(ctx context.Context, _ *world, u *user) (any, error) {
			if _, err := u.Mutes.Mute(ctx, "team"); err != nil {
				return nil, err
			}
			return u.Mutes.Unmute(ctx, "team")
		}, is(aUser("alice", "Alice"))},
		{
			"Bans.Ban", func(ctx context.Context, _ *world, u *user) (any, error) { return u.Bans.Ban(ctx, "team", "bob") },
			is(banned()),
		},
		{"Bans.Unban", func(ctx context.Context, _ *world, u *user) (any, error) {
			if _, err := u.Bans.Ban(ctx, "team", "bob"); err != nil {
				return nil, err
			}
			return u.Bans.Unban(ctx, "team", "bob")
		}, is(banned())},
		{"Bans.List", func(ctx context.Context, _ *world, u *user) (any, error) {
			if _, err := u.Bans.Ban(ctx, "team", "bob"); err != nil {
				return nil, err
			}
			return u.Bans.List(ctx, "team")
		}, is(imkit.Page[imkit.Block]{Items: []imkit.Block{{
			Blockee: bob(), Blocker: alice(), Room: imkit.Room{ID: "team", Type: imkit.GroupRoom, CreatedAt: millis()}, CreatedAt: at(), UpdatedAt: at(),
		}}})},
		{"Blocks.Block and the rest", func(ctx context.Context, _ *world, u *user) (any, error) {
			block, err := u.Blocks.Block(ctx, "bob")
			if err != nil {
				return nil, err
			}
			page, err := u.Blocks.List(ctx)
			if err != nil {
				return nil, err
			}
			ended, err := u.Blocks.Unblock(ctx, "bob")
			return []string{block.Blocker.ID, page.Items[0].Blockee.ID, ended.Blockee.ID, string(page.Items[0].Room.Type)}, err
		}, is([]string{"alice", "bob", "bob", "direct"})},
		{"Badges.Unread", func(ctx context.Context, w *world, u *user) (any, error) {
			return sent(ctx, w, func() (any, error) { return u.Badges.Unread(ctx, []string{"work"}) })
		}, is(1)},
		{"Badges.Unread of all rooms", func(ctx context.Context, w *world, u *user) (any, error) {
			return sent(ctx, w, func() (any, error) { return u.Badges.Unread(ctx, nil) })
		}, is(1)},
		{"Badges.ByTags", func(ctx context.Context, w *world, u *user) (any, error) {
			return sent(ctx, w, func() (any, error) { return u.Badges.ByTags(ctx, []string{"work", "fun"}) })
		}, is(imkit.TagBadges{Total: 1, ByTag: map[string]int{"work": 1, "fun": 0}})},
		{"Search.Messages", func(ctx context.Context, _ *world, u *user) (any, error) {
			return u.Search.Messages(ctx, imkit.SearchQuery{Keyword: "hell", Room: "team", RoomTags: []string{"work"}, Limit: 5})
		}, func(w *world) any {
			return []imkit.SearchHit{{Room: imkit.Room{ID: "team", Name: "Team", Tags: []string{"work"}}, Messages: []string{w.message}}}
		}},
		{"Config.Get", func(ctx context.Context, w *world, u *user) (any, error) {
			if _, err := w.admin.Config.Update(ctx, map[string]any{"a": []int{1}}); err != nil {
				return nil, err
			}
			return u.Config.Get(ctx)
		}, is(imkit.Settings{"a": json.RawMessage("[1]")})},
	}
}

func banned() imkit.Block {
	return imkit.Block{AppID: "LoremFitsum", Blockee: bob(), Blocker: imkit.Person{ID: "alice"}, Room: imkit.Room{ID: "team"}, CreatedAt: at(), UpdatedAt: at()}
}

// sent calls f after bob has sent a message.
func sent(ctx context.Context, w *world, f func() (any, error)) (any, error) {
	if _, err := w.admin.Messages.Send(ctx, imkit.MessageInput{Room: "team", Sender: "bob", Type: "text", Body: "Hi"}); err != nil {
		return nil, err
	}
	return f()
}

func TestWhatAUserCalls(t *testing.T) {
	t.Parallel()
	for _, tc := range userCalls() {
		tc.run(t, func(w *world) *imkit.UserClient { return w.as(t, "alice") })
	}
}

func TestTheAdministratorCallsTheSameForAUser(t *testing.T) {
	t.Parallel()
	for _, tc := range userCalls() {
		tc.run(t, func(w *world) *imkit.UserClient { return w.admin.As("alice") })
	}
}
