package mindkey_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/mindkey"
)

func raw(pairs ...string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	return m
}

// list reads one page and clears what depends on the seed.
func list[T any](t *testing.T, set *mindkey.EntitySet[T], query mindkey.Query) mindkey.Page[T] {
	t.Helper()
	page, err := set.List(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestEveryEntityIsReadAndTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := mindkey.Employee{EmployeeID: "EMP001", FirstName: "Ada", LastName: "Holm", Email: "ada.holm@example.com", MobileFullNumber: "+4500000001"}
	page := list(t, w.client.Employees, mindkey.Query{Filter: mindkey.Eq("employeeId", "EMP001"), Count: true})
	one := int64(1)
	want := mindkey.Page[mindkey.Employee]{
		Items: []mindkey.Employee{ada}, Count: &one,
		Extra: raw("@odata.context", `"https://connector.mindkey.com/odata/v2/$metadata#Employee"`),
	}
	if diff := cmp.Diff(want, page); diff != "" {
		t.Errorf("Employee (-want +got):\n%s", diff)
	}

	employee := mindkey.Expand{Relation: "employee", Select: []string{"employeeId"}}
	ref := &mindkey.EmployeeRef{EmployeeID: "EMP001"}
	first := mindkey.Query{Filter: mindkey.StartsWith("employeeDependantId", "EMP001"), Select: []string{"employeeDependantId"}, Expand: []mindkey.Expand{employee}, Top: 1}
	if diff := cmp.Diff([]mindkey.EmployeeDependant{{Employee: ref, Extra: raw("employeeDependantId", `"EMP001-D1"`)}}, list(t, w.client.Dependants, first).Items); diff != "" {
		t.Errorf("EmployeeDependant (-want +got):\n%s", diff)
	}
	first.Filter, first.Select = mindkey.StartsWith("employeeEquipmentId", "EMP001"), []string{"employeeEquipmentId"}
	if diff := cmp.Diff([]mindkey.EmployeeEquipment{{Employee: ref, Extra: raw("employeeEquipmentId", `"EMP001-E1"`)}}, list(t, w.client.Equipment, first).Items); diff != "" {
		t.Errorf("EmployeeEquipment (-want +got):\n%s", diff)
	}
	first.Filter, first.Select = mindkey.In("userDefinedColumnId", "Some Id", "nothing"), []string{"userDefinedColumnId"}
	if diff := cmp.Diff([]mindkey.EmployeeUserDefinedColumn{{UserDefinedColumnID: "Some Id", Employee: ref}}, list(t, w.client.UserDefinedColumns, first).Items); diff != "" {
		t.Errorf("EmployeeUserDefinedColumn (-want +got):\n%s", diff)
	}
	first.Filter, first.Select = mindkey.Eq("positionVersionId", "POS001-1"), []string{"positionVersionId"}
	first.Expand = append(first.Expand, mindkey.Expand{Relation: "position", Select: []string{"positionId"}})
	if diff := cmp.Diff([]mindkey.PositionVersion{{
		Employee: ref, Position: &mindkey.Position{Extra: raw("positionId", `"POS001"`)}, Extra: raw("positionVersionId", `"POS001-1"`),
	}}, list(t, w.client.PositionVersions, first).Items); diff != "" {
		t.Errorf("PositionVersion (-want +got):\n%s", diff)
	}

	got, err := w.client.Employees.Get(t.Context(), "EMP001", mindkey.Query{Select: []string{"employeeId"}})
	if diff := cmp.Diff("EMP001", got.EmployeeID); diff != "" || err != nil {
		t.Errorf("Get: %v (-want +got):\n%s", err, diff)
	}
}

func TestNameWithAnApostropheIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := list(t, w.client.Employees, mindkey.Query{Filter: mindkey.Eq("nameLastName", "O'Hara"), Select: []string{"employeeId"}, Top: 1})
	if diff := cmp.Diff([]mindkey.Employee{{EmployeeID: "EMP002"}}, page.Items); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFilterSelectsWhatItSays compares the mock's evaluation of filters with its own count.
func TestFilterSelectsWhatItSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type position struct {
		ID      string          `json:"positionVersionId"`
		Hours   mindkey.Decimal `json:"weeklyHours"`
		Manager bool            `json:"isManager"`
		From    mindkey.Date    `json:"validFrom"`
		To      mindkey.Date    `json:"validTo"`
	}
	set := mindkey.Entity[position](w.client, "PositionVersion")
	var all []position
	for p, err := range set.All(t.Context(), mindkey.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	day := mindkey.Date{Year: 2021, Month: 6, Day: 1}
	after := func(p position) bool { return p.From.String() >= day.String() }
	for _, tc := range []struct {
		filter mindkey.Filter
		holds  func(position) bool
	}{
		{mindkey.Eq("isManager", true), func(p position) bool { return p.Manager }},
		{mindkey.Not(mindkey.Eq("isManager", true)), func(p position) bool { return !p.Manager }},
		{mindkey.Ge("weeklyHours", mindkey.Decimal("37.5")), func(p position) bool { return p.Hours == "37.5" }},
		{mindkey.Lt("weeklyHours", 32), func(p position) bool { return p.Hours == "20" }},
		{mindkey.Ge("validFrom", day), after},
		{mindkey.Lt("modifiedAt", day.In(start.Location())), func(p position) bool { return !after(p) }},
		{mindkey.IsNull("validTo"), func(p position) bool { return p.To.IsZero() }},
		{mindkey.And(mindkey.NotNull("validTo"), mindkey.Or(mindkey.Eq("isManager", true), mindkey.Ge("validFrom", day))), func(p position) bool { return !p.To.IsZero() && (p.Manager || after(p)) }},
		{mindkey.EndsWith("positionVersionId", "-2"), func(p position) bool { return strings.HasSuffix(p.ID, "-2") }},
		{mindkey.RawFilter("isManager or weeklyHours eq 20"), func(p position) bool { return p.Manager || p.Hours == "20" }},
	} {
		want := int64(0)
		for _, p := range all {
			if tc.holds(p) {
				want++
			}
		}
		got, err := set.Count(t.Context(), tc.filter)
		if err != nil || got != want || want == 0 {
			t.Errorf("%s: %d, %v, want %d", tc.filter, got, err, want)
		}
	}
}

func TestAllReadsEveryPageOnce(t *testing.T) {
	t.Parallel()
	for _, top := range []int{0, 1, 7, 20, 60, 61} {
		w := newWorld(t)
		var got []string
		for e, err := range w.client.Employees.All(t.Context(), mindkey.Query{Select: []string{"employeeId"}, Top: top, Skip: 2, OrderBy: []mindkey.Order{mindkey.Desc("employeeId")}}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.EmployeeID)
		}
		var want []string
		for n := 58; n > 0; n-- {
			want = append(want, fmt.Sprintf("EMP%03d", n))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", top, diff)
		}
		if top == 20 {
			w.srv.Expect(t, mockserver.Match{Path: "/odata/v2/Employee"}, 3)
		}
	}
}

