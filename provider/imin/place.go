package imin

import (
	"encoding/json"

	"github.com/keyfit/keyfit/internal/wire"
)

// Place is a place. It is the type of entries of imin:locationSummary, of results of the
// Places API, and of the places of events.
type Place struct {
	Type           string                     `json:"type,omitempty"`
	ID             string                     `json:"id,omitempty"`
	Name           string                     `json:"name,omitempty"`
	Description    string                     `json:"description,omitempty"`
	URL            string                     `json:"url,omitempty"`
	Telephone      string                     `json:"telephone,omitempty"`
	Identifier     Scalar                     `json:"identifier,omitempty"`
	Address        *Address                   `json:"address,omitempty"`
	Geo            *Coordinates               `json:"geo,omitempty"`
	AmenityFeature List[Amenity]              `json:"amenityFeature,omitempty"`
	OpeningHours   List[OpeningHours]         `json:"openingHoursSpecification,omitempty"`
	Image          List[Image]                `json:"image,omitempty"`
	Classification string                     `json:"mcr:placeClassification,omitempty"` // Places API: [Park], [LeisureCentre]
	Activity       List[Concept]              `json:"activity,omitempty"`                // Places API
	Event          *EventLink                 `json:"imin:event,omitempty"`              // places of events
	Extra          map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes an object, or a string with the ID; it keeps unknown members in Extra.
func (p *Place) UnmarshalJSON(b []byte) error {
	if id, ok := wire.String(b); ok {
		*p = Place{ID: id}
		return nil
	}
	type plain Place
	return wire.Decode(b, (*plain)(p), &p.Extra)
}

// MarshalJSON writes the members of Extra too.
func (p Place) MarshalJSON() ([]byte, error) {
	type plain Place
	return wire.Encode(plain(p), p.Extra)
}

// Address is a postal address.
type Address struct {
	Type            string                     `json:"type,omitempty"`
	StreetAddress   string                     `json:"streetAddress,omitempty"`
	AddressLocality string                     `json:"addressLocality,omitempty"` // town
	AddressRegion   string                     `json:"addressRegion,omitempty"`
	PostalCode      string                     `json:"postalCode,omitempty"`
	AddressCountry  string                     `json:"addressCountry,omitempty"`   // ISO 3166-1 alpha-2, such as GB
	FullAddress     string                     `json:"imin:fullAddress,omitempty"` // on one line, added by imin
	Extra           map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes an object, or a string with the address on one line; it keeps
// unknown members in Extra.
func (a *Address) UnmarshalJSON(b []byte) error {
	if line, ok := wire.String(b); ok {
		*a = Address{FullAddress: line}
		return nil
	}
	type plain Address
	return wire.Decode(b, (*plain)(a), &a.Extra)
}

// MarshalJSON writes the members of Extra too.
func (a Address) MarshalJSON() ([]byte, error) {
	type plain Address
	return wire.Encode(plain(a), a.Extra)
}

// Coordinates is a point on the earth, in degrees (WGS 84).
type Coordinates struct {
	Type      string   `json:"type,omitempty"`
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
	// Distance is the distance from the centre of the search; UnitCode KMT means kilometres.
	Distance *Quantity                  `json:"imin:distanceFromGeoQueryCenter,omitempty"`
	Extra    map[string]json.RawMessage `json:"-"`
}

// Point returns the coordinates; false if one of them is missing.
func (c *Coordinates) Point() (lat, lon float64, ok bool) {
	if c == nil || c.Latitude == nil || c.Longitude == nil {
		return 0, 0, false
	}
	return *c.Latitude, *c.Longitude, true
}

// Amenity says whether a place has an amenity.
type Amenity struct {
	Type  string                     `json:"type,omitempty"`
	Name  string                     `json:"name,omitempty"`
	Value *bool                      `json:"value,omitempty"`
	Extra map[string]json.RawMessage `json:"-"`
}

// OpeningHours holds the opening hours of one or more days.
type OpeningHours struct {
	Type      string                     `json:"type,omitempty"`
	DayOfWeek List[string]               `json:"dayOfWeek,omitempty"` // such as schema:Tuesday
	Opens     string                     `json:"opens,omitempty"`     // HH:MM, in the local time of the place
	Closes    string                     `json:"closes,omitempty"`
	Extra     map[string]json.RawMessage `json:"-"`
}

// EventLink is the number of series at a place and the URL of a search for them.
type EventLink struct {
	Type       string                     `json:"type,omitempty"`
	ID         string                     `json:"id,omitempty"`
	TotalItems *int                       `json:"imin:totalItems,omitempty"`
	Extra      map[string]json.RawMessage `json:"-"`
}
