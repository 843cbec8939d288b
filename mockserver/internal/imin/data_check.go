package imin

import (
	"errors"
	"fmt"
	"slices"
	"unicode"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// maxRecords bounds each collection, because a search reads all of it.
const maxRecords = 2_000

func fieldError(name, text string) error { return errors.New(name + " " + text) }

// activityIn returns the index of the first activity, which must be in the
// mock's list.
func activityIn(all []concept) (int, error) {
	if len(all) > 0 {
		for i := range activities() {
			if activityID(i) == all[0].ID {
				return i, nil
			}
		}
	}
	return 0, fieldError("activity", "must begin with a concept of the activity list in the facets")
}

// check validates what build does not.
func (doc *document) check() error {
	if err := doc.checkPlaces(); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		all  []seriesData
	}{{"eventSeries", doc.eventSeries}, {"tasters", doc.tasters}} {
		if len(part.all) > maxRecords {
			return tooMany(part.name, len(part.all))
		}
		if err := surface.CheckDistinct(part.name, part.all, "identifier", func(s *seriesData) string { return s.Identifier }); err != nil {
			return err
		}
		for i := range part.all {
			if err := part.all[i].check(); err != nil {
				return surface.ElementError(part.name, i, err)
			}
		}
	}
	return doc.checkFacilities()
}

func tooMany(name string, n int) error {
	return fmt.Errorf("%s: %d items, the maximum is %d", name, n, maxRecords)
}

func (doc *document) checkPlaces() error {
	for _, part := range []struct {
		name string
		all  []place
	}{{"eventPlaces", doc.eventPlaces}, {"facilityPlaces", doc.facilityPlaces}} {
		if len(part.all) > maxRecords {
			return tooMany(part.name, len(part.all))
		}
		if err := surface.CheckDistinct(part.name, part.all, "id", func(pl *place) string { return pl.ID }); err != nil {
			return err
		}
		for i := range part.all {
			if err := part.all[i].check(part.name == "facilityPlaces"); err != nil {
				return surface.ElementError(part.name, i, err)
			}
		}
	}
	return nil
}

func (pl *place) check(hall bool) error {
	g := pl.Geo
	switch {
	case pl.ID == "" || pl.Name == "":
		return fieldError("id and name", "are both required")
	case hall && !isIdentifier(pl.Identifier):
		return fieldError("identifier", "is missing or not fit for a path")
	case g.Latitude < -90 || g.Latitude > 90 || g.Longitude < -180 || g.Longitude > 180:
		return fieldError("geo", "is out of range: latitude must be -90 to 90, longitude -180 to 180")
	case g.Distance != nil || pl.Event != nil || len(pl.Activity) > 0:
		return fieldError("imin:distanceFromGeoQueryCenter, imin:event and activity", "are derived and not stored")
	case hall && pl.Classification != park && pl.Classification != leisureCentre:
		return fieldError("mcr:placeClassification", "is neither "+park+" nor "+leisureCentre)
	}
	return nil
}

// isIdentifier reports whether s can be used as one segment of a path.
func isIdentifier(s string) bool {
	return s != "" && len(s) <= 200 && !slices.ContainsFunc([]rune(s), func(r rune) bool {
		return r == '/' || r == '?' || r == '#' || r == '%' || unicode.IsSpace(r) || unicode.IsControl(r)
	})
}

func (in *seriesData) check() error {
	switch {
	case !isIdentifier(in.Identifier):
		return fieldError("identifier", "is missing or not fit for a path")
	case in.Name == "":
		return fieldError("name", "is missing")
	case in.Organizer == nil:
		return fieldError("organizer", "is missing")
	case len(in.SubEvent) == 0:
		return fieldError("subEvent", "is empty: a series without a session series has no sessions")
	case in.ID != "" || len(in.Context) > 0 || len(in.LocationSummary) > 0:
		return fieldError("id, @context and imin:locationSummary", "are derived and not stored")
	case in.EstimatedDuration != nil && in.EstimatedDuration.Value == nil:
		return fieldError("beta:estimatedDuration", "has no value")
	}
	if o := in.AggregateOffer; o != nil {
		if a := o.PublicAdult; a != nil && a.Price == nil && (a.LowPrice == nil || a.HighPrice == nil) {
			return fieldError("imin:aggregateOffer.publicAdult", "has neither price nor lowPrice and highPrice")
		}
	}
	for i := range in.SubEvent {
		switch e := &in.SubEvent[i]; {
		case len(e.SubEvent) > 0:
			return surface.ElementError("subEvent", i, fieldError("subEvent", "is derived and not stored: sessions follow from eventSchedule"))
		case e.MaximumAttendeeCapacity < 0:
			return surface.ElementError("subEvent", i, fieldError("maximumAttendeeCapacity", "is negative"))
		}
	}
	return nil
}

func (doc *document) checkFacilities() error {
	if len(doc.facilities) > maxRecords {
		return tooMany("facilities", len(doc.facilities))
	}
	if err := surface.CheckDistinct("facilities", doc.facilities, "identifier", func(f *facilityData) string { return f.Identifier }); err != nil {
		return err
	}
	const most = 1_000 // of uses and of courts
	for i, in := range doc.facilities {
		var err error
		switch {
		case !isIdentifier(in.Identifier):
			err = fieldError("identifier", "is missing or not fit for a path")
		case in.Name == "":
			err = fieldError("name", "is missing")
		case in.Provider == nil:
			err = fieldError("provider", "is missing")
		case siteOf(doc.facilityPlaces, in.Place) == nil:
			err = fieldError("place", "is not in facilityPlaces")
		case in.MaximumUses < 1 || in.MaximumUses > most:
			err = fieldError("maximumUses", "must be 1 to 1000")
		case len(in.Courts) > most:
			err = fieldError("courts", "has more than 1000 entries")
		}
		if err != nil {
			return surface.ElementError("facilities", i, err)
		}
	}
	return nil
}
