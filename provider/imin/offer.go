package imin

import (
	"encoding/json"
)

// AggregateOffers holds the prices of a series (page "Prices").
type AggregateOffers struct {
	Type              string                     `json:"type,omitempty"`
	ActiveEntitlement *AggregateOffer            `json:"activeEntitlement,omitempty"` // set with EventQuery.Entitlement
	PublicAdult       *AggregateOffer            `json:"publicAdult,omitempty"`
	PublicJunior      *AggregateOffer            `json:"publicJunior,omitempty"`
	Extra             map[string]json.RawMessage `json:"-"`
}

// AggregateOffer is one price, or a lowest and a highest price; see Range.
type AggregateOffer struct {
	Type               string                     `json:"type,omitempty"`
	ID                 string                     `json:"id,omitempty"`
	Price              Decimal                    `json:"price,omitempty"`
	LowPrice           Decimal                    `json:"lowPrice,omitempty"`
	HighPrice          Decimal                    `json:"highPrice,omitempty"`
	PriceCurrency      string                     `json:"priceCurrency,omitempty"` // ISO 4217, such as GBP
	MembershipRequired *bool                      `json:"imin:membershipRequired,omitempty"`
	IndicativePrice    *bool                      `json:"imin:indicativePrice,omitempty"`
	Extra              map[string]json.RawMessage `json:"-"`
}

// Range returns the lowest and the highest price, which are equal for a single price. Both
// are "" if there is no price or o is nil.
func (o *AggregateOffer) Range() (low, high Decimal) {
	switch {
	case o == nil:
		return "", ""
	case o.Price != "":
		return o.Price, o.Price
	default:
		return o.LowPrice, o.HighPrice
	}
}

// Offer is a price for a group of customers.
type Offer struct {
	Type                  string                     `json:"type,omitempty"`
	ID                    string                     `json:"id,omitempty"`
	Name                  string                     `json:"name,omitempty"`
	Price                 Decimal                    `json:"price,omitempty"`
	PriceCurrency         string                     `json:"priceCurrency,omitempty"` // ISO 4217, such as GBP
	URL                   string                     `json:"url,omitempty"`
	AgeRange              *Quantity                  `json:"ageRange,omitempty"` // years
	EligibleCustomerType  List[string]               `json:"eligibleCustomerType,omitempty"`
	AcceptedPaymentMethod List[string]               `json:"acceptedPaymentMethod,omitempty"`
	AvailableChannel      List[string]               `json:"beta:availableChannel,omitempty"`
	Extra                 map[string]json.RawMessage `json:"-"`
}
