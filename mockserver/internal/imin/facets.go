package imin

import (
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// facetsDoc is the index of search facets, at the documented JSON paths
// $['imin:index'].activity['imin:item'] and
// $['imin:index'].activityConceptCollection['imin:item']. The surrounding members
// are assumed.
type facetsDoc struct {
	Context []string `json:"@context"`
	ID      string   `json:"id"`
	Type    string   `json:"type"`
	Index   struct {
		Activity   index `json:"activity"`
		Collection index `json:"activityConceptCollection"`
	} `json:"imin:index"`
}

type index struct {
	Type  string `json:"type"`
	Items []any  `json:"imin:item"`
}

func facets(w http.ResponseWriter, c *surface.Call) {
	if _, err := parseParams(c.URL.RawQuery, nil); err != nil {
		badRequest(w, err)
		return
	}
	out := facetsDoc{Context: baseContext(), ID: origin(c) + c.URL.Path, Type: "imin:FacetIndex"}
	out.Index.Activity.Type, out.Index.Collection.Type = "imin:RestrictedCollection", "imin:RestrictedCollection"
	for i, a := range activities() {
		entry := activityConcept(i)
		entry.Definition, entry.Broader = a.definition, mapStrings(lineage(i)[1:], activityID)
		out.Index.Activity.Items = append(out.Index.Activity.Items, entry)
	}
	out.Index.Collection.Items = toAny(collections())
	reply(w, out)
}
