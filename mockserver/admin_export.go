package mockserver

import (
	"net/http"
	"strconv"
	"strings"
)

// exportMedia are the content types of the format har, and of curl and go.
const exportMedia = "application/json, text/plain"

func exportParams() []adminParam {
	return append(matchParams(),
		adminParam{"format", "har (HTTP Archive 1.2), curl (a command a request) or go (a test); har if absent"},
		adminParam{"id", "one request by its ID"})
}

// adminExport writes the requests that match, oldest first, in another format.
func adminExport(c *adminCall) (any, error) {
	m, err := c.match()
	if err != nil {
		return nil, err
	}
	all := c.ns.Requests(m)
	if s := c.URL.Query().Get("id"); s != "" {
		id, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return nil, refused(http.StatusBadRequest, "a request's ID is a number")
		}
		var one []Exchange
		for _, x := range all {
			if x.ID == id {
				one = append(one, x)
			}
		}
		if all = one; one == nil {
			return nil, refused(http.StatusNotFound, "no such request in the journal")
		}
	}
	media := strings.Split(exportMedia, ", ")
	var data []byte
	switch c.URL.Query().Get("format") {
	case "har", "":
		if data, err = HAR(all); err != nil {
			return nil, err
		}
		media = media[:1]
	case "curl":
		for i := range all {
			data = append(data, all[i].curl(c.srv.vendors)...)
		}
		media = media[1:]
	case "go":
		data, media = GoTest(all), media[1:]
	default:
		return nil, refused(http.StatusBadRequest, "format: one of har, curl, go")
	}
	c.w.Header().Set("Content-Type", media[0]+"; charset=utf-8")
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write(data) // an error means that the client has disconnected
	return written{}, nil
}
