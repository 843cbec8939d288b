package imin

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// found is one item of an event search: a series with some of its sessions.
type found struct {
	series   *series
	sessions []occurrence
	key      float64 // what the mode orders by
	last     bool    // nothing to order by
}

// The modes of an event search (page "Modes").
const (
	upcoming  = "upcoming-sessions"
	byGeo     = "discovery-geo"
	cheapest  = "discovery-price-asc"
	dearest   = "discovery-price-desc"
	noMode    = upcoming // not documented: assumed
	eventPath = "/events-api/v2/event-series"
)

func (f *fitsum) searchEvents(w http.ResponseWriter, c *surface.Call) {
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
	hits := f.findEvents(mode, filter, c.Now)
	from, to := win.of(len(hits))
	var items []any
	for _, h := range hits[from:to] {
		items = append(items, f.summary(h, filter, origin(c)))
	}
	reply(w, newCollection(c, p, win, len(hits), items, baseContext()))
}

func eventMode(p params) (string, error) {
	mode := p.get("mode")
	switch mode {
	case upcoming, byGeo, cheapest, dearest:
		return mode, nil
	}
	if !p.has("mode") {
		return noMode, nil
	}
	return "", fmt.Errorf("mode must be %s, %s, %s or %s, not %q", upcoming, byGeo, cheapest, dearest, clip(mode))
}

// findEvents runs a search in its mode's order. Discovery modes group the
// sessions of a series and never return high-frequency ones; upcoming-sessions
// returns a series once for each session.
func (f *fitsum) findEvents(mode string, filter *filter, now time.Time) []found {
	var out []found
	for _, s := range f.now(now) {
		sessions := filter.match(s, now)
		switch {
		case len(sessions) == 0:
		case mode == upcoming:
			for _, o := range sessions {
				out = append(out, found{series: s, sessions: []occurrence{o}, key: float64(o.start.Unix())})
			}
		case slices.Contains(s.tags, highFrequency):
		default:
			// The whole series is returned, not the sessions that matched
			// (page "Dates and Times").
			h := found{series: s, sessions: occurrences(s.runs, now, nil)}
			h.key, h.last = orderKey(mode, s, filter)
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b found) int {
		switch {
		case a.last != b.last:
			if a.last {
				return 1
			}
			return -1
		case mode == dearest:
			return cmp.Compare(b.key, a.key)
		default:
			return cmp.Compare(a.key, b.key)
		}
	})
	return out
}

// orderKey is the distance of the nearest place, or the adult's price. What
// has none of it comes last, whatever the direction.
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

// eventByID returns the full record while it has sessions to come.
func (f *fitsum) eventByID(w http.ResponseWriter, c *surface.Call) {
	if _, err := parseParams(c.URL.RawQuery, nil); err != nil {
		badRequest(w, err)
		return
	}
	s := f.byID(c.PathValue("id"))
	if s == nil {
		notFound(w)
		return
	}
	sessions := occurrences(s.runs, c.Now, nil)
	if len(sessions) == 0 {
		notFound(w) // archived (page "Understanding Responses")
		return
	}
	doc := f.full(found{series: s, sessions: sessions}, nil, origin(c))
	doc.Context = baseContext("http://data.emduk.org/ns/emduk.jsonld")
	reply(w, doc)
}
