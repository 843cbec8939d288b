package mindkey_test

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

	"github.com/keyfit/keyfit/provider/mindkey"
)

// golden is a sample with the vendor's fields and every relation.
const golden = `{
  "@odata.context": "https://connector.mindkey.com/odata/v2/$metadata#Employee", "@odata.count": 1, "@odata.nextLink": "x",
  "value": [{
    "employeeId": "EMP001", "nameFirstName": "Ada", "nameMiddleName": "", "nameLastName": "Holm",
    "email": "ada.holm@example.com", "mobilePhoneNumberFullPhoneNumber": "+4500000000",
    "userDefinedColumnId": "Some Id", "salary": 12345.60,
    "position": {"positionId": "POS001"}, "employee": {"employeeId": "EMP001", "email": null}
  }]
}`

// again decodes, encodes and decodes again, and reports what is lost.
func again[T any](t *testing.T, in []byte) {
	t.Helper()
	var first, second T
	if json.Unmarshal(in, &first) != nil {
		return
	}
	out, err := json.Marshal(first)
	if err != nil {
		t.Fatalf("%T: %s: %v", first, in, err)
	}
	if err := json.Unmarshal(out, &second); err != nil {
		t.Fatalf("%T: %s: %v", first, out, err)
	}
	sameRaw := cmp.Comparer(sameJSON)
	if diff := cmp.Diff(first, second, sameRaw); diff != "" {
		t.Errorf("%T lost (-first +second):\n%s", first, diff)
	}
}

func everyType(t *testing.T, in []byte) {
	t.Helper()
	again[mindkey.Page[mindkey.Employee]](t, in)
	again[mindkey.Page[mindkey.EmployeeDependant]](t, in)
	again[mindkey.Page[mindkey.EmployeeEquipment]](t, in)
	again[mindkey.Page[mindkey.EmployeeUserDefinedColumn]](t, in)
	again[mindkey.Page[mindkey.PositionVersion]](t, in)
	again[mindkey.Page[mindkey.Record]](t, in)
	again[mindkey.Employee](t, in)
	again[mindkey.PositionVersion](t, in)
	again[mindkey.EmployeeRef](t, in)
}

// inject adds unknown members to every object.
func inject(v any, random *rand.Rand) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = inject(inner, random)
		}
		v[fmt.Sprintf("unknown%d", random.IntN(1000))] = []any{random.Float64(), "<'\u2028", nil, map[string]any{"x": random.IntN(9)}}
	case []any:
		for i := range v {
			v[i] = inject(v[i], random)
		}
	}
	return v
}

// members returns the paths of all members, for a comparison that ignores their order.
func members(v any, at string, into map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			members(inner, at+"."+name, into)
		}
	case []any:
		for i := range v {
			members(v[i], fmt.Sprint(at, i), into)
		}
	case nil, string:
		if v != nil && v != "" {
			into[at] = fmt.Sprint(v)
		}
	default:
		into[at] = fmt.Sprint(v)
	}
}

func TestNothingIsLostBetweenDecodeAndEncode(t *testing.T) {
	t.Parallel()
	rounds := 15
	if os.Getenv("KEYFIT_LONG") != "" {
		rounds = 50
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		var tree any
		if err := json.Unmarshal([]byte(golden), &tree); err != nil {
			t.Fatal(err)
		}
		in, err := json.Marshal(inject(tree, random))
		if err != nil {
			t.Fatal(err)
		}
		everyType(t, in)
		var page mindkey.Page[mindkey.Employee]
		if err := json.Unmarshal(in, &page); err != nil {
			t.Fatal(err)
		}
		out, err := json.Marshal(page)
		if err != nil {
			t.Fatal(err)
		}
		var back any
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatal(err)
		}
		want, got := map[string]string{}, map[string]string{}
		members(tree, "", want)
		members(back, "", got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-sent +kept):\n%s", diff)
		}
	}
}

