package imin

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter holds the conditions of an event search. Different filters combine as
// AND; a repeated string filter means "is one of" (page "Filters").
type filter struct {
	near      *radial
	isVirtual *bool
	isActive  bool // the search has an entitlement
	series    []func(*series) bool
	session   []func(start time.Time) bool // one session must pass all of them
}

// filterNames returns the parameters of an event search other than mode, limit
// and page.
func filterNames() []string {
	filters := oneOf()
	names := append(make([]string, 0, 17+len(filters)),
		"geo[radial]", "isVirtual", "entitlementFilter", "startDate[gte]", "startDate[lte]", "startTime[gte]", "startTime[lte]",
		"ageRangeMin[gte]", "ageRangeMax[lte]", "ageRange[includeRange]", "priceAdult", "priceAdult[gte]", "priceAdult[lte]",
		"byDay*", "dayOfWeek*", "iminTag*", "iminTag[not]*",
	)
	for _, o := range filters {
		names = append(names, o.name+"*")
	}
	return names
}

func newFilter(p params) (*filter, error) {
	f := &filter{}
	var errs [8]error
	f.near, errs[0] = p.radial()
	f.isVirtual, errs[1] = p.boolean("isVirtual")
	errs[2] = f.addTimes(p)
	errs[3] = f.addAges(p)
	errs[4] = f.addPrices(p)
	errs[5] = f.addDays(p)
	errs[6] = f.addEntitlement(p)
	if f.near == nil && !f.wantsVirtual() {
		errs[7] = errors.New("geo[radial] is required unless isVirtual=true")
	}
	if err := errors.Join(errs[:]...); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New(first)
	}
	f.addTags(p)
	for _, o := range oneOf() {
		if wanted := p.all(o.name); len(wanted) > 0 {
			f.series = append(f.series, func(s *series) bool {
				return slices.ContainsFunc(o.values(s), func(has string) bool {
					return slices.ContainsFunc(wanted, func(want string) bool { return o.equal(has, want) })
				})
			})
		}
	}
	return f, nil
}

func (f *filter) wantsVirtual() bool { return f.isVirtual != nil && *f.isVirtual }

// withCentre returns a copy of the filter with another circle.
func (f *filter) withCentre(near radial) *filter {
	other := *f
	other.near = &near
	return &other
}

// match returns the sessions of s that pass the filter; none if s itself does not.
func (f *filter) match(s *series, now time.Time) []occurrence {
	for _, pass := range f.series {
		if !pass(s) {
			return nil
		}
	}
	return slices.DeleteFunc(occurrences(s.runs, now, f.includes), func(o occurrence) bool {
		return slices.ContainsFunc(f.session, func(pass func(time.Time) bool) bool { return !pass(o.start) })
	})
}

// includes reports whether the sessions of a run are in the right place: online,
// or inside the circle. A session with a place that is also online counts as
// both; an online-only session has no distance.
func (f *filter) includes(r *run) bool {
	if f.wantsVirtual() {
		return r.virtual && (r.site == nil || f.near == nil || f.near.contains(r.site.Geo))
	}
	return r.site != nil && (f.near == nil || f.near.contains(r.site.Geo))
}

// addTimes adds startDate and startTime, which must hold for the same session
// (page "Dates and Times").
func (f *filter) addTimes(p params) error {
	from, err1 := p.instant("startDate[gte]")
	to, err2 := p.instant("startDate[lte]")
	early, err3 := p.clock("startTime[gte]")
	late, err4 := p.clock("startTime[lte]")
	f.session = append(f.session, func(start time.Time) bool {
		minute := start.Hour()*60 + start.Minute()
		return (from.IsZero() || !start.Before(from)) && (to.IsZero() || !start.After(to)) &&
			minute >= early && (late < 0 || minute <= late)
	})
	return errors.Join(err1, err2, err3, err4)
}

// addDays adds byDay, the documented name, and dayOfWeek, the name in a public
// client.
func (f *filter) addDays(p params) error {
	names := append(p.all("byDay"), p.all("dayOfWeek")...)
	var days []time.Weekday
	for _, name := range names {
		d := slices.IndexFunc([]int{0, 1, 2, 3, 4, 5, 6}, func(d int) bool { return dayName(time.Weekday(d)) == name })
		if d < 0 {
			return fmt.Errorf("byDay must be a day such as schema:Tuesday, not %q", clip(name))
		}
		days = append(days, time.Weekday(d))
	}
	if len(days) > 0 {
		f.session = append(f.session, func(start time.Time) bool { return slices.Contains(days, start.Weekday()) })
	}
	return nil
}