func TestAllEnds(t *testing.T) {
	t.Parallel()
	const page = `{"value":[{"employeeId":"a"},{"employeeId":"b"}]`
	for _, tc := range []struct {
		name   string
		bodies []string
		query  mindkey.Query
		want   string
		err    string
	}{
		{"at the count", []string{page + `,"@odata.count":2}`}, mindkey.Query{}, "a b", ""},
		{"at an empty page", []string{page + `}`, `{"value":[]}`}, mindkey.Query{}, "a b", ""},
		{"at no page", []string{`{}`}, mindkey.Query{}, "", ""},
		{"after the last link", []string{page + `,"@odata.nextLink":"Employee?$skiptoken=x"}`, `{"value":[{"employeeId":"c"}],"@odata.count":3}`}, mindkey.Query{}, "a b c", ""},
		{"where a page comes again", []string{page + `}`}, mindkey.Query{}, "a b", "repeats a page"},
		{"where a page comes again though counted", []string{page + `,"@odata.count":1000}`}, mindkey.Query{}, "a b", "repeats a page"},
		{"at the count though all look alike", []string{page + `,"@odata.count":4}`}, mindkey.Query{Select: []string{"employeeId"}}, "a b a b", ""},
		{"where a link leads back", []string{page + `,"@odata.nextLink":"?$skiptoken=x"}`}, mindkey.Query{}, "a b", "repeats a page"},
		{"at a link to elsewhere", []string{page + `,"@odata.nextLink":"https://evil.example/"}`}, mindkey.Query{}, "a b", "origin"},
		{"at a link to elsewhere, by a letter", []string{page + `,"@odata.nextLink":"https://connector.m\u0130ndkey.com/odata/v2/Employee"}`}, mindkey.Query{}, "a b", "origin"},
		{"at a link that is none", []string{page + `,"@odata.nextLink":"://"}`}, mindkey.Query{}, "", "not a URL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			client, _ := scripted(t, tc.bodies...)
			var got []string
			var last error
			for e, err := range client.Employees.All(t.Context(), tc.query) {
				if last = err; err == nil {
					got = append(got, e.EmployeeID)
				}
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if (last == nil) != (tc.err == "") || last != nil && !strings.Contains(last.Error(), tc.err) {
				t.Errorf("ended with %v, want %q", last, tc.err)
			}
		})
	}
}

