package mockserver

import "time"

// Scenarios returns the five scenarios that are ready, by name. They say nothing about
// providers, so Play can be told which. They last between 1 and 12 minutes of the mock's
// clock, which can run faster.
func Scenarios() []Scenario {
	const minute = Duration(time.Minute)
	return []Scenario{
		{
			Name:  "expiry",
			About: "Every key ends ten minutes after its end is announced, and nobody has made another one.",
			Steps: []Step{{At: "1m", Note: "the end of the keys is announced: warn now", Expire: &ExpireStep{In: 10 * minute}}},
		},
		{
			Name:  "outage",
			About: "A provider gets slow, answers 503, and resets connections before it recovers.",
			Steps: []Step{
				{At: "1m", Note: "answers take two seconds", Outage: &OutageStep{How: OutageSlow, Delay: Duration(2 * time.Second), For: minute}},
				{At: "2m", Note: "nothing works", Outage: &OutageStep{Status: 503, RetryAfter: Duration(10 * time.Second), For: 2 * minute}},
				{At: "4m", Note: "half of the connections break", Outage: &OutageStep{How: OutageReset, Share: 0.5, For: minute}},
			},
		},
		{
			Name:  "rotation-with-overlap",
			About: "Every key gets a successor; both are valid for ten minutes.",
			Steps: []Step{{At: "1m", Note: "the old keys are valid until 11m", Rotate: &RotateStep{Overlap: 10 * minute}}},
		},
		{
			Name:  "rotation-without-overlap",
			About: "Every key gets a successor and is refused at the same moment.",
			Steps: []Step{{At: "1m", Note: "the old keys are refused from now on", Rotate: &RotateStep{}}},
		},
		{
			Name:  "storm",
			About: "Two minutes of nothing but 429, and then a much lower limit for two more.",
			Steps: []Step{
				{At: "1m", Note: "every answer is a 429", Storm: &StormStep{RetryAfter: Duration(5 * time.Second), For: 2 * minute}},
				{At: "3m", Note: "a low limit", Limit: &LimitStep{Requests: 2, Per: Duration(10 * time.Second), For: 2 * minute}},
			},
		},
	}
}

// readyScenario finds one of Scenarios.
func readyScenario(name string) (Scenario, bool) {
	for _, s := range Scenarios() {
		if s.Name == name {
			return s, true
		}
	}
	return Scenario{}, false
}
