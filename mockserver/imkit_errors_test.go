package mockserver_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// envelopedRefusal is the body of a refusal by the profile, on one line.
func envelopedRefusal(status int, code, message string) string {
	return fmt.Sprintf(`{"RC": %d, "RM": %q, "error": {"code": %q, "message": %q}}`, status, http.StatusText(status), code, message)
}

// enveloped and flat are the two error bodies as IMKIT's pages print them.
func enveloped(status int, rm, code, message string) string {
	return fmt.Sprintf("{\n  \"RC\": %d,\n  \"RM\": %q,\n  \"error\": {\n    \"code\": %q,\n    \"message\": %q\n  }\n}", status, rm, code, message)
}

func flat(code, message string) string {
	return fmt.Sprintf("{\n  \"error\": %q,\n  \"message\": %q\n}", code, message)
}

// imkitError is a call on the seeded app that is refused.
type imkitError struct {
	caller, call, body string
	status             int
	rm, code, message  string
	flat               bool
}

// documentedErrors are the bodies of IMKIT's resource and token pages.
func documentedErrors() []imkitError {
	const (
		bad, noRoom = "Bad Request", "Room not found"
		theRoom     = "The specified room does not exist"
		roomID      = "Room with specified ID does not exist"
	)
	return []imkitError{
		{platform, "POST /admin/clients", `{"nickname":"x"}`, 400, bad, "INVALID_REQUEST", "Missing required field: _id", true},
		{platform, "POST /admin/clients", `{"_id":"x","token":"t","expirationDate":"soon"}`, 400, bad, "INVALID_REQUEST", "Invalid expirationDate format", true},
		{platform, "POST /admin/clients", `{"_id":"cat","token":"anns-own"}`, 409, "Conflict", "TOKEN_CONFLICT", "Token already exists for another client", true},
		{platform, "PUT /admin/clients/ann/token", `{"expirationDate":"2027-02-01"}`, 400, bad, "INVALID_REQUEST", "Missing required field: token", true},
		{platform, "PUT /admin/clients/ann/token", `{"token":"t","expirationDate":"soon"}`, 400, bad, "INVALID_REQUEST", "Invalid expirationDate format", true},
		{platform, "PUT /admin/clients/nobody/token", `{"token":"t","expirationDate":"2027-02-01"}`, 404, "Not Found", "CLIENT_NOT_FOUND", "Client with id 'nobody' not found", true},
		{platform, "PUT /admin/clients/bob/token", `{"token":"anns-own","expirationDate":"2027-02-01"}`, 409, "Conflict", "TOKEN_CONFLICT", "Token already exists for another client", true},
		{platform, "DELETE /admin/clients/nobody/token", `{}`, 404, "Not Found", "CLIENT_NOT_FOUND", "Client with id 'nobody' not found", true},
		{platform, "DELETE /admin/clients/ann/token", `{"token":"none"}`, 404, "Not Found", "TOKEN_NOT_FOUND", "Specified token not found for this client", true},
		{platform, "GET /admin/clients?q=%7B", "", 400, "Invalid query syntax", "INVALID_QUERY", "MongoDB query syntax error", false},
		{platform, "POST /admin/groups", `{}`, 400, bad, "MISSING_PARAMETER", "nickname is required", false},
		{platform, "POST /admin/groups", `{"_id":"g","nickname":"x"}`, 409, "Conflict", "GROUP_ALREADY_EXISTS", "A group with this ID already exists", false},
		{platform, "POST /admin/clients/nobody/mute/r", "", 404, "Client not found", "CLIENT_NOT_FOUND", "The specified client does not exist", false},
		{platform, "POST /admin/clients/ann/mute/none", "", 404, noRoom, "ROOM_NOT_FOUND", theRoom, false},
		{platform, "DELETE /admin/clients/ann/mute/r", "", 400, "Room is not muted", "ROOM_NOT_MUTED", "The specified room is not in the mute list", false},
		{"ann", "GET /rooms/none", "", 404, noRoom, "ROOM_NOT_FOUND", roomID, false},
		{"cat", "GET /rooms/r", "", 403, "Forbidden", "NOT_ROOM_MEMBER", "You are not a member of this room", false},
		{"ann", "PUT /rooms/none", `{}`, 404, noRoom, "ROOM_NOT_FOUND", roomID, false},
		{"bob", "PUT /rooms/r", `{"name":"x"}`, 403, "Forbidden", "INSUFFICIENT_PERMISSIONS", "Only room owner, manager, or platform admin can update room", false},
		{"bob", "PUT /rooms/r", `{"status":0}`, 403, "Permission denied", "INSUFFICIENT_PERMISSIONS", "Only room owner, manager, or platform admin can freeze room", false},
		{"bob", "PUT /rooms/r/lastRead", `{}`, 400, bad, "MISSING_PARAMETER", "message is required", false},
		{"bob", "PUT /rooms/r/lastRead", `{"message":"none"}`, 404, "Not Found", "ROOM_NOT_FOUND", "Room or message not found", false},
		{"cat", "GET /rooms/r/messages/v3", "", 403, "Forbidden", "NOT_ROOM_MEMBER", "Client is not in the room or room does not exist", false},
		{"cat", "GET /rooms/none/messages/v3", "", 404, noRoom, "ROOM_NOT_FOUND", theRoom, false},
		{platform, "POST /messages", `{"room":"none","sender":"ann","message":"x","messageType":"text"}`, 404, noRoom, "ROOM_NOT_FOUND", theRoom, false},
		{"bob", "DELETE /rooms/r/messages/_all", "", 403, "Permission denied", "INSUFFICIENT_PERMISSION", "Only platform admin, room owner or room manager can delete messages", false},
		{"ann", "DELETE /rooms/r/messages/none", "", 404, "Message not found", "MESSAGE_NOT_FOUND", "The specified message does not exist in this room", false},
		{"ann", "DELETE /rooms/none/messages/none", "", 404, noRoom, "ROOM_NOT_FOUND", theRoom, false},
		{"ann", "POST /search", `{"type":["users"],"keyword":"x"}`, 400, "Invalid search parameters", "INVALID_SEARCH_TYPE", "Search type must include 'messages'", false},
		{"ann", "GET /me/badge?roomTags=", "", 400, "Invalid parameters", "INVALID_ROOM_TAGS", "Room tags must be valid strings", false},
		{"ann", "POST /badges/byRoomTags", `{"tags":"work"}`, 400, "Invalid parameters", "INVALID_TAGS", "Tags must be an array of strings", false},
		{"bob", "POST /blockStatus/room/r/ann", "", 403, "Access denied", "INSUFFICIENT_PERMISSIONS", "Only platform admin and room owner can block users in group chat rooms", false},
		{"ann", "POST /blockStatus/room/r/nobody", "", 404, "Resource not found", "ROOM_OR_USER_NOT_FOUND", "The specified room or user does not exist", false},
		{"ann", "POST /blockStatus/room/none/bob", "", 404, "Resource not found", "ROOM_OR_USER_NOT_FOUND", "The specified room or user does not exist", false},
		{"ann", "POST /blockStatus/room/r/cat", "", 409, "User already blocked", "USER_ALREADY_BLOCKED", "This user is already blocked in this room", false},
		{"bob", "DELETE /blockStatus/room/r/cat", "", 403, "Access denied", "INSUFFICIENT_PERMISSIONS", "Only room owner can unblock users in group chat rooms", false},
		{"ann", "DELETE /blockStatus/room/r/bob", "", 404, "Block relationship not found", "BLOCK_NOT_FOUND", "No block relationship exists for this user in the specified room", false},
		{"ann", "DELETE /blockStatus/room/r/a%00", "", 400, "Invalid parameters", "INVALID_USER_ID", "The specified user ID is not valid", false},
		{"bob", "GET /blockStatus/room/r", "", 403, "Access denied", "INSUFFICIENT_PERMISSIONS", "Only room owner can view blocklist in group chat rooms", false},
		{"ann", "GET /blockStatus/room/none", "", 404, noRoom, "ROOM_NOT_FOUND", theRoom, false},
		{"ann", "POST /blockStatus/my/ann", "", 400, "Cannot block yourself", "SELF_BLOCK_FORBIDDEN", "Users cannot block themselves", false},
		{"ann", "POST /blockStatus/my/nobody", "", 404, "User not found", "USER_NOT_FOUND", "The specified user does not exist", false},
		{"ann", "POST /blockStatus/my/cat", "", 409, "User already blocked", "USER_ALREADY_BLOCKED", "This user is already in your block list", false},
		{"ann", "DELETE /blockStatus/my/bob", "", 404, "Block relationship not found", "BLOCK_NOT_FOUND", "No block relationship exists with this user", false},
		{"ann", "DELETE /blockStatus/my/a%00", "", 400, "Invalid user ID", "INVALID_USER_ID", "The specified user ID is not valid", false},
		{platform, "POST /config", `[]`, 400, bad, "INVALID_BODY", "Request body must be a valid JSON object", false},
		{platform, "POST /config", `{"censorship":{"keywords":"x"}}`, 400, "Invalid request format", "INVALID_CONFIG_FORMAT", "Config format is invalid or malformed", false},
		{platform, "DELETE /config/none", "", 404, "Not Found", "CONFIG_NOT_FOUND", "The specified config key does not exist", false},
		{platform, "POST /push/push2clients", `{"clients":[]}`, 400, bad, "MISSING_PARAMETER", "clients and payload are required", false},
	}
}

