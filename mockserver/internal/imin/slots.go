package imin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

type slot struct {
	Context             []string  `json:"@context,omitempty"` // By-ID only
	Type                string    `json:"type"`
	ID                  string    `json:"id"`
	Identifier          string    `json:"identifier"`
	FacilityUse         string    `json:"facilityUse,omitempty"` // By-ID only
	StartDate           time.Time `json:"startDate"`
	EndDate             time.Time `json:"endDate"`
	Duration            string    `json:"duration"`
	MaximumUses         int       `json:"maximumUses"`
	RemainingUses       int       `json:"remainingUses"`
	Offers              []offer   `json:"offers,omitempty"`
	CheckoutURLTemplate string    `json:"imin:checkoutUrlTemplate,omitempty"` // bookable ones only
}

// The start of the first and the last slot of a day, as hours in UTC.
const (
	firstHour = 7
	lastHour  = 21
)

// slotTime is a slot of one hour on one court.
type slotTime struct {
	court int
	start time.Time
}

// slotWindow reads startDate by the rules of the two modes: discovery-geo does not
// allow it; upcoming-slots requires one or both bounds, on one calendar day. As
// the page "mode=upcoming-slots" shows, lte=13:30:00 means up to 13:29:59.
func slotWindow(p params) (from, to time.Time, err error) {
	gte, err1 := p.instant("startDate[gte]")
	lte, err2 := p.instant("startDate[lte]")
	hasDate := p.has("startDate[gte]") || p.has("startDate[lte]")
	mode := p.get("mode")
	switch {
	case mode != byGeo && mode != upcomingSlots:
		err = fmt.Errorf("mode is required: %s or %s", byGeo, upcomingSlots)
	case mode == byGeo && hasDate:
		err = errors.New("startDate is not permitted with mode=" + byGeo)
	case mode == byGeo:
	case !hasDate:
		err = errors.New("startDate[gte] or startDate[lte] is required with mode=" + upcomingSlots)
	case err1 != nil || err2 != nil:
		err = errors.Join(err1, err2)
	case gte.IsZero():
		gte = midnight(lte)
	case lte.IsZero():
		lte = midnight(gte).AddDate(0, 0, 1)
	case !midnight(gte).Equal(midnight(lte)):
		err = errors.New("startDate[gte] and startDate[lte] must lie on one calendar day")
	}
	return gte, lte, err
}

// freeSlots returns the slots with remaining uses that start in [from, to).
func (ds *dataset) freeSlots(fac *facility, from, to time.Time) []slotTime {
	var out []slotTime
	for day := midnight(from); day.Before(to); day = day.AddDate(0, 0, 1) {
		for hour := firstHour; hour <= lastHour; hour++ {
			for court := range max(1, len(fac.courts)) {
				t := slotTime{court, day.Add(time.Duration(hour) * time.Hour)}
				if !t.start.Before(from) && t.start.Before(to) && ds.remaining(fac, t) > 0 {
					out = append(out, t)
				}
			}
		}
	}
	return out
}

// remaining returns the remaining uses of a slot; 0 for about one slot in uses+1.
func (ds *dataset) remaining(fac *facility, t slotTime) int {
	return repeatableInt(fac.uses+1, ds.seed, t.start, fac.number, uint64(t.court)) //nolint:gosec // not negative
}

// slotID returns the ID of a slot, which ends in its start time (page "Slot
// By-ID").
func (fac *facility) slotID(t slotTime) string {
	id := fac.doc.Identifier
	if len(fac.courts) > 0 {
		id += "-" + strconv.Itoa(t.court+1)
	}
	return id + "-" + t.start.Format(slotLayout)
}

const slotLayout = "2006-01-02T15:04:05"

func (ds *dataset) slot(fac *facility, t slotTime, origin string) slot {
	id := fac.slotID(t)
	out := slot{
		Type: "Slot", ID: origin + slotPath + "/" + id, Identifier: id, StartDate: t.start, EndDate: t.start.Add(time.Hour),
		Duration: "PT1H", MaximumUses: fac.uses, RemainingUses: ds.remaining(fac, t),
	}
	if fac.golden {
		out.Offers = []offer{{Type: "Offer", Name: "Adult", Price: 4 + float64(fac.number)/2, PriceCurrency: "GBP"}}
		out.CheckoutURLTemplate = "https://checkout.loremfitsum.example/{checkoutBrand}/slots/" + id
	}
	return out
}

// slotByID writes a slot, even if it is fully booked. A slot that has begun is
// not found.
func (ds *dataset) slotByID(w http.ResponseWriter, c *surface.Call) {
	if _, err := parseParams(c.URL.RawQuery, nil); err != nil {
		badRequest(w, err)
		return
	}
	id := c.PathValue("slotId")
	at := len(id) - len(slotLayout)
	if at < 1 {
		notFound(w)
		return
	}
	start, err := time.Parse(slotLayout, id[at:])
	if err != nil || start.Before(c.Now) || start.After(c.Now.Add(lookahead)) ||
		start.Hour() < firstHour || start.Hour() > lastHour || !start.Truncate(time.Hour).Equal(start) {
		notFound(w)
		return
	}
	for _, fac := range ds.facilities {
		if !strings.HasPrefix(id, fac.doc.Identifier+"-") {
			continue
		}
		for court := range max(1, len(fac.courts)) {
			if t := (slotTime{court, start}); fac.slotID(t) == id {
				out := ds.slot(fac, t, origin(c))
				out.Context, out.FacilityUse = baseContext(), origin(c)+facilityPath+"/"+fac.doc.Identifier
				reply(w, out)
				return
			}
		}
	}
	notFound(w)
}
