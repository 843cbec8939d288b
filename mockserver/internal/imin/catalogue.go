package imin

// activity is a concept of the activity list. parent is the index of the
// broader activity, or -1.
type activity struct {
	id, label, definition string
	parent                int
}

const activityList = "https://openactive.io/activity-list"

// activities returns a small hierarchy of activities. The first six entries and
// their IDs occur on the vendor's pages; the other IDs are invented.
func activities() []activity {
	return []activity{
		{"984068a7-5b7b-4989-bb33-f96953d8960c", "Group Exercise", "", -1},
		{"bf1a5e00-cdcf-465d-8c5a-6f57040b7f7e", "Yoga", "An ancient form of exercise.", 0},
		{"a7f3179d-1640-4621-96d7-92e620a5e3a8", "Bikram Yoga", "", 1},
		{"e09776e6-f1b4-421b-b667-5c5913cf97aa", "Basketball", "", -1},
		{"5fba2a76-07ee-4f99-b243-018245b0200d", "Mountaineering", "", -1},
		{"fe2c9859-aa69-43c5-bcc3-ba5a6c7d9815", "Clubbercise Kids", "", 0},
		{"00000000-0000-4000-8000-000000000001", "Tennis", "", -1},
		{"00000000-0000-4000-8000-000000000002", "Badminton", "", -1},
		{"00000000-0000-4000-8000-000000000003", "Football", "", -1},
		{"00000000-0000-4000-8000-000000000004", "Walking Football", "", 8},
		{"00000000-0000-4000-8000-000000000005", "Swimming", "", -1},
		{"00000000-0000-4000-8000-000000000006", "Gym Session", "", -1},
	}
}

// lineage returns the activity and its ancestors.
func lineage(i int) []int {
	var out []int
	for all := activities(); i >= 0; i = all[i].parent {
		out = append(out, i)
	}
	return out
}

func activityID(i int) string { return activityList + "#" + activities()[i].id }

// activityConcept returns an activity in the form that records use.
func activityConcept(i int) concept {
	return concept{Type: "Concept", ID: activityID(i), PrefLabel: activities()[i].label, InScheme: activityList}
}

// conceptCollection is an unordered set of activities (page "Activity Concept
// Collections").
type conceptCollection struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	PrefLabel  string `json:"prefLabel"`
	Definition string `json:"definition"`
	Publisher  string `json:"beta:publisher"`
	InScheme   string `json:"inScheme"`

	members []int
}

func collections() []conceptCollection {
	named := func(slug, label, definition string, members ...int) conceptCollection {
		return conceptCollection{
			"imin:ConceptCollection", "https://data.emduk.org/collections/" + slug + ".jsonld",
			label, definition, "EMD UK", activityList, members,
		}
	}
	return []conceptCollection{
		named("cardio", "Cardio", "Group Exercise and Dance classes considered good for Cardio.", 0, 5, 11),
		named("holistic", "Holistic", "Lorem ipsum dolor sit amet.", 1, 2),
		named("team-sports", "Team Sports", "Games that are played by teams.", 3, 8, 9),
	}
}

// accessibilitySupport and specialRequirement return entries of OpenActive's and
// EMD UK's vocabularies; the IDs are invented.
func accessibilitySupport() []concept {
	const scheme = "https://openactive.io/accessibility-support"
	return []concept{
		{Type: "Concept", ID: scheme + "#00000000-0000-4000-8000-000000000021", PrefLabel: "Visual impairment", InScheme: scheme},
		{Type: "Concept", ID: scheme + "#00000000-0000-4000-8000-000000000022", PrefLabel: wheelchair, InScheme: scheme},
	}
}

const wheelchair = "Wheelchair"

func specialRequirement() []concept {
	const scheme = "https://data.emduk.org/special-requirements"
	return []concept{{Type: "Concept", ID: scheme + "#antenatal", PrefLabel: "Antenatal", InScheme: scheme}}
}
