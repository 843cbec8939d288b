package imkit_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/imkit"
)

// world is a mock with an application: the users alice, bob and carol, the group crew of bob
// and carol, the room team, owned by alice with bob as a member, and a message of alice in it.
type world struct {
	srv     *mockserver.Server
	admin   *imkit.Client
	message string // ID
}

func at() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }

func millis() imkit.Millis { return imkit.Millis{Time: at()} }

// newWorld returns a world with a frozen clock.
func newWorld(t *testing.T, opts ...mockserver.Option) *world {
	t.Helper()
	srv := mockserver.New(t, append([]mockserver.Option{mockserver.WithFrozenClock(at()), mockserver.WithoutSampleData(), mockserver.WithSeed(1)}, opts...)...)
	key := srv.Keys().Issue(mockserver.IMKIT).Secret.Reveal()
	admin, err := imkit.New("your-app", keyfit.WithKey(key), keyfit.WithBaseURL(srv.BaseURL(mockserver.IMKIT)))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{srv: srv, admin: admin}
	ctx := t.Context()
	users := []imkit.UserInput{{ID: "alice", Nickname: "Alice"}, {ID: "bob"}, {ID: "carol"}}
	if _, err := admin.Users.CreateBatch(ctx, users); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Groups.Create(ctx, imkit.GroupInput{ID: "crew", Nickname: "Crew", Members: []string{"bob", "carol"}}); err != nil {
		t.Fatal(err)
	}
	room := imkit.RoomInput{ID: "team", Name: "Team", Members: []string{"alice", "bob"}, Owner: "alice", Tags: []string{"work"}}
	if _, err := admin.Rooms.Create(ctx, room); err != nil {
		t.Fatal(err)
	}
	m, err := admin.Messages.Send(ctx, imkit.MessageInput{Room: "team", Sender: "alice", Type: "text", Body: "Hello"})
	if err != nil {
		t.Fatal(err)
	}
	w.message = m.ID
	return w
}

// as returns a client with the pair of a user.
func (w *world) as(t *testing.T, user string) *imkit.UserClient {
	t.Helper()
	pair := w.srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey(user))
	c, err := imkit.NewUser("your-app", user, keyfit.WithBaseURL(w.srv.BaseURL(mockserver.IMKIT)),
		keyfit.WithSource(keyfit.Static(keyfit.KeyPair(pair.Secret.Reveal(), pair.Token.Reveal()))))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func alice() imkit.Person { return imkit.Person{ID: "alice", Nickname: "Alice"} }

func bob() imkit.Person { return imkit.Person{ID: "bob"} }

func aUser(id, nickname string, muted ...string) imkit.User {
	return imkit.User{ID: id, AppID: "LoremFitsum", Nickname: nickname, Muted: muted, UpdatedAt: at()}
}

// hello is the message of the world as returned by lists.
func (w *world) hello() imkit.Message {
	return imkit.Message{
		ID: w.message, Room: "team", Type: "text", Body: json.RawMessage(`"Hello"`), Sender: alice(), AppID: "LoremFitsum",
		SentAt: millis(), CreatedAt: millis(), UpdatedAt: millis(),
	}
}

func (w *world) changed(change func(*imkit.Message)) imkit.Message {
	m := w.hello()
	change(&m)
	return m
}

// team is the room of the world as returned by updates.
func (w *world) team(change func(*imkit.Room)) imkit.Room {
	last := w.hello()
	r := imkit.Room{
		ID: "team", AppID: "LoremFitsum", Name: "Team", Type: imkit.GroupRoom, Tags: []string{"work"}, Status: new(1),
		LastMessage: &last, Members: []imkit.Person{alice(), bob()},
		MemberProperties: []imkit.MemberState{{Client: "alice"}, {Client: "bob", Badge: 1}}, CreatedAt: millis(),
	}
	if change != nil {
		change(&r)
	}
	return r
}

// diff compares values and ignores [imkit.Page.Inspect].
func diff(want, got any) string {
	return cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Inspect" }, cmp.Ignore()))
}

// typedCall is a call and its expected result in the world.
type typedCall struct {
	name string
	call func(ctx context.Context, w *world, u *imkit.UserClient) (any, error)
	want func(w *world) any
}

func (c *typedCall) run(t *testing.T, u func(*world) *imkit.UserClient) {
	t.Helper()
	t.Run(c.name, func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		var user *imkit.UserClient
		if u != nil {
			user = u(w)
		}
		got, err := c.call(t.Context(), w, user)
		if err != nil {
			t.Fatal(err)
		}
		if d := diff(c.want(w), got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// is expects a value that does not depend on the world.
func is(v any) func(*world) any { return func(*world) any { return v } }
