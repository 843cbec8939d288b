package mindkey_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// client sends requests to one mock with one key.
type client struct {
	transport http.RoundTripper
	key       mockserver.Issued
}

func newClient(tb testing.TB, opts ...mockserver.KeyOption) client {
	tb.Helper()
	srv := mockserver.New(tb, mockserver.WithSeed(7))
	return client{srv.Transport(), srv.Keys().Issue(mockserver.MindKey, opts...)}
}

// get sends a GET request to the real host; it escapes spaces in the query.
func (c client) get(tb testing.TB, path string, header ...string) (status int, body string) {
	tb.Helper()
	url := "https://connector.mindkey.com" + strings.ReplaceAll(path, " ", "%20")
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	c.key.Apply(r)
	res, err := c.transport.RoundTrip(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return res.StatusCode, string(data)
}

// rows returns the rows of a collection.
func (c client) rows(tb testing.TB, path string) []map[string]any {
	tb.Helper()
	status, body := c.get(tb, path)
	var list struct {
		Value []map[string]any `json:"value"`
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != http.StatusOK {
		tb.Fatalf("%d %s: %v", status, body, err)
	}
	return list.Value
}

const root = `{"@odata.context":"https://connector.mindkey.com/odata/v2/$metadata#`

func TestAnswersByteForByte(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const ada = `{"employeeId":"EMP001","nameFirstName":"Ada","nameMiddleName":"","nameLastName":"Holm","email":"ada.holm@example.com","mobilePhoneNumberFullPhoneNumber":"+4500000001"}`
	const bad = `{"Message":"The query specified in the URI is not valid. `
	for name, tc := range map[string]struct {
		path   string
		status int
		body   string
	}{
		"ping":               {"/ping", 200, "pong"},
		"filter and count":   {"/odata/v2/Employee?$filter=nameFirstName eq 'Ada'&$count=true", 200, root + `Employee","@odata.count":1,"value":[` + ada + `]}`},
		"doubled apostrophe": {"/odata/v2/Employee?$filter=nameLastName eq 'O''Hara'&$select=employeeId&$top=1", 200, root + `Employee(employeeId)","value":[{"employeeId":"EMP002"}]}`},
		"nothing matches":    {"/odata/v2/Employee?$filter=employeeId eq 'x'&$count=true", 200, root + `Employee","@odata.count":0,"value":[]}`},
		"count before paging": {
			"/odata/v2/Employee?$top=1&$skip=2&$count=true&$select=employeeId", 200,
			root + `Employee(employeeId)","@odata.count":60,"value":[{"employeeId":"EMP003"}]}`,
		},
		"key as segment": {"/odata/v2/Employee/EMP001", 200, root + `Employee/$entity",` + ada[1:]},
		"key with options": {
			"/odata/v2/Employee/EMP002?$select=nameLastName&$expand=position($select=positionId)", 200,
			root + `Employee(nameLastName,position(positionId))/$entity","nameLastName":"O'Hara","position":{"positionId":"POS002"}}`,
		},
		"no position": {
			"/odata/v2/Employee/EMP010?$select=employeeId&$expand=position", 200,
			root + `Employee(employeeId,position())/$entity","employeeId":"EMP010","position":null}`,
		},
		"migration example": {
			"/odata/v2/EmployeeUserDefinedColumn?$expand=employee($select=employeeId)&$filter=userDefinedColumnId eq 'Some Id' or userDefinedColumnId eq 'x'&$select=userDefinedColumnId&$top=1", 200,
			root + `EmployeeUserDefinedColumn(userDefinedColumnId,employee(employeeId))","value":[{"userDefinedColumnId":"Some Id","employee":{"employeeId":"EMP001"}}]}`,
		},
		"documented 400":      {"/odata/v2/Employee?$select=invalidProperty", 400, bad + `Could not find a property named 'invalidProperty' on type 'Employee'."}`},
		"wrong case":          {"/odata/v2/Employee?$filter=EmployeeId eq 'EMP001'", 400, bad + `Could not find a property named 'EmployeeId' on type 'Employee'."}`},
		"relation of v1":      {"/odata/v2/Employee?$expand=userDefinedColumns", 400, bad + `Could not find a property named 'userDefinedColumns' on type 'Employee'."}`},
		"unknown option":      {"/odata/v2/Employee?$search=Ada", 400, bad + `The query parameter '$search' is not supported."}`},
		"filter on one":       {"/odata/v2/Employee/EMP001?$top=1", 400, bad + `The query parameter '$top' is not supported."}`},
		"missing operator":    {"/odata/v2/Employee?$filter=nameFirstName 'Ada'", 400, bad + `Syntax error at position 14 in 'nameFirstName 'Ada''."}`},
		"unknown key":         {"/odata/v2/Employee/EMP999", 404, `{"Message":"Not Found"}`},
		"key in another case": {"/odata/v2/Employee/emp001", 404, `{"Message":"Not Found"}`},
		"parenthesis form":    {"/odata/v2/Employee('EMP001')", 404, `{"Message":"Not Found"}`},
		"unknown entity":      {"/odata/v2/Salary", 404, `{"Message":"Not Found"}`},
		"version 1":           {"/odata/v1/Employee", 404, `{"Message":"Not Found"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := c.get(t, tc.path)
			if status != tc.status {
				t.Errorf("status %d, want %d", status, tc.status)
			}
			if diff := cmp.Diff(tc.body, body); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestAScopeOpensItsEntitiesOnly(t *testing.T) {
	t.Parallel()
	all := map[string]string{
		"Employee": "Employee", "EmployeeDependant": "EmployeeData", "EmployeeEquipment": "EmployeeData",
		"EmployeeUserDefinedColumn": "EmployeeData", "PositionVersion": "Organization",
	}
	for _, scope := range []string{"Employee", "EmployeeData", "Organization", "Leave"} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, mockserver.Scopes(scope))
			for entity, needs := range all {
				want := http.StatusNotFound // documented: never 403
				if needs == scope {
					want = http.StatusOK
				}
				key := c.key
				full := newClient(t).rows(t, "/odata/v2/"+entity+"?$top=1")[0]
				c.key = key
				for _, path := range []string{"/odata/v2/" + entity, "/odata/v2/" + entity + "/" + firstKey(full, entity)} {
					if got, body := c.get(t, path); got != want {
						t.Errorf("%s: %d %s, want %d", path, got, body, want)
					}
				}
			}
			if got, _ := c.get(t, "/ping"); got != http.StatusOK {
				t.Errorf("ping: %d", got)
			}
		})
	}
}

func firstKey(row map[string]any, entity string) string {
	name := strings.ToLower(entity[:1]) + entity[1:] + "Id"
	key, _ := row[name].(string)
	return key
}

func TestEveryRowIsFoundByItsKey(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, entity := range []string{"Employee", "EmployeeDependant", "EmployeeEquipment", "EmployeeUserDefinedColumn", "PositionVersion"} {
		seen := make(map[string]bool)
		for _, row := range c.rows(t, "/odata/v2/"+entity) {
			key := firstKey(row, entity)
			if key == "" || seen[key] {
				t.Fatalf("%s: key %q is empty or used twice", entity, key)
			}
			seen[key] = true
		}
		for key := range seen {
			if status, body := c.get(t, "/odata/v2/"+entity+"/"+key); status != http.StatusOK || !strings.Contains(body, `"`+key+`"`) {
				t.Errorf("%s/%s: %d %s", entity, key, status, body)
			}
			break
		}
	}
}

func TestPagesTogetherAreTheWholeInOrder(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const order = "/odata/v2/PositionVersion?$orderby=weeklyHours desc,validFrom,positionVersionId&$select=positionVersionId"
	whole := c.rows(t, order)
	var pages []map[string]any
	for skip := 0; len(pages) < len(whole); skip += 17 {
		page := c.rows(t, order+"&$top=17&$skip="+strconv.Itoa(skip))
		if len(page) == 0 {
			break
		}
		pages = append(pages, page...)
	}
	if diff := cmp.Diff(whole, pages); diff != "" {
		t.Errorf("-whole +pages\n%s", diff)
	}
}

func TestFiltersOnEveryKindOfProperty(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	all := c.rows(t, "/odata/v2/PositionVersion?$expand=employee,position")
	for filter, keep := range map[string]func(row map[string]any) bool{
		"weeklyHours lt 37":        func(r map[string]any) bool { return r["weeklyHours"].(float64) < 37 },
		"isManager":                func(r map[string]any) bool { return r["isManager"].(bool) },
		"validTo eq null":          func(r map[string]any) bool { return r["validTo"] == nil },
		"validFrom ge 2021-01-01":  func(r map[string]any) bool { return r["validFrom"].(string) >= "2021-01-01" },
		"modifiedAt lt 2021-01-01": func(r map[string]any) bool { return r["modifiedAt"].(string) < "2021-01-01" },
		"employee/employeeId eq 'EMP004' or startswith(title,'Dev')": func(r map[string]any) bool {
			return r["employee"].(map[string]any)["employeeId"] == "EMP004" || strings.HasPrefix(r["title"].(string), "Dev")
		},
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(r map[string]any) bool { return !keep(r) })
		if len(want) == 0 || len(want) == len(all) {
			t.Errorf("%s: the data does not distinguish", filter)
		}
		got := c.rows(t, "/odata/v2/PositionVersion?$expand=employee,position&$filter="+filter)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", filter, diff)
		}
	}
}

func TestRawModeUsesTheNamesBeneathTheMapping(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	raw := []string{"Accept", "application/json; mindkey.raw=true"}
	status, body := c.get(t, "/odata/v2/Employee?$filter=EmployeeId eq 'EMP001'&$select=EmployeeId&$expand=Position($select=PositionId)", raw...)
	want := root + `Employee(EmployeeId,Position(PositionId))","value":[{"EmployeeId":"EMP001","Position":{"PositionId":"POS001"}}]}`
	if status != http.StatusOK || body != want {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := c.get(t, "/odata/v2/Employee?$filter=employeeId eq 'EMP001'", raw...); status != http.StatusBadRequest {
		t.Errorf("a mapped name in raw mode: %d", status)
	}
	for _, accept := range []string{"application/json", "application/json; mindkey.raw=false", "*/*", "application/json; mindkey.raw", ";;"} {
		if status, body := c.get(t, "/odata/v2/Employee/EMP001", "Accept", accept); status != http.StatusOK || !strings.Contains(body, `"employeeId"`) {
			t.Errorf("Accept %q: %d %s", accept, status, body)
		}
	}
}

func TestTheSeedDecidesTheData(t *testing.T) {
	t.Parallel()
	ask := func(seed uint64) string {
		srv := mockserver.New(t, mockserver.WithSeed(seed))
		_, body := client{srv.Transport(), srv.Keys().Issue(mockserver.MindKey)}.get(t, "/odata/v2/Employee")
		return body
	}
	one := ask(1)
	if one != ask(1) {
		t.Error("the same seed gave different employees")
	}
	if one == ask(2) {
		t.Error("different seeds gave the same employees")
	}
}

func TestWritingIsRefused(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	key := srv.Keys().Issue(mockserver.MindKey)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		r, err := http.NewRequestWithContext(t.Context(), method, "https://connector.mindkey.com/odata/v2/Employee", strings.NewReader(`{"employeeId":`))
		if err != nil {
			t.Fatal(err)
		}
		key.Apply(r)
		res, err := srv.Transport().RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", method, res.StatusCode)
		}
	}
}