// withConflicts adds to the seed what documentedErrors runs into.
func (a *imkitApp) withConflicts() *imkitApp {
	a.t.Helper()
	a.ok(platform, "POST /admin/clients", `{"_id":"ann","token":"anns-own"}`)
	a.ok(platform, "POST /admin/groups", `{"_id":"g","nickname":"Group"}`)
	a.ok("ann", "POST /blockStatus/room/r/cat", "")
	a.ok("ann", "POST /blockStatus/my/cat", "")
	return a
}

func TestIMKITErrorsAreThoseOfTheirPages(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed().withConflicts()
	for _, e := range documentedErrors() {
		want := enveloped(e.status, e.rm, e.code, e.message)
		if e.flat {
			want = flat(e.code, e.message)
		}
		got := app.do(e.caller, e.call, e.body)
		same(t, e.call+" "+e.body, want, got.body)
		if got.status != e.status {
			t.Errorf("%s %s: status %d, want %d", e.call, e.body, got.status, e.status)
		}
	}
}

func TestAProfileWritesEveryIMKITErrorInOneShape(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		profile mockserver.Profile
		flat    bool
	}{
		"enveloped": {mockserver.Profile{Shape: mockserver.Enveloped}, false},
		"flat":      {mockserver.Profile{Variants: mockserver.FlatErrors}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newIMKIT(t, mockserver.WithProfile(mockserver.IMKIT, tt.profile)).seed().withConflicts()
			for _, e := range documentedErrors() {
				want := enveloped(e.status, e.rm, e.code, e.message)
				if tt.flat {
					want = flat(e.code, e.message)
				}
				same(t, e.call+" "+e.body, want, app.do(e.caller, e.call, e.body).body)
			}
		})
	}
}

