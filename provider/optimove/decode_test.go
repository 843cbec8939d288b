package optimove_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/provider/optimove"
)

func decode(t *testing.T, in string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(in), into); err != nil {
		t.Fatalf("%s: %v", in, err)
	}
}

// golden is an object with the members of every type.
const golden = `{"CustomerID":"A1","RecipientGroupID":1,"ActionID":"19","ChannelID":504,"CampaignID":7,"StartDate":"2027-01-14",
"EndDate":"2027-01-15","PromoCode":"NV10","Date":"2027-01-14","Duration":7,"LeadTime":1,"TargetGroupID":-1,"TemplateID":8,
"ScheduledTime":"2027-01-14 10:00:00","SendID":12,"FutureValue":870.50,"ChurnRate":0.550,"InitialCustomerAttribute":"UK",
"FinalCustomerAttribute":"DK","InitialMicrosegmentID":1,"FinalMicrosegmentID":2,"IsMultiChannel":"true","IsRecurrence":"False",
"Notes":"n","Status":"s","Error":"e","CustomerAttributes":["Robin","DK"],"RealFieldName":"Alias","target-group-id":6,
"list-name":"l","non-existed-customers":["x"],"isSuccess":true,"IsSuccess":true,"errors":[{"error":"INVALID_FIELD","customerId":"A1"}],
"EventTypeID":1,"ListenerURL":"https://example.com","StageID":2,"ValueSegmentID":3,"AppID":"app1","ChannelName":"SMS",
"Recipients":[{"Email":"a@example.com","Personalizations":{"A":[1]}}],"TemplateAttributes":["a"]}`

func again[T any](t *testing.T, in []byte) {
	t.Helper()
	var one, two T
	if json.Unmarshal(in, &one) != nil {
		return
	}
	out, err := json.Marshal(one)
	if err != nil {
		t.Fatalf("%T: %s: %v", one, in, err)
	}
	if err := json.Unmarshal(out, &two); err != nil {
		t.Fatalf("%T: %s: %v", one, out, err)
	}
	sameRaw := cmp.Comparer(sameJSON)
	if diff := cmp.Diff(one, two, sameRaw); diff != "" {
		t.Errorf("%T lost (-first +second):\n%s", one, diff)
	}
}

func everyType(t *testing.T, in []byte) {
	t.Helper()
	for _, check := range []func(*testing.T, []byte){
		again[optimove.Action], again[optimove.Attribute], again[optimove.AttributeChanger], again[optimove.AttributeProblem],
		again[optimove.Campaign], again[optimove.CampaignChannel], again[optimove.CanceledCustomer], again[optimove.Channel],
		again[optimove.ChannelApp], again[optimove.ChannelTemplate], again[optimove.Customer], again[optimove.CustomerAction],
		again[optimove.CustomerList], again[optimove.CustomerSend], again[optimove.EventListener], again[optimove.FutureValue],
		again[optimove.GroupAction], again[optimove.LifecycleStage], again[optimove.Mail], again[optimove.MailTemplate],
		again[optimove.Microsegment], again[optimove.MicrosegmentChange], again[optimove.PastAction], again[optimove.PromoCode],
		again[optimove.Promotion], again[optimove.Recipient], again[optimove.TargetGroup], again[optimove.TargetedCustomer],
		again[optimove.UpdateResult], again[optimove.ValueSegment], again[optimove.ValueSegmentChange],
	} {
		check(t, in)
	}
}

func TestNothingIsLostBetweenDecodeAndEncode(t *testing.T) {
	t.Parallel()
	rounds := 7
	if os.Getenv("KEYFIT_LONG") != "" {
		rounds = 20
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		var members map[string]any
		decode(t, golden, &members)
		for range 1 + random.IntN(4) {
			members[fmt.Sprint("unknown", random.IntN(1000))] = []any{random.Float64(), "<'\u2028", nil, map[string]any{"x": random.Float64()}}
		}
		in, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		everyType(t, in)
		var c optimove.CustomerAction
		decode(t, string(in), &c)
		out, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]any
		decode(t, string(out), &back)
		members["ActionID"] = 19.0 // always a number after encoding
		if diff := cmp.Diff(members, back); diff != "" {
			t.Fatalf("(-sent +kept):\n%s", diff)
		}
	}
}

