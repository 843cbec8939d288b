package imin

import (
	"encoding/json"
	"iter"

	"github.com/keyfit/keyfit/internal/wire"
)

// FacilityUse is a facility with bookable slots, such as a court, a pitch or a pool lane.
type FacilityUse struct {
	Context     List[string]  `json:"@context,omitempty"`
	Type        string        `json:"type,omitempty"`
	ID          string        `json:"id,omitempty"` // a URL
	Identifier  Scalar        `json:"identifier,omitempty"`
	Name        string        `json:"name,omitempty"`
	Description string        `json:"description,omitempty"`
	Activity    List[Concept] `json:"activity,omitempty"`
	Image       List[Image]   `json:"image,omitempty"`
	Provider    *Party        `json:"provider,omitempty"`
	DataSource  *DataSource   `json:"imin:dataSource,omitempty"`
	Location    *Place        `json:"location,omitempty"`
	// Events holds slots, or individual facilities with their own slots, depending on the
	// provider (page "FacilityUses and IndividualFacilityUses"); see Slots.
	Events List[FacilityEvent]        `json:"event,omitempty"`
	Extra  map[string]json.RawMessage `json:"-"`
}

// Slots iterates over all slots in imin's order, each with its individual facility, which is
// nil if there is none. The pointers refer to f.
func (f *FacilityUse) Slots() iter.Seq2[*IndividualFacilityUse, *Slot] {
	return func(yield func(*IndividualFacilityUse, *Slot) bool) {
		for i := range f.Events {
			event := &f.Events[i]
			if event.Slot != nil && !yield(nil, event.Slot) {
				return
			}
			if event.Individual == nil {
				continue
			}
			for j := range event.Individual.Slots {
				if !yield(event.Individual, &event.Individual.Slots[j]) {
					return
				}
			}
		}
	}
}

// LookupID returns the identifier for [FacilityUsesService.Get]: the last segment of ID.
func (f *FacilityUse) LookupID() string { return lastSegment(f.ID) }

// FacilityEvent is one entry of FacilityUse.Events. Exactly one of its fields is set.
type FacilityEvent struct {
	Slot       *Slot
	Individual *IndividualFacilityUse
	Other      json.RawMessage // an entry of another type
}

// UnmarshalJSON sets the field that the member type selects.
func (e *FacilityEvent) UnmarshalJSON(b []byte) error {
	var is struct {
		Type json.RawMessage `json:"type"`
	}
	*e = FacilityEvent{}
	kind := ""
	if json.Unmarshal(b, &is) == nil {
		kind, _ = wire.String(is.Type)
	}
	switch kind {
	case "Slot":
		return json.Unmarshal(b, &e.Slot)
	case "IndividualFacilityUse":
		return json.Unmarshal(b, &e.Individual)
	}
	other, err := json.Marshal(json.RawMessage(b)) // the form in which it is encoded
	e.Other = other
	return err
}

// MarshalJSON encodes the field that is set, or null.
func (e FacilityEvent) MarshalJSON() ([]byte, error) {
	switch {
	case e.Slot != nil:
		return json.Marshal(e.Slot)
	case e.Individual != nil:
		return json.Marshal(e.Individual)
	}
	return json.Marshal(e.Other)
}

// IndividualFacilityUse is one of several similar facilities, such as Court 3.
type IndividualFacilityUse struct {
	Type       string                     `json:"type,omitempty"`
	ID         string                     `json:"id,omitempty"`
	Identifier Scalar                     `json:"identifier,omitempty"`
	Name       string                     `json:"name,omitempty"`
	Slots      List[Slot]                 `json:"event,omitempty"`
	Extra      map[string]json.RawMessage `json:"-"`
}

// Slot is a period in which a facility can be used.
type Slot struct {
	Context       List[string] `json:"@context,omitempty"`
	Type          string       `json:"type,omitempty"`
	ID            string       `json:"id,omitempty"` // a URL
	Identifier    Scalar       `json:"identifier,omitempty"`
	FacilityUse   *Reference   `json:"facilityUse,omitempty"` // by ID only
	StartDate     Time         `json:"startDate,omitzero"`
	EndDate       Time         `json:"endDate,omitzero"`
	Duration      string       `json:"duration,omitempty"` // ISO 8601, such as PT1H
	MaximumUses   *int         `json:"maximumUses,omitempty"`
	RemainingUses *int         `json:"remainingUses,omitempty"` // 0: fully booked; nil: unknown
	Offers        List[Offer]  `json:"offers,omitempty"`
	// CheckoutURLTemplate is the URL for booking the slot, in which {checkoutBrand} must be
	// replaced; "" if the slot cannot be booked (page "Facilities Booking").
	CheckoutURLTemplate string                     `json:"imin:checkoutUrlTemplate,omitempty"`
	Extra               map[string]json.RawMessage `json:"-"`
}

// LookupID returns the ID for [SlotsService.Get]: the last segment of ID.
func (s *Slot) LookupID() string { return lastSegment(s.ID) }
