package fault_test

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver/internal/fault"
)

var epoch = time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)

func TestAFaultThatCannotBeInjectedIsRefused(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]fault.Fault{
		"unknown kind":              {Kind: "explode"},
		"negative delay":            {Kind: fault.Latency, Delay: -1},
		"status 199 is not":         {Kind: fault.Status, Status: 199},
		"status 600 is not":         {Kind: fault.Status, Status: 600},
		"redirect status 200":       {Kind: fault.Redirect, Status: 200},
		"truncate wants bytes of 0": {Kind: fault.Truncate, Bytes: -1},
	} {
		if err := f.Valid(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, k := range fault.Kinds() {
		f := fault.Fault{Kind: k, Status: 302}
		if err := f.Valid(); err != nil || !strings.HasPrefix(f.String(), string(k)) {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// What a kind does not use is refused, so that nobody waits for its effect.
func TestAMemberWithoutEffectIsRefused(t *testing.T) {
	t.Parallel()
	set := map[string]func(*fault.Fault){
		"delay":    func(f *fault.Fault) { f.Delay = time.Second },
		"status":   func(f *fault.Fault) { f.Status = 307 },
		"body":     func(f *fault.Fault) { f.Body = "{}" },
		"location": func(f *fault.Fault) { f.Location = "/" },
		"bytes":    func(f *fault.Fault) { f.Bytes = 4 },
		"seed":     func(f *fault.Fault) { f.Seed = 4 },
		"headers":  func(f *fault.Fault) { f.Headers = map[string]string{"Retry-After": "5"} },
	}
	takes := map[fault.Kind]string{
		fault.Latency: "delay", fault.Jitter: "delay seed", fault.Throttle: "delay", fault.SlowBody: "bytes delay",
		fault.Status: "body headers status", fault.Redirect: "headers location status", fault.Body: "bytes headers", fault.Truncate: "bytes",
	}
	for _, k := range fault.Kinds() {
		var taken []string
		for _, name := range slices.Sorted(maps.Keys(set)) {
			f := fault.Fault{Kind: k}
			if k == fault.Latency || k == fault.Jitter {
				f.Delay = 1
			}
			if k == fault.Status || k == fault.Redirect {
				f.Status = 302
			}
			set[name](&f)
			err := errors.Join(f.Valid(), f.Idle())
			if err == nil {
				taken = append(taken, name)
			} else if !strings.HasPrefix(err.Error(), "fault: "+name) {
				t.Errorf("%s of %s: %v", name, k, err)
			}
		}
		if d := cmp.Diff(takes[k], strings.Join(taken, " ")); d != "" {
			t.Errorf("%s (-want +got):\n%s", k, d)
		}
	}
}

func TestAFaultHitsWhenItsScheduleSays(t *testing.T) {
	t.Parallel()
	p := func(x float64) *float64 { return &x }
	for name, tt := range map[string]struct {
		when []fault.When
		want string // one character a request, one second apart; x is a hit
		left int
	}{
		"always":                 {nil, "xxxxxxxx", -1},
		"first":                  {[]fault.When{{First: 2}}, "xx......", 0},
		"first of many":          {[]fault.When{{First: 10}}, "xxxxxxxx", 2},
		"after":                  {[]fault.When{{After: 5}}, ".....xxx", -1},
		"every":                  {[]fault.When{{Every: 3}}, "..x..x..", -1},
		"after, then first":      {[]fault.When{{After: 3}, {First: 2}}, "...xx...", 0},
		"after and first in one": {[]fault.When{{After: 3, First: 2}}, "...xx...", 0},
		"two firsts":             {[]fault.When{{First: 4}, {First: 2}}, "xx......", 0},
		"never":                  {[]fault.When{{Probability: p(0)}}, "........", -1},
		"certain":                {[]fault.When{{Probability: p(1)}}, "xxxxxxxx", -1},
		"between":                {[]fault.When{{From: epoch.Add(2 * time.Second), To: epoch.Add(4 * time.Second)}}, "..xx....", -1},
		"between, not counted":   {[]fault.When{{From: epoch.Add(2 * time.Second)}, {First: 1}}, "..x.....", 0},
		"fresh":                  {[]fault.When{{Fresh: true}}, "x...x...", -1},
		"fresh, not counted":     {[]fault.When{{Fresh: true}, {Every: 2}}, "....x...", -1},
	} {
		s := fault.NewSchedule(fault.Fault{Kind: fault.Status, Status: 503}, tt.when, 0, 0)
		got, hits := "", 0
		for i := range 8 {
			if f, hit := s.Next(epoch.Add(time.Duration(i)*time.Second), i%4 == 0); hit {
				got += "x"
				hits++
				if f.Status != 503 {
					t.Errorf("%s: %s", name, f)
				}
				continue
			}
			got += "."
		}
		_, counted := s.Counts()
		if got != tt.want || counted != hits || s.Remaining() != tt.left {
			t.Errorf("%s: %s, want %s; %d hits counted, %d remaining, want %d", name, got, tt.want, counted, s.Remaining(), tt.left)
		}
	}
}

func TestARestoredScheduleGoesOnCounting(t *testing.T) {
	t.Parallel()
	f, when := fault.Fault{Kind: fault.Stall}, []fault.When{{After: 2, First: 3}}
	s := fault.NewSchedule(f, when, 0, 0)
	for range 3 {
		s.Next(epoch, false)
	}
	seen, hits := s.Counts()
	again := fault.NewSchedule(f, when, seen, hits)
	if again.Remaining() != 2 {
		t.Errorf("%d remaining", again.Remaining())
	}
	for range 5 {
		again.Next(epoch, false)
	}
	if seen, hits := again.Counts(); seen != 8 || hits != 3 {
		t.Errorf("%d seen, %d hits", seen, hits)
	}
}

func TestASeedRepeatsHitsAndDelays(t *testing.T) {
	t.Parallel()
	half := 0.5
	run := func(seed uint64) (all []time.Duration) {
		s := fault.NewSchedule(fault.Fault{Kind: fault.Jitter, Delay: time.Second, Seed: seed}, []fault.When{{Probability: &half, Seed: seed}}, 0, 0)
		for range 64 {
			f, hit := s.Next(epoch, false)
			if hit && (f.Delay < 0 || f.Delay > time.Second) {
				t.Errorf("delay %s", f.Delay)
			}
			all = append(all, f.Delay)
		}
		return all
	}
	if d := cmp.Diff(run(1), run(1)); d != "" {
		t.Error(d)
	}
	if cmp.Equal(run(1), run(2)) {
		t.Error("the seed does not decide")
	}
}

// wire records what reaches the client, as pieces that were flushed.
type wire struct {
	header http.Header
	status int
	body   bytes.Buffer
	pieces []int
	slept  time.Duration
	awake  int // sleeps until the client gives up
	end    string
}

func (w *wire) Header() http.Header         { return w.header }
func (w *wire) WriteHeader(status int)      { w.status = status }
func (w *wire) Write(b []byte) (int, error) { return w.body.Write(b) }
func (w *wire) Flush()                      { w.pieces = append(w.pieces, w.body.Len()) }
func (w *wire) Closed() bool                { return w.body.Len() > 1<<20 }
func (w *wire) Abort()                      { w.end = "abort"; panic(w) }
func (w *wire) Hang()                       { w.end = "hang"; panic(w) }
func (w *wire) Sleep(d time.Duration) bool {
	w.slept += d
	w.awake--
	return w.awake != 0
}

// on runs f until it returns or ends the connection.
func on(f func(fault.Wire)) (w *wire) {
	w = &wire{header: http.Header{}}
	defer func() {
		if p := recover(); p != nil && p != any(w) {
			panic(p)
		}
	}()
	f(w)
	return w
}

func TestFaultsDistortTheAnswer(t *testing.T) {
	t.Parallel()
	const body = "0123456789"
	for name, tt := range map[string]struct {
		faults []fault.Fault
		body   string
		length string
		end    string
		pieces []int
		slept  time.Duration
	}{
		"none":                 {nil, body, "10", "", nil, 0},
		"malformed":            {[]fault.Fault{{Kind: fault.Malformed}}, "01234", "5", "", nil, 0},
		"truncated":            {[]fault.Fault{{Kind: fault.Truncate, Bytes: 3}}, "012", "10", "abort", []int{3}, 0},
		"truncated at nothing": {[]fault.Fault{{Kind: fault.Truncate}}, "", "10", "abort", []int{0}, 0},
		"truncated beyond it":  {[]fault.Fault{{Kind: fault.Truncate, Bytes: 1 << 40}}, "012345678", "10", "abort", []int{9}, 0},
		"stalled":              {[]fault.Fault{{Kind: fault.Stall}}, "01234", "10", "hang", []int{5}, 0},
		"slow":                 {[]fault.Fault{{Kind: fault.SlowBody, Bytes: 4, Delay: time.Second}}, body, "10", "", []int{4, 8, 10}, 3 * time.Second},
		"slow without a chunk": {[]fault.Fault{{Kind: fault.SlowBody}}, body, "10", "", []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0},
		"malformed, truncated": {[]fault.Fault{{Kind: fault.Truncate, Bytes: 9}, {Kind: fault.Malformed}}, "0123", "5", "abort", []int{4}, 0},
	} {
		w := on(func(w fault.Wire) { fault.Distort(w, 201, []byte(body), tt.faults) })
		if w.status != 201 || w.body.String() != tt.body || w.end != tt.end || w.header.Get("Content-Length") != tt.length || w.slept != tt.slept {
			t.Errorf("%s: %d %q of %s, %q, slept %s", name, w.status, w.body.String(), w.header.Get("Content-Length"), w.end, w.slept)
		}
		if d := cmp.Diff(tt.pieces, w.pieces); d != "" {
			t.Errorf("%s: pieces (-want +got):\n%s", name, d)
		}
	}
	if w := on(func(w fault.Wire) { fault.Distort(w, 200, nil, []fault.Fault{{Kind: fault.Truncate, Bytes: 1}}) }); w.end != "abort" {
		t.Error("an answer without a body is not truncated")
	}
	given := &wire{header: http.Header{}, awake: 1}
	func() {
		defer func() { _ = recover() }()
		fault.Distort(given, 200, []byte(body), []fault.Fault{{Kind: fault.SlowBody, Bytes: 1}})
	}()
	if given.end != "abort" || given.body.Len() != 1 {
		t.Errorf("a client that gives up gets %q, then %q", given.body.String(), given.end)
	}
}

func TestFaultsAnswerByThemselves(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault  fault.Fault
		status int
		kind   string
		size   int
		end    string
	}{
		"text":     {fault.Fault{Kind: fault.Status, Status: 503, Body: "busy"}, 503, "text/plain; charset=utf-8", 4, ""},
		"object":   {fault.Fault{Kind: fault.Status, Status: 500, Body: `{}`}, 500, "application/json; charset=utf-8", 2, ""},
		"list":     {fault.Fault{Kind: fault.Status, Status: 500, Body: `[]`}, 500, "application/json; charset=utf-8", 2, ""},
		"redirect": {fault.Fault{Kind: fault.Redirect, Status: 302, Location: "https://evil.example/"}, 302, "", 0, ""},
		"body":     {fault.Fault{Kind: fault.Body, Bytes: 100_000}, 200, "application/json", 100_000, ""},
		"endless":  {fault.Fault{Kind: fault.Body, Bytes: -1}, 200, "application/json", 1 << 20, "abort"},
	} {
		w := on(func(w fault.Wire) { fault.Answer(w, tt.fault) })
		size := w.body.Len()
		if tt.end != "" {
			size = min(size, 1<<20)
		}
		if w.status != tt.status || w.header.Get("Content-Type") != tt.kind || size != tt.size || w.end != tt.end || w.header.Get("Location") != tt.fault.Location {
			t.Errorf("%s: %d %v, %d bytes, %q", name, w.status, w.header, w.body.Len(), w.end)
		}
	}
}

// FuzzDistort: whatever the faults, sending ends, and no client gets what is
// not the beginning of the body.
func FuzzDistort(f *testing.F) {
	f.Add([]byte("body"), uint8(3), int64(1), uint8(4), int64(-5))
	f.Fuzz(func(t *testing.T, body []byte, one uint8, n int64, other uint8, m int64) {
		kinds := fault.Kinds()
		all := []fault.Fault{{Kind: kinds[int(one)%len(kinds)], Bytes: n}, {Kind: kinds[int(other)%len(kinds)], Bytes: m}}
		w := on(func(w fault.Wire) { fault.Distort(w, 200, body, all) })
		if !bytes.HasPrefix(body, w.body.Bytes()) {
			t.Errorf("%v: %q of %q", all, w.body.Bytes(), body)
		}
	})
}

// FuzzSchedule: whatever the limits, no more is hit than they allow, and
// Remaining never lies.
func FuzzSchedule(f *testing.F) {
	f.Add(2, 0, 0, 0.5, false, 3, 1)
	f.Add(0, 3, 2, 1.0, true, 0, 0)
	f.Fuzz(func(t *testing.T, first, after, every int, probability float64, fresh bool, seen, hits int) {
		w := fault.When{First: first, After: after, Every: every, Probability: &probability, Fresh: fresh}
		if w.Valid() != nil || seen < 0 || hits < 0 || max(first, after, every, seen, hits) > 1<<30 {
			t.Skip()
		}
		s := fault.NewSchedule(fault.Fault{Kind: fault.Jitter, Delay: 1}, []fault.When{w}, seen, hits)
		for i := range 20 {
			left := s.Remaining()
			_, hit := s.Next(epoch, i%2 == 0)
			if hit && (left == 0 || fresh && i%2 != 0) {
				t.Fatalf("request %d of %+v is hit, %d remained", i, w, left)
			}
		}
	})
}
