package imkit_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/imkit"
)

// decoder is one type with a sample. Samples contain no secrets, which encoding redacts.
type decoder struct {
	name, sample string
	trip         func(t *testing.T, b []byte) (encoded []byte)
}

// trip decodes, encodes and decodes again, and compares the values.
func trip[T any](t *testing.T, b []byte) []byte {
	t.Helper()
	var first, second T
	if json.Unmarshal(b, &first) != nil {
		return nil
	}
	encoded, err := json.Marshal(first)
	if err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	if err := json.Unmarshal(encoded, &second); err != nil {
		t.Fatalf("%s: %v", encoded, err)
	}
	if d := cmp.Diff(first, second, cmp.Comparer(sameSecret)); d != "" {
		t.Errorf("%s lost (-first +second):\n%s", b, d)
	}
	return encoded
}

// sameSecret treats a redacted secret as equal.
func sameSecret(a, b imkit.Secret) bool {
	return a.Equal(b) || !a.IsZero() && b.Reveal() == "[redacted]"
}

const (
	personSample  = `{"_id":"user001","id":"user001","nickname":"Amy","description":"d","avatarUrl":"https://example.com/a.jpg","isRobot":true,"lastLoginTimeMS":1893456000123}`
	messageSample = `{"_id":"m1","id":"m1","room":"r1","message":{"a":[1,1.50,"<"]},"messageType":"text","sender":` + personSample +
		`,"member":` + personSample + `,"appID":"SampleApp","pinned":true,"messageTimeMS":1893456000000,"updatedAtMS":1893456000001,"createdAtMS":1893456000002,` +
		`"reactions":[{"type": "like"}],"reactionCount":1,"isDeleted":true}`
	roomSample = `{"_id":"r1","id":"r1","appID":"SampleApp","name":"Team","cover":"c","description":"d","roomType":"group","roomTags":["a"],"status":0,` +
		`"webhook":"https://example.com/w","botState":{"s":1},"botMode":true,"encrypted":true,"serviceStatus":1,"unread":2,"muted":true,"isSuperuser":true,` +
		`"lastMessage":` + messageSample + `,"members":[` + personSample + `],"memberProperties":[{"client":"user001","badge":1,"lastRead":"m1"}],` +
		`"pref":{"tags":["t"],"tagColors":{"t":"red"},"hidden":true,"sticky":true,"muted":true,"folder":"f"},"createdTimeMS":1893456000000}`
	userSample = `{"_id":"user001","id":"user001","appID":"SampleApp","nickname":"Amy","email":"a@example.com","description":"d","avatarUrl":"u",` +
		`"isRobot":true,"mute":["r1"],"address":{"port":1,"family":"IPv6","address":"::1"},"userAgent":"x","lastLoginTimeMS":1,` +
		`"updatedAt":"2030-01-01T00:00:00.123+02:00","notificationEnabled":true,"expirationDate":"2030-01-08T00:00:00Z","__v":3}`
	blockSample = `{"appID":"SampleApp","blockee":` + personSample + `,"blocker":` + personSample + `,"room":` + roomSample + `,"createdAt":"2030-01-01T00:00:00Z","updatedAt":"2030-01-02T00:00:00Z"}`
)

func decoders() []decoder {
	return []decoder{
		{"User", userSample, trip[imkit.User]},
		{"Person", personSample, trip[imkit.Person]},
		{"Room", roomSample, trip[imkit.Room]},
		{"Message", messageSample, trip[imkit.Message]},
		{"Block", blockSample, trip[imkit.Block]},
		{"Group", `{"_id":"g","id":"g","nickname":"G","avatarUrl":"u","members":[` + personSample + `],"createdAt":"2030-01-01T00:00:00Z","updatedAt":"2030-01-01T00:00:00Z"}`, trip[imkit.Group]},
		{"Token", `{"_id":"u","nickname":"N","avatarUrl":"a","issueAccessToken":true,"expirationDate":"2030-01-08T00:00:00Z","updatedAt":"2030-01-01T00:00:00Z"}`, trip[imkit.Token]},
		{"Revocation", `{"success":true,"message":"m","revokedTokens":2}`, trip[imkit.Revocation]},
		{"Deletion", `{"deletedCount":1,"roomID":"r","messageID":"m","deletedBy":"u","deletedAt":"2030-01-01T00:00:00Z"}`, trip[imkit.Deletion]},
		{"ReadState", `{"client":"u","lastRead":"m","badge":1}`, trip[imkit.ReadState]},
		{"Batch", `{"batchID":"b","count":2}`, trip[imkit.Batch]},
		{"SearchHit", `{"room":` + roomSample + `,"messages":["m"]}`, trip[imkit.SearchHit]},
		{"TagBadges", `{"totalBadge":1,"data":{"a":1}}`, trip[imkit.TagBadges]},
		{"Statistics", `{"startTime":"2030-01-01T00:00:00Z","endTime":"2030-01-01T01:00:00Z","start":1,"end":2,"userList":["u"],"roomCount":1,"totalRoomCount":2,"messageCount":3,"peakConnectionCount":4,"totalMem":5,"freeMem":6}`, trip[imkit.Statistics]},
		{"Page of rooms", `{"totalCount":1,"inspect":{"query":{"a":1},"tookMS":0},"data":[` + roomSample + `],"userDeletedIDs":["m"]}`, trip[imkit.Page[imkit.Room]]},
		{"Page of users", `{"totalCount":1,"data":[` + userSample + `]}`, trip[imkit.Page[imkit.User]]},
		{"Result", `{"RC":0,"RM":"OK","result":` + messageSample + `}`, trip[imkit.Result[imkit.Message]]},
	}
}

