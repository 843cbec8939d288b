package mockserver_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// FuzzIMKITRequests sends any body and query to any operation, as the platform
// and as a user: the answer is JSON and never the server's fault.
func FuzzIMKITRequests(f *testing.F) {
	for _, e := range documentedErrors() {
		_, query, _ := strings.Cut(e.call, "?")
		f.Add(uint8(len(e.body)), e.caller == platform, query, e.body)
	}
	f.Add(uint8(3), true, "q={\"a\":{\"$regex\":\"(((\"}}", `{"_id":"\u0000","members":[null],"paras":[null,{"room":null,"$a$":1}]}`)
	f.Add(uint8(9), false, "limit=99999999999999999999&skip=9223372036854775807", `{"message":"`+strings.Repeat("[", 100)+`"}`)
	var calls []string
	for call := range operations(f) {
		calls = append(calls, call)
	}
	slices.Sort(calls)
	f.Fuzz(func(t *testing.T, op uint8, admin bool, query, body string) {
		srv := mockserver.New(t, mockserver.WithFrozenClock(epoch), mockserver.WithoutRateLimits())
		h := srv.Handler(mockserver.IMKIT)
		key, pair := srv.Keys().Issue(mockserver.IMKIT), srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("id"))
		send := func(who mockserver.Issued, call, query, body string) {
			method, path, _ := strings.Cut(call, " ")
			r := httptest.NewRequestWithContext(t.Context(), method, "http://imkit.localhost"+path, strings.NewReader(body))
			r.URL.RawQuery = query
			r.Header.Set("IM-CLIENT-ID", "id")
			r.Header.Set("Content-Type", "application/json")
			who.Apply(r)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code >= 500 && w.Code != http.StatusInsufficientStorage || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s?%s %s: %d %s", call, query, body, w.Code, w.Body)
			}
		}
		send(key, "POST /admin/clients", "", `{"_id":"id"}`)
		send(key, "POST /rooms/", "", `{"_id":"id","members":["id"],"owner":"id"}`)
		who := pair
		if admin {
			who = key
		}
		call := calls[int(op)%len(calls)]
		for _, name := range []string{"room", "uid", "user", "client", "message"} {
			call = strings.ReplaceAll(call, "/"+name+"/", "/id/")
		}
		send(who, call, query, body)
		send(who, call, query, body)
		send(pair, "GET /rooms", query, "")
		send(pair, "GET /rooms/id/messages/v3", query, "")
	})
}
