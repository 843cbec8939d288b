package imin

import "time"

// The types below have every field of the vendor's By-ID samples
// (github.com/imin-ltd/developer-docs-samples). Every API omits fields without a
// value and empty arrays (page "Understanding Responses"), so most members are
// pointers or have omitempty.

type eventSeries struct {
	Context           []string         `json:"@context,omitempty"` // By-ID only
	Type              string           `json:"type"`
	ID                string           `json:"id"`
	Identifier        string           `json:"identifier"`
	Name              string           `json:"name"`
	Description       string           `json:"description,omitempty"`
	Activity          []concept        `json:"activity,omitempty"`
	AgeRange          *quantity        `json:"ageRange,omitempty"`
	GenderRestriction string           `json:"genderRestriction,omitempty"`
	IsCoached         *bool            `json:"isCoached,omitempty"`
	IsFree            *bool            `json:"isAccessibleForFree,omitempty"`
	AttendanceMode    string           `json:"eventAttendanceMode,omitempty"`
	Level             []level          `json:"imin:level,omitempty"`
	Programme         *brand           `json:"programme,omitempty"`
	EstimatedDuration *quantity        `json:"beta:estimatedDuration,omitempty"`
	Image             []image          `json:"image,omitempty"`
	AggregateOffer    *aggregateOffers `json:"imin:aggregateOffer,omitempty"`
	Organizer         *party           `json:"organizer,omitempty"`
	DataSource        dataSource       `json:"imin:dataSource"`
	CustomProperty    string           `json:"loremfitsum:customProperty,omitempty"` // By-ID only, like all custom properties
	LocationSummary   []place          `json:"imin:locationSummary,omitempty"`
	SubEvent          []sessionSeries  `json:"subEvent,omitempty"`
}

type sessionSeries struct {
	Type                     string     `json:"type"`
	ID                       string     `json:"id,omitempty"`
	Identifier               string     `json:"identifier,omitempty"`
	URL                      string     `json:"url,omitempty"`
	Location                 *reference `json:"location,omitempty"`
	Category                 []string   `json:"category,omitempty"`
	Leader                   []party    `json:"leader,omitempty"`
	Contributor              []party    `json:"contributor,omitempty"`
	Offers                   []offer    `json:"offers,omitempty"`
	EventSchedule            []schedule `json:"eventSchedule,omitempty"`
	AccessibilitySupport     []concept  `json:"accessibilitySupport,omitempty"`
	AccessibilityInformation string     `json:"accessibilityInformation,omitempty"`
	AttendeeInstructions     string     `json:"attendeeInstructions,omitempty"`
	SchedulingNote           string     `json:"schedulingNote,omitempty"`
	MaximumAttendeeCapacity  int        `json:"maximumAttendeeCapacity,omitempty"`
	DateCreated              string     `json:"ext:dateCreated,omitempty"`
	SpecialRequirement       []concept  `json:"emduk:specialRequirement,omitempty"`
	SubEvent                 []session  `json:"subEvent,omitempty"`
}

type session struct {
	Type                      string     `json:"type"`
	ID                        string     `json:"id,omitempty"`
	Identifier                string     `json:"identifier,omitempty"`
	URL                       string     `json:"url,omitempty"`
	StartDate                 time.Time  `json:"startDate"`
	EndDate                   time.Time  `json:"endDate"`
	Duration                  string     `json:"duration"`
	EventStatus               string     `json:"eventStatus,omitempty"`
	MaximumAttendeeCapacity   int        `json:"maximumAttendeeCapacity,omitempty"`
	RemainingAttendeeCapacity *int       `json:"remainingAttendeeCapacity,omitempty"`
	VirtualLocation           *reference `json:"beta:virtualLocation,omitempty"`
}

