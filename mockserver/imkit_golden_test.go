package mockserver_test

import (
	"testing"
	"time"
)

// The steps build on each other; bodies are compared byte for byte, with names
// in the place of IDs and tokens.
func TestIMKITAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	const (
		ann   = `{"_id":"ann","nickname":"Ann","avatarUrl":"https://example.com/a.jpg","id":"ann","lastLoginTimeMS":0}`
		annM  = `{"_id":"ann","nickname":"Ann","avatarUrl":"https://example.com/a.jpg","isRobot":false,"id":"ann","lastLoginTimeMS":0}`
		bob   = `{"_id":"bob","nickname":"Bob","id":"bob","lastLoginTimeMS":0}`
		bobM  = `{"_id":"bob","nickname":"Bob","isRobot":false,"id":"bob","lastLoginTimeMS":0}`
		annU  = `"_id":"ann","__v":0,"appID":"LoremFitsum","nickname":"Ann","avatarUrl":"https://example.com/a.jpg","updatedAt":"2027-01-01T00:00:00.000Z","isRobot":false,`
		times = `"messageTimeMS":1798761600000,"updatedAtMS":1798761600000,"createdAtMS":1798761600000`
		hello = `"room":"r","message":"hello","messageType":"text"`
		room  = `"_id":"r","appID":"LoremFitsum","name":"Room","roomType":"group","botMode":false,"encrypted":false,"serviceStatus":0,"roomTags":["demo"],"status":1,`
		block = `"createdAt":"2027-01-01T00:00:00.000Z","updatedAt":"2027-01-01T00:00:00.000Z"}`
		last  = `"lastMessage":{"_id":"<id>",` + hello + `,"sender":` + ann + `,"appID":"LoremFitsum","id":"<id>",` + times + `,"reactionCount":0},`
	)
	result := func(s string) string { return `{"RC":0,"RM":"OK","result":` + s + `}` }
	app := newIMKIT(t)
	steps := []struct{ caller, call, body, want string }{
		{
			platform, "POST /admin/clients", `{"_id":"ann","nickname":"Ann","avatarUrl":"https://example.com/a.jpg","issueAccessToken":true}`,
			result(`{` + annU + `"mute":[],"id":"ann","lastLoginTimeMS":0,"token":"<token>","expirationDate":"2027-01-08T00:00:00.000Z"}`),
		},
		{platform, "POST /admin/clients/list", `{"data":[{"_id":"bob","nickname":"Bob"},{"_id":"cat"}]}`, result(`{"count":2}`)},
		{platform, "GET /admin/clients?limit=1", "", result(`{"totalCount":3,"data":[{` + annU + `"mute":[],"id":"ann","lastLoginTimeMS":0}]}`)},
		{"ann", "GET /me", "", result(`{` + annU + `"mute":[],"id":"ann","lastLoginTimeMS":0,"notificationEnabled":true}`)},
		{
			platform, "PUT /admin/clients/bob/token", `{"token":"bobs-own","expirationDate":"2027-06-01T00:00:00Z"}`,
			`{"_id":"bob","nickname":"Bob","issueAccessToken":false,"token":"bobs-own","expirationDate":"2027-06-01T00:00:00.000Z","updatedAt":"2027-01-01T00:00:00.000Z"}`,
		},
		{platform, "DELETE /admin/clients/bob/token", `{"token":"bobs-own"}`, `{"success":true,"message":"Token revoked successfully","revokedTokens":1}`},
		{platform, "DELETE /admin/clients/cat/token", `{}`, `{"success":true,"message":"All tokens revoked successfully","revokedTokens":0}`},
		{
			platform, "POST /admin/groups", `{"_id":"g","nickname":"Desk","members":["cat"]}`,
			result(`{"_id":"g","nickname":"Desk","members":["cat"],` + block),
		},
		{platform, "GET /admin/groups?limit=10", "", result(`{"totalCount":1,"data":[{"_id":"g","nickname":"Desk","members":["cat"],` + block + `]}`)},
		{platform, "GET /admin/connection-count", "", result(`{"count":0}`)},
		{
			platform, "POST /rooms/", `{"_id":"r","name":"Room","roomType":"group","roomTags":["demo"],"members":["ann","bob"],"owner":"ann"}`,
			result(`{` + room + `"members":["ann","bob"],"id":"r","createdTimeMS":1798761600000}`),
		},
		{
			platform, "POST /messages", `{"room":"r","sender":"ann","messageType":"text","message":"hello"}`,
			result(`{"_id":"<id>",` + hello + `,"sender":"ann","appID":"LoremFitsum",` + times + `}`),
		},
		{"bob", "GET /rooms/r", "", result(`{` + room + `"unread":1,` + last + `"memberProperties":[{"badge":0,"client":"ann"},{"badge":1,"client":"bob"}],` +
			`"members":[` + annM + `,` + bobM + `],"id":"r","createdTimeMS":1798761600000,"isSuperuser":false}`)},
		{"bob", "GET /rooms?limit=20&sort=-lastMessage", "", result(`{"totalCount":1,"inspect":{"query":{"appID":"LoremFitsum","members":"bob","status":1},"tookMS":0},"data":[{` +
			room + `"unread":1,"muted":false,` + last + `"members":[` + annM + `,` + bobM + `],` +
			`"pref":{"tags":[],"tagColors":{},"hidden":false,"sticky":false,"muted":false,"folder":""},"id":"r","createdTimeMS":1798761600000}]}`)},
		{"bob", "GET /rooms/r/messages/v3", "", result(`{"totalCount":1,"inspect":{"query":{"appID":"LoremFitsum","room":"r"},"tookMS":0},"data":[{"_id":"<id>",` + hello + `,"sender":` + ann +
			`,"appID":"LoremFitsum","id":"<id>",` + times + `,"reactions":[],"reactionCount":0,"isDeleted":false}],"userDeletedIDs":[]}`)},
		{"bob", "GET /me/badge?roomTags=demo", "", result(`{"badge":1}`)},
		{"bob", "POST /badges/byRoomTags", `{"tags":["demo","none"]}`, result(`{"totalBadge":1,"data":{"demo":1,"none":0}}`)},
		{"bob", "POST /search", `{"type":["messages"],"keyword":"HELL"}`, result(`{"messages":[{"room":{"_id":"r","name":"Room","roomTags":["demo"]},"messages":["<id>"]}]}`)},
		{"ann", "PUT /rooms/r", `{"status":0}`, `{"RC":0,"RM":"Room frozen successfully","result":{"_id":"r","appID":"LoremFitsum","name":"Room","roomType":"group","botMode":false,` +
			`"encrypted":false,"serviceStatus":0,"roomTags":["demo"],"status":0,` + last + `"memberProperties":[{"badge":0,"client":"ann"},{"badge":1,"client":"bob"}],` +
			`"members":[` + annM + `,` + bobM + `],"id":"r","createdTimeMS":1798761600000}}`},
		{"ann", "POST /me/mute/r", "", result(`{` + annU + `"mute":["r"],"id":"ann","lastLoginTimeMS":0}`)},
		{platform, "DELETE /admin/clients/ann/mute/r", "", result(`{` + annU + `"mute":[],"id":"ann","lastLoginTimeMS":0}`)},
		{"ann", "POST /blockStatus/room/r/bob", "", result(`{"appID":"LoremFitsum","blockee":` + bob + `,"blocker":"ann","room":"r",` + block)},
		{"ann", "GET /blockStatus/room/r", "", result(`{"data":[{"blockee":` + bob + `,"blocker":` + ann + `,"room":{"_id":"r","roomType":"group","id":"r","createdTimeMS":1798761600000},` + block + `]}`)},
		{"ann", "DELETE /blockStatus/room/r/bob", "", result(`{"appID":"LoremFitsum","blockee":` + bob + `,"blocker":"ann","room":"r",` + block)},
		{"ann", "POST /blockStatus/my/bob", "", result(`{"appID":"LoremFitsum","blockee":` + bob + `,"blocker":"ann","room":"<direct>",` + block)},
		{"ann", "GET /blockStatus/my", "", result(`{"data":[{"blockee":` + bob + `,"blocker":"ann","room":{"_id":"<direct>","roomType":"direct","id":"<direct>","createdTimeMS":1798761600000},` + block + `]}`)},
		{platform, "POST /messages/batch", `{"message":"x","messageType":"text","paras":[{"room":"r"}]}`, result(`{"batchID":"batch-20270101-<n>","count":1}`)},
		{platform, "POST /config", `{"announcement":{"text":"hi","pin":true}}`, result(`{"announcement":{"text":"hi","pin":true}}`)},
		{"ann", "GET /config", "", result(`{"announcement":{"text":"hi","pin":true}}`)},
		{platform, "DELETE /config/announcement", "", result(`{}`)},
		{platform, "POST /push/push2clients", `{"clients":["ann"],"payload":{"title":"t"}}`, result(`{}`)},
		{platform, "GET /admin/stats", "", result(`{"clientKey":"[redacted]","apiKey":"[redacted]","startTime":"2026-12-31T23:00:00.000Z","endTime":"2027-01-01T00:00:00.000Z",` +
			`"start":1798758000,"end":1798761600,"userList":["ann","bob","cat","admin"],"roomCount":1,"totalRoomCount":2,"messageCount":1,"peakConnectionCount":0,"totalMem":8589934592,"freeMem":3221225472}`)},
		{"ann", "DELETE /rooms/r", "", result(`{"n":1,"ok":1}`)},
	}
	for _, s := range steps {
		got := app.do(s.caller, s.call, s.body)
		same(t, s.call, s.want, made(got.body))
		if got.status != 200 {
			t.Errorf("%s: status %d", s.call, got.status)
		}
	}
}