func TestABodyThatNobodyReadsIsRefusedInIMKITsShape(t *testing.T) {
	t.Parallel()
	got := newIMKIT(t).do(platform, "POST /config", `{"x":"`+strings.Repeat("x", 10<<20)+`"}`)
	same(t, "body", envelopedRefusal(413, "INVALID_BODY", "Request body is too large"), got.body)
	if got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", got.status)
	}
}

func TestAMissingRightOnARoomIsDiagnosed(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	got := app.do("bob", "DELETE /rooms/r", "")
	if why := got.header.Get("X-Mock-Diagnosis"); got.status != 403 || !strings.Contains(why, "Only room owner") {
		t.Errorf("%d, diagnosis %q", got.status, why)
	}
	app.srv.Expect(t, mockserver.Match{Path: "/rooms/r", Outcome: mockserver.InsufficientScope, Status: 403}, 1)
}

// operations reads the operations of IMKIT's OpenAPI document: "METHOD /path",
// and whether a client key may call it.
func operations(tb testing.TB) map[string]bool {
	tb.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			Security []map[string]any `json:"security"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(mockserver.OpenAPI(mockserver.IMKIT), &doc); err != nil {
		tb.Fatal(err)
	}
	out := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			call := strings.ToUpper(method) + " " + strings.NewReplacer("{", "", "}", "").Replace(path)
			for _, way := range op.Security {
				_, pair := way["clientKey"]
				out[call] = out[call] || pair
			}
		}
	}
	return out
}

func TestAClientKeyMayDoWhatItsPageAllows(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	all := operations(t)
	if len(all) != 44 {
		t.Errorf("%d operations, want 44", len(all))
	}
	for call, pair := range all {
		got := app.do("ann", call, "")
		refused := got.status == http.StatusForbidden && strings.Contains(got.body, `"API key does not have permission for this operation"`)
		if refused == pair {
			t.Errorf("%s with a client key: %d %s", call, got.status, got.body)
		}
	}
}

func TestIMKITRefusesCredentialsAsTheOperationsPagePrintsIt(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t, variant(mockserver.PageRefusals)).seed()
	const noKey, noToken = "Invalid or missing API key", "Invalid or expired token"
	env := func(status int, code, message string) string {
		return envelopedRefusal(status, code, message)
	}
	alter := func(caller, header, value string) func(*http.Request) {
		return func(r *http.Request) {
			if caller != "" {
				maps.Copy(r.Header, app.request(caller, "GET /", "").Header)
			}
			if value == "" {
				r.Header.Del(header)
				return
			}
			r.Header.Set(header, value)
		}
	}
	unknown := func(caller, header string) string { return app.request(caller, "GET /", "").Header.Get(header) }
	token := unknown("bob", "IM-Authorization")
	for name, tt := range map[string]struct {
		call   string
		alter  func(*http.Request)
		status int
		want   string
	}{
		"list without a key":         {"GET /admin/clients", nil, 401, env(401, "INVALID_API_KEY", noKey)},
		"token with a bad key":       {"PUT /admin/clients/ann/token", alter("", "IM-API-KEY", foreignKey), 401, flat("UNAUTHORIZED", "Invalid API key")},
		"stats with a client key":    {"GET /admin/stats", alter("ann", "X-None", ""), 403, env(403, "PERMISSION_DENIED", "Platform API permission required")},
		"count with a client key":    {"GET /admin/connection-count", alter("ann", "X-None", ""), 403, env(403, "PERMISSION_DENIED", "Platform API permission required")},
		"list with a client key":     {"GET /admin/clients", alter("ann", "X-None", ""), 403, flat("INSUFFICIENT_PERMISSIONS", "API key does not have permission for this operation")},
		"me without a credential":    {"GET /me", nil, 401, env(401, "INVALID_TOKEN", noToken)},
		"me without a token":         {"GET /me", alter("ann", "IM-Authorization", ""), 401, env(401, "INVALID_TOKEN", noToken)},
		"me with a bad token":        {"GET /me", alter("ann", "IM-Authorization", "none"), 401, env(401, "INVALID_TOKEN", noToken)},
		"me with a bad client key":   {"GET /me", alter("ann", "IM-CLIENT-KEY", token), 403, env(403, "INVALID_CLIENT_KEY", "Invalid client key")},
		"config with a bad token":    {"GET /config", alter("ann", "IM-Authorization", "none"), 401, env(401, "INVALID_AUTH", "Invalid or missing authorization")},
		"me without a client key":    {"GET /me", alter("ann", "IM-CLIENT-KEY", ""), 401, env(401, "MISSING_CLIENT_KEY", "IM-CLIENT-KEY header is required")},
		"unknown path, a credential": {"GET /none", alter(platform, "X-None", ""), 404, env(404, "NOT_FOUND", "Not Found")},
	} {
		r := app.request("", tt.call, "")
		if tt.alter != nil {
			tt.alter(r)
		}
		got := call(t, app.rt, r)
		same(t, name, tt.want, got.body)
		if got.status != tt.status {
			t.Errorf("%s: status %d, want %d", name, got.status, tt.status)
		}
	}
}

func TestBadInputOfIMKITIsRefusedByName(t *testing.T) {
	t.Parallel()
	app := newIMKIT(t).seed()
	for name, tt := range map[string]struct{ caller, call, body, code string }{
		"no body":                 {platform, "POST /rooms/", "", "INVALID_BODY"},
		"cut JSON":                {platform, "POST /rooms/", `{"name":`, "INVALID_BODY"},
		"two documents":           {platform, "POST /rooms/", `{}{}`, "INVALID_BODY"},
		"an array":                {platform, "POST /admin/clients/list", `[]`, "INVALID_BODY"},
		"null":                    {platform, "POST /admin/clients", `null`, "INVALID_REQUEST"},
		"a number for a text":     {platform, "POST /rooms/", `{"name":1}`, "INVALID_BODY"},
		"a text for a list":       {platform, "POST /rooms/", `{"members":"ann"}`, "INVALID_BODY"},
		"an unknown type":         {platform, "POST /rooms/", `{"roomType":"public"}`, "INVALID_BODY"},
		"an unknown member":       {platform, "POST /rooms/", `{"members":["nobody"]}`, "CLIENT_NOT_FOUND"},
		"a group like a user":     {platform, "POST /admin/groups", `{"_id":"ann","nickname":"x"}`, "GROUP_ALREADY_EXISTS"},
		"a room twice":            {platform, "POST /rooms/", `{"_id":"r"}`, "ROOM_ALREADY_EXISTS"},
		"too long an ID":          {platform, "POST /admin/clients", `{"_id":"` + strings.Repeat("x", 257) + `"}`, "INVALID_REQUEST"},
		"too large a body":        {platform, "POST /config", `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, "INVALID_BODY"},
		"no message":              {platform, "POST /messages", `{"room":"r","sender":"ann","messageType":"text","message":null}`, "MISSING_PARAMETER"},
		"an unknown sender":       {platform, "POST /messages", `{"room":"r","sender":"nobody","messageType":"text","message":"x"}`, "CLIENT_NOT_FOUND"},
		"no paras":                {platform, "POST /messages/batch", `{"messageType":"text","message":"x"}`, "MISSING_PARAMETER"},
		"no addressee":            {platform, "POST /messages/batch", `{"messageType":"text","message":"x","paras":[{}]}`, "MISSING_PARAMETER"},
		"an unknown receiver":     {platform, "POST /messages/batch", `{"messageType":"text","message":"x","paras":[{"receiver":"nobody"}]}`, "CLIENT_NOT_FOUND"},
		"a receiver's type":       {platform, "POST /messages/batch", `{"messageType":"text","message":"x","paras":[{"receiver":1}]}`, "INVALID_BODY"},
		"not a recall":            {"bob", "POST /rooms/r/message", `{"_id":"x","messageType":"text"}`, "INVALID_BODY"},
		"opening neither 0 nor 1": {"ann", "PUT /rooms/r", `{"opening":2}`, "INVALID_BODY"},
		"limit is no number":      {platform, "GET /admin/clients?limit=x", "", "INVALID_QUERY"},
		"negative skip":           {platform, "GET /admin/clients?skip=-1", "", "INVALID_QUERY"},
		"limit of messages":       {"ann", "GET /rooms/r/messages/v3?limit=0", "", "INVALID_QUERY"},
		"time":                    {"ann", "GET /rooms/r/messages/v3?afterTime=yesterday", "", "INVALID_QUERY"},
		"time field":              {"ann", "GET /rooms/r/messages/v3?timeRangeField=sentAt", "", "INVALID_QUERY"},
		"cursor":                  {"ann", "GET /rooms/r/messages/v3?beforeMessage=none", "", "MESSAGE_NOT_FOUND"},
		"sort":                    {"ann", "GET /rooms?sort=-colour", "", "INVALID_QUERY"},
		"pref":                    {"ann", "GET /rooms?pref=tags", "", "INVALID_QUERY"},
		"a role":                  {"ann", "PUT /rooms/r/member/bob", `{"property":"role","value":"king"}`, "INVALID_BODY"},
		"role of a stranger":      {"ann", "PUT /rooms/r/member/cat", `{"property":"role","value":"admin"}`, "CLIENT_NOT_FOUND"},
		"wrong method":            {platform, "PATCH /rooms/r", `{}`, "NOT_FOUND"},
		"a key without a user":    {platform, "GET /me", "", "MISSING_PARAMETER"},
		"rooms of a key":          {platform, "GET /rooms", "", "MISSING_PARAMETER"},
	} {
		got := app.do(tt.caller, tt.call, tt.body)
		if !json.Valid([]byte(got.body)) {
			t.Errorf("%s: %s", name, got.body)
		}
		if code := `"` + tt.code + `"`; !strings.Contains(got.body, code) || got.status >= 500 || got.status < 400 {
			t.Errorf("%s: %d %s, want %s", name, got.status, got.body, code)
		}
	}
}