// inject adds an unknown member to every object except those with arbitrary members, and
// returns the number of added members.
func inject(v any, rnd *rand.Rand, n *int) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if _, list := inner.([]any); list || name != "data" && name != "tagColors" { // all their members have the same type
				v[name] = inject(inner, rnd, n)
			}
		}
		if _, envelope := v["RC"]; !envelope {
			name := []string{"x-%d", "ID-%d", "é\"\\%d", "NICKNAME%d"}[rnd.IntN(4)]
			v[fmt.Sprintf(name, *n)] = []any{"unknown", []any{1.5, nil, "<&>"}, map[string]any{"Deep": true}, nil, 0.0}[rnd.IntN(5)]
			*n++
		}
	case []any:
		for i := range v {
			v[i] = inject(v[i], rnd, n)
		}
	}
	return v
}

func TestNothingIsLostByDecodingAndEncoding(t *testing.T) {
	t.Parallel()
	rounds := 15
	if os.Getenv("KEYFIT_LONG") != "" {
		rounds = 50
	}
	for _, d := range decoders() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(1, 2))
			for range rounds {
				var sent, back any
				if err := json.Unmarshal([]byte(d.sample), &sent); err != nil {
					t.Fatal(err)
				}
				n := 0
				sent = inject(sent, rnd, &n)
				b, err := json.Marshal(sent)
				if err != nil {
					t.Fatal(err)
				}
				encoded := d.trip(t, b)
				if err := json.Unmarshal(encoded, &back); err != nil {
					t.Fatalf("%s: not decoded: %v", b, err)
				}
				if diff := cmp.Diff(normal(sent), normal(back)); diff != "" {
					t.Fatalf("(-sent +back):\n%s", diff)
				}
			}
		})
	}
}

// normal removes the redundant id beside _id and parses times.
func normal(v any) any {
	return walk(v, func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			if v["id"] == v["_id"] {
				delete(v, "id")
			}
		case string:
			if at, err := time.Parse(time.RFC3339, v); err == nil {
				return at.UTC()
			}
		}
		return v
	})
}

func TestAbsentNullAndEmptyAreTheSame(t *testing.T) {
	t.Parallel()
	for _, d := range []struct {
		name  string
		value any
	}{
		{"User", &imkit.User{}},
		{"Room", &imkit.Room{}},
		{"Message", &imkit.Message{}},
		{"Group", &imkit.Group{}},
		{"Block", &imkit.Block{}},
		{"Token", &imkit.Token{}},
		{"Statistics", &imkit.Statistics{}},
		{"Page", &imkit.Page[imkit.User]{}},
	} {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			typ := reflect.TypeOf(d.value).Elem()
			for f := range typ.Fields() {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				variants := []string{"null"}
				switch f.Type.Kind() {
				case reflect.Slice:
					if f.Type != reflect.TypeFor[json.RawMessage]() {
						variants = append(variants, "[]")
					}
				case reflect.Map:
					variants = append(variants, "{}")
				case reflect.String:
					variants = append(variants, `""`)
				case reflect.Struct:
					if f.Type == reflect.TypeFor[time.Time]() {
						variants = append(variants, `""`)
					}
				case reflect.Int, reflect.Int64:
					variants = append(variants, "0")
				default:
				}
				if name == "-" {
					continue
				}
				for _, variant := range variants {
					got := reflect.New(typ)
					if err := json.Unmarshal(fmt.Appendf(nil, `{%q:%s}`, name, variant), got.Interface()); err != nil {
						t.Errorf("%s: %s: %v", name, variant, err)
					}
					if diff := cmp.Diff(reflect.New(typ).Interface(), got.Interface()); diff != "" {
						t.Errorf("%s: %s (-absent +it):\n%s", name, variant, diff)
					}
				}
			}
		})
	}
}

