package imin

import (
	"slices"
	"time"
)

// lookahead is the window of every search (page "Understanding Responses").
const lookahead = 14 * 24 * time.Hour

// run is one SessionSeries: where and when. Its sessions follow from the clock
// alone, so the same moment always shows the same sessions, wherever the clock
// comes from; those that began are archived.
type run struct {
	site    *place // nil when online only
	virtual bool   // can be joined online
	weekly  []weekly
	once    time.Time // instead of weekly
	length  time.Duration
}

// weekly is a time in the week, UTC.
type weekly struct {
	day    time.Weekday
	minute int // since midnight
}

// occurrence is one session of a run.
type occurrence struct {
	run   int
	start time.Time
}

// occurrences lists what the runs have in the window that begins now, ordered
// by time. admits, unless nil, tells which runs count.
func occurrences(runs []run, now time.Time, admits func(*run) bool) []occurrence {
	var out []occurrence
	end := now.Add(lookahead)
	add := func(i int, start time.Time) {
		if !start.Before(now) && !start.After(end) {
			out = append(out, occurrence{i, start})
		}
	}
	for i := range runs {
		r := &runs[i]
		if admits != nil && !admits(r) {
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

// mix turns numbers into a repeatable random one (splitmix64).
func mix(values ...uint64) uint64 {
	var h uint64
	for _, v := range values {
		h += v + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// below is a repeatable number from 0 to n-1 for a moment.
func below(n int, seed uint64, t time.Time, more ...uint64) int {
	h := mix(append(more, seed, uint64(t.Unix()))...) //nolint:gosec // any number will do
	return int(h % uint64(n))                         //nolint:gosec // smaller than n
}