func TestAbsentNullAndEmptyAreTheSame(t *testing.T) {
	t.Parallel()
	for _, in := range []string{`{}`, `{"value":null}`, `{"value":[]}`} {
		var page mindkey.Page[mindkey.Employee]
		if err := json.Unmarshal([]byte(in), &page); err != nil || page.Items != nil {
			t.Errorf("%s: %v, %v", in, page.Items, err)
		}
	}
	for _, in := range []string{`{}`, `{"nameMiddleName":null}`, `{"nameMiddleName":""}`, `{"position":null}`} {
		var e mindkey.Employee
		if err := json.Unmarshal([]byte(in), &e); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(mindkey.Employee{}, e); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func TestExtraReadsWhatTheTypesDoNotName(t *testing.T) {
	t.Parallel()
	p := raw("title", `"Coach"`, "weeklyHours", `37.50`, "validFrom", `"2027-01-31"`, "validTo", `null`, "modifiedAt", `"2027-01-31T10:00:00+01:00"`)
	title, _ := mindkey.Extra[string](p, "title")
	hours, _ := mindkey.Extra[mindkey.Decimal](p, "weeklyHours")
	from, _ := mindkey.Extra[mindkey.Date](p, "validFrom")
	to, _ := mindkey.Extra[mindkey.Date](p, "validTo")
	at, _ := mindkey.Extra[time.Time](p, "modifiedAt")
	none, err := mindkey.Extra[*int](p, "nothing")
	if title != "Coach" || hours != "37.50" || from != (mindkey.Date{Year: 2027, Month: 1, Day: 31}) || !to.IsZero() || at.UTC().Hour() != 9 || none != nil || err != nil {
		t.Errorf("%q %q %v %v %v %v %v", title, hours, from, to, at, none, err)
	}
	if _, err := mindkey.Extra[int](p, "title"); err == nil || strings.Contains(err.Error(), "Coach") {
		t.Errorf("%v", err)
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"2027-01-31"`: `"2027-01-31"`, `"2027-01-31T00:00:00Z"`: `"2027-01-31"`, `null`: `null`, `""`: `null`,
		`"2027-02-30"`: "", `"2027-01-31T01:00:00Z"`: "", `20270131`: "", `"s3cret"`: "",
	} {
		var d mindkey.Date
		err := json.Unmarshal([]byte(in), &d)
		got := ""
		if err == nil {
			b, wrong := d.MarshalJSON()
			got, err = string(b), wrong
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v", err)
		}
		if got != want {
			t.Errorf("%s: %q, %v, want %q", in, got, err, want)
		}
	}
	if b, err := json.Marshal(mindkey.Date{Year: 2027, Month: 13, Day: 1}); err == nil {
		t.Errorf("written as %s", b)
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
	f.Add([]byte(golden))
	f.Add([]byte(`{"position":{"x":1},"Position":2}`))
	f.Add([]byte(`{"value":[null,{"position":null}],"@odata.count":0}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		everyType(t, in)
		again[mindkey.Date](t, in)
		again[mindkey.Decimal](t, in)
	})
}

// FuzzLiteral checks that any text becomes exactly one literal.
func FuzzLiteral(f *testing.F) {
	for _, s := range nasty() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		literal, err := mindkey.Literal(s)
		if err != nil {
			return
		}
		inner, ok := strings.CutPrefix(literal, "'")
		inner, closed := strings.CutSuffix(inner, "'")
		single := strings.ReplaceAll(inner, "''", "")
		if !ok || !closed || strings.Contains(single, "'") || strings.ReplaceAll(inner, "''", "'") != s {
			t.Errorf("%q became %s", s, literal)
		}
	})
}

// FuzzProperty checks that an accepted property contains nothing that could end it.
func FuzzProperty(f *testing.F) {
	for _, s := range []string{"a", "tolower(a/b)", "a eq 1", "tolower(a) eq 'x' or (b", "((", "trim(trim(trim(a)))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := mindkey.IsNull(mindkey.Property(s)).String()
		if strings.HasPrefix(text, "invalid filter: ") {
			return
		}
		if strings.ContainsAny(s, " '\",;&=\t\r\n") || strings.Count(s, "(") != strings.Count(s, ")") {
			t.Errorf("%q is taken for a property", s)
		}
	})
}