func TestDocumentedVariantsAreTheSameValue(t *testing.T) {
	t.Parallel()
	type answers struct {
		Issued, Assigned, Updated imkit.Token
		Revoked                   imkit.Revocation
		Created, Got              []string
		Members                   []imkit.Person
		Sent, Listed              imkit.Person
	}
	read := func(v mockserver.Variant) (a answers) {
		w := newWorld(t, mockserver.WithProfile(mockserver.IMKIT, mockserver.Profile{Variants: v}))
		ctx := t.Context()
		fail := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		var err error
		a.Issued, err = w.admin.Tokens.Issue(ctx, "bob")
		fail(err)
		a.Assigned, err = w.admin.Tokens.Assign(ctx, "bob", keyfit.NewSecret("t"), at())
		fail(err)
		a.Updated, err = w.admin.Tokens.Update(ctx, "bob", keyfit.NewSecret("t"), at())
		fail(err)
		a.Revoked, err = w.admin.Tokens.RevokeAll(ctx, "bob")
		fail(err)
		created, err := w.admin.Rooms.Create(ctx, imkit.RoomInput{ID: "r", Members: []string{"bob", "carol"}})
		fail(err)
		a.Created, a.Members = created.MemberIDs(), created.Members
		got, err := w.admin.Rooms.Get(ctx, "r")
		fail(err)
		a.Got = got.MemberIDs()
		sent, err := w.admin.Messages.Send(ctx, imkit.MessageInput{Room: "r", Sender: "bob", Type: "text", Body: "x"})
		fail(err)
		page, err := w.admin.Messages.List(ctx, "r", imkit.MessageQuery{})
		fail(err)
		a.Sent, a.Listed = sent.Sender, page.Items[0].Sender
		a.Issued.Value = imkit.Secret{} // differs every time
		return a
	}
	want := read(0)
	for _, v := range []mockserver.Variant{
		mockserver.BareTokens, mockserver.EnvelopedTokens, mockserver.MemberStrings, mockserver.MemberObjects,
		mockserver.SenderStrings, mockserver.SenderObjects,
	} {
		if d := cmp.Diff(want, read(v)); d != "" {
			t.Errorf("variant %d (-default +variant):\n%s", v, d)
		}
	}
}

func TestPagesAndResultsDecodeInRawCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page, err := keyfit.Get[imkit.Page[imkit.User]](t.Context(), w.admin.Keyfit(), "/admin/clients", keyfit.Param("limit", "1"))
	if d := diff(imkit.Page[imkit.User]{TotalCount: 3, Items: []imkit.User{aUser("alice", "Alice")}}, page); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	room, err := keyfit.Get[imkit.Result[imkit.Room]](t.Context(), w.admin.Keyfit(), "/rooms/team")
	if err != nil || room.RM != "OK" || room.Value.ID != "team" {
		t.Errorf("%+v, %v", room, err)
	}
}

func TestTokensPrintRedacted(t *testing.T) {
	t.Parallel()
	var u imkit.User
	if err := json.Unmarshal([]byte(`{"_id":"a","token":"s3cret-token"}`), &u); err != nil || u.Token.Reveal() != "s3cret-token" {
		t.Fatal(u.Token.Reveal(), err)
	}
	b, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(u), fmt.Sprintf("%+v %#v", u, u), string(b)} {
		if strings.Contains(s, "s3cret") || !strings.Contains(s, "[redacted]") {
			t.Errorf("prints %s", s)
		}
	}
	err = json.Unmarshal([]byte(`{"token":{"s3cret":1}}`), &u)
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a token that is no string: %v", err)
	}
}

// fuzz tests the round trip of one decoder with any input.
func fuzz(f *testing.F, name string) {
	f.Helper()
	for _, d := range decoders() {
		if d.name != name {
			continue
		}
		f.Add([]byte(d.sample))
		f.Add([]byte(`"id"`))
		f.Add([]byte(`{"_id":1,"RC":"x","id":"b","Extra":{}}`))
		f.Fuzz(func(t *testing.T, b []byte) { d.trip(t, b) })
	}
}

func FuzzUser(f *testing.F)       { fuzz(f, "User") }
func FuzzPerson(f *testing.F)     { fuzz(f, "Person") }
func FuzzRoom(f *testing.F)       { fuzz(f, "Room") }
func FuzzMessage(f *testing.F)    { fuzz(f, "Message") }
func FuzzBlock(f *testing.F)      { fuzz(f, "Block") }
func FuzzGroup(f *testing.F)      { fuzz(f, "Group") }
func FuzzToken(f *testing.F)      { fuzz(f, "Token") }
func FuzzRevocation(f *testing.F) { fuzz(f, "Revocation") }
func FuzzDeletion(f *testing.F)   { fuzz(f, "Deletion") }
func FuzzReadState(f *testing.F)  { fuzz(f, "ReadState") }
func FuzzBatch(f *testing.F)      { fuzz(f, "Batch") }
func FuzzSearchHit(f *testing.F)  { fuzz(f, "SearchHit") }
func FuzzTagBadges(f *testing.F)  { fuzz(f, "TagBadges") }
func FuzzStatistics(f *testing.F) { fuzz(f, "Statistics") }
func FuzzPage(f *testing.F)       { fuzz(f, "Page of rooms") }
func FuzzResult(f *testing.F)     { fuzz(f, "Result") }
