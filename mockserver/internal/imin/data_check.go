package imin

import (
	"errors"
	"fmt"
	"slices"
	"unicode"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// maxRecords bounds each collection: a search reads all of it.
const maxRecords = 2_000

func wrongMember(name, text string) error { return errors.New(name + " " + text) }

// activityIn is the first activity, which must be of the mock's list.
func activityIn(all []concept) (int, error) {
	if len(all) > 0 {
		for i := range activities() {
			if activityID(i) == all[0].ID {
				return i, nil
			}
		}
	}
	return 0, wrongMember("activity", "does not begin with a concept of the facets' activity list")
}

// check checks what build does not.
func (d *document) check() error {
	if err := d.checkPlaces(); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		all  []seriesData
	}{{"eventSeries", d.eventSeries}, {"tasters", d.tasters}} {
		if len(part.all) > maxRecords {
			return tooMany(part.name, len(part.all))
		}
		if err := surface.Distinct(part.name, part.all, "identifier", func(s *seriesData) string { return s.Identifier }); err != nil {
			return err
		}
		for i := range part.all {
			if err := part.all[i].check(); err != nil {
				return surface.At(part.name, i, err)
			}
		}
	}
	return d.checkFacilities()
}

func tooMany(name string, n int) error {
	return fmt.Errorf("%s: %d items, at most %d fit", name, n, maxRecords)
}

func (d *document) checkPlaces() error {
	for _, part := range []struct {
		name string
		all  []place
	}{{"eventPlaces", d.eventPlaces}, {"facilityPlaces", d.facilityPlaces}} {
		if len(part.all) > maxRecords {
			return tooMany(part.name, len(part.all))
		}
		if err := surface.Distinct(part.name, part.all, "id", func(p *place) string { return p.ID }); err != nil {
			return err
		}
		for i := range part.all {
			if err := part.all[i].check(part.name == "facilityPlaces"); err != nil {
				return surface.At(part.name, i, err)
			}
		}
	}
	return nil
}

func (p *place) check(hall bool) error {
	g := p.Geo
	switch {
	case p.ID == "" || p.Name == "":
		return wrongMember("id and name", "are not both given")
	case hall && !isIdentifier(p.Identifier):
		return wrongMember("identifier", "is missing or not fit for a path")
	case g.Latitude < -90 || g.Latitude > 90 || g.Longitude < -180 || g.Longitude > 180:
		return wrongMember("geo", "is nowhere: latitude is -90 to 90, longitude -180 to 180")
	case g.Distance != nil || p.Event != nil || len(p.Activity) > 0:
		return wrongMember("imin:distanceFromGeoQueryCenter, imin:event and activity", "are derived and not stored")
	case hall && p.Classification != park && p.Classification != leisureCentre:
		return wrongMember("mcr:placeClassification", "is neither "+park+" nor "+leisureCentre)
	}
	return nil
}

// isIdentifier reports whether s can stand as one segment of a path.
func isIdentifier(s string) bool {
	return s != "" && len(s) <= 200 && !slices.ContainsFunc([]rune(s), func(r rune) bool {
		return r == '/' || r == '?' || r == '#' || r == '%' || unicode.IsSpace(r) || unicode.IsControl(r)
	})
}

func (in *seriesData) check() error {
	switch {
	case !isIdentifier(in.Identifier):
		return wrongMember("identifier", "is missing or not fit for a path")
	case in.Name == "":
		return wrongMember("name", "is missing")
	case in.Organizer == nil:
		return wrongMember("organizer", "is missing")
	case len(in.SubEvent) == 0:
		return wrongMember("subEvent", "is empty: a series without a session series has no sessions")
	case in.ID != "" || len(in.Context) > 0 || len(in.LocationSummary) > 0:
		return wrongMember("id, @context and imin:locationSummary", "are derived and not stored")
	case in.EstimatedDuration != nil && in.EstimatedDuration.Value == nil:
		return wrongMember("beta:estimatedDuration", "has no value")
	}
	if o := in.AggregateOffer; o != nil {
		if a := o.PublicAdult; a != nil && a.Price == nil && (a.LowPrice == nil || a.HighPrice == nil) {
			return wrongMember("imin:aggregateOffer.publicAdult", "has neither price nor lowPrice and highPrice")
		}
	}
	for i := range in.SubEvent {
		switch e := &in.SubEvent[i]; {
		case len(e.SubEvent) > 0:
			return surface.At("subEvent", i, wrongMember("subEvent", "is derived and not stored: sessions follow from eventSchedule"))
		case e.MaximumAttendeeCapacity < 0:
			return surface.At("subEvent", i, wrongMember("maximumAttendeeCapacity", "is below 0"))
		}
	}
	return nil
}

func (d *document) checkFacilities() error {
	if len(d.facilities) > maxRecords {
		return tooMany("facilities", len(d.facilities))
	}
	if err := surface.Distinct("facilities", d.facilities, "identifier", func(f *facilityData) string { return f.Identifier }); err != nil {
		return err
	}
	const most = 1_000 // uses, courts
	for i, in := range d.facilities {
		var err error
		switch {
		case !isIdentifier(in.Identifier):
			err = wrongMember("identifier", "is missing or not fit for a path")
		case in.Name == "":
			err = wrongMember("name", "is missing")
		case in.Provider == nil:
			err = wrongMember("provider", "is missing")
		case siteOf(d.facilityPlaces, in.Place) == nil:
			err = wrongMember("place", "is none of facilityPlaces")
		case in.MaximumUses < 1 || in.MaximumUses > most:
			err = wrongMember("maximumUses", "is not 1 to 1000")
		case len(in.Courts) > most:
			err = wrongMember("courts", "has more than 1000")
		}
		if err != nil {
			return surface.At("facilities", i, err)
		}
	}
	return nil
}
