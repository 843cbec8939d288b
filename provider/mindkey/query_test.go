package mindkey_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/provider/mindkey"
)

func TestFilterIsWrittenAsODataAsks(t *testing.T) {
	t.Parallel()
	type name string
	a, b := mindkey.Eq("a", 1), mindkey.Ne("b", true)
	for _, tc := range []struct {
		filter mindkey.Filter
		want   string
	}{
		{mindkey.Eq("nameLastName", "O'Hara"), "nameLastName eq 'O''Hara'"},
		{mindkey.Eq("nameLastName", name("''")), "nameLastName eq ''''''"},
		{mindkey.Eq("nameLastName", ""), "nameLastName eq ''"},
		{mindkey.Ne("isManager", false), "isManager ne false"},
		{mindkey.Lt("quantity", int8(-3)), "quantity lt -3"},
		{mindkey.Le("quantity", uint64(math.MaxUint64)), "quantity le 18446744073709551615"},
		{mindkey.Gt("weeklyHours", 37.5), "weeklyHours gt 37.5"},
		{mindkey.Ge("weeklyHours", mindkey.Decimal("37.50")), "weeklyHours ge 37.50"},
		{mindkey.Ge("weeklyHours", json.Number("1e3")), "weeklyHours ge 1e3"},
		{mindkey.Ge("validFrom", mindkey.Date{Year: 2027, Month: 1, Day: 31}), "validFrom ge 2027-01-31"},
		{mindkey.Lt("modifiedAt", time.Date(2027, 1, 31, 12, 0, 0, 5e8, time.FixedZone("", 7200))), "modifiedAt lt 2027-01-31T12:00:00.5+02:00"},
		{mindkey.IsNull("validTo"), "validTo eq null"},
		{mindkey.NotNull("position/title"), "position/title ne null"},
		{mindkey.In("a", "x", "y'z"), "a eq 'x' or a eq 'y''z'"},
		{mindkey.In("a", 7), "a eq 7"},
		{mindkey.Contains("a", "'"), "contains(a,'''')"},
		{mindkey.StartsWith(mindkey.Lower("a"), "x"), "startswith(tolower(a),'x')"},
		{mindkey.EndsWith(mindkey.Trim(mindkey.Upper("a")), "x"), "endswith(trim(toupper(a)),'x')"},
		{mindkey.Gt(mindkey.Length("a"), 3), "length(a) gt 3"},
		{mindkey.And(mindkey.Eq(mindkey.Year("d"), 2027), mindkey.Eq(mindkey.Month("d"), time.May), mindkey.Eq(mindkey.Day("d"), 1)), "year(d) eq 2027 and month(d) eq 5 and day(d) eq 1"},
		{mindkey.And(a, mindkey.Or(a, b), b), "a eq 1 and (a eq 1 or b ne true) and b ne true"},
		{mindkey.Or(mindkey.And(a, b), b), "(a eq 1 and b ne true) or b ne true"},
		{mindkey.Not(mindkey.Or(a, b)), "not (a eq 1 or b ne true)"},
		{mindkey.And(mindkey.Not(a), mindkey.Filter{}), "not (a eq 1)"},
		{mindkey.And(), ""},
		{mindkey.And(mindkey.RawFilter("x has 'y' or z"), a), "(x has 'y' or z) and a eq 1"},
		{mindkey.Eq("a", "\xff"), "invalid filter: a: the text is not UTF-8"},
		{mindkey.Eq("a", math.NaN()), "invalid filter: a: the number is not finite"},
		{mindkey.Eq("a", mindkey.Decimal("1 or 1 eq 1")), "invalid filter: a: the decimal is not a number"},
		{mindkey.Eq("a", mindkey.Decimal("")), "invalid filter: a: the decimal is not a number"},
		{mindkey.Eq("a", mindkey.Date{Year: 2027, Month: 2, Day: 30}), "invalid filter: a: the date is zero or not in the calendar"},
		{mindkey.Eq("a", time.Time{}), "invalid filter: a: the time is zero or outside the years 1 to 9999"},
		{mindkey.In[string]("a"), "invalid filter: In needs at least one value"},
		{mindkey.Or(a, mindkey.And()), "invalid filter: Or has an empty filter, which selects all entities"},
		{mindkey.Not(mindkey.Filter{}), "invalid filter: Not has an empty filter, which selects all entities"},
		{mindkey.And(a, mindkey.Contains("", "x")), "invalid filter: the property name is empty"},
		{mindkey.RawFilter(" "), "invalid filter: the raw filter is empty"},
	} {
		if got := tc.filter.String(); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

func TestPropertyThatIsAnExpressionIsRefused(t *testing.T) {
	t.Parallel()
	for _, p := range []mindkey.Property{
		"a eq 1 or b", "a)", "(a", "tolower(a", "tolower(a))", "concat(a)", "a/", "/a", "1a", "a'b", "a,b", "a;b", "a-b", "a b", "tolower(a eq 1)", "\xff",
	} {
		for _, query := range []mindkey.Query{
			{Filter: mindkey.Eq(p, 1)},
			{Filter: mindkey.Contains(p, "x")},
			{Filter: mindkey.IsNull(p)},
			{OrderBy: []mindkey.Order{mindkey.Asc(p)}},
			{Select: []string{string(p)}},
			{Expand: []mindkey.Expand{{Relation: string(p)}}},
			{Expand: []mindkey.Expand{{Relation: "employee", Select: []string{string(p)}}}},
		} {
			client, sent := scripted(t, `{"value":[]}`)
			_, err := client.Employees.List(t.Context(), query)
			if err == nil || !strings.Contains(err.Error(), "is not a property name") || len(sent.urls) > 0 {
				t.Errorf("%q: %v, %d sent", p, err, len(sent.urls))
			}
		}
	}
}

func TestQueryIsSentAsItsOptions(t *testing.T) {
	t.Parallel()
	client, sent := scripted(t, `{"value":[]}`)
	_, err := client.PositionVersions.List(t.Context(), mindkey.Query{
		Filter: mindkey.Eq("title", "R&D; 100%"),
		Select: []string{"title", "positionId"},
		Expand: []mindkey.Expand{
			{Relation: "employee", Select: []string{"employeeId", "email"}, Expand: []mindkey.Expand{{Relation: "manager", Top: 1}}},
			{Relation: "position"},
			{Relation: "tasks", Filter: mindkey.Eq("name", "a;b)"), OrderBy: []mindkey.Order{mindkey.Desc("name")}},
		},
		OrderBy: []mindkey.Order{mindkey.Desc("validFrom"), mindkey.Asc(mindkey.Lower("title"))},
		Top:     5, Skip: 10, Count: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, values := range sent.urls[0].Query() {
		got[name] = strings.Join(values, " | ")
	}
	want := map[string]string{
		"$filter":  "title eq 'R&D; 100%'",
		"$select":  "title,positionId",
		"$expand":  "employee($select=employeeId,email;$expand=manager($top=1)),position,tasks($filter=name eq 'a;b)';$orderby=name desc)",
		"$orderby": "validFrom desc,tolower(title)",
		"$top":     "5", "$skip": "10", "$count": "true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestQueryThatCannotBeSaysSoBeforeItIsSent(t *testing.T) {
	t.Parallel()
	endless := []mindkey.Expand{{Relation: "a"}}
	endless[0].Expand = endless
	for _, tc := range []struct {
		query mindkey.Query
		want  string
	}{
		{mindkey.Query{Top: -1}, "mindkey: Employee: the query's Top is negative"},
		{mindkey.Query{Skip: -1}, "mindkey: Employee: the query's Skip is negative"},
		{mindkey.Query{Filter: mindkey.Or()}, ""},
		{mindkey.Query{Expand: endless}, "mindkey: Employee: the query's Expand is too deep"},
		{mindkey.Query{Expand: []mindkey.Expand{{Relation: "a", Filter: mindkey.RawFilter("")}}}, "mindkey: Employee: the raw filter is empty"},
	} {
		client, sent := scripted(t, `{"value":[]}`)
		_, err := client.Employees.List(t.Context(), tc.query)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != tc.want || (len(sent.urls) == 0) != (tc.want != "") {
			t.Errorf("%q, %d sent, want %q", text, len(sent.urls), tc.want)
		}
	}
}

func TestNastyValuesStayOneValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, value := range nasty() {
		// The mock parses $filter: a value that ended its string early would give an error
		// or select an entity.
		filters := map[string]mindkey.Filter{
			"eq":         mindkey.Eq("nameLastName", value+"\x00nobody"),
			"contains":   mindkey.Contains("nameLastName", value+"\x00nobody"),
			"startswith": mindkey.StartsWith(mindkey.Lower("email"), value+"\x00nobody"),
			"in":         mindkey.In("nameLastName", value+"\x00", "\x00"+value),
		}
		for name, filter := range filters {
			n, err := w.client.Employees.Count(t.Context(), filter)
			if err != nil || n != 0 {
				t.Errorf("%s %q: %d, %v", name, value, n, err)
			}
		}
		// As a key it stays one segment, which the server sees unescaped.
		client, sent := scripted(t, `{}`)
		if _, err := client.Employees.Get(t.Context(), value, mindkey.Query{}); err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		const prefix = "/odata/v2/Employee/"
		got := sent.urls[0]
		if got.Path != prefix+value || strings.Contains(strings.TrimPrefix(got.EscapedPath(), prefix), "/") || got.RawQuery != "" {
			t.Errorf("%q became %s", value, got)
		}
	}
}
