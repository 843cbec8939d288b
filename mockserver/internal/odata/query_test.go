package odata_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/odata"
)

func TestOrderPagingAndCount(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]struct {
		page  string
		total int
	}{
		"":                             {"1 2 3", 3},
		"$orderby=age":                 {"3 1 2", 3},
		"$orderby=age%20desc":          {"2 1 3", 3},
		"$orderby=boss/id+desc,id+asc": {"1 3 2", 3},
		"$orderby=length(name),id":     {"3 1 2", 3},
		"$orderby=active desc":         {"1 2 3", 3},
		"$top=2":                       {"1 2", 3},
		"$top=0":                       {"", 3},
		"$skip=1&$top=1":               {"2", 3},
		"$skip=9":                      {"", 3},
		"$filter=id ne '2'&$orderby=id desc&$top=1": {"3", 2},
		"%24top=1":           {"1", 3},
		"$count=true&$top=1": {"1", 3},
		"&&$top=1&":          {"1", 3},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			q, err := odata.Parse(person, strings.ReplaceAll(query, " ", "%20"), odata.ForMany)
			if err != nil {
				t.Fatal(err)
			}
			page, total := q.Apply(rows, now)
			if got := join(page); got != want.page || total != want.total {
				t.Errorf("got %q of %d, want %q of %d", got, total, want.page, want.total)
			}
		})
	}
}

func TestARowIsWrittenAsSelected(t *testing.T) {
	t.Parallel()
	const all = `{"id":"1","name":"Ada Holm","age":30,"rate":37.5,"active":true,"born":"2000-02-29","seen":"2030-01-02T12:00:00Z"`
	for query, want := range map[string]struct{ row, projection string }{
		"":                                     {all + "}", ""},
		"$select=*":                            {all + "}", "(id,name,age,rate,active,born,seen)"},
		"$select=name,id":                      {`{"id":"1","name":"Ada Holm"}`, "(id,name)"},
		"$select=%20id%20,boss":                {`{"id":"1"}`, "(id)"},
		"$expand=boss":                         {all + `,"boss":{"id":"B1"}}`, "(boss())"},
		"$select=id&$expand=boss($select=id)":  {`{"id":"1","boss":{"id":"B1"}}`, "(id,boss(id))"},
		"$select=id&$expand=boss($select=id;)": {"", ""},
		"$select=boss&$expand=boss":            {`{"boss":{"id":"B1"}}`, "(boss())"},
		"$select=id&$expand=*":                 {`{"id":"1","boss":{"id":"B1"}}`, "(id,boss())"},
		"$select=id&$expand=boss(%24select=*)": {`{"id":"1","boss":{"id":"B1"}}`, "(id,boss(id))"},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			q, err := odata.Parse(person, query, odata.ForOne)
			if want.row == "" {
				if err == nil {
					t.Error("no error")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.row, string(q.Append(nil, rows[0], ""))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(want.projection, q.Projection()); diff != "" {
				t.Errorf("projection -want +got\n%s", diff)
			}
		})
	}
}

func TestNullsAndMissingRelationsAreWrittenAsNull(t *testing.T) {
	t.Parallel()
	q, err := odata.Parse(person, "$select=id,age,seen&$expand=boss", odata.ForMany)
	if err != nil {
		t.Fatal(err)
	}
	got := string(q.Append(q.Append(nil, rows[1], `"@odata.context":"x"`), rows[2], ""))
	want := `{"@odata.context":"x","id":"2","age":41,"seen":"2030-01-02T11:00:00Z","boss":null}` + `{"id":"3","age":null,"seen":null,"boss":{"id":"B1"}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestBadOptionsAreNamed(t *testing.T) {
	t.Parallel()
	const notAnInteger = "The $top query option requires a non-negative integer value."
	for query, want := range map[string]string{
		"$nope=1":                               "The query parameter '$nope' is not supported.",
		"page=1":                                "The query parameter 'page' is not supported.",
		"filter=id":                             "The query parameter 'filter' is not supported.",
		"$top=-1":                               "Invalid value '-1' for $top query option found. " + notAnInteger,
		"$top=":                                 "Invalid value '' for $top query option found. " + notAnInteger,
		"$top=99999999999":                      "Invalid value '99999999999' for $top query option found. " + notAnInteger,
		"$skip=x":                               "Invalid value 'x' for $skip query option found. The $skip query option requires a non-negative integer value.",
		"$count=yes":                            "Invalid value 'yes' for $count query option found. Valid values are 'false', 'true'.",
		"$top=1&$top=2":                         "Query option '$top' was specified more than once, but it must be specified at most once.",
		"$select=nope":                          "Could not find a property named 'nope' on type 'Person'.",
		"$select=":                              "Term '' is not valid in a $select or $expand expression.",
		"$select=id,":                           "Term 'id,' is not valid in a $select or $expand expression.",
		"$expand=nope":                          "Could not find a property named 'nope' on type 'Person'.",
		"$expand=":                              "Term '' is not valid in a $select or $expand expression.",
		"$expand=name":                          "Property 'name' on type 'Person' is not a navigation property or complex property. Only navigation properties can be expanded.",
		"$expand=boss,boss":                     "The navigation property 'boss' is expanded more than once.",
		"$expand=boss($select=nope)":            "Could not find a property named 'nope' on type 'Boss'.",
		"$expand=boss($top=1)":                  "The query option '$top' is not supported in $expand of a single-valued navigation property.",
		"$expand=boss($select=id;$select=id)":   "Query option '$select' was specified more than once, but it must be specified at most once.",
		"$expand=boss($select=id":               "')' or a closing quote is missing in 'boss($select=id'.",
		"$expand=boss)":                         "Syntax error at position 4 in 'boss)'.",
		"$expand=boss($select=id)x":             "')' expected at the end of 'boss($select=id)x'.",
		"$orderby=nope":                         "Could not find a property named 'nope' on type 'Person'.",
		"$orderby=id%20up":                      "Syntax error at position 3 in 'id up'.",
		"$orderby=id,":                          "Expression expected at position 3 in 'id,'.",
		"$orderby=" + strings.Repeat("id,", 25): "The number of clauses in $orderby query option is 20 or more.",
		"$filter=%zz":                           "The query holds a broken percent-encoding.",
		"$filter=" + strings.Repeat("x", 17000): "The query is longer than 16384 characters.",
	} {
		t.Run(query[:min(len(query), 40)], func(t *testing.T) {
			t.Parallel()
			_, err := odata.Parse(person, query, odata.ForMany)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestOneEntityTakesSelectAndExpandOnly(t *testing.T) {
	t.Parallel()
	for _, option := range []string{"$filter=active", "$orderby=id", "$top=1", "$skip=1", "$count=true"} {
		if _, err := odata.Parse(person, option, odata.ForOne); err == nil {
			t.Errorf("%s was accepted", option)
		}
	}
}
