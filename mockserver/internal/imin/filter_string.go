package imin

import "strings"

// stringFilter compares strings of a record with the values of a parameter. The
// record passes if any pair is equal.
type stringFilter struct {
	name   string
	values func(*series) []string
	equal  func(has, want string) bool
}

// oneOf returns the string filters. The first five are documented; the others
// occur in a public client of the vendor.
func oneOf() []stringFilter {
	same := func(has, want string) bool { return has == want }
	plain := func(name string, values func(*series) []string) stringFilter { return stringFilter{name, values, same} }
	return []stringFilter{
		// A parent activity includes its children; labels are case-sensitive
		// (page "Activities and Concept Collections").
		plain("activityId", func(s *series) []string { return mapStrings(lineage(s.activity), activityID) }),
		plain("activityPrefLabel", func(s *series) []string {
			return mapStrings(lineage(s.activity), func(i int) string { return activities()[i].label })
		}),
		plain("activityConceptCollectionId", func(s *series) []string {
			var ids []string
			for _, c := range collections() {
				for _, m := range c.members {
					if m == s.activity {
						ids = append(ids, c.ID)
					}
				}
			}
			return ids
		}),
		plain("genderRestriction", func(s *series) []string { return []string{s.doc.GenderRestriction} }),
		// The page "Filters" writes imin:Beginner, the data imin:BeginnerLevel.
		{"levelType", func(s *series) []string {
			return mapStrings(s.doc.Level, func(l level) string { return l.Type })
		}, func(has, want string) bool { return has == want || has == want+"Level" }},

		plain("activityInScheme", func(s *series) []string {
			return mapStrings(s.doc.Activity, func(c concept) string { return c.InScheme })
		}),
		plain("organizerId", func(s *series) []string { return []string{s.doc.Organizer.ID} }),
		{"organizerName[textSearch]", func(s *series) []string { return []string{s.doc.Organizer.Name} }, func(has, want string) bool {
			return strings.Contains(strings.ToLower(has), strings.ToLower(want))
		}},
		plain("accessibilitySupportId", func(s *series) []string {
			return perRun(s, func(e *sessionSeries) []string { return mapStrings(e.AccessibilitySupport, conceptID) })
		}),
		plain("isWheelchairAccessible", func(s *series) []string {
			return perRun(s, func(e *sessionSeries) []string {
				for _, c := range e.AccessibilitySupport {
					if c.PrefLabel == wheelchair {
						return []string{"true"}
					}
				}
				return []string{"false"}
			})
		}),
		plain("specialRequirementId", func(s *series) []string {
			return perRun(s, func(e *sessionSeries) []string { return mapStrings(e.SpecialRequirement, conceptID) })
		}),
		plain("leaderGender", func(s *series) []string {
			return perRun(s, func(e *sessionSeries) []string {
				return mapStrings(e.Leader, func(p party) string { return p.Gender })
			})
		}),
		plain("amenityFeatureType[valueTrue]", amenities),
		plain("membershipRequiredAdult", func(s *series) []string { return membership(s, true) }),
		plain("membershipRequiredJunior", func(s *series) []string { return membership(s, false) }),
		plain("availableChannelAdult", func(s *series) []string { return channels(s, "Adult") }),
		plain("availableChannelJunior", func(s *series) []string { return channels(s, "Junior") }),
	}
}

func conceptID(c concept) string { return c.ID }

func mapStrings[T any](from []T, f func(T) string) []string {
	out := make([]string, len(from))
	for i, v := range from {
		out[i] = f(v)
	}
	return out
}

func perRun(s *series, f func(*sessionSeries) []string) []string {
	out := make([]string, 0, len(s.doc.SubEvent))
	for i := range s.doc.SubEvent {
		out = append(out, f(&s.doc.SubEvent[i])...)
	}
	return out
}

func amenities(s *series) []string {
	var out []string
	for _, r := range s.runs {
		if r.site == nil {
			continue
		}
		for _, a := range r.site.AmenityFeature {
			if a.Value {
				out = append(out, a.Type)
			}
		}
	}
	return out
}

func membership(s *series, adult bool) []string {
	offers := s.doc.AggregateOffer
	if offers == nil {
		return nil
	}
	o := offers.PublicJunior
	if adult {
		o = offers.PublicAdult
	}
	if o == nil || o.MembershipRequired == nil { // only in data set by a test
		return nil
	}
	if *o.MembershipRequired {
		return []string{"true"}
	}
	return []string{"false"}
}

func channels(s *series, name string) []string {
	return perRun(s, func(e *sessionSeries) []string {
		for _, o := range e.Offers {
			if o.Name == name {
				return o.AvailableChannel
			}
		}
		return nil
	})
}