func TestNextLinkIsFollowedAsItIs(t *testing.T) {
	t.Parallel()
	client, sent := scripted(t, `{"value":[{"employeeId":"a"}],"@odata.nextLink":"https://connector.mindkey.com/odata/v2/Employee?$skiptoken=a%20b"}`, `{"value":[{"employeeId":"b"}],"@odata.count":2}`)
	for _, err := range client.Employees.Raw().All(t.Context(), mindkey.Query{Top: 1}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"https://connector.mindkey.com/odata/v2/Employee?%24count=true&%24top=1", "https://connector.mindkey.com/odata/v2/Employee?$skiptoken=a%20b"}
	got := []string{sent.urls[0].String(), sent.urls[1].String()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Repeat([]string{"application/json; mindkey.raw=true"}, 2), sent.accept); diff != "" {
		t.Errorf("Accept (-want +got):\n%s", diff)
	}
}

func TestRawModeHasTheNamesBeneath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := list(t, w.client.Employees.Raw(), mindkey.Query{Filter: mindkey.Eq("EmployeeId", "EMP001"), Select: []string{"EmployeeId", "NameLastName"}})
	want := []mindkey.Record{raw("EmployeeId", `"EMP001"`, "NameLastName", `"Holm"`)}
	if diff := cmp.Diff(want, page.Items); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, err := w.client.Employees.Raw().Get(t.Context(), "EMP001", mindkey.Query{Select: []string{"Email"}})
	email, wrong := mindkey.Extra[string](got, "Email")
	if err != nil || wrong != nil || email != "ada.holm@example.com" {
		t.Errorf("Get: %q, %v, %v", email, err, wrong)
	}
}

func TestMissingScopeSaysBothReadings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mockserver.Scopes("EmployeeData"))
	if err := w.client.Ping(t.Context()); err != nil {
		t.Errorf("Ping needs no scope: %v", err)
	}
	_, listed := w.client.Employees.List(t.Context(), mindkey.Query{})
	_, got := w.client.Employees.Get(t.Context(), "EMP001", mindkey.Query{})
	_, unknown := mindkey.Entity[mindkey.Record](w.client, "Nothing").List(t.Context(), mindkey.Query{})
	for name, err := range map[string]error{"List": listed, "Get": got, "unknown entity": unknown} {
		refused, ok := errors.AsType[*keyfit.PermissionError](err)
		if !ok || !refused.Ambiguous || !errors.Is(err, keyfit.ErrForbidden) || !errors.Is(err, keyfit.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "scope") && !strings.Contains(err.Error(), "permission") {
			t.Errorf("%s does not name the second reading: %v", name, err)
		}
	}
}

func TestRefusedQueryHasTheServersWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.client.Employees.List(t.Context(), mindkey.Query{Select: []string{"nothing"}})
	refused, ok := errors.AsType[*keyfit.APIError](err)
	if !ok || !errors.Is(err, keyfit.ErrBadRequest) || !strings.Contains(refused.Message, "Could not find a property named 'nothing' on type 'Employee'") {
		t.Errorf("%v", err)
	}
}

func TestGetRefusesBeforeSending(t *testing.T) {
	t.Parallel()
	client, sent := scripted(t, `{}`)
	for _, query := range []mindkey.Query{{Top: 1}, {Skip: 1}, {Count: true}, {Filter: mindkey.Eq("a", 1)}, {OrderBy: []mindkey.Order{mindkey.Asc("a")}}} {
		if _, err := client.Employees.Get(t.Context(), "EMP001", query); err == nil || err.Error() != "mindkey: Employee: only Select and Expand apply to one entity" {
			t.Errorf("%+v: %v", query, err)
		}
	}
	if _, err := client.Employees.Get(t.Context(), "", mindkey.Query{}); err == nil || err.Error() != "mindkey: Employee: the key is empty" {
		t.Errorf("%v", err)
	}
	if _, err := mindkey.Entity[mindkey.Record](client, "").List(t.Context(), mindkey.Query{}); err == nil {
		t.Error("an entity without a name was asked for")
	}
	if len(sent.urls) > 0 {
		t.Errorf("%d sent", len(sent.urls))
	}
}
