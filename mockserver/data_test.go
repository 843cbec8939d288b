package mockserver_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// items reads a JSON array.
func items(tb testing.TB, array string) []json.RawMessage {
	tb.Helper()
	var out []json.RawMessage
	if err := json.Unmarshal([]byte(array), &out); err != nil {
		tb.Fatal(err)
	}
	return out
}

// textOf writes items as one JSON array.
func textOf(tb testing.TB, list []json.RawMessage) string {
	tb.Helper()
	out, err := json.Marshal(list)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// asAdmin makes a request with an API key.
func asAdmin(tb testing.TB, srv *mockserver.Server, p mockserver.Provider, method, path, body string) answer {
	tb.Helper()
	r := newRequest(tb, p, method, path, body)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	srv.Keys().Issue(p, mockserver.LimitTo(mockserver.Limit{})).Apply(r)
	return call(tb, srv.Transport(), r)
}

// chat makes users, a group, rooms, messages, reads, blocks, settings and a
// batch that waits, over IMKIT's own API.
func chat(tb testing.TB, srv *mockserver.Server) {
	tb.Helper()
	for _, step := range [][3]string{
		{"POST", "/admin/clients/list", `{"data":[{"_id":"ann","nickname":"Ann <3"},{"_id":"bob"},{"_id":"cyd","email":"c@example.com"}]}`},
		{"POST", "/admin/groups", `{"_id":"team","nickname":"Team","members":["bob","cyd"]}`},
		{"POST", "/rooms", `{"_id":"hall","name":"Hall","members":["ann","team"],"owner":"ann","roomTags":["x"],"systemMessage":true}`},
		{"POST", "/rooms", `{"_id":"two","roomType":"direct","members":["ann","bob"]}`},
		{"POST", "/messages", `{"room":"hall","sender":"ann","messageType":"text","message":"one"}`},
		{"POST", "/messages", `{"room":"hall","sender":"ann","messageType":"text","message":{"b":1,"a":[2,"é<"]}}`},
		{"POST", "/messages", `{"room":"two","sender":"bob","messageType":"text","message":"hi"}`},
		{"POST", "/admin/clients/ann/mute/two", ``},
		{"POST", "/blockStatus/room/hall/cyd", ``},
		{"POST", "/config", `{"censorship":{"keywords":["x"]},"other":[1, 2]}`},
		{"POST", "/messages/batch", `{"message":"hello","messageType":"text","sender":"ann","paras":[{"receiver":"cyd"}]}`},
	} {
		if got := asAdmin(tb, srv, mockserver.IMKIT, step[0], step[1], step[2]); got.status != 200 {
			tb.Fatalf("%s %s: %d %s", step[0], step[1], got.status, got.body)
		}
	}
}

// everything is all data of a server, by provider and collection.
func everything(tb testing.TB, srv *mockserver.Server) map[string]string {
	tb.Helper()
	return dataOf(tb, srv, mockserver.Providers()...)
}

func dataOf(tb testing.TB, srv *mockserver.Server, providers ...mockserver.Provider) map[string]string {
	tb.Helper()
	out := make(map[string]string)
	for _, p := range providers {
		all, err := srv.Collections(p)
		if err != nil {
			tb.Fatal(err)
		}
		for _, c := range all {
			list, err := srv.Data(p, c.Name)
			if err != nil || len(list) != c.Count {
				tb.Fatalf("%s %s: %d items of %d, %v", p, c.Name, len(list), c.Count, err)
			}
			out[string(p)+" "+c.Name] = textOf(tb, list)
		}
	}
	return out
}

func TestEveryCollectionRoundTrips(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	chat(t, srv)
	before := everything(t, srv)
	reads := []struct {
		p    mockserver.Provider
		path string
	}{
		{mockserver.IMKIT, "/rooms/hall/messages/v3"},
		{mockserver.IMKIT, "/admin/clients"},
		{mockserver.IMKIT, "/blockStatus/room/hall"},
		{mockserver.IMKIT, "/config"},
		{mockserver.Imin, "/events-api/v2/event-series?geo[radial]=51.75,-1.25,10&mode=upcoming-sessions"},
		{mockserver.Imin, "/events-api/v2/event-series?isVirtual=true&mode=discovery-price-asc&iminTag[not]=none"},
		{mockserver.Imin, "/events-api/v2/event-series/loremfitsum-1001"},
		{mockserver.Imin, "/facilities-api/v2/facility-uses?geo[radial]=51.75,-1.25,10&mode=discovery-geo"},
		{mockserver.Imin, "/api/v1/places"},
		{mockserver.MindKey, "/odata/v2/Employee?$expand=position"},
		{mockserver.MindKey, "/odata/v2/PositionVersion?$expand=position,employee"},
		{mockserver.MindKey, "/odata/v2/EmployeeEquipment?$expand=employee"},
		{mockserver.Optimove, "/segments/GetCustomersByValueSegment?ValueSegmentID=2&Date=2026-12-30&CustomerAttributes=Alias;Age"},
		{mockserver.Optimove, "/groups/GetTargetGroupDetails"},
	}
	var first []string
	for _, r := range reads {
		got := asAdmin(t, srv, r.p, "GET", r.path, "")
		if got.status != 200 || len(got.body) < 50 {
			t.Fatalf("%s: %d %s", r.path, got.status, got.body)
		}
		first = append(first, got.body)
	}
	for name, text := range before {
		p, collection, _ := strings.Cut(name, " ")
		if err := srv.SetData(mockserver.Provider(p), collection, items(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d := cmp.Diff(before, everything(t, srv)); d != "" {
		t.Errorf("after writing back (-want +got):\n%s", d)
	}
	for i, r := range reads {
		if d := cmp.Diff(first[i], asAdmin(t, srv, r.p, "GET", r.path, "").body); d != "" {
			t.Errorf("%s (-before +after):\n%s", r.path, d)
		}
	}
}

func TestUnreadCountsAndWaitingBatchesSurviveARestore(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	chat(t, srv)
	next := mockserver.New(t)
	st, err := mockserver.ParseState(encode(t, srv.Snapshot()))
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Restore(st); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*mockserver.Server{srv, next} {
		s.Clock().Advance(2 * time.Second) // the batch is sent
	}
	for user, want := range map[string]string{"ann": `"badge":1}`, "bob": `"badge":4}`, "cyd": `"badge":5}`} {
		for i, s := range []*mockserver.Server{srv, next} {
			r := newRequest(t, mockserver.IMKIT, "GET", "/me/badge", "")
			s.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey(user)).Apply(r)
			if got := call(t, s.Transport(), r); !strings.Contains(got.body, want) {
				t.Errorf("server %d, %s: %s, want %s", i, user, got.body, want)
			}
		}
	}
	one := asAdmin(t, next, mockserver.IMKIT, "POST", "/messages", `{"room":"hall","sender":"ann","messageType":"text","message":"next"}`)
	var made struct {
		Result struct {
			ID string `json:"_id"`
		}
	}
	if err := json.Unmarshal([]byte(one.body), &made); err != nil || made.Result.ID == "" {
		t.Fatalf("%s: %v", one.body, err)
	}
	if old := everything(t, srv)["imkit messages"]; strings.Contains(old, made.Result.ID) {
		t.Errorf("the ID of a new message, %s, is that of an old one", made.Result.ID)
	}
}

func TestDataThatDoesNotFitIsRefusedByNameAndChangesNothing(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	chat(t, srv)
	for p, own := range map[mockserver.Provider][]string{ // what is a test's own is not emptied as sample data is
		mockserver.Imin: {"eventSeries", "facilities"}, mockserver.MindKey: {"EmployeeDependant"}, mockserver.Optimove: {"customers"},
	} {
		for _, collection := range own {
			list, err := srv.Data(p, collection)
			if err == nil {
				err = srv.SetData(p, collection, list[:len(list)-1])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	before := make(map[mockserver.Provider]map[string]string)
	for _, p := range mockserver.Providers() {
		before[p] = dataOf(t, srv, p)
	}
	for _, tt := range []struct {
		p                       mockserver.Provider
		collection, items, want string
	}{
		{mockserver.IMKIT, "users", `[{"_id":"ann"},{"_id":"ann"}]`, "users[1]: _id is already used by users[0]"},
		{mockserver.IMKIT, "users", `[{"_id":""}]`, "users[0]: _id is not valid"},
		{mockserver.IMKIT, "users", `["ann"]`, "users[0]: not a JSON object"},
		{mockserver.IMKIT, "users", `[{"_id":7}]`, "users[0]: _id has the wrong type: number"},
		{mockserver.IMKIT, "users", `[{"_id":"ann"}]`, "groups[0]: members[0] is not a user"},
		{mockserver.IMKIT, "rooms", `[]`, "messages[0]: room does not exist"},
		{mockserver.IMKIT, "rooms", `[{"_id":"r","members":["eve"]}]`, "rooms[0]: members[0] is not a user or group"},
		{mockserver.IMKIT, "messages", `[{"_id":"m","room":"hall","sender":"ann","messageType":"text"}]`, "messages[0]: message is missing"},
		{mockserver.IMKIT, "blocks", `[{"by":"love","room":"hall","blocker":"ann","blockee":"bob"}]`, `blocks[0]: by must be`},
		{mockserver.IMKIT, "config", `[{"key":"censorship","value":1}]`, "config[0]: value: censorship"},
		{mockserver.IMKIT, "batches", `[{"room":"hall","sender":"ann","messageType":"text","message":"x"}]`, "batches[0]: due is missing"},
		{mockserver.MindKey, "Employee", `[{"salary":1}]`, `Employee[0]: employeeId is missing`},
		{mockserver.MindKey, "Employee", `[]`, `EmployeeDependant[0]: employee: "EMP001" does not exist`},
		{mockserver.MindKey, "EmployeeEquipment", `[{"employeeEquipmentId":"x","quantity":1.5}]`, "EmployeeEquipment[0]: quantity: not an Edm.Int64"},
		{mockserver.MindKey, "EmployeeEquipment", `[{"employeeEquipmentId":"x"},{"employeeEquipmentId":"x"}]`, "EmployeeEquipment[1]: employeeEquipmentId is already used by"},
		{mockserver.Optimove, "customers", `[{"CustomerID":"a","LifecycleStageID":9}]`, "customers[0]: LifecycleStageID"},
		{mockserver.Optimove, "customers", `[{"CustomerID":"a","LifecycleStageID":1,"ValueSegmentID":1,"MicrosegmentID":1,"TargetGroupID":1,"Attributes":{"Age":"old"}}]`, "customers[0]: Attributes: Age"},
		{mockserver.Optimove, "targetGroups", `[]`, "customers[0]: TargetGroupID is not in targetGroups"},
		{mockserver.Optimove, "promotions", `[{"PromoCode":"a"}]`, "promotions[0]: PromoCode and PromotionName"},
		{mockserver.Optimove, "eventListeners", `[{"EventTypeID":1,"ListenerURL":"nowhere"}]`, "eventListeners[0]: ListenerURL"},
		{mockserver.Imin, "eventPlaces", `[]`, "location.id is not in eventPlaces"},
		{mockserver.Imin, "eventPlaces", `[{"id":"a","name":"A","geo":{"latitude":91}}]`, "eventPlaces[0]: geo is out of range"},
		{mockserver.Imin, "eventSeries", `[{"identifier":"a","name":"A","organizer":{"name":"x"},"subEvent":[{}]}]`, "eventSeries[0]: activity"},
		{mockserver.Imin, "facilities", `[{"identifier":"a","name":"A","provider":{"name":"x"},"place":"nowhere","maximumUses":1}]`, "facilities[0]: place is not in"},
	} {
		err := srv.SetData(tt.p, tt.collection, items(t, tt.items))
		if !errors.Is(err, mockserver.ErrInvalidData) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %s: error %v, want %q", tt.collection, tt.items, err, tt.want)
		}
		if d := cmp.Diff(before[tt.p], dataOf(t, srv, tt.p)); d != "" {
			t.Fatalf("%s %s: something changed:\n%s", tt.collection, tt.items, d)
		}
	}
	if err := srv.SetData(mockserver.IMKIT, "cars", nil); !errors.Is(err, mockserver.ErrNoSuchCollection) {
		t.Errorf("an unknown collection: %v", err)
	}
	if err := srv.SetData("acme", "users", nil); !errors.Is(err, mockserver.ErrNoSuchVendor) {
		t.Errorf("an unknown provider: %v", err)
	}
}

func TestTheProviderServesTheDataThatWasSet(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	for _, tt := range []struct {
		p                             mockserver.Provider
		collection, items, path, want string
	}{
		{mockserver.IMKIT, "users", `[{"_id":"zoe","nickname":"Zoe"}]`, "/admin/clients", `"nickname":"Zoe"`},
		{mockserver.IMKIT, "rooms", `[{"_id":"den","name":"Den","members":["zoe"]}]`, "/rooms/den", `"name":"Den"`},
		{mockserver.MindKey, "EmployeeEquipment", `[{"employeeEquipmentId":"Q1","description":"Kettle","employee":"EMP001"}]`, "/odata/v2/EmployeeEquipment?$expand=employee", `"description":"Kettle"`},
		{mockserver.Optimove, "promotions", `[{"PromoCode":"Q1","PromotionName":"Kettle"}]`, "/integrations/GetPromotions", `"PromoCode":"Q1"`},
		{mockserver.Optimove, "customers", `[]`, "/segments/GetCustomersByValueSegment?ValueSegmentID=2&Date=2026-12-30", `[]`},
		{
			mockserver.Imin, "eventSeries",
			`[{"identifier":"my-1","name":"My Tennis","organizer":{"name":"Me"},"activity":[{"type":"Concept","id":"https://openactive.io/activity-list#00000000-0000-4000-8000-000000000001"}],` +
				`"eventAttendanceMode":"schema:OnlineEventAttendanceMode","subEvent":[{"eventSchedule":[{"byDay":["schema:Tuesday"],"startTime":"23:30","endTime":"00:15"}]}]}]`,
			"/events-api/v2/event-series/my-1", `"startDate":"2027-01-05T23:30:00Z","endDate":"2027-01-06T00:15:00Z","duration":"PT45M"`,
		},
	} {
		if err := srv.SetData(tt.p, tt.collection, items(t, tt.items)); err != nil {
			t.Errorf("%s: %v", tt.collection, err)
		}
		if got := asAdmin(t, srv, tt.p, "GET", tt.path, ""); got.status != 200 || !strings.Contains(got.body, tt.want) {
			t.Errorf("%s: %d %s, want %s", tt.path, got.status, got.body, tt.want)
		}
	}
	if err := srv.Reset(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(everything(t, mockserver.New(t)), everything(t, srv)); d != "" {
		t.Errorf("after a reset (-new +got):\n%s", d)
	}
}

// A fixture that was copied from the vendor's own answers comes out as it went in,
// after a change over the API, a restart and a copy too.
func TestUnknownMembersOfFixturesAreKept(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for _, c := range []struct {
		provider   mockserver.Provider
		collection string
		in, want   string
	}{
		{
			mockserver.IMKIT, "users",
			`{"_id":"ann","nickname":"Ann","createdAt":"2027-01-01T00:00:00Z","updatedAt":"2027-01-01T00:00:00Z","isRobot":false,"address":{"port":7}}`,
			`{"_id":"ann","address":{"port":7},"createdAt":"2027-01-01T00:00:00Z","isRobot":false,"nickname":"Ann","updatedAt":"2027-01-01T00:00:00Z"}`,
		},
		{
			mockserver.Optimove, "promotions", `{"PromoCode":"a","PromotionName":"b","Valid":[1.50,true]}`,
			`{"PromoCode":"a","PromotionName":"b","Valid":[1.50,true]}`,
		},
		{
			mockserver.MindKey, "EmployeeEquipment", `{"employeeEquipmentId":"Q1","description":"Kettle","Quantity":2,"color":{"rgb":"a"},"returnedDate":null}`,
			`{"color":{"rgb":"a"},"description":"Kettle","employeeEquipmentId":"Q1","quantity":2,"returnedDate":null}`,
		},
	} {
		if err := srv.SetData(c.provider, c.collection, []json.RawMessage{json.RawMessage(c.in)}); err != nil {
			t.Fatal(err)
		}
		for _, how := range []string{"loaded", "restored"} {
			items, err := srv.Data(c.provider, c.collection)
			if err != nil || len(items) != 1 {
				t.Fatalf("%d items: %v", len(items), err)
			}
			if d := cmp.Diff(c.want, string(items[0])); d != "" {
				t.Errorf("%s, %s (-want +got):\n%s", c.collection, how, d)
			}
			if err := srv.Restore(srv.Snapshot()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := asAdmin(t, srv, mockserver.IMKIT, "POST", "/admin/clients", `{"_id":"ann","nickname":"Anna"}`); got.status != 200 {
		t.Fatal(got.body)
	}
	items, _ := srv.Data(mockserver.IMKIT, "users")
	if got := string(items[0]); !strings.Contains(got, `"nickname":"Anna"`) || !strings.Contains(got, `"port":7`) {
		t.Errorf("after a change: %s", got)
	}
}

// So it is for every collection of every vendor.
func TestEveryCollectionKeepsUnknownMembers(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	chat(t, srv)
	for _, collection := range []string{"eventSeries", "tasters", "facilities"} { // one is as good as fifty
		list, err := srv.Data(mockserver.Imin, collection)
		if err == nil {
			err = srv.SetData(mockserver.Imin, collection, list[:1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	for _, p := range mockserver.Providers() {
		all, err := srv.Collections(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			list, err := srv.Data(p, c.Name)
			if err != nil {
				t.Fatal(err)
			}
			for i, raw := range list {
				list[i] = json.RawMessage(strings.TrimSuffix(string(raw), "}") + `,"x-lorem":{"fitsum":[1.50,` + strconv.Itoa(i) + `]}}`)
			}
			if err := srv.SetData(p, c.Name, list); err != nil {
				t.Errorf("%s %s: %v", p, c.Name, err)
			}
			seen += min(len(list), 1)
		}
	}
	restored := mockserver.New(t)
	if err := restored.Restore(srv.Snapshot()); err != nil {
		t.Fatal(err)
	}
	for how, srv := range map[string]*mockserver.Server{"loaded": srv, "restored": restored} {
		for name, text := range everything(t, srv) {
			for i, raw := range items(t, text) {
				if want := `"x-lorem":{"fitsum":[1.50,` + strconv.Itoa(i) + `]}`; !strings.Contains(string(raw), want) {
					t.Errorf("%s, %s[%d]: %s", how, name, i, raw)
					break
				}
			}
		}
	}
	if seen < 22 {
		t.Errorf("only %d collections had items", seen)
	}
}

// IMKIT starts with Lorem Fitsum data, which an API can read, and whose collections
// can be replaced one after the other, in the order of their list.
func TestIMKITStartsWithSampleData(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	if got := asAdmin(t, srv, mockserver.IMKIT, "GET", "/admin/clients", ""); !strings.Contains(got.body, `"nickname":"Lorem Fitsum"`) {
		t.Errorf("users: %s", got.body)
	}
	other := mockserver.New(t, mockserver.WithoutSampleData())
	fill := map[string]string{
		"users": `[{"_id":"ann"},{"_id":"bob"}]`, "groups": `[{"_id":"g","nickname":"G","members":["ann"]}]`,
		"rooms": `[{"_id":"r","members":["ann","bob"]}]`, "messages": `[{"_id":"m","room":"r","sender":"ann","messageType":"text","message":"hi"}]`,
	}
	for _, s := range []*mockserver.Server{srv, other} {
		all, err := s.Collections(mockserver.IMKIT)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			var items []json.RawMessage
			if text := fill[c.Name]; text != "" {
				if err := json.Unmarshal([]byte(text), &items); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.SetData(mockserver.IMKIT, c.Name, items); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
		if items, _ := s.Data(mockserver.IMKIT, "rooms"); len(items) != 1 {
			t.Errorf("%d rooms", len(items))
		}
	}
}
