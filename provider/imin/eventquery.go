package imin

import (
	"net/url"
	"slices"
	"time"
)

// EventMode is what an event search orders and groups by (page "Modes").
type EventMode string

// The modes of an event search. The discovery modes return a series once, with all of its
// sessions, and never high-frequency ones.
const (
	// UpcomingSessions is the earliest first, a series once for each of its sessions.
	UpcomingSessions EventMode = "upcoming-sessions"
	// DiscoveryGeo is the nearest first.
	DiscoveryGeo EventMode = "discovery-geo"
	// DiscoveryPriceAsc is the cheapest for an adult first.
	DiscoveryPriceAsc EventMode = "discovery-price-asc"
	// DiscoveryPriceDesc is the dearest for an adult first.
	DiscoveryPriceDesc EventMode = "discovery-price-desc"
)

// HighFrequencySession is the tag of what takes place many times a day, such as an hour of
// swimming.
const HighFrequencySession = "HighFrequencySession"

// EventQuery is a search for events, in [EventSeriesService] and [EventPlacesService]. The
// zero value of a field is no filter; filters combine as AND; of a list one value must
// hold. A series matches if one of its sessions does. Source: docs.imin.co, imin Events
// API, Filters.
type EventQuery struct {
	// Mode orders the results. Which one imin takes by default is not documented.
	Mode EventMode
	// Near is where to search. Required unless Virtual is true.
	Near *Radial
	// Virtual true finds online sessions only, false those in person only.
	Virtual *bool

	StartDate TimeRange      // when a session starts; imin looks 14 days ahead
	StartTime TimeOfDayRange // at what time of day, on any date
	// Days are the days of the week of a session. imin's page calls the parameter byDay, a
	// public client dayOfWeek; byDay is sent.
	Days []time.Weekday

	AgeRangeMin *int     // the youngest age admitted is at least this, in years
	AgeRangeMax *int     // the oldest age admitted is at most this, in years
	Admits      *AgeSpan // all of these ages are admitted

	ActivityIDs           []string // OpenActive activities, by URL; children included
	ActivityLabels        []string // the same by label, case-sensitive
	ActivityCollectionIDs []string // collections of [Facets]

	GenderRestrictions []string // such as oa:FemaleOnly, oa:MaleOnly, oa:NoRestriction
	// Levels are such as imin:BeginnerLevel, as records have it; imin's page writes
	// imin:Beginner.
	Levels     []string
	PriceAdult PriceRange // of the public adult price

	// Tags and WithoutTags select by imin's tags. imin leaves out high-frequency sessions
	// by default; with any tag given the client says so itself, so that the default holds
	// whichever tags are searched for. To have them, put [HighFrequencySession] into Tags.
	Tags        []string
	WithoutTags []string

	// Entitlement adds the customer's own price (ActiveEntitlement) to the results: a value
	// of Get Seller Account, as it is (page "Entitlement Pricing in Search").
	Entitlement string

	// The filters from here to MembershipRequiredJunior are known from a public client of
	// imin's, not from its pages.
	ActivitySchemes          []string
	OrganizerIDs             []string
	OrganizerName            string // a part of the name
	AccessibilitySupportIDs  []string
	WheelchairAccessible     *bool
	SpecialRequirementIDs    []string
	LeaderGenders            []string
	Amenities                []string // types of amenity that the place has
	ChannelsAdult            []string // such as beta:OnlinePrepayment
	ChannelsJunior           []string
	MembershipRequiredAdult  *bool
	MembershipRequiredJunior *bool

	// Limit is the number of items a page, at most 50. 0 leaves it to imin in List (how
	// many is not documented) and is 50 in All.
	Limit int
	// Page counts from 1; 0 is the first.
	Page int
}

func (q EventQuery) params() (url.Values, error) {
	p := newParams("EventQuery")
	p.text("mode", string(q.Mode))
	if q.Near == nil && (q.Virtual == nil || !*q.Virtual) {
		p.fail("Near", "is required unless Virtual is true")
	}
	p.near(q.Near)
	p.truth("isVirtual", q.Virtual)
	p.times("StartDate", "startDate", q.StartDate)
	p.timesOfDay("StartTime", "startTime", q.StartTime)
	p.days("Days", "byDay", q.Days)
	p.age("AgeRangeMin", "ageRangeMin[gte]", q.AgeRangeMin)
	p.age("AgeRangeMax", "ageRangeMax[lte]", q.AgeRangeMax)
	p.ages("Admits", "ageRange[includeRange]", q.Admits)
	p.price("PriceAdult.Exactly", "priceAdult", q.PriceAdult.Exactly)
	p.price("PriceAdult.AtLeast", "priceAdult[gte]", q.PriceAdult.AtLeast)
	p.price("PriceAdult.AtMost", "priceAdult[lte]", q.PriceAdult.AtMost)
	p.text("entitlementFilter", q.Entitlement)
	q.addTags(p)
	q.addOneOf(p)
	p.window(q.Limit, q.Page)
	return p.values, p.err
}

// addTags keeps the server's default (page "Your Search Results and
// HighFrequencySessions"), which it may drop once a tag filter is given.
func (q EventQuery) addTags(p *params) {
	without := q.WithoutTags
	if len(q.Tags)+len(without) > 0 && !slices.Contains(q.Tags, HighFrequencySession) && !slices.Contains(without, HighFrequencySession) {
		without = append(slices.Clip(without), HighFrequencySession)
	}
	p.oneOf("Tags", "iminTag", q.Tags)
	p.oneOf("WithoutTags", "iminTag[not]", without)
}

func (q EventQuery) addOneOf(p *params) {
	p.oneOf("ActivityIDs", "activityId", q.ActivityIDs)
	p.oneOf("ActivityLabels", "activityPrefLabel", q.ActivityLabels)
	p.oneOf("ActivityCollectionIDs", "activityConceptCollectionId", q.ActivityCollectionIDs)
	p.oneOf("GenderRestrictions", "genderRestriction", q.GenderRestrictions)
	p.oneOf("Levels", "levelType", q.Levels)
	p.oneOf("ActivitySchemes", "activityInScheme", q.ActivitySchemes)
	p.oneOf("OrganizerIDs", "organizerId", q.OrganizerIDs)
	p.text("organizerName[textSearch]", q.OrganizerName)
	p.oneOf("AccessibilitySupportIDs", "accessibilitySupportId", q.AccessibilitySupportIDs)
	p.truth("isWheelchairAccessible", q.WheelchairAccessible)
	p.oneOf("SpecialRequirementIDs", "specialRequirementId", q.SpecialRequirementIDs)
	p.oneOf("LeaderGenders", "leaderGender", q.LeaderGenders)
	p.oneOf("Amenities", "amenityFeatureType[valueTrue]", q.Amenities)
	p.oneOf("ChannelsAdult", "availableChannelAdult", q.ChannelsAdult)
	p.oneOf("ChannelsJunior", "availableChannelJunior", q.ChannelsJunior)
	p.truth("membershipRequiredAdult", q.MembershipRequiredAdult)
	p.truth("membershipRequiredJunior", q.MembershipRequiredJunior)
}
