package odata_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/odata"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

var (
	boss   = &odata.Type{Name: "Boss", Props: []odata.Prop{{Name: "id", Kind: odata.String}}}
	person = &odata.Type{
		Name: "Person",
		Props: []odata.Prop{
			{Name: "id", Kind: odata.String},
			{Name: "name", Kind: odata.String},
			{Name: "age", Kind: odata.Int},
			{Name: "rate", Kind: odata.Decimal},
			{Name: "active", Kind: odata.Bool},
			{Name: "born", Kind: odata.Date},
			{Name: "seen", Kind: odata.DateTime},
		},
		Links: []odata.Link{{Name: "boss", Type: boss}},
	}
	chief = &odata.Row{Values: []any{"B1"}}
	now   = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)
	rows  = []*odata.Row{
		{Values: []any{"1", "Ada Holm", int64(30), 37.5, true, day("2000-02-29"), now}, Links: []*odata.Row{chief}},
		{Values: []any{"2", "Bo O'Hara", int64(41), 20.0, false, day("1988-12-31"), now.Add(-time.Hour)}, Links: []*odata.Row{nil}},
		{Values: []any{"3", "Åse", nil, nil, nil, nil, nil}, Links: []*odata.Row{chief}},
	}
)

// ids returns the IDs of the rows that a filter selects.
func ids(tb testing.TB, filter string) (string, error) {
	tb.Helper()
	q, err := odata.Parse(person, "$filter="+url.QueryEscape(filter), odata.ForMany)
	if err != nil {
		return "", err
	}
	page, _ := q.Apply(rows, now)
	return join(page), nil
}

func join(page []*odata.Row) string {
	var out []string
	for _, r := range page {
		id, _ := r.Values[0].(string)
		out = append(out, id)
	}
	return strings.Join(out, " ")
}

