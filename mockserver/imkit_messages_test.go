package mockserver_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

func TestIMKITMessagesArePagedByCursor(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	var sent []string // newest first
	for i := range 25 {
		if i%3 == 0 { // several messages have the same time
			app.srv.Clock().Advance(time.Second)
		}
		sent = append([]string{app.say("r", "ann", fmt.Sprint(i))}, sent...)
	}
	page := func(query string) []string {
		got := app.ok("bob", "GET /rooms/r/messages/v3?"+query, "")
		if got["totalCount"] != 25.0 {
			t.Errorf("%s: total %v", query, got["totalCount"])
		}
		return ids(got["data"])
	}
	same(t, "default", sent[:20], page(""))
	for limit := 1; limit <= 30; limit++ {
		var back []string
		for cursor := ""; ; cursor = "&beforeMessage=" + back[len(back)-1] {
			got := page(fmt.Sprint("limit=", limit, cursor))
			if len(got) == 0 {
				break
			}
			back = append(back, got...)
		}
		same(t, fmt.Sprint("backwards by ", limit), sent, back)
		forth := []string{sent[24]}
		for {
			got := page(fmt.Sprint("limit=", limit, "&afterMessage=", forth[0]))
			if len(got) == 0 {
				break
			}
			forth = append(got, forth...)
		}
		same(t, fmt.Sprint("forwards by ", limit), sent, forth)
	}
	same(t, "between", sent[6:10], page("beforeMessage="+sent[5]+"&afterMessage="+sent[10]))
}

func TestAfterTimeComparesTheFieldAskedFor(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	old := app.say("r", "ann", "old")
	app.srv.Clock().Advance(time.Hour)
	recent := app.say("r", "ann", "recent")
	app.ok("ann", "POST /messages/"+old+"/pin", "") // changed now, sent an hour ago
	for query, want := range map[string][]string{
		"":                        {recent, old}, // both changed last at this time: as sent
		"afterTime=1798761600001": {recent, old},
		"afterTime=2027-01-01T00:00:00Z&timeRangeField=createdAt":   {recent},
		"afterTime=2027-01-01T00:00:00Z&timeRangeField=messageTime": {recent},
		"afterTime=2027-01-01T01:00:00Z":                            {},
	} {
		same(t, query, want, ids(app.ok("bob", "GET /rooms/r/messages/v3?"+query, "")["data"]))
	}
	app.srv.Clock().Advance(time.Minute)
	app.ok("ann", "DELETE /messages/"+old+"/pin", "")
	same(t, "a changed message comes first", []string{old, recent}, ids(app.ok("bob", "GET /rooms/r/messages/v3", "")["data"]))
}

func TestABatchIsSentOneSecondLater(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	got := app.ok(platform, "POST /messages/batch", `{"messageType":"text","message":"Hi $name$, $order$ is out","sender":"ann","paras":[`+
		`{"receiver":"bob","$name$":"Bob","$order$":"7"},{"receiver":"nobody","room":"r","$name$":"all","$order$":"8"},{"receiver":"cat","$name$":"$order$"}]}`)
	same(t, "count", any(3.0), got["count"])
	texts := func(user string) []any {
		var out []any
		rooms, _ := app.ok(user, "GET /rooms", "")["data"].([]any)
		for _, item := range rooms {
			room, _ := item.(map[string]any)
			last, _ := room["lastMessage"].(map[string]any)
			out = append(out, last["message"])
		}
		return out
	}
	app.srv.Clock().Advance(time.Second - time.Nanosecond)
	same(t, "before", []any{nil, nil}, texts("bob")) // the room r, and the room of ann and bob
	app.srv.Clock().Advance(time.Nanosecond)
	same(t, "after", []any{"Hi all, 8 is out", "Hi Bob, 7 is out"}, texts("bob"))
	same(t, "a value is no template", []any{"Hi $order$, $order$ is out"}, texts("cat"))
	app.ok(platform, "POST /messages/batch", `{"messageType":"text","message":"again","sender":"bob","paras":[{"receiver":"ann"}]}`)
	app.srv.Clock().Advance(time.Minute)
	same(t, "the same room of two", []any{"Hi all, 8 is out", "again"}, texts("bob"))
}