func TestFormsOfOneValueAreTheSame(t *testing.T) {
	t.Parallel()
	for want, forms := range map[string][]string{
		`{"CustomerID":"A","CustomerAttributes":["x"]}`: {`{"CustomerID":"A","CustomerAttribute":"x"}`, `{"CustomerID":"A","CustomerAttribute":["x"],"CustomerAttributes":[]}`, `{"CustomerID":"A","CustomerAttributes":"x","CustomerAttribute":null}`},
		`{}`:                                     {`{"CustomerAttributes":null}`, `{"CustomerAttributes":[]}`, `{"CustomerAttribute":null}`, `{"CustomerID":""}`, `{"CustomerID":null}`},
		`{"CustomerAttributes":["","7","true"]}`: {`{"CustomerAttributes":[null,7,true]}`},
	} {
		var w optimove.Customer
		decode(t, want, &w)
		for _, form := range forms {
			var got optimove.Customer
			decode(t, form, &got)
			if diff := cmp.Diff(w, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", form, diff)
			}
		}
	}
	for in, want := range map[string]optimove.Campaign{
		`{"IsMultiChannel":"true","CampaignID":"7"}`: {IsMultiChannel: true, CampaignID: 7}, `{"IsMultiChannel":true,"CampaignID":7}`: {IsMultiChannel: true, CampaignID: 7},
		`{"IsMultiChannel":"TRUE","CampaignID":null}`: {IsMultiChannel: true}, `{"IsMultiChannel":"false","CampaignID":""}`: {}, `{"IsMultiChannel":""}`: {}, `{"IsMultiChannel":null}`: {},
	} {
		var got optimove.Campaign
		decode(t, in, &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestWrongFormsAreErrorsThatQuoteNothing(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`{"IsMultiChannel":"s3cret"}`, `{"CampaignID":"s3cret"}`, `{"CampaignID":1.5}`, `{"CampaignID":1e99}`, `{"CampaignID":{}}`, `{"Notes":{"s3cret":1}}`,
	} {
		var c optimove.Campaign
		if err := json.Unmarshal([]byte(in), &c); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", in, err)
		}
	}
	for _, in := range []string{`{"CustomerAttributes":[["s3cret"]]}`, `{"CustomerAttributes":{"s3cret":1}}`, `{"CustomerAttribute":{"s3cret":1}}`} {
		var c optimove.Customer
		if err := json.Unmarshal([]byte(in), &c); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestTimesAndDates(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 2*60*60)
	got, err := optimove.LocalTime("2027-01-14 10:00:00").In(zone)
	if want := time.Date(2027, 1, 14, 8, 0, 0, 0, time.UTC); err != nil || !got.Equal(want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := optimove.LocalTime("s3cret").In(zone); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
	if optimove.DateOf(start) != (optimove.Date{Year: 2027, Month: 1, Day: 15}) || !day.In(zone).Equal(time.Date(2027, 1, 13, 22, 0, 0, 0, time.UTC)) {
		t.Error("the day is not that of the time zone")
	}
	for in, want := range map[string]string{
		`"2027-01-31"`: `"2027-01-31"`, `"2027-01-31T00:00:00"`: `"2027-01-31"`, `null`: `null`, `""`: `null`,
		`"2027-02-30"`: "", `"2027-01-31T01:00:00Z"`: "", `20270131`: "",
	} {
		var d optimove.Date
		got := ""
		if json.Unmarshal([]byte(in), &d) == nil {
			b, err := d.MarshalJSON()
			if got = string(b); err != nil {
				t.Error(err)
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// sameJSON compares JSON values: encoding/json removes white space from a raw message and
// escapes <, > and &.
func sameJSON(a, b json.RawMessage) bool {
	read := func(raw json.RawMessage) (v any) {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if dec.Decode(&v) != nil {
			return string(raw)
		}
		return v
	}
	return cmp.Equal(read(a), read(b))
}

// FuzzDecode checks that values survive decoding and encoding.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{golden, `{"CustomerAttribute":"a"}`, `{"CustomerAttributes":[null,1]}`, `{"CustomerAttribute":1,"CustomerAttributes":[]}`, `{"date":1,"Date":""}`, `null`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		everyType(t, in)
		again[optimove.Attributes](t, in)
		again[optimove.ID](t, in)
		again[optimove.Bool](t, in)
		again[optimove.Decimal](t, in)
		again[optimove.Date](t, in)
		again[optimove.MailResult](t, in)
		again[[]optimove.Customer](t, in)
	})
}
