package imin

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

const (
	park          = "mcr:Park"
	leisureCentre = "mcr:LeisureCentre"
	facilityPath  = "/facilities-api/v2/facility-uses"
	slotPath      = "/facilities-api/v2/slots"
	upcomingSlots = "upcoming-slots"
)

// facility is a FacilityUse. If it has courts, the slots belong to its
// IndividualFacilityUses, otherwise to the facility itself (page "FacilityUses
// and IndividualFacilityUses").
type facility struct {
	number   uint64
	doc      facilityUse // without the member event
	site     *place
	activity int
	courts   []string
	uses     int // simultaneous uses of a slot
	golden   bool
}

type facilityUse struct {
	Context     []string   `json:"@context,omitempty"` // By-ID only
	Type        string     `json:"type"`
	ID          string     `json:"id"`
	Identifier  string     `json:"identifier"`
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Activity    []concept  `json:"activity"`
	Image       []image    `json:"image,omitempty"`
	Provider    *party     `json:"provider,omitempty"`
	DataSource  dataSource `json:"imin:dataSource"`
	Location    *place     `json:"location,omitempty"`
	Event       []any      `json:"event,omitempty"` // slots or individualFacilityUses
}

type individualFacilityUse struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Event []slot `json:"event,omitempty"`
}

func newFacilities(gen generator, halls []place) []*facility {
	out := make([]*facility, 12)
	for i := range out {
		fac := &facility{
			number: uint64(i), site: &halls[i%len(halls)],
			activity: []int{6, 7, 3, 8}[i%4], uses: 1 + gen.IntN(6), golden: i%2 == 0,
		}
		if i%3 == 0 {
			fac.courts, fac.uses = []string{"Court 1", "Court 2", "Court 3"}[:1+gen.IntN(3)], 1
		}
		name := fac.site.Name + " " + activities()[fac.activity].label + " Courts"
		if fac.golden {
			name = "GOLDEN: " + name
		}
		fac.doc = facilityUse{
			Type: "FacilityUse", Identifier: fmt.Sprintf("loremfitsum-FacilityUse-%d", i+1), Name: name,
			Activity: []concept{activityConcept(fac.activity)}, DataSource: dataSource{"WebAPI", "loremfitsum"},
			Provider: new(gen.organization()),
		}
		if fac.golden || gen.IntN(2) == 0 {
			fac.doc.Description, fac.doc.Image = lorem(gen.Rand), []image{newImage(gen.Rand)}
		}
		out[i] = fac
	}
	return out
}

func (ds *dataset) activitiesAt(siteID string) []int {
	var out []int
	for _, fac := range ds.facilities {
		if fac.site.ID == siteID && !slices.Contains(out, fac.activity) {
			out = append(out, fac.activity)
		}
	}
	return out
}

// searchFacilities searches facilities; geo[radial] and mode are both mandatory
// (page "Query Parameter Search").
func (ds *dataset) searchFacilities(w http.ResponseWriter, c *surface.Call) {
	p, err := parseParams(c.URL.RawQuery, []string{
		"mode", "geo[radial]", "limit", "page", "startDate[gte]", "startDate[lte]",
		"providerId*", "activityPrefLabel*", "activityId*",
	})
	if err != nil {
		badRequest(w, err)
		return
	}
	win, err1 := p.window()
	near, err2 := p.radial()
	if near == nil {
		err2 = errors.New("geo[radial] is required")
	}
	from, to, err3 := slotWindow(p)
	if err := cmp.Or(err1, err2, err3); err != nil {
		badRequest(w, err)
		return
	}
	hits := ds.findFacilities(p, *near, from, to, c.Now)
	first, last := win.bounds(len(hits))
	var items []any
	for _, h := range hits[first:last] {
		doc := ds.facilityUse(h.facility, h.slots, origin(c))
		doc.Location = inline(h.facility.site.withDistance(near))
		items = append(items, doc)
	}
	reply(w, newCollection(c, p, win, len(hits), items, baseContext()))
}

type facilityHit struct {
	facility *facility
	slots    []slotTime
	km       float64
}

// findFacilities returns facilities sorted by distance; with slots, by the time
// of the first slot and then by distance.
func (ds *dataset) findFacilities(p params, near radial, from, to, now time.Time) []facilityHit {
	labels, ids, providers := p.all("activityPrefLabel"), p.all("activityId"), p.all("providerId")
	var out []facilityHit
	for _, fac := range ds.facilities {
		above := lineage(fac.activity)
		isOneOf := func(wanted []string, name func(int) string) bool {
			return len(wanted) == 0 || slices.ContainsFunc(above, func(i int) bool { return slices.Contains(wanted, name(i)) })
		}
		if !near.contains(fac.site.Geo) || !isOneOf(ids, activityID) ||
			!isOneOf(labels, func(i int) string { return activities()[i].label }) ||
			len(providers) > 0 && !slices.Contains(providers, fac.doc.Provider.ID) {
			continue
		}
		h := facilityHit{facility: fac, km: near.distance(fac.site.Geo)}
		if p.get("mode") == upcomingSlots {
			h.slots = ds.freeSlots(fac, later(from, now), earlier(to, now.Add(lookahead)))
			if len(h.slots) == 0 {
				continue
			}
		}
		out = append(out, h)
	}
	slices.SortStableFunc(out, func(a, b facilityHit) int {
		if len(a.slots) > 0 {
			if c := a.slots[0].start.Compare(b.slots[0].start); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.km, b.km)
	})
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// facilityUse returns the document of a facility with the given slots, grouped by
// court if it has courts.
func (ds *dataset) facilityUse(fac *facility, slots []slotTime, origin string) facilityUse {
	doc := fac.doc
	doc.ID = origin + facilityPath + "/" + doc.Identifier
	if len(fac.courts) == 0 {
		for _, t := range slots {
			doc.Event = append(doc.Event, ds.slot(fac, t, origin))
		}
		return doc
	}
	for i, name := range fac.courts {
		court := individualFacilityUse{Type: "IndividualFacilityUse", Name: name}
		for _, t := range slots {
			if t.court == i {
				court.Event = append(court.Event, ds.slot(fac, t, origin))
			}
		}
		if len(court.Event) > 0 {
			doc.Event = append(doc.Event, court)
		}
	}
	return doc
}

// inline returns a place that is written where it belongs: without the ID by which
// event series refer to their imin:locationSummary.
func inline(p place) *place {
	p.ID = ""
	return &p
}

// facilityByID writes a facility with the free slots of the next seven days (page
// "FacilityUse By-ID").
func (ds *dataset) facilityByID(w http.ResponseWriter, c *surface.Call) {
	if _, err := parseParams(c.URL.RawQuery, nil); err != nil {
		badRequest(w, err)
		return
	}
	for _, fac := range ds.facilities {
		if fac.doc.Identifier != c.PathValue("identifier") {
			continue
		}
		slots := ds.freeSlots(fac, c.Now, c.Now.AddDate(0, 0, 7))
		doc := ds.facilityUse(fac, slots, origin(c))
		doc.Context, doc.Location = baseContext(), inline(*fac.site)
		reply(w, doc)
		return
	}
	notFound(w)
}