func TestAFilterSelectsRows(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		"id eq '1'":                                "1",
		"id ne '1'":                                "2 3",
		"'1' eq id":                                "1",
		"age gt 30":                                "2",
		"age ge 30":                                "1 2",
		"age lt 41":                                "1",
		"age le 41":                                "1 2",
		"age ge -1":                                "1 2",
		"rate eq 37.5":                             "1",
		"rate eq 20":                               "2",
		"rate lt 3.0e1":                            "2",
		"age gt 30.5":                              "2",
		"active":                                   "1",
		"active eq true":                           "1",
		"active ne true":                           "2 3",
		"not active":                               "2", // not null is null, and null selects nothing
		"age eq null":                              "3",
		"age ne null":                              "1 2",
		"null eq null":                             "1 2 3",
		"age gt null":                              "",
		"name eq 'Bo O''Hara'":                     "2",
		"name eq 'ada holm'":                       "",
		"contains(name,'o')":                       "1 2",
		"startswith(name,'Ad')":                    "1",
		"endswith(name,'m')":                       "1",
		"endswith( name , 'm' ) eq false":          "2 3",
		"tolower(name) eq 'åse'":                   "3",
		"toupper(name) eq 'ADA HOLM'":              "1",
		"length(name) eq 3":                        "3",
		"trim(concat(' ',name)) eq name":           "1 2 3",
		"indexof(name,'s') eq 1":                   "3",
		"substring(name,4) eq 'Holm'":              "1",
		"substring(name,-5,3) eq 'Ada'":            "1",
		"substring(name,99) eq ''":                 "1 2 3",
		"born eq 2000-02-29":                       "1",
		"born lt 1990-01-01":                       "2",
		"seen ge 2030-01-02T12:00:00Z":             "1",
		"seen eq 2030-01-02T13:00:00+02:00":        "2",
		"seen lt 2030-01-02T11:30Z":                "2",
		"seen gt 2030-01-01":                       "1 2",
		"seen lt now()":                            "2",
		"year(born) eq 1988 and month(born) eq 12": "2",
		"day(born) eq 29":                          "1",
		"hour(seen) eq 11":                         "2",
		"date(seen) eq 2030-01-02":                 "1 2",
		"id in ('1','3')":                          "1 3",
		"age in (30)":                              "1",
		"age in (30,null)":                         "1 3",
		"id eq '1' or id eq '2' and age eq 30":     "1",
		"(id eq '1' or id eq '2') and age eq 41":   "2",
		"not (id eq '1')":                          "2 3",
		"not contains(name,'a')":                   "3",
		"not (id eq '1') and not (id eq '2')":      "3",
		"boss/id eq 'B1'":                          "1 3",
		"boss/id eq null":                          "2",
		"age gt 35 or active":                      "1 2",
		"active and age gt 99":                     "",
		"(active and age gt 99) eq false":          "1 2 3", // null and false is false
		"contains(tolower(name), tolower('HOL'))":  "1",
		"length(boss/id) gt 0":                     "1 3",
		"\tid  eq\t'1' ":                           "1",
		"((((id eq '1'))))":                        "1",
		"id gt '1' and id lt '3'":                  "2",
		"contains(name,'(') or contains(name,',') eq true": "",
	} {
		t.Run(filter, func(t *testing.T) {
			t.Parallel()
			got, err := ids(t, filter)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestAMalformedFilterIsNamed(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		"nope eq 'x'":               "Could not find a property named 'nope' on type 'Person'.",
		"Name eq 'x'":               "Could not find a property named 'Name' on type 'Person'.",
		"boss/name eq 'x'":          "Could not find a property named 'name' on type 'Boss'.",
		"boss eq null":              "Could not find a property named 'boss' on type 'Person'.",
		"name/id eq 'x'":            "Could not find a property named 'name' on type 'Person'.",
		"$it eq 1":                  "Could not find a property named '$it' on type 'Person'.",
		"":                          "Expression expected at position 0 in ''.",
		"name eq":                   "Expression expected at position 7 in 'name eq'.",
		"name 'x'":                  "Syntax error at position 5 in 'name 'x''.",
		"name eq 'x' or":            "Expression expected at position 14 in 'name eq 'x' or'.",
		"name = 'x'":                "Syntax error: character '=' is not valid at position 5 in 'name = 'x''.",
		"name eq 'x":                "There is an unterminated string literal at position 10 in 'name eq 'x'.",
		"(name eq 'x'":              "')' expected at position 12 in '(name eq 'x''.",
		"name eq 'x')":              "Syntax error at position 11 in 'name eq 'x')'.",
		"name":                      "The $filter expression must evaluate to a single boolean value.",
		"age eq 'x'":                "A binary operator with incompatible types was detected. Found operand types 'Edm.Int64' and 'Edm.String' for operator kind 'Equal'.",
		"active gt false":           "A binary operator with incompatible types was detected. Found operand types 'Edm.Boolean' and 'Edm.Boolean' for operator kind 'GreaterThan'.",
		"active or name":            "A binary operator with incompatible types was detected. Found operand types 'Edm.Boolean' and 'Edm.String' for operator kind 'Or'.",
		"id in ('1',2)":             "A binary operator with incompatible types was detected. Found operand types 'Edm.String' and 'Edm.Int64' for operator kind 'Equal'.",
		"not name":                  "A unary operator with an incompatible type was detected. Found operand type 'Edm.String' for operator kind 'Not'.",
		"age add 1 eq 2":            "Syntax error at position 4 in 'age add 1 eq 2'.",
		"age eq 12abc":              "Unrecognized literal '12abc' at position 7 in 'age eq 12abc'.",
		"age eq 0x1F":               "Unrecognized literal '0x1F' at position 7 in 'age eq 0x1F'.",
		"born eq 2030-02-30":        "Unrecognized literal '2030-02-30' at position 8 in 'born eq 2030-02-30'.",
		"matches(name,'x')":         "An unknown function with name 'matches' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed.",
		"Contains(name,'x')":        "An unknown function with name 'Contains' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed.",
		"contains(name)":            "No function signature for the function with name 'contains' matches the specified arguments (Edm.String).",
		"contains(name,1)":          "No function signature for the function with name 'contains' matches the specified arguments (Edm.String, Edm.Int64).",
		"contains(name,'a','b')":    "No function signature for the function with name 'contains' matches the specified arguments (Edm.String, Edm.String, Edm.String).",
		"contains(name,'a'":         "',' expected at position 17 in 'contains(name,'a''.",
		"contains(name 'a')":        "',' expected at position 14 in 'contains(name 'a')'.",
		"id in ('1',":               "Expression expected at position 11 in 'id in ('1','.",
		"id in ()":                  "Syntax error at position 7 in 'id in ()'.",
		"id in '1'":                 "'(' expected at position 6 in 'id in '1''.",
		"boss/ eq 'x'":              "Could not find a property named 'eq' on type 'Boss'.",
		strings.Repeat("(", 100):    "The depth limit of '64' has been exceeded.",
		strings.Repeat("not ", 100): "The depth limit of '64' has been exceeded.",
		"age in (" + strings.Repeat("1,", 2500) + "1)": "The node count limit of '2000' has been exceeded.",
		strings.Repeat("x", 200) + " eq 1":             "Could not find a property named '" + strings.Repeat("x", 120) + "...' on type 'Person'.",
	} {
		t.Run(filter[:min(len(filter), 40)], func(t *testing.T) {
			t.Parallel()
			got, err := ids(t, filter)
			if err == nil {
				t.Fatalf("selected %q, want the error %q", got, want)
			}
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestALongChainOfOrIsServed(t *testing.T) {
	t.Parallel()
	filter := "id eq '1'" + strings.Repeat(" or id eq '2'", 400)
	got, err := ids(t, filter)
	if err != nil || got != "1 2" {
		t.Errorf("got %q, %v", got, err)
	}
}

// FuzzParse checks that any query gives a Query that runs or an *Error, and that
// a filter and its negation never select the same row (three-valued logic).
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"$filter=id eq '1' or not (contains(tolower(name),'a''b') and age ge -3.5e1)",
		"$filter=seen lt 2030-01-02T11:30:00%2B02:00 and born in (2000-02-29,null)",
		"$filter=substring(name,1,2) ne concat('a',trim(boss/id))&$orderby=length(name) desc,age",
		"$select=id,name&$expand=boss($select=id;$expand=x)&$top=3&$skip=1&$count=true",
		"$filter=((((", "$filter='", "$filter=not not not active", "$expand=*", "$filter=%27%00", "$orderby=,",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := odata.Parse(person, raw, odata.ForMany)
		if err != nil {
			if _, ok := err.(*odata.Error); !ok { //nolint:errorlint // the type itself is the promise
				t.Fatalf("%T", err)
			}
			return
		}
		page, total := q.Apply(rows, now)
		if len(page) > total || total > len(rows) {
			t.Fatalf("%d of %d of %d", len(page), total, len(rows))
		}
		for _, r := range page {
			q.Append(nil, r, "")
		}
		values, err := url.ParseQuery(raw)
		filter := values.Get("$filter")
		if err != nil || filter == "" || len(filter) > 1000 {
			return
		}
		yes, err := ids(t, filter)
		if err != nil {
			return // net/url splits the pairs differently
		}
		no, err := ids(t, "not ("+filter+")")
		if err != nil {
			return // the negation exceeds the depth limit
		}
		for id := range strings.FieldsSeq(yes) {
			if strings.Contains(no, id) {
				t.Errorf("%q selects row %s, and so does its negation", filter, id)
			}
		}
	})
}
