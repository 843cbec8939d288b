package imin

import (
	"slices"
	"time"
)

// lookahead is the window of every search (page "Understanding Responses").
const lookahead = 14 * 24 * time.Hour

// run is one SessionSeries: its place and times. Its sessions depend only on the
// clock, so the same time always gives the same sessions; those that have begun
// are archived.
type run struct {
	site    *place // nil if online only
	virtual bool   // can be joined online
	weekly  []weekly
	once    time.Time // set instead of weekly for a single session
	length  time.Duration
}

// weekly is a weekly time in UTC.
type weekly struct {
	day    time.Weekday
	minute int // since midnight
}

// occurrence is one session of a run.
type occurrence struct {
	run   int
	start time.Time
}

// occurrences returns the sessions of the runs within the lookahead from now,
// ordered by time. If includes is not nil, only runs for which it returns true
// count.
func occurrences(runs []run, now time.Time, includes func(*run) bool) []occurrence {
	var out []occurrence
	end := now.Add(lookahead)
	add := func(i int, start time.Time) {
		if !start.Before(now) && !start.After(end) {
			out = append(out, occurrence{i, start})
		}
	}
	for i := range runs {
		r := &runs[i]
		if includes != nil && !includes(r) {
			continue
		}
		if !r.once.IsZero() {
			add(i, r.once)
			continue
		}
		for day := midnight(now); !day.After(end); day = day.AddDate(0, 0, 1) {
			for _, w := range r.weekly {
				if w.day == day.Weekday() {
					add(i, day.Add(time.Duration(w.minute)*time.Minute))
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b occurrence) int { return a.start.Compare(b.start) })
	return out
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// hash64 hashes numbers (splitmix64).
func hash64(values ...uint64) uint64 {
	var h uint64
	for _, v := range values {
		h += v + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// repeatableInt returns a number from 0 to n-1 that depends only on the arguments.
func repeatableInt(n int, seed uint64, t time.Time, more ...uint64) int {
	h := hash64(append(more, seed, uint64(t.Unix()))...) //nolint:gosec // any value is valid
	return int(h % uint64(n))                            //nolint:gosec // less than n
}
