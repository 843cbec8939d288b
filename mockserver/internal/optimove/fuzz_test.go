package optimove

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// FuzzRequests sends any query and body to a function. The status must be a known
// one, and the body must be JSON if the content type says so.
func FuzzRequests(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""},
		{"Date=2027-01-14&CustomerAttributes=Alias;Country&$top=2&$skip=1", "[]"},
		{"CampaignID=208321&ChannelID=504&IncludeTemplateIDs=true", `[{"PromoCode":"a","PromotionName":"b"}]`},
		{"LifecycleStageID=1,2,,", `{"CustomerNewAttributesValuesList":[{"CustomerID":"A1001","Attributes":[{"RealFieldName":"Age","Value":1e3}]}],"CallbackURL":"https://x"}`},
		{"ChangedCustomerAttribute=Alias&CustomerAttributesDelimiter=" + strings.Repeat(";", 50), `{"list-name":"a","customers":["A1001",""]}`},
		{"$top=99999999999999999999&%zz", `{"TemplateID":1,"Recipients":[{"Email":"@","Personalizations":null}]}`},
		{"CampaignID=92233720368547758", `{"EventTypeID":1,"ListenerURL":"http%3A%2F%2Fx","ChannelID":4}`},
		{"Date=0001-01-01", `{"CustomerId":"x","Attributes":[{"RealFieldName":"Alias","Value":null}]}`},
	} {
		for i := range functions() {
			f.Add(uint8(i), seed[0], seed[1])
		}
	}
	now := time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, index uint8, query, body string) {
		all := functions()
		fn := all[int(index)%len(all)]
		d := newData(surface.Env{Now: func() time.Time { return now }, Callback: func(string, []byte) {}})
		w := httptest.NewRecorder()
		serve(w, &surface.Call{
			Request: &http.Request{Method: fn.method, URL: &url.URL{Path: fn.path, RawQuery: query}, Header: http.Header{}},
			Data:    []byte(body), Now: now, Refuser: noRefusal{t: t, path: fn.path},
		}, d, fn.answer)
		if known := []int{200, 202, 206, 400, 404, 409}; !slices.Contains(known, w.Code) {
			t.Errorf("%s: %d %s", fn.path, w.Code, w.Body)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: no JSON: %s", fn.path, w.Body)
		}
	})
}

// noRefusal fails the test when an operation denies its caller.
type noRefusal struct {
	surface.Refuser
	t    *testing.T
	path string
}

func (r noRefusal) Deny(string) { r.t.Errorf("%s: an unrestricted key is denied", r.path) }

func FuzzFold(f *testing.F) {
	for _, seed := range []string{"/current/general/GetLastDataUpdate", "/General/getlastdataupdate", "/API/v2/target-group/customer-list", "/", "", "/current/", "/İ/x"} {
		f.Add(seed)
	}
	fold := Fold()
	f.Fuzz(func(t *testing.T, path string) {
		once := fold(path)
		if twice := fold(once); twice != once {
			t.Errorf("%q becomes %q, then %q", path, once, twice)
		}
		bare := strings.TrimPrefix(strings.ToLower(path), "/current")
		if once != path && !strings.EqualFold(once, bare) {
			t.Errorf("%q becomes %q", path, once)
		}
	})
}