// reference refers to something by its ID; a virtual location has a name and a URL.
type reference struct {
	Type string `json:"type"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
}

// concept is an entry of a controlled vocabulary, such as an activity.
type concept struct {
	Type       string   `json:"type"`
	ID         string   `json:"id"`
	PrefLabel  string   `json:"prefLabel"`
	InScheme   string   `json:"inScheme"`
	Definition string   `json:"definition,omitempty"`        // facets only
	Broader    []string `json:"broaderTransitive,omitempty"` // facets only
}

type quantity struct {
	Type     string   `json:"type"`
	MinValue *int     `json:"minValue,omitempty"`
	MaxValue *int     `json:"maxValue,omitempty"`
	Value    *float64 `json:"value,omitempty"`
	UnitCode string   `json:"unitCode,omitempty"`
}

type level struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type brand struct {
	Type        string `json:"type"`
	Name        string `json:"name"`
	URL         string `json:"url,omitempty"`
	Description string `json:"description,omitempty"`
	Logo        *image `json:"logo,omitempty"`
	Video       string `json:"beta:video,omitempty"`
}

type image struct {
	Type      string      `json:"type"`
	URL       string      `json:"url"`
	Thumbnail []thumbnail `json:"thumbnail,omitempty"`
}

type thumbnail struct {
	Type   string `json:"type"`
	URL    string `json:"url"`
	Width  string `json:"width"`
	Height string `json:"height"`
}

type aggregateOffers struct {
	Type              string          `json:"type"`
	ActiveEntitlement *aggregateOffer `json:"activeEntitlement,omitempty"`
	PublicAdult       *aggregateOffer `json:"publicAdult,omitempty"`
	PublicJunior      *aggregateOffer `json:"publicJunior,omitempty"`
}

// aggregateOffer has either a price or a lowest and a highest price.
type aggregateOffer struct {
	Type               string   `json:"type"`
	ID                 string   `json:"id,omitempty"`
	Price              *float64 `json:"price,omitempty"`
	LowPrice           *float64 `json:"lowPrice,omitempty"`
	HighPrice          *float64 `json:"highPrice,omitempty"`
	PriceCurrency      string   `json:"priceCurrency"`
	MembershipRequired *bool    `json:"imin:membershipRequired,omitempty"`
	IndicativePrice    *bool    `json:"imin:indicativePrice,omitempty"`
}

type offer struct {
	Type                  string    `json:"type"`
	Name                  string    `json:"name"`
	Price                 float64   `json:"price"`
	PriceCurrency         string    `json:"priceCurrency"`
	URL                   string    `json:"url,omitempty"`
	AgeRange              *quantity `json:"ageRange,omitempty"`
	EligibleCustomerType  []string  `json:"eligibleCustomerType,omitempty"`
	AcceptedPaymentMethod []string  `json:"acceptedPaymentMethod,omitempty"`
	AvailableChannel      []string  `json:"beta:availableChannel,omitempty"`
}

// party is a Person or an Organization.
type party struct {
	Type       string `json:"type"`
	ID         string `json:"id,omitempty"`
	Name       string `json:"name"`
	LegalName  string `json:"legalName,omitempty"`
	GivenName  string `json:"givenName,omitempty"`
	FamilyName string `json:"familyName,omitempty"`
	Email      string `json:"email,omitempty"`
	Telephone  string `json:"telephone,omitempty"`
	URL        string `json:"url,omitempty"`
	Gender     string `json:"gender,omitempty"`
	JobTitle   string `json:"jobTitle,omitempty"`
	Image      *image `json:"image,omitempty"`
	Identifier int    `json:"identifier,omitempty"`
}

type dataSource struct {
	Type       string `json:"type"`
	Identifier string `json:"identifier"`
}

type place struct {
	Type           string         `json:"type"`
	ID             string         `json:"id,omitempty"`
	Name           string         `json:"name"`
	Description    string         `json:"description,omitempty"`
	URL            string         `json:"url,omitempty"`
	Telephone      string         `json:"telephone,omitempty"`
	Identifier     string         `json:"identifier,omitempty"`
	Address        address        `json:"address"`
	Geo            coordinates    `json:"geo"`
	AmenityFeature []amenity      `json:"amenityFeature,omitempty"`
	OpeningHours   []openingHours `json:"openingHoursSpecification,omitempty"`
	Image          []image        `json:"image,omitempty"`
	Classification string         `json:"mcr:placeClassification,omitempty"` // Places API
	Activity       []concept      `json:"activity,omitempty"`                // Places API
	Event          *eventLink     `json:"imin:event,omitempty"`              // Events API, places
}

type address struct {
	Type            string `json:"type"`
	StreetAddress   string `json:"streetAddress,omitempty"`
	AddressLocality string `json:"addressLocality,omitempty"`
	AddressRegion   string `json:"addressRegion,omitempty"`
	PostalCode      string `json:"postalCode,omitempty"`
	AddressCountry  string `json:"addressCountry,omitempty"`
	FullAddress     string `json:"imin:fullAddress,omitempty"`
}

type coordinates struct {
	Type      string    `json:"type"`
	Latitude  float64   `json:"latitude"`
	Longitude float64   `json:"longitude"`
	Distance  *quantity `json:"imin:distanceFromGeoQueryCenter,omitempty"`
}

type amenity struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value bool   `json:"value"`
}

type openingHours struct {
	Type      string `json:"type"`
	DayOfWeek string `json:"dayOfWeek"`
	Opens     string `json:"opens"`
	Closes    string `json:"closes"`
}

// eventLink holds the URL of the search for the events at a place.
type eventLink struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	TotalItems int    `json:"imin:totalItems"`
}

type schedule struct {
	Type               string   `json:"type"`
	RepeatFrequency    string   `json:"repeatFrequency"`
	ByDay              []string `json:"byDay"`
	StartTime          string   `json:"startTime"`
	EndTime            string   `json:"endTime"`
	StartDate          string   `json:"startDate,omitempty"`
	EndDate            string   `json:"endDate,omitempty"`
	Duration           string   `json:"duration,omitempty"`
	ScheduledEventType string   `json:"scheduledEventType,omitempty"`
	TimeZone           string   `json:"beta:timeZone,omitempty"`
}
