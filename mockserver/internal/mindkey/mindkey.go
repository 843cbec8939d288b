// Package mindkey plays MindKey's Connector API: today /ping and one entity.
package mindkey

import (
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

type employee struct {
	EmployeeID string `json:"employeeId"`
	First      string `json:"nameFirstName"`
	Middle     string `json:"nameMiddleName"`
	Last       string `json:"nameLastName"`
	Email      string `json:"email"`
	Mobile     string `json:"mobilePhoneNumberFullPhoneNumber"`
}

// New builds the routes.
func New(surface.Env) []surface.Route {
	rows := []employee{
		{"EMP001", "Ada", "", "Holm", "ada.holm@example.com", "+4500000001"},
		{"EMP002", "Bo", "L.", "Lorem", "bo.lorem@example.com", "+4500000002"},
		{"EMP003", "Cia", "", "Fitsum", "cia.fitsum@example.com", "+4500000003"},
	}
	return []surface.Route{
		// The request is documented, the answer is not: assumed.
		{Pattern: "GET /ping", Handle: func(w http.ResponseWriter, _ *surface.Call) {
			surface.Raw(w, http.StatusOK, "text/plain; charset=utf-8", []byte("pong"))
		}},
		{Pattern: "GET /odata/v2/Employee", Need: surface.Need{Scope: "Employee"},
			Handle: func(w http.ResponseWriter, c *surface.Call) { list(w, c, rows) }},
		{Pattern: "GET /odata/v2/Employee/{key}", Need: surface.Need{Scope: "Employee"},
			Handle: func(w http.ResponseWriter, c *surface.Call) { one(w, c, rows) }},
	}
}

type collection struct {
	Context string     `json:"@odata.context"`
	Count   *int       `json:"@odata.count,omitempty"`
	Value   []employee `json:"value"`
}

func list(w http.ResponseWriter, c *surface.Call, rows []employee) {
	q := c.URL.Query()
	for name := range q {
		switch name {
		case "$count":
		default:
			// Loud rather than wrong: an option that is not played must not be ignored.
			badQuery(w, "The query option '"+name+"' is not supported by this mock yet.")
			return
		}
	}
	out := collection{Context: "https://connector.mindkey.com/odata/v2/$metadata#Employee", Value: rows}
	if q.Get("$count") == "true" {
		n := len(rows)
		out.Count = &n
	}
	surface.JSON(w, http.StatusOK, out)
}

func one(w http.ResponseWriter, c *surface.Call, rows []employee) {
	for _, r := range rows {
		if r.EmployeeID == c.PathValue("key") {
			surface.JSON(w, http.StatusOK, r)
			return
		}
	}
	surface.JSON(w, http.StatusNotFound, map[string]string{"Message": "Not Found"})
}

// badQuery is the documented 400 (page "Error handling").
func badQuery(w http.ResponseWriter, detail string) {
	surface.JSON(w, http.StatusBadRequest, map[string]string{"Message": "The query specified in the URI is not valid. " + detail})
}
