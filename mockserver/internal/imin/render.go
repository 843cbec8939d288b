package imin

import (
	"math"
	"slices"
	"time"
)

// fullRecord returns a record in the form of By-ID with the sessions of h. It
// omits runs without sessions and places without runs.
func (ds *dataset) fullRecord(h searchHit, near *radial, origin string) eventSeries {
	s := h.series
	doc := s.doc
	doc.ID = origin + eventPath + "/" + doc.Identifier
	doc.SubEvent, doc.LocationSummary = nil, nil
	for i, r := range s.runs {
		sub := s.doc.SubEvent[i]
		sub.SubEvent = nil
		for _, o := range h.sessions {
			if o.run == i {
				sub.SubEvent = append(sub.SubEvent, ds.session(s, &sub, o))
			}
		}
		if len(sub.SubEvent) == 0 {
			continue
		}
		doc.SubEvent = append(doc.SubEvent, sub)
		isSite := func(pl place) bool { return pl.ID == r.site.ID }
		if r.site != nil && !slices.ContainsFunc(doc.LocationSummary, isSite) {
			doc.LocationSummary = append(doc.LocationSummary, r.site.withDistance(near))
		}
	}
	return doc
}

func (ds *dataset) session(s *series, sub *sessionSeries, o occurrence) session {
	r := s.runs[o.run]
	out := session{
		Type: "ScheduledSession", StartDate: o.start, EndDate: o.start.Add(r.length), Duration: duration(r.length),
	}
	if r.virtual {
		out.VirtualLocation = &reference{Type: "VirtualLocation", Name: "Lorem Room", URL: "https://video.loremfitsum.example/room/" + s.doc.Identifier}
	}
	if s.golden {
		at := o.start.Format(time.RFC3339)
		out.ID = "https://loremfitsum.example/api/opportunities/" + s.doc.Identifier + "#/subEvent/" + at
		out.URL, out.Identifier, out.EventStatus = sub.URL+"#"+at, at, "schema:EventScheduled"
		out.MaximumAttendeeCapacity = sub.MaximumAttendeeCapacity
		out.RemainingAttendeeCapacity = new(repeatableInt(sub.MaximumAttendeeCapacity+1, ds.seed, o.start))
	}
	return out
}

// summary returns a record in the form of a search result: without the offers,
// people and notes of sessions, thumbnails and custom properties.
func (ds *dataset) summary(h searchHit, filter *filter, origin string) eventSeries {
	near := filter.near
	doc := ds.fullRecord(h, near, origin)
	doc.CustomProperty = ""
	doc.Image = slices.Clone(doc.Image)
	for i := range doc.Image {
		doc.Image[i].Thumbnail = nil
	}
	for i, sub := range doc.SubEvent {
		short := sessionSeries{Type: sub.Type, Location: sub.Location, EventSchedule: sub.EventSchedule}
		for _, o := range sub.SubEvent {
			short.SubEvent = append(short.SubEvent, session{
				Type: o.Type, StartDate: o.StartDate, EndDate: o.EndDate, Duration: o.Duration, VirtualLocation: o.VirtualLocation,
			})
		}
		doc.SubEvent[i] = short
	}
	if low, _, ok := h.series.adultPrice(); ok && filter.isActive {
		offers := *doc.AggregateOffer
		offers.ActiveEntitlement = &aggregateOffer{
			Type: "AggregateOffer", ID: "https://imin.co/ns/offers/" + doc.Identifier,
			Price: new(math.Round(low*80) / 100), PriceCurrency: "GBP", IndicativePrice: new(true),
		}
		doc.AggregateOffer = &offers
	}
	return doc
}
