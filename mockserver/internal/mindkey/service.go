package mindkey

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/odata"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// Decorate adds the header that OData 4.0 (part 1, 8.1.5) wants on every response
// of the service, refusals included.
func Decorate(h http.Header, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/odata/") {
		h["OData-Version"] = []string{"4.0"}
	}
}

// count answers the number of an entity set's members that $filter selects, as
// text (OData 4.01 URL conventions, 4.8).
func (e *entity) count(w http.ResponseWriter, c *surface.Call) {
	q, err := odata.Parse(e.typeFor(c.Header), c.URL.RawQuery, odata.ForCount)
	if err != nil {
		badQuery(w, err)
		return
	}
	_, total := q.Apply(e.rows(), c.Now)
	surface.Raw(w, http.StatusOK, "text/plain; charset=utf-8", strconv.AppendInt(nil, int64(total), 10))
}

// serviceDocument lists the entity sets, whatever the key's scopes are.
func serviceDocument(sets []*entity) func(http.ResponseWriter, *surface.Call) {
	return func(w http.ResponseWriter, c *surface.Call) {
		body := []byte("{" + contextMember(c, "") + `,"value":[`)
		for i, e := range sets {
			if i > 0 {
				body = append(body, ',')
			}
			name := quoted(e.typ.Name)
			body = append(body, `{"name":`+name+`,"kind":"EntitySet","url":`+name+`}`...)
		}
		surface.Raw(w, http.StatusOK, contentType, append(body, "]}"...))
	}
}

func metadata(sets []*entity) func(http.ResponseWriter, *surface.Call) {
	return func(w http.ResponseWriter, c *surface.Call) {
		types := make([]*odata.Type, 0, len(sets))
		for _, e := range sets {
			types = append(types, e.typeFor(c.Header))
		}
		surface.Raw(w, http.StatusOK, "application/xml; charset=utf-8", odata.Metadata("MindKey", types))
	}
}

// pageSize is how many rows the caller or the profile wants on a page; 0 for all.
// The header says that a preference was followed.
func pageSize(w http.ResponseWriter, c *surface.Call) int {
	for _, line := range c.Header.Values("Prefer") {
		for one := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(one, "=")
			name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "odata.")
			n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
			if name != "maxpagesize" || err != nil || n < 1 {
				continue
			}
			if c.PageSize > 0 {
				n = min(n, c.PageSize)
			}
			w.Header().Set("Preference-Applied", "odata.maxpagesize="+strconv.Itoa(n))
			return n
		}
	}
	return c.PageSize
}
