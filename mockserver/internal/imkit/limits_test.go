package imkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// asKey returns a call with an API key and a body.
func asKey(t *testing.T, body string) *surface.Call {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
	r.Header.Set("Content-Type", "application/json")
	return &surface.Call{
		Request: r,
		Caller:  surface.Caller{Kind: surface.Key}, Data: []byte(body), Now: time.Unix(0, 0),
	}
}

func TestTheOldestMessagesGoFirst(t *testing.T) {
	t.Parallel()
	a := newApp(surface.Env{})
	for _, id := range []string{"u", "v"} {
		if err := a.ensureUser(id, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := a.makeRoom(&roomInput{ID: "r", Members: []string{"u", "v"}}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	first := a.post(r, &message{sender: "u", kind: "text", text: text("x")}, time.Unix(0, 0))
	for range maxMessages {
		a.post(r, &message{sender: "u", kind: "text", text: text("x")}, time.Unix(0, 0))
	}
	if len(r.messages) != maxMessages || a.messages[first.id] != nil || len(a.messages) != maxMessages || r.reads["v"].unread != maxMessages {
		t.Errorf("%d messages of the room, %d in all, %d unread, the first is there: %v", len(r.messages), len(a.messages), r.reads["v"].unread, a.messages[first.id] != nil)
	}
	for range 70 {
		a.post(r, &message{sender: "u", kind: "text", text: text(strings.Repeat("x", 1<<20))}, time.Unix(0, 0))
	}
	sum := 0
	for _, m := range r.messages {
		sum += m.size()
	}
	if sum > maxMessageBytes || sum != a.bytes || len(r.messages) < 60 {
		t.Errorf("%d bytes of %d messages, counted as %d", sum, len(r.messages), a.bytes)
	}
	a.dropAll(r)
	if a.bytes != 0 || a.oldest.Len() != 0 || len(a.messages) != 0 || r.reads["v"].unread != 0 {
		t.Errorf("after dropAll: %d bytes, %d, %d, %d unread", a.bytes, a.oldest.Len(), len(a.messages), r.reads["v"].unread)
	}
}

func TestAFullStateSaysSoAndKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	a := newApp(surface.Env{})
	a.used = maxStateBytes - 5<<20 // as if much data were stored already
	big := strings.Repeat("x", 1<<20-200)
	var full *apiError
	n := 0
	for ; n < 100; n++ {
		if _, err := a.createUsers(asKey(t, fmt.Sprintf(`{"data":[{"_id":"u%d","description":%q}]}`, n, big))); err != nil {
			if !errors.As(err, &full) {
				t.Fatal(err)
			}
			break
		}
	}
	if full == nil || full.status != http.StatusInsufficientStorage || len(a.users) != n || a.used > maxStateBytes {
		t.Fatalf("%v after %d users, %d kept, %d bytes", full, n, len(a.users), a.used)
	}
	for name, h := range map[string]handler{"name": a.createRoom, "nickname": a.createGroup, "setting": a.updateConfig} {
		if _, err := h(asKey(t, `{"`+name+`":"`+big+`"}`)); !errors.As(err, &full) || full.status != http.StatusInsufficientStorage {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.createUsers(asKey(t, `{"data":[{"_id":"u0","description":""}]}`)); err != nil {
		t.Errorf("a user that gets smaller: %v", err)
	}
	if _, err := a.createRoom(asKey(t, `{"name":"now there is room"}`)); err != nil {
		t.Errorf("room: %v", err)
	}
}

// tokens records the revocations.
type tokens struct {
	surface.Tokens
	revoked []string
}

func (k *tokens) Assign(string, string, time.Time) error { return nil }

func (k *tokens) Revoke(_, token string) int {
	k.revoked = append(k.revoked, token)
	return 1
}

func TestAUserThatDoesNotFitGetsNoTokenAndLosesNone(t *testing.T) {
	t.Parallel()
	kept := &tokens{}
	a := newApp(surface.Env{Tokens: kept})
	a.used = maxStateBytes
	for _, body := range []string{`{"_id":"u"}`, `{"_id":"u","issueAccessToken":true}`, `{"_id":"u","token":"own"}`} {
		if _, err := a.createUser(asKey(t, body)); err == nil {
			t.Errorf("%s is accepted", body)
		}
	}
	if d := cmp.Diff([]string{"own"}, kept.revoked); d != "" {
		t.Errorf("revoked (-want +got):\n%s", d)
	}
}

func TestStateIsAccountedForExactly(t *testing.T) {
	t.Parallel()
	a := newApp(surface.Env{})
	do := func(h handler, body string, path ...string) {
		t.Helper()
		c := asKey(t, body)
		for i := 0; i < len(path); i += 2 {
			c.SetPathValue(path[i], path[i+1])
		}
		if _, err := h(c); err != nil {
			t.Fatal(err)
		}
	}
	do(a.createUsers, `{"data":[{"_id":"u","nickname":"long name"},{"_id":"v"}]}`)
	before := a.used
	do(a.createRoom, `{"_id":"two","roomType":"direct","members":["u","v"]}`)
	do(a.deleteRoom, ``, "id", "two")
	do(a.createRoom, `{"_id":"r","name":"n","members":["u"],"roomTags":["t"]}`)
	do(a.addMembers, `{"invitees":["v"]}`, "id", "r")
	do(a.updateRoom, `{"name":"longer","managers":["u"]}`, "id", "r")
	do(a.ban, ``, "room", "r", "user", "v")
	do(a.muteClient, ``, "uid", "u", "room", "r")
	do(a.unmuteClient, ``, "uid", "u", "room", "r")
	do(a.updateConfig, `{"a":{"b":1}}`)
	do(a.updateConfig, `{"a":2}`)
	do(a.deleteConfig, ``, "key", "a")
	do(a.removeMembers, `{"members":["u"]}`, "id", "r")
	do(a.deleteRoom, ``, "id", "r")
	if a.used != before || len(a.direct) != 0 {
		t.Errorf("%d bytes after all is deleted, %d before; %d rooms of two", a.used, before, len(a.direct))
	}
}

func TestBatchesThatWaitAreBounded(t *testing.T) {
	t.Parallel()
	a := newApp(surface.Env{})
	if _, err := a.createRoom(asKey(t, `{"_id":"r"}`)); err != nil {
		t.Fatal(err)
	}
	paras := strings.TrimSuffix(strings.Repeat(`{"room":"r"},`, 6000), ",")
	for range 3 {
		if _, err := a.sendBatch(asKey(t, `{"message":"m","messageType":"text","paras":[`+paras+`]}`)); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.pending) != 6000 || len(a.rooms["r"].messages) != 12000 {
		t.Errorf("%d wait, %d sent", len(a.pending), len(a.rooms["r"].messages))
	}
}

func TestATemplateCannotGrowWithoutEnd(t *testing.T) {
	t.Parallel()
	para := map[string]json.RawMessage{"$a$": text(strings.Repeat("x", 1000))}
	if got := expandTemplate(text(strings.Repeat("$a$", 10_000)), para); len(got) > maxRequest+2 || len(got) < 1000 {
		t.Errorf("%d bytes", len(got))
	}
}
