package imkit_test

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/imkit"
)

// take collects the items of a list.
func take[T any](t *testing.T, seq iter.Seq2[T, error], key func(T) string) []string {
	t.Helper()
	var got []string
	for item, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, key(item))
	}
	return got
}

func userID(u imkit.User) string   { return u.ID }
func text(m imkit.Message) string  { return m.Text() }
func roomID(r imkit.Room) string   { return r.ID }
func groupID(g imkit.Group) string { return g.ID }

func TestAllUsersOverPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, q := range []imkit.UserQuery{{}, {Limit: 1}, {Limit: 2}, {Limit: 3}} {
		if d := cmp.Diff([]string{"alice", "bob", "carol"}, take(t, w.admin.Users.All(t.Context(), q), userID)); d != "" {
			t.Errorf("%+v (-want +got):\n%s", q, d)
		}
	}
	skip := imkit.UserQuery{Limit: 1, Skip: 1, Filter: map[string]any{"_id": map[string]any{"$ne": "bob"}}}
	if d := cmp.Diff([]string{"carol"}, take(t, w.admin.Users.All(t.Context(), skip), userID)); d != "" {
		t.Errorf("%+v (-want +got):\n%s", skip, d)
	}
}

func TestAllRoomsAndGroupsOverPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rooms, groups := []string{"team"}, []string{"crew"}
	for i := range 5 {
		id := fmt.Sprint("r", i)
		if _, err := w.admin.Rooms.Create(t.Context(), imkit.RoomInput{ID: id, Members: []string{"alice"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.admin.Groups.Create(t.Context(), imkit.GroupInput{ID: "g" + id, Nickname: id}); err != nil {
			t.Fatal(err)
		}
		rooms, groups = append(rooms, id), append(groups, "g"+id)
	}
	alice := w.as(t, "alice")
	for _, limit := range []int{0, 1, 4, 6, 7} {
		if d := cmp.Diff(rooms, take(t, alice.Rooms.All(t.Context(), imkit.RoomQuery{Limit: limit}), roomID)); d != "" {
			t.Errorf("limit %d: rooms (-want +got):\n%s", limit, d)
		}
		if d := cmp.Diff(groups, take(t, w.admin.Groups.All(t.Context(), imkit.GroupQuery{Limit: limit}), groupID)); d != "" {
			t.Errorf("limit %d: groups (-want +got):\n%s", limit, d)
		}
	}
}

func TestAllMessagesGoBackFromTheNewest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want, ids := []string{"Hello"}, []string{w.message}
	for i := range 6 {
		m, err := w.admin.Messages.Send(t.Context(), imkit.MessageInput{Room: "team", Sender: "bob", Type: "text", Body: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		want, ids = append([]string{fmt.Sprint(i)}, want...), append([]string{m.ID}, ids...)
	}
	for _, tc := range []struct {
		query imkit.MessageQuery
		want  []string
	}{
		{imkit.MessageQuery{}, want},
		{imkit.MessageQuery{BeforeMessage: ids[2]}, want[3:]},
		{imkit.MessageQuery{AfterMessage: ids[4]}, want[:4]},
		{imkit.MessageQuery{BeforeMessage: ids[1], AfterMessage: ids[5]}, want[2:5]},
		{imkit.MessageQuery{AfterMessage: ids[0]}, nil},
		{imkit.MessageQuery{AfterTime: at()}, nil},
	} {
		for _, limit := range []int{0, 1, 2, 3, 7, 500} {
			tc.query.Limit = limit
			if d := cmp.Diff(tc.want, take(t, w.as(t, "alice").Messages.All(t.Context(), "team", tc.query), text)); d != "" {
				t.Errorf("%+v (-want +got):\n%s", tc.query, d)
			}
		}
	}
}

func TestAllBansAndBlocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.as(t, "alice")
	var want []string
	for _, id := range []string{"bob", "carol"} {
		if _, err := alice.Bans.Ban(t.Context(), "team", id); err != nil {
			t.Fatal(err)
		}
		if _, err := alice.Blocks.Block(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	blockee := func(b imkit.Block) string { return b.Blockee.ID }
	if d := cmp.Diff(want, take(t, w.admin.Bans.All(t.Context(), "team"), blockee)); d != "" {
		t.Errorf("bans (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want, take(t, alice.Blocks.All(t.Context()), blockee)); d != "" {
		t.Errorf("blocks (-want +got):\n%s", d)
	}
}

func TestLeavingARangeEndsTheRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range w.admin.Users.All(t.Context(), imkit.UserQuery{Limit: 1}) {
		break
	}
	w.srv.Expect(t, mockserver.Match{Method: http.MethodGet, Path: "/admin/clients"}, 1)
}

func TestAServerThatRepeatsAPageIsAnError(t *testing.T) {
	t.Parallel()
	const page = `{"RC":0,"RM":"OK","result":{"totalCount":1000000,"data":[{"_id":"a"},{"_id":"b"}]}}`
	admin := fixed(t, http.StatusOK, page)
	check := func(name string, err error, n int) {
		t.Helper()
		if err == nil || !strings.HasPrefix(err.Error(), "imkit: GET /") || !strings.Contains(err.Error(), "paging does not advance") || n != 2 {
			t.Errorf("%s: %d items, %v", name, n, err)
		}
	}
	n, last := drain(admin.Users.All(t.Context(), imkit.UserQuery{}))
	check("users", last, n)
	n, last = drain(admin.As("a").Rooms.All(t.Context(), imkit.RoomQuery{}))
	check("rooms", last, n)
	n, last = drain(admin.Messages.All(t.Context(), "r", imkit.MessageQuery{Limit: 2}))
	check("messages", last, n)
}

func drain[T any](seq iter.Seq2[T, error]) (n int, last error) {
	for _, err := range seq {
		if last = err; err == nil {
			n++
		}
	}
	return n, last
}

func TestARefusedPageEndsTheRange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, err := drain(w.as(t, "carol").Messages.All(t.Context(), "team", imkit.MessageQuery{}))
	if n != 0 || !errors.Is(err, keyfit.ErrForbidden) {
		t.Errorf("%d messages, %v", n, err)
	}
	w.srv.Inject(mockserver.Match{Path: "/admin/groups"}, mockserver.Status(http.StatusNotFound, ""))
	if n, err = drain(w.admin.Groups.All(t.Context(), imkit.GroupQuery{})); n != 0 || !errors.Is(err, keyfit.ErrNotFound) {
		t.Errorf("%d groups, %v", n, err)
	}
}
