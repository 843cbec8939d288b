package mindkey_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// Every answer below /odata/ names the version of OData, refusals included.
func TestEveryAnswerNamesTheODataVersion(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithSeed(7))
	key := srv.Keys().Issue(mockserver.MindKey)
	for path, want := range map[string]string{
		"/odata/v2/Employee": "4.0", "/odata/v2/Employee/EMP999": "4.0", "/odata/v2/None": "4.0", "/odata/v2/Employee?$x=1": "4.0",
		"/odata/v2/$metadata": "4.0", "/odata/v2/Employee/$count": "4.0", "/ping": "",
	} {
		for _, put := range []func(*http.Request){key.Apply, func(*http.Request) {}} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://connector.mindkey.com"+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			put(r)
			res, err := srv.Transport().RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if got := res.Header.Get("OData-Version"); got != want {
				t.Errorf("%s: %d with version %q", path, res.StatusCode, got)
			}
		}
	}
}

// Pages of any size hold every row once, in order, whatever else the query asks;
// the last one has no link.
func TestPagesHoldEveryRowOnce(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, query := range []string{
		"$select=employeeId", "$select=employeeId&$orderby=nameLastName desc&$count=true", "$top=17&$select=employeeId",
		"$skip=5&$top=20&$select=employeeId", "$filter=nameLastName eq 'Fitsum'&$select=employeeId", "$top=0",
	} {
		want := c.rows(t, "/odata/v2/Employee?"+query)
		for _, size := range []int{1, 7, 20, 60, 61} {
			var got []map[string]any
			path, pages := "/odata/v2/Employee?"+query, 0
			header := []string{"Prefer", "return=minimal, odata.maxpagesize=" + strconv.Itoa(size)}
			for path != "" {
				_, body := c.get(t, path, header...)
				var page struct {
					Value []map[string]any `json:"value"`
					Next  string           `json:"@odata.nextLink"`
				}
				if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Value) > size {
					t.Fatalf("%s: %s", path, body)
				}
				got = append(got, page.Value...)
				header = nil // a link keeps the size
				path = strings.TrimPrefix(page.Next, "https://connector.mindkey.com")
				if pages++; pages > 100 {
					t.Fatalf("%s: the pages do not end", query)
				}
			}
			if len(want) == 0 && len(got) == 0 {
				continue
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s by %d (-want +got):\n%s", query, size, d)
			}
		}
	}
}

// The profile can page without the caller's wish.
func TestAProfileSendsPages(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithSeed(7), mockserver.WithProfile(mockserver.MindKey, mockserver.Profile{PageSize: 25}))
	c := client{srv.Transport(), srv.Keys().Issue(mockserver.MindKey)}
	if n := len(c.rows(t, "/odata/v2/Employee")); n != 25 {
		t.Errorf("%d rows on the first page", n)
	}
	if n := len(c.rows(t, "/odata/v2/Employee?$skiptoken=50-25")); n != 10 {
		t.Errorf("%d rows on the last page", n)
	}
}

func TestCountMetadataAndFormatAreOData(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for path, want := range map[string]string{
		"/odata/v2/Employee/$count":                                          "60",
		"/odata/v2/Employee/$count?$filter=nameFirstName eq 'Ada'":           "1",
		"/odata/v2/Employee?$format=json&$select=employeeId&$top=1":          root + `Employee(employeeId)","value":[{"employeeId":"EMP001"}]}`,
		"/odata/v2/Employee/EMP001?$format=json&$select=employeeId":          root + `Employee(employeeId)/$entity","employeeId":"EMP001"}`,
		"/odata/v2/Employee/$count?$top=1":                                   `{"Message":"The query specified in the URI is not valid. The query parameter '$top' is not supported."}`,
		"/odata/v2/Employee?$format=atom":                                    `{"Message":"The query specified in the URI is not valid. The query option '$format' with the value 'atom' is not supported."}`,
		"/odata/v2/Employee?$skiptoken=x":                                    `{"Message":"The query specified in the URI is not valid. Invalid value 'x' for $skiptoken query option found."}`,
		"/odata/v2/Employee?$skiptoken=70-10&$count=true&$select=employeeId": root + `Employee(employeeId)","@odata.count":60,"value":[]}`,
	} {
		if _, got := c.get(t, path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	_, body := c.get(t, "/odata/v2/$metadata")
	var doc struct {
		Types []struct {
			Name  string `xml:"Name,attr"`
			Props []struct {
				Name string `xml:"Name,attr"`
			} `xml:"Property"`
		} `xml:"DataServices>Schema>EntityType"`
		Sets []struct {
			Name string `xml:"Name,attr"`
		} `xml:"DataServices>Schema>EntityContainer>EntitySet"`
	}
	if err := xml.Unmarshal([]byte(body), &doc); err != nil || len(doc.Sets) != 5 || len(doc.Types) != 7 || len(doc.Types[0].Props) != 6 {
		t.Errorf("%v: %d sets, %d types: %s", err, len(doc.Sets), len(doc.Types), body)
	}
	if _, body := c.get(t, "/odata/v2/"); !strings.Contains(body, `{"name":"PositionVersion","kind":"EntitySet","url":"PositionVersion"}`) {
		t.Errorf("service document: %s", body)
	}
}
