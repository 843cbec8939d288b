package imin

import "github.com/keyfit/keyfit/internal/wire"

// The JSON methods of records without special cases.

// UnmarshalJSON keeps unknown members in Extra.
func (s *SessionSeries) UnmarshalJSON(b []byte) error {
	type plain SessionSeries
	return wire.Decode(b, (*plain)(s), &s.Extra)
}

// MarshalJSON writes the members of Extra too.
func (s SessionSeries) MarshalJSON() ([]byte, error) {
	type plain SessionSeries
	return wire.Encode(plain(s), s.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (s *ScheduledSession) UnmarshalJSON(b []byte) error {
	type plain ScheduledSession
	return wire.Decode(b, (*plain)(s), &s.Extra)
}

// MarshalJSON writes the members of Extra too.
func (s ScheduledSession) MarshalJSON() ([]byte, error) {
	type plain ScheduledSession
	return wire.Encode(plain(s), s.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (s *Schedule) UnmarshalJSON(b []byte) error {
	type plain Schedule
	return wire.Decode(b, (*plain)(s), &s.Extra)
}

// MarshalJSON writes the members of Extra too.
func (s Schedule) MarshalJSON() ([]byte, error) {
	type plain Schedule
	return wire.Encode(plain(s), s.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (f *FacilityUse) UnmarshalJSON(b []byte) error {
	type plain FacilityUse
	return wire.Decode(b, (*plain)(f), &f.Extra)
}

// MarshalJSON writes the members of Extra too.
func (f FacilityUse) MarshalJSON() ([]byte, error) {
	type plain FacilityUse
	return wire.Encode(plain(f), f.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (i *IndividualFacilityUse) UnmarshalJSON(b []byte) error {
	type plain IndividualFacilityUse
	return wire.Decode(b, (*plain)(i), &i.Extra)
}

// MarshalJSON writes the members of Extra too.
func (i IndividualFacilityUse) MarshalJSON() ([]byte, error) {
	type plain IndividualFacilityUse
	return wire.Encode(plain(i), i.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (s *Slot) UnmarshalJSON(b []byte) error {
	type plain Slot
	return wire.Decode(b, (*plain)(s), &s.Extra)
}

// MarshalJSON writes the members of Extra too.
func (s Slot) MarshalJSON() ([]byte, error) {
	type plain Slot
	return wire.Encode(plain(s), s.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (c *Coordinates) UnmarshalJSON(b []byte) error {
	type plain Coordinates
	return wire.Decode(b, (*plain)(c), &c.Extra)
}

// MarshalJSON writes the members of Extra too.
func (c Coordinates) MarshalJSON() ([]byte, error) {
	type plain Coordinates
	return wire.Encode(plain(c), c.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (a *Amenity) UnmarshalJSON(b []byte) error {
	type plain Amenity
	return wire.Decode(b, (*plain)(a), &a.Extra)
}

// MarshalJSON writes the members of Extra too.
func (a Amenity) MarshalJSON() ([]byte, error) {
	type plain Amenity
	return wire.Encode(plain(a), a.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (o *OpeningHours) UnmarshalJSON(b []byte) error {
	type plain OpeningHours
	return wire.Decode(b, (*plain)(o), &o.Extra)
}

// MarshalJSON writes the members of Extra too.
func (o OpeningHours) MarshalJSON() ([]byte, error) {
	type plain OpeningHours
	return wire.Encode(plain(o), o.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (e *EventLink) UnmarshalJSON(b []byte) error {
	type plain EventLink
	return wire.Decode(b, (*plain)(e), &e.Extra)
}

// MarshalJSON writes the members of Extra too.
func (e EventLink) MarshalJSON() ([]byte, error) {
	type plain EventLink
	return wire.Encode(plain(e), e.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (a *AggregateOffers) UnmarshalJSON(b []byte) error {
	type plain AggregateOffers
	return wire.Decode(b, (*plain)(a), &a.Extra)
}

// MarshalJSON writes the members of Extra too.
func (a AggregateOffers) MarshalJSON() ([]byte, error) {
	type plain AggregateOffers
	return wire.Encode(plain(a), a.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (a *AggregateOffer) UnmarshalJSON(b []byte) error {
	type plain AggregateOffer
	return wire.Decode(b, (*plain)(a), &a.Extra)
}

// MarshalJSON writes the members of Extra too.
func (a AggregateOffer) MarshalJSON() ([]byte, error) {
	type plain AggregateOffer
	return wire.Encode(plain(a), a.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (o *Offer) UnmarshalJSON(b []byte) error {
	type plain Offer
	return wire.Decode(b, (*plain)(o), &o.Extra)
}

// MarshalJSON writes the members of Extra too.
func (o Offer) MarshalJSON() ([]byte, error) {
	type plain Offer
	return wire.Encode(plain(o), o.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (c *Concept) UnmarshalJSON(b []byte) error {
	type plain Concept
	return wire.Decode(b, (*plain)(c), &c.Extra)
}

// MarshalJSON writes the members of Extra too.
func (c Concept) MarshalJSON() ([]byte, error) {
	type plain Concept
	return wire.Encode(plain(c), c.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (q *Quantity) UnmarshalJSON(b []byte) error {
	type plain Quantity
	return wire.Decode(b, (*plain)(q), &q.Extra)
}

// MarshalJSON writes the members of Extra too.
func (q Quantity) MarshalJSON() ([]byte, error) {
	type plain Quantity
	return wire.Encode(plain(q), q.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (l *Level) UnmarshalJSON(b []byte) error {
	type plain Level
	return wire.Decode(b, (*plain)(l), &l.Extra)
}

// MarshalJSON writes the members of Extra too.
func (l Level) MarshalJSON() ([]byte, error) {
	type plain Level
	return wire.Encode(plain(l), l.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (r *Brand) UnmarshalJSON(b []byte) error {
	type plain Brand
	return wire.Decode(b, (*plain)(r), &r.Extra)
}

// MarshalJSON writes the members of Extra too.
func (r Brand) MarshalJSON() ([]byte, error) {
	type plain Brand
	return wire.Encode(plain(r), r.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (i *Image) UnmarshalJSON(b []byte) error {
	type plain Image
	return wire.Decode(b, (*plain)(i), &i.Extra)
}

// MarshalJSON writes the members of Extra too.
func (i Image) MarshalJSON() ([]byte, error) {
	type plain Image
	return wire.Encode(plain(i), i.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (p *Party) UnmarshalJSON(b []byte) error {
	type plain Party
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the members of Extra too.
func (p Party) MarshalJSON() ([]byte, error) {
	type plain Party
	return wire.Encode(plain(p), p.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (d *DataSource) UnmarshalJSON(b []byte) error {
	type plain DataSource
	return wire.Decode(b, (*plain)(d), &d.Extra)
}

// MarshalJSON writes the members of Extra too.
func (d DataSource) MarshalJSON() ([]byte, error) {
	type plain DataSource
	return wire.Encode(plain(d), d.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (f *Facets) UnmarshalJSON(b []byte) error {
	type plain Facets
	return wire.Decode(b, (*plain)(f), &f.Extra)
}

// MarshalJSON writes the members of Extra too.
func (f Facets) MarshalJSON() ([]byte, error) {
	type plain Facets
	return wire.Encode(plain(f), f.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (f *FacetIndex) UnmarshalJSON(b []byte) error {
	type plain FacetIndex
	return wire.Decode(b, (*plain)(f), &f.Extra)
}

// MarshalJSON writes the members of Extra too.
func (f FacetIndex) MarshalJSON() ([]byte, error) {
	type plain FacetIndex
	return wire.Encode(plain(f), f.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (c *ConceptCollection) UnmarshalJSON(b []byte) error {
	type plain ConceptCollection
	return wire.Decode(b, (*plain)(c), &c.Extra)
}

// MarshalJSON writes the members of Extra too.
func (c ConceptCollection) MarshalJSON() ([]byte, error) {
	type plain ConceptCollection
	return wire.Encode(plain(c), c.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (d *Dataset) UnmarshalJSON(b []byte) error {
	type plain Dataset
	return wire.Decode(b, (*plain)(d), &d.Extra)
}

// MarshalJSON writes the members of Extra too.
func (d Dataset) MarshalJSON() ([]byte, error) {
	type plain Dataset
	return wire.Encode(plain(d), d.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (p *Publisher) UnmarshalJSON(b []byte) error {
	type plain Publisher
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the members of Extra too.
func (p Publisher) MarshalJSON() ([]byte, error) {
	type plain Publisher
	return wire.Encode(plain(p), p.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (s *Seller) UnmarshalJSON(b []byte) error {
	type plain Seller
	return wire.Decode(b, (*plain)(s), &s.Extra)
}

// MarshalJSON writes the members of Extra too.
func (s Seller) MarshalJSON() ([]byte, error) {
	type plain Seller
	return wire.Encode(plain(s), s.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *View) UnmarshalJSON(b []byte) error {
	type plain View
	return wire.Decode(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes the members of Extra too.
func (v View) MarshalJSON() ([]byte, error) {
	type plain View
	return wire.Encode(plain(v), v.Extra)
}