func TestIMKITChangesAMessageAsDocumented(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	id := app.say("r", "bob", "secret")
	app.srv.Clock().Advance(time.Minute)
	const about = `"sender":{"_id":"bob","nickname":"BOB","isRobot":false,"id":"bob","lastLoginTimeMS":0},"appID":"LoremFitsum"`
	const times = `"id":"<id>","messageTimeMS":1798761600000,"updatedAtMS":1798761660000,"createdAtMS":1798761600000}}`
	for _, s := range []struct{ caller, call, body, want string }{
		{"ann", "POST /messages/" + id + "/pin", "", `{"RC":0,"RM":"OK","result":{"_id":"<id>","room":"r","message":"secret","messageType":"text",` + about + `,"pinned":true,` + times},
		{"ann", "DELETE /messages/" + id + "/pin", "", `{"RC":0,"RM":"OK","result":{"_id":"<id>","room":"r","message":"secret","messageType":"text",` + about + `,"pinned":false,` + times},
		{"bob", "POST /rooms/r/message", `{"_id":"` + id + `","messageType":"recall"}`, `{"RC":0,"RM":"OK","result":{"_id":"<id>","room":"r","message":"","messageType":"recall",` + about + `,"pinned":false,` + times},
		{"ann", "DELETE /rooms/r/messages/" + id, "", `{"RC":0,"RM":"Message deleted successfully","result":{"deletedCount":1,"roomID":"r","messageID":"<id>","deletedBy":"ann","deletedAt":"2027-01-01T00:01:00.000Z"}}`},
		{platform, "DELETE /rooms/r/messages/_all", "", `{"RC":0,"RM":"All messages deleted successfully","result":{"deletedCount":0,"roomID":"r","messageID":"_all","deletedBy":"admin","deletedAt":"2027-01-01T00:01:00.000Z"}}`},
	} {
		same(t, s.call, s.want, made(app.do(s.caller, s.call, s.body).body))
	}
}