func TestUnreadMessagesAreCounted(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	app.ok(platform, "POST /rooms/", `{"_id":"s","roomTags":["work"],"members":["ann","bob"]}`)
	var in []string
	for i := range 4 {
		in = append(in, app.say("r", "ann", fmt.Sprint(i)))
	}
	app.say("r", "bob", "own messages are not unread")
	app.say("s", "ann", "x")
	state := func() []any {
		tags := app.ok("bob", "POST /badges/byRoomTags", "")
		return []any{app.ok("bob", "GET /me/badge", "")["badge"], app.ok("bob", "GET /me/badge?roomTags=work&roomTags=demo", "")["badge"], tags["totalBadge"], tags["data"]}
	}
	same(t, "all, with both tags, by tag", []any{5.0, 4.0, 9.0, map[string]any{"work": 5.0, "demo": 4.0}}, state())
	same(t, "read", map[string]any{"client": "bob", "lastRead": in[1], "badge": 3.0}, app.ok("bob", "PUT /rooms/r/lastRead", `{"message":"`+in[1]+`"}`))
	same(t, "backwards changes nothing", map[string]any{"client": "bob", "lastRead": in[1], "badge": 3.0}, app.ok("bob", "PUT /rooms/r/lastRead", `{"message":"`+in[0]+`"}`))
	app.ok("ann", "DELETE /rooms/r/messages/"+in[0], "") // was read
	app.ok("ann", "DELETE /rooms/r/messages/"+in[3], "") // was not
	same(t, "after deletion", []any{2.0, 1.0, 3.0, map[string]any{"work": 2.0, "demo": 1.0}}, state())
	app.ok("ann", "POST /rooms/r/members", `{"invitees":["cat"]}`)
	same(t, "a new member starts with nothing", any(0.0), app.ok("cat", "GET /me/badge", "")["badge"])
	app.ok("ann", "DELETE /rooms/r/messages/_all", "")
	same(t, "all deleted", []any{1.0, 0.0, 1.0, map[string]any{"work": 1.0, "demo": 0.0}}, state())
}

func TestSearchSeesTheCallersRoomsOnly(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	app.ok(platform, "POST /rooms/", `{"_id":"s","roomTags":["other"],"members":["cat","ann"]}`)
	one, two, other := app.say("r", "ann", "Needle one"), app.say("r", "bob", "two needles"), app.say("s", "cat", "a NEEDLE")
	app.say("r", "ann", "hay")
	found := func(caller, rest string) map[string][]string {
		out := map[string][]string{}
		groups, _ := app.ok(caller, "POST /search", `{"type":["messages"],"keyword":"needle"`+rest+`}`)["messages"].([]any)
		for _, g := range groups {
			group, _ := g.(map[string]any)
			room, _ := group["room"].(map[string]any)
			list, _ := group["messages"].([]any)
			for _, id := range list {
				out[fmt.Sprint(room["_id"])] = append(out[fmt.Sprint(room["_id"])], fmt.Sprint(id))
			}
		}
		return out
	}
	same(t, "bob", map[string][]string{"r": {two, one}}, found("bob", ""))
	same(t, "ann", map[string][]string{"r": {two, one}, "s": {other}}, found("ann", ""))
	same(t, "limit", map[string][]string{"r": {two}}, found("ann", `,"limit":1`))
	same(t, "tags", map[string][]string{"s": {other}}, found("ann", `,"roomTags":["other","none"]`))
	same(t, "room", map[string][]string{"s": {other}}, found("cat", `,"room":"s"`))
	same(t, "platform", map[string][]string{"r": {two, one}, "s": {other}}, found(platform, ""))
	if got := app.do("bob", "POST /search", `{"type":["messages"],"keyword":"x","room":"s"}`); got.status != 403 {
		t.Errorf("a stranger searches: %d", got.status)
	}
}

func TestOnlySenderAndManagersRecall(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	app.ok("ann", "POST /rooms/r/members", `{"invitees":["cat"]}`)
	want := map[string]int{"bob": 200, "ann": 200, platform: 200, "cat": 403}
	got := map[string]int{}
	for caller := range want {
		got[caller] = app.do(caller, "POST /rooms/r/message", `{"_id":"`+app.say("r", "bob", "x")+`","messageType":"recall"}`).status
	}
	same(t, "bob's message", want, got)
}

func TestIMKITIDsAreTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	say := func(opts ...mockserver.Option) string { return newIMKIT(t, opts...).seed().say("r", "ann", "x") }
	same(t, "without a seed", say(), say())
	if seeded := say(mockserver.WithSeed(7)); seeded == say() || seeded != say(mockserver.WithSeed(7)) {
		t.Errorf("seed 7 gives %s", seeded)
	}
}

func TestIMKITServesConcurrentCallers(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	users := []string{"ann", "bob"}
	requests := func(i int) []*http.Request {
		user := users[i%2]
		return []*http.Request{
			app.request(platform, "POST /messages", `{"room":"r","sender":"`+user+`","messageType":"text","message":"m"}`),
			app.request(platform, "POST /messages/batch", `{"messageType":"text","message":"b","paras":[{"room":"r"}]}`),
			app.request(user, "GET /rooms/r/messages/v3?limit=5", ""), app.request(user, "GET /rooms", ""),
			app.request(user, "POST /me/mute/r", ""), app.request(platform, "POST /config", `{"a":1}`),
			app.request(user, "GET /config", ""), app.request(platform, "GET /admin/clients", ""),
		}
	}
	var all []*http.Request
	for i := range 40 {
		all = append(all, requests(i)...)
	}
	var wg sync.WaitGroup
	for _, part := range slices.Collect(slices.Chunk(all, 16)) {
		wg.Go(func() {
			for _, r := range part {
				if got := call(t, app.rt, r); got.status != 200 {
					t.Errorf("%s %s: %d %s", r.Method, r.URL.Path, got.status, got.body)
				}
			}
		})
	}
	wg.Wait()
	app.srv.Clock().Advance(time.Second)
	same(t, "messages", any(80.0), app.ok(platform, "GET /rooms/r/messages/v3", "")["totalCount"])
}
