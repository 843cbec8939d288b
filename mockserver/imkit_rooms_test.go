package mockserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

func TestWhoMayManageAnIMKITRoom(t *testing.T) {
	t.Parallel()
	const manager = "bob" // made one below
	for call, tt := range map[string]struct {
		body string
		want map[string]int
	}{
		"PUT /rooms/r":                   {`{"name":"x"}`, map[string]int{platform: 200, "ann": 200, manager: 200, "dan": 403, "cat": 403}},
		"PUT /rooms/r owner":             {`{"owner":"bob"}`, map[string]int{platform: 200, "ann": 200, manager: 403, "dan": 403}},
		"DELETE /rooms/r":                {``, map[string]int{platform: 200, "ann": 200, manager: 200, "dan": 403, "cat": 403}},
		"GET /rooms/r":                   {``, map[string]int{platform: 200, "ann": 200, manager: 200, "dan": 200, "cat": 403}},
		"POST /rooms/r/members":          {`{"invitees":["cat"]}`, map[string]int{platform: 200, "ann": 200, "dan": 200, "cat": 403}},
		"POST /rooms/r/delete/members":   {`{"members":["dan"]}`, map[string]int{platform: 200, "ann": 200, manager: 200, "dan": 200, "cat": 403}},
		"POST /rooms/r/delete/members 2": {`{"members":["bob"]}`, map[string]int{manager: 200, "dan": 403}},
		"PUT /rooms/r/member/dan":        {`{"property":"role","value":"admin"}`, map[string]int{platform: 200, "ann": 200, manager: 200, "dan": 403, "cat": 403}},
		"DELETE /rooms/r/messages/_all":  {``, map[string]int{platform: 200, "ann": 200, manager: 200, "dan": 403, "cat": 403}},
		"POST /blockStatus/room/r/dan":   {``, map[string]int{platform: 200, "ann": 200, manager: 403, "cat": 403}},
	} {
		got := map[string]int{}
		for caller := range tt.want {
			app := newIMKIT(t).seed()
			app.ok(platform, "POST /admin/clients", `{"_id":"dan"}`)
			app.ok(platform, "POST /rooms/r/members", `{"invitees":["dan"]}`)
			app.ok("ann", "PUT /rooms/r/member/bob", `{"property":"role","value":"admin"}`)
			method, rest, _ := strings.Cut(call, " ")
			path, _, _ := strings.Cut(rest, " ")
			got[caller] = app.do(caller, method+" "+path, tt.body).status
		}
		same(t, call, tt.want, got)
	}
}

func TestMembersJoinAndLeaveIMKITRooms(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	kinds := func() []string {
		list, _ := app.ok(platform, "GET /rooms/r/messages/v3", "")["data"].([]any)
		var out []string
		for _, item := range slices.Backward(list) {
			m, _ := item.(map[string]any)
			about, _ := m["member"].(map[string]any)
			out = append(out, fmt.Sprint(m["messageType"], " ", about["_id"], " ", m["message"]))
		}
		return out
	}
	same(t, "added", []string{"ann", "bob", "cat"}, ids(app.ok("bob", "POST /rooms/r/members", `{"invitees":["cat","ann"],"systemMessage":true}`)["members"]))
	app.ok("ann", "PUT /rooms/r/member/cat", `{"property":"role","value":"admin"}`)
	same(t, "removed", []string{"ann", "cat"}, ids(app.ok("cat", "POST /rooms/r/delete/members", `{"members":["bob"],"systemMessage":true}`)["members"]))
	same(t, "left", []string{"ann"}, ids(app.ok("cat", "POST /rooms/r/delete/members", `{"members":["cat"],"systemMessage":true}`)["members"]))
	same(t, "system messages", []string{"addMember cat CAT", "assignAdmin cat CAT", "deleteMember bob BOB", "leaveRoom cat CAT"}, kinds())
	if got := app.do("bob", "GET /rooms/r/messages/v3", ""); got.status != 403 {
		t.Errorf("a removed member reads: %d", got.status)
	}
	if got := app.do("ann", "POST /rooms/r/delete/members", `{"members":["bob"]}`); !strings.Contains(got.body, "CLIENT_NOT_FOUND") {
		t.Errorf("removed twice: %d %s", got.status, got.body)
	}
	same(t, "invited, not yet in", []string{"ann"}, ids(app.ok("ann", "POST /rooms/r/members", `{"invitees":["bob"],"invitationRequired":true}`)["members"]))
	app.ok("ann", "PUT /rooms/r", `{"opening":0,"managers":[]}`)
	app.ok("ann", "POST /rooms/r/members", `{"invitees":["bob"]}`)
	if got := app.do("bob", "POST /rooms/r/members", `{"invitees":["cat"]}`); got.status != 403 {
		t.Errorf("a closed room took a member's guest: %d", got.status)
	}
}

