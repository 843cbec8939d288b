package imin

import (
	"math"
	"slices"
	"time"
)

// full writes a record as By-ID returns it, with the sessions of h. Runs
// without a session among them, and places of no run, are left out.
func (f *fitsum) full(h found, near *radial, origin string) eventSeries {
	s := h.series
	doc := s.doc
	doc.ID = origin + eventPath + "/" + doc.Identifier
	doc.SubEvent, doc.LocationSummary = nil, nil
	for i, r := range s.runs {
		sub := s.doc.SubEvent[i]
		sub.SubEvent = nil
		for _, o := range h.sessions {
			if o.run == i {
				sub.SubEvent = append(sub.SubEvent, f.session(s, &sub, o))
			}
		}
		if len(sub.SubEvent) == 0 {
			continue
		}
		doc.SubEvent = append(doc.SubEvent, sub)
		isSite := func(p place) bool { return p.ID == r.site.ID }
		if r.site != nil && !slices.ContainsFunc(doc.LocationSummary, isSite) {
			doc.LocationSummary = append(doc.LocationSummary, r.site.measured(near))
		}
	}
	return doc
}

func (f *fitsum) session(s *series, sub *sessionSeries, o occurrence) session {
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
		out.RemainingAttendeeCapacity = new(below(sub.MaximumAttendeeCapacity+1, f.seed, o.start))
	}
	return out
}

// summary writes a record as a search returns it: without offers, people and
// notes of the sessions, without thumbnails and custom properties.
func (f *fitsum) summary(h found, filter *filter, origin string) eventSeries {
	near := filter.near
	doc := f.full(h, near, origin)
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
