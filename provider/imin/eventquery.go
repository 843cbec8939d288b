package imin

import (
	"net/url"
	"slices"
	"time"
)

// EventMode is the order and grouping of an event search (page "Modes").
type EventMode string

// The modes of an event search. The discovery modes return each series once, with all its
// sessions, and never return high-frequency sessions.
const (
	// UpcomingSessions sorts by time and returns a series once per session.
	UpcomingSessions EventMode = "upcoming-sessions"
	// DiscoveryGeo sorts by distance, nearest first.
	DiscoveryGeo EventMode = "discovery-geo"
	// DiscoveryPriceAsc sorts by adult price, lowest first.
	DiscoveryPriceAsc EventMode = "discovery-price-asc"
	// DiscoveryPriceDesc sorts by adult price, highest first.
	DiscoveryPriceDesc EventMode = "discovery-price-desc"
)

// HighFrequencySession is the tag of sessions that take place many times a day, such as
// public swimming.
const HighFrequencySession = "HighFrequencySession"

// EventQuery is a search for events, for [EventSeriesService] and [EventPlacesService]. A
// field with the zero value does not filter. Filters combine as AND; the values of a list
// combine as OR. A series matches if one of its sessions matches. Source: docs.imin.co, imin
// Events API, Filters.
type EventQuery struct {
	// Mode is the order of the results. imin's default is not documented.
	Mode EventMode
	// Near is the area of the search. Required unless Virtual is true.
	Near *Radial
	// Virtual selects only online sessions (true) or only sessions in person (false).
	Virtual *bool

	StartDate TimeRange      // start of a session; a search covers the next 14 days
	StartTime TimeOfDayRange // time of day at which a session starts
	// Days selects sessions by day of the week. It is sent as byDay, the documented name; a
	// public client of imin uses dayOfWeek.
	Days []time.Weekday

	AgeRangeMin *int     // lower bound of the minimum age, in years
	AgeRangeMax *int     // upper bound of the maximum age, in years
	Admits      *AgeSpan // ages that must all be admitted

	ActivityIDs           []string // URLs of OpenActive activities; includes narrower ones
	ActivityLabels        []string // labels of activities, case-sensitive
	ActivityCollectionIDs []string // IDs of collections in [Facets]

	GenderRestrictions []string // such as oa:FemaleOnly, oa:MaleOnly, oa:NoRestriction
	// Levels holds levels as in records, such as imin:BeginnerLevel; imin's page writes
	// imin:Beginner.
	Levels     []string
	PriceAdult PriceRange // public adult price

	// Tags and WithoutTags select by imin's tags. imin excludes high-frequency sessions by
	// default; if any tag is given, the client adds that filter itself, so that the default
	// still applies. To include them, add [HighFrequencySession] to Tags.
	Tags        []string
	WithoutTags []string

	// Entitlement adds the customer's own price (ActiveEntitlement) to the results. It is an
	// unchanged value from Get Seller Account (page "Entitlement Pricing in Search").
	Entitlement string

	// The filters from here to MembershipRequiredJunior occur in a public client of imin and
	// are not documented.
	ActivitySchemes          []string
	OrganizerIDs             []string
	OrganizerName            string // part of the name
	AccessibilitySupportIDs  []string
	WheelchairAccessible     *bool
	SpecialRequirementIDs    []string
	LeaderGenders            []string
	Amenities                []string // types of amenities of the place
	ChannelsAdult            []string // such as beta:OnlinePrepayment
	ChannelsJunior           []string
	MembershipRequiredAdult  *bool
	MembershipRequiredJunior *bool

	// Limit is the number of items per page, at most 50. If it is 0, List uses imin's
	// default, which is not documented, and All uses 50.
	Limit int
	// Page is the page number, from 1. 0 means the first page.
	Page int
}

func (q EventQuery) params() (url.Values, error) {
	p := newParams("EventQuery")
	p.text("mode", string(q.Mode))
	if q.Near == nil && (q.Virtual == nil || !*q.Virtual) {
		p.fail("Near", "is required unless Virtual is true")
	}
	p.near(q.Near)
	p.boolean("isVirtual", q.Virtual)
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

// addTags adds the tag filters and preserves the server's default filter (page "Your Search
// Results and HighFrequencySessions"), which does not apply if a tag filter is given.
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
	p.boolean("isWheelchairAccessible", q.WheelchairAccessible)
	p.oneOf("SpecialRequirementIDs", "specialRequirementId", q.SpecialRequirementIDs)
	p.oneOf("LeaderGenders", "leaderGender", q.LeaderGenders)
	p.oneOf("Amenities", "amenityFeatureType[valueTrue]", q.Amenities)
	p.oneOf("ChannelsAdult", "availableChannelAdult", q.ChannelsAdult)
	p.oneOf("ChannelsJunior", "availableChannelJunior", q.ChannelsJunior)
	p.boolean("membershipRequiredAdult", q.MembershipRequiredAdult)
	p.boolean("membershipRequiredJunior", q.MembershipRequiredJunior)
}
