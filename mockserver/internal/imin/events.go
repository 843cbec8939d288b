package imin

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// searchHit is one result of an event search: a series with some of its sessions.
type searchHit struct {
	series    *series
	sessions  []occurrence
	key       float64 // sort key of the mode
	unordered bool    // has no sort key and comes last
}

// The modes of an event search (page "Modes").
const (
	upcoming        = "upcoming-sessions"
	byGeo           = "discovery-geo"
	priceAscending  = "discovery-price-asc"
	priceDescending = "discovery-price-desc"
	defaultMode     = upcoming // assumed, not documented
	eventPath       = "/events-api/v2/event-series"
)

func (ds *dataset) searchEvents(w http.ResponseWriter, c *surface.Call) {
	p, err := parseParams(c.URL.RawQuery, append(filterNames(), "mode", "limit", "page"))
	if err != nil {
		badRequest(w, err)
		return
	}
	p = withDefaults(p)
	win, err1 := p.window()
	filter, err2 := newFilter(p)
	mode, err3 := eventMode(p)
	if err := cmp.Or(err1, err2, err3); err != nil {
		badRequest(w, err)
		return
	}
	hits := ds.findEvents(mode, filter, c.Now)
	from, to := win.bounds(len(hits))
	var items []any
	for _, h := range hits[from:to] {
		items = append(items, ds.summary(h, filter, origin(c)))
	}
	reply(w, newCollection(c, p, win, len(hits), items, baseContext()))
}

func eventMode(p params) (string, error) {
	mode := p.get("mode")
	switch mode {
	case upcoming, byGeo, priceAscending, priceDescending:
		return mode, nil
	}
	if !p.has("mode") {
		return defaultMode, nil
	}
	return "", fmt.Errorf("mode must be %s, %s, %s or %s, not %q", upcoming, byGeo, priceAscending, priceDescending, clip(mode))
}

// findEvents returns the results of a search in the order of its mode. Discovery
// modes group the sessions of a series and never return high-frequency ones;
// upcoming-sessions returns a series once per session.
func (ds *dataset) findEvents(mode string, filter *filter, now time.Time) []searchHit {
	var out []searchHit
	for _, s := range ds.activeSeries(now) {
		sessions := filter.match(s, now)
		switch {
		case len(sessions) == 0:
		case mode == upcoming:
			for _, o := range sessions {
				out = append(out, searchHit{series: s, sessions: []occurrence{o}, key: float64(o.start.Unix())})
			}
		case slices.Contains(s.tags, highFrequency):
		default:
			// A discovery mode returns all sessions of the series, not only the
			// matching ones (page "Dates and Times").
			h := searchHit{series: s, sessions: occurrences(s.runs, now, nil)}
			h.key, h.unordered = orderKey(mode, s, filter)
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b searchHit) int {
		switch {
		case a.unordered != b.unordered:
			if a.unordered {
				return 1
			}
			return -1
		case mode == priceDescending:
			return cmp.Compare(b.key, a.key)
		default:
			return cmp.Compare(a.key, b.key)
		}
	})
	return out
}

// orderKey returns the distance to the nearest place, or the adult price. none is
// true if the series has neither; it then comes last in either direction.
func orderKey(mode string, s *series, filter *filter) (key float64, none bool) {
	if mode != byGeo {
		low, _, ok := s.adultPrice()
		return low, !ok
	}
	none = true
	for _, r := range s.runs {
		if r.site == nil || filter.near == nil {
			continue
		}
		if km := filter.near.distance(r.site.Geo); none || km < key {
			key, none = km, false
		}
	}
	return key, none
}

// eventByID writes the full record of a series that has upcoming sessions.
func (ds *dataset) eventByID(w http.ResponseWriter, c *surface.Call) {
	if _, err := parseParams(c.URL.RawQuery, nil); err != nil {
		badRequest(w, err)
		return
	}
	s := ds.byID(c.PathValue("id"))
	if s == nil {
		notFound(w)
		return
	}
	sessions := occurrences(s.runs, c.Now, nil)
	if len(sessions) == 0 {
		notFound(w) // archived (page "Understanding Responses")
		return
	}
	doc := ds.fullRecord(searchHit{series: s, sessions: sessions}, nil, origin(c))
	doc.Context = baseContext("http://data.emduk.org/ns/emduk.jsonld")
	reply(w, doc)
}