func TestAnInvitedGroupAddsItsMembersToTheRoom(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	app.ok(platform, "POST /admin/groups", `{"_id":"desk","nickname":"Desk","members":["cat"]}`)
	if got := app.do("cat", "GET /rooms/r", ""); got.status != 403 {
		t.Fatalf("a stranger reads: %d", got.status)
	}
	app.ok("ann", "POST /rooms/r/members", `{"invitees":["desk"]}`)
	id := app.say("r", "ann", "hello")
	same(t, "unread", any(1.0), app.ok("cat", "GET /rooms/r", "")["unread"])
	same(t, "rooms", []string{"r"}, ids(app.ok("cat", "GET /rooms", "")["data"]))
	app.ok("cat", "PUT /rooms/r/lastRead", `{"message":"`+id+`"}`)
	same(t, "read", any(0.0), app.ok("cat", "GET /rooms/r", "")["unread"])
}

func TestIMKITRoomsAreListedSortedAndFiltered(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	room := func(id, rest string) {
		app.srv.Clock().Advance(time.Minute)
		app.ok(platform, "POST /rooms/", `{"_id":"`+id+`","members":["ann","bob"]`+rest+`}`)
	}
	room("s", `,"name":"Alpha"`)
	room("t", `,"name":"Beta","owner":"ann"`)
	room("frozen", ``)
	app.ok(platform, "PUT /rooms/frozen", `{"status":0}`)
	app.ok(platform, "POST /rooms/", `{"_id":"others","members":["cat"]}`)
	app.say("s", "ann", "x")
	app.srv.Clock().Advance(time.Minute) // 4 minutes past: s is talked about, r too
	app.say("r", "bob", "y")
	app.ok("ann", "POST /me/mute/t", "")
	for query, want := range map[string][]string{
		"":                                          {"r", "s", "t"},
		"sort=-createdTime":                         {"t", "s", "r"},
		"sort=-lastMessage+-createdTime":            {"r", "s", "t"},
		"sort=lastMessage":                          {"t", "s", "r"},
		"sort=name":                                 {"s", "t", "r"},
		"skip=1&limit=1":                            {"s"},
		"skip=5":                                    {},
		"limit=0":                                   {"r", "s", "t"},
		"sort=createdTime&sortUnreadFirst=1":        {"r", "s", "t"},
		"sort=-createdTime&sortUnreadFirst=1":       {"r", "t", "s"},
		"updatedAfter=2027-01-01T00:03:30Z":         {"r"},
		"updatedAfter=1798761750000":                {"r", "s"}, // 2.5 minutes past
		"pref=%7B%22muted%22:true%7D":               {"t"},
		"pref=%7B%22tags%22:%22some-tag%22%7D":      {},
		"updatedAfter=2027-01-01T00%3A01%3A59.999Z": {"r", "s", "t"},
	} {
		same(t, query, want, ids(app.ok("ann", "GET /rooms?"+query, "")["data"]))
	}
	same(t, "total with a limit", any(3.0), app.ok("ann", "GET /rooms?limit=1", "")["totalCount"])
}