// addAges adds the age filters. A range without a minimum or maximum is open on
// that side.
func (f *filter) addAges(p params) error {
	const anyAge = 200
	ages := func(s *series) (low, high float64) {
		low, high = 0, anyAge
		if r := s.doc.AgeRange; r != nil && r.MinValue != nil {
			low = float64(*r.MinValue)
		}
		if r := s.doc.AgeRange; r != nil && r.MaxValue != nil {
			high = float64(*r.MaxValue)
		}
		return low, high
	}
	least, hasLeast, err1 := p.number("ageRangeMin[gte]")
	most, hasMost, err2 := p.number("ageRangeMax[lte]")
	if hasLeast || hasMost {
		f.series = append(f.series, func(s *series) bool {
			low, high := ages(s)
			return (!hasLeast || low >= least) && (!hasMost || high <= most)
		})
	}
	var err3 error
	if p.has("ageRange[includeRange]") {
		low, high, both := strings.Cut(p.get("ageRange[includeRange]"), ",")
		from, e1 := strconv.ParseUint(low, 10, 8)
		to, e2 := strconv.ParseUint(high, 10, 8)
		if !both {
			to, e2 = anyAge, nil
		}
		if e1 != nil || e2 != nil || from > to {
			err3 = errors.New("ageRange[includeRange] must be {min} or {min},{max}")
		}
		f.series = append(f.series, func(s *series) bool {
			least, most := ages(s)
			return least <= float64(from) && most >= float64(to)
		})
	}
	return errors.Join(err1, err2, err3)
}

// addPrices adds the price filters. A price without operator means equals (page
// "Filters"): the record's price, or an end of its range, is that price. With
// operators a record with a range passes if one price of the range is within both
// bounds. A record without a price does not pass.
func (f *filter) addPrices(p params) error {
	exact, hasExact, err1 := p.number("priceAdult")
	least, hasLeast, err2 := p.number("priceAdult[gte]")
	most, hasMost, err3 := p.number("priceAdult[lte]")
	if hasExact || hasLeast || hasMost {
		f.series = append(f.series, func(s *series) bool {
			low, high, ok := s.adultPrice()
			ends := [2]float64{low, high}
			if hasLeast {
				low = max(low, least)
			}
			if hasMost {
				high = min(high, most)
			}
			return ok && low <= high && (!hasExact || ends[0] == exact || ends[1] == exact)
		})
	}
	return errors.Join(err1, err2, err3)
}

func (s *series) adultPrice() (low, high float64, ok bool) {
	switch o := s.doc.AggregateOffer; {
	case o == nil || o.PublicAdult == nil:
		return 0, 0, false
	case o.PublicAdult.Price != nil:
		return *o.PublicAdult.Price, *o.PublicAdult.Price, true
	default:
		return *o.PublicAdult.LowPrice, *o.PublicAdult.HighPrice, true
	}
}

// addEntitlement adds entitlementFilter. Its value is opaque; the vendor's example
// is a base64-encoded JSON array (page "Entitlement Pricing in Search").
func (f *filter) addEntitlement(p params) error {
	if !p.has("entitlementFilter") {
		return nil
	}
	token := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(p.get("entitlementFilter")), "=")
	data, err := base64.RawStdEncoding.DecodeString(token)
	if err != nil || !json.Valid(data) {
		return errors.New("entitlementFilter is not a value of Get Seller Account")
	}
	f.isActive = true
	return nil
}

func (f *filter) addTags(p params) {
	wanted, unwanted := p.all("iminTag"), p.all("iminTag[not]")
	has := func(s *series, tags []string) bool {
		return slices.ContainsFunc(s.tags, func(t string) bool { return slices.Contains(tags, t) })
	}
	f.series = append(f.series, func(s *series) bool {
		return (len(wanted) == 0 || has(s, wanted)) && !has(s, unwanted)
	})
}

// withDefaults adds the server's default filter, which is visible in view.id (page
// "Your Search Results and HighFrequencySessions").
func withDefaults(p params) params {
	if p.has("iminTag") || p.has("iminTag[not]") {
		return p
	}
	return append(p.without(), param{"iminTag[not]", highFrequency})
}