func TestVariantsOfMembersAndSenders(t *testing.T) {
	t.Parallel()
	kind := func(v any) string {
		switch v := v.(type) {
		case []any:
			if _, ok := v[0].(string); ok {
				return "ids"
			}
			return "objects"
		case string:
			return "id"
		}
		return "object"
	}
	for name, tt := range map[string]struct {
		variant mockserver.Variant
		want    []string // members on create and get; sender on send, list, last, recall
	}{
		"as each page": {0, []string{"ids", "objects", "id", "object", "object", "object"}},
		"strings":      {mockserver.MemberStrings | mockserver.SenderStrings, []string{"ids", "ids", "id", "id", "id", "id"}},
		"objects":      {mockserver.MemberObjects | mockserver.SenderObjects, []string{"objects", "objects", "object", "object", "object", "object"}},
	} {
		app := newIMKIT(t, variant(tt.variant)).seed()
		created := app.ok(platform, "POST /rooms", `{"members":["ann"]}`)
		sent := app.ok(platform, "POST /messages", `{"room":"r","sender":"bob","messageType":"text","message":1111234}`)
		room := app.ok("ann", "GET /rooms/r", "")
		list, _ := app.ok("ann", "GET /rooms/r/messages/v3", "")["data"].([]any)
		listed, _ := list[0].(map[string]any)
		last, _ := room["lastMessage"].(map[string]any)
		id, _ := sent["_id"].(string)
		recalled := app.ok("ann", "POST /rooms/r/message", `{"_id":"`+id+`","messageType":"recall"}`)
		same(t, name, tt.want, []string{kind(created["members"]), kind(room["members"]), kind(sent["sender"]), kind(listed["sender"]), kind(last["sender"]), kind(recalled["sender"])})
	}
}

func TestBlocksKeepMessagesOut(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	app.ok(platform, "POST /rooms/", `{"_id":"two","roomType":"direct","members":["ann","bob"]}`)
	status := func(room, sender string) int {
		return app.do(platform, "POST /messages", `{"room":"`+room+`","sender":"`+sender+`","messageType":"text","message":"x"}`).status
	}
	got := func() []int { return []int{status("r", "bob"), status("two", "bob"), status("two", "ann")} }
	same(t, "free", []int{200, 200, 200}, got())
	same(t, "room of the block", any("two"), app.ok("ann", "POST /blockStatus/my/bob", "")["room"])
	same(t, "blocked", []int{200, 403, 403}, got())
	app.srv.Clock().Advance(time.Minute)
	same(t, "end of the block", any("2027-01-01T00:01:00.000Z"), app.ok("ann", "DELETE /blockStatus/my/bob", "")["updatedAt"])
	app.ok("ann", "POST /blockStatus/room/r/bob", "")
	same(t, "banned", []int{403, 200, 200}, got())
	app.ok("ann", "DELETE /blockStatus/room/r/bob", "")
	app.ok("ann", "PUT /rooms/r", `{"status":0}`)
	same(t, "frozen", []int{403, 200, 200}, got())
	app.ok("ann", "PUT /rooms/r", `{"status":1}`)
	same(t, "thawed", []int{200, 200, 200}, got())
}

func TestADeletedRoomIsGoneWithItsMessages(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	id := app.say("r", "ann", "x")
	app.ok("ann", "POST /blockStatus/room/r/bob", "")
	app.ok("ann", "DELETE /rooms/r", "")
	got := []int{app.do("ann", "GET /rooms/r", "").status, app.do(platform, "POST /messages/"+id+"/pin", "").status, app.do("ann", "DELETE /rooms/r", "").status}
	same(t, "room, message, again", []int{404, 404, 404}, got)
	app.ok(platform, "POST /rooms/", `{"_id":"r","members":["ann","bob"],"owner":"ann"}`)
	same(t, "bans of the new room", []any{}, app.ok("ann", "GET /blockStatus/room/r", "")["data"])
}
