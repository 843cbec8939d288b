package limiter

import "time"

const (
	pacerNeeds   = 3                // collisions with like rates between them
	likeRates    = 1.5              // at most this ratio
	apart        = 4                // round trips between two collisions, else they count as one
	firstStep    = 0.15             // by which the rate is raised at first;
	greatestStep = 0.5              // then by up to so much,
	leastStep    = 0.03             // or as little as this
	firstSteps   = 4                // passes at a rate before it is raised; they double with each confirmation
	mostSure     = 7                // so often,
	mostSteps    = 16               // up to this, or the passes of a second
	mostGrowth   = 16               // a rate that was raised to so many times is no bound any more
	faultsOver   = 8                // passes after which faults are forgotten
	pacerIdle    = 60 * time.Second // it is dropped if it has held nobody up for so long
)

// pacer keeps the mean rate that a server gives where refusals come again and again: a bucket
// that is empty after each refusal. What passes between two refusals is what such a server
// gives. From there the rate is raised step by step while all goes well, and lowered with a
// refusal; the steps become smaller with confirmation.
type pacer struct {
	rate    float64 // requests in a nanosecond; 0 if there is none
	base    float64 // the rate at the last refusal
	proved  float64 // a rate at which all went well when it was dropped
	burst   float64
	tokens  float64
	filled  time.Duration
	marks   []mark        // the last collisions
	passes  int           // in all
	held    bool          // it has held somebody up since the rate was set
	from    time.Duration // since when the rate is as it is,
	ok      int           // and so many have passed
	step    float64       // of the next raise
	sure    int           // confirmations
	raised  int           // since the last refusal
	faults  int
	rest    time.Duration
	until   time.Duration // it learns nothing before
	refusal time.Duration // the last one
}

type mark struct {
	at     time.Duration
	passes int
}

func (pc *pacer) fill(now time.Duration) {
	pc.tokens = min(pc.burst, pc.tokens+pc.rate*float64(now-pc.filled))
	pc.filled = now
}

// next returns when the next may be sent.
func (pc *pacer) next(now time.Duration) time.Duration {
	if pc.rate == 0 {
		return now
	}
	pc.fill(now)
	if pc.tokens >= 1 {
		return now
	}
	pc.held = true
	return now + time.Duration((1-pc.tokens)/pc.rate) + 1
}

func (pc *pacer) sent() { pc.tokens-- }

// passed takes a good answer; late says that its request belongs before the last collision.
func (pc *pacer) passed(now time.Duration, late bool) {
	pc.passes++
	if n := len(pc.marks); late && n > 0 {
		pc.marks[n-1].passes++
	}
	if pc.rate > 0 {
		pc.kept(now)
	}
}

// kept takes a good answer while there is a rate.
func (pc *pacer) kept(now time.Duration) {
	pc.ok++
	if pc.ok >= faultsOver {
		pc.faults = 0
	}
	switch {
	case pc.held:
		if pc.ok >= pc.needed() && float64(pc.ok) > 0.7*pc.rate*float64(now-pc.from) {
			pc.raise(now)
		}
	case now-pc.refusal > max(pacerIdle, time.Duration(100/pc.rate)):
		pc.drop()
	}
}

// needed is how many have to pass before the rate is raised.
func (pc *pacer) needed() int {
	return min(firstSteps<<pc.sure, max(mostSteps, int(pc.rate*float64(time.Second))))
}

func (pc *pacer) raise(now time.Duration) {
	if pc.rate > mostGrowth*pc.base {
		pc.proved = pc.rate
		pc.drop()
		return
	}
	pc.fill(now)
	pc.rate *= 1 + pc.step
	pc.burst++
	pc.raised++
	if pc.raised > 1 {
		pc.step, pc.sure = min(greatestStep, 2*pc.step), pc.sure/2
	}
	pc.ok, pc.held, pc.from = 0, false, now
}

func (pc *pacer) drop() { pc.rate, pc.marks, pc.faults = 0, pc.marks[:0], 0 }

// refused takes a collision; pauseEnd is when others may be sent again.
func (pc *pacer) refused(log *passLog, now, pauseEnd time.Duration, foreseen bool, t *trips) {
	switch {
	case now < pc.until:
	case pc.rate > 0:
		pc.refusal = now
		pc.lower(log, now, t)
		if pc.faults >= mostFaults {
			pc.rest = min(max(firstRest, 2*pc.rest), longestRest)
			pc.until, pc.proved = now+pc.rest, 0
			pc.drop()
			return
		}
		if n := len(pc.marks); n == 0 || now-pc.marks[n-1].at >= t.times(apart) {
			pc.marks = append(pc.marks[:0], mark{now, pc.passes})
		}
		pc.restart(now, pauseEnd)
	case !foreseen:
		pc.refusal = now
		pc.begin(log, now, pauseEnd, t)
	}
}

// lower takes a refusal in spite of the rate.
func (pc *pacer) lower(log *passLog, now time.Duration, t *trips) {
	pc.fill(now)
	if pc.held {
		was, got := pc.rate, pc.rate
		if n := len(pc.marks); n > 0 && now-pc.marks[n-1].at >= t.times(apart) {
			got = rateOf(pc.marks[n-1], mark{now, pc.passes})
		}
		again := pc.raised == 0 && pc.sure > 2 // it is still too high
		if again {
			pc.step = min(greatestStep, 2*pc.step)
		}
		pc.rate = min(pc.rate, max(pc.rate/(1+pc.step), got))
		if !again {
			pc.step = max(leastStep, pc.step/2)
		}
		if pc.rate < 0.99*was {
			pc.sure = min(pc.sure+1, mostSure)
		} else {
			pc.sure = max(0, pc.sure-1)
		}
		if pc.ok < firstSteps {
			pc.faults++
		}
	}
	pc.burst = min(pc.burst, pc.excess(log, now, t))
}

// begin counts collisions, and sets a rate when those between them are alike.
func (pc *pacer) begin(log *passLog, now, pauseEnd time.Duration, t *trips) {
	if n := len(pc.marks); n == pacerNeeds && now-pc.marks[n-1].at >= t.times(apart) {
		pc.marks = append(pc.marks[:0], pc.marks[1:]...)
	}
	if n := len(pc.marks); n == 0 || now-pc.marks[n-1].at >= t.times(apart) {
		pc.marks = append(pc.marks, mark{now, pc.passes})
	}
	if len(pc.marks) < pacerNeeds {
		return
	}
	a, b, c := pc.marks[0], pc.marks[1], pc.marks[2]
	r1, r2 := rateOf(a, b), rateOf(b, c)
	if r1 <= 0 || r2 <= 0 || max(r1, r2) > likeRates*min(r1, r2) {
		return
	}
	pc.rate = max((1+firstStep)*rateOf(a, c), pc.proved/2) // pauses of whole seconds make it seem low
	pc.burst = pc.excess(log, now, t)
	pc.step, pc.sure, pc.faults, pc.tokens, pc.filled = firstStep, 0, 0, 0, now
	pc.marks = append(pc.marks[:0], c)
	pc.restart(now, pauseEnd)
}

func (pc *pacer) restart(now, pauseEnd time.Duration) {
	pc.base = pc.rate
	pc.tokens, pc.ok, pc.held, pc.raised, pc.from = min(pc.tokens, 0), 0, false, 0, max(now, pauseEnd)
}

// rateOf is what passed between two collisions, in a nanosecond.
func rateOf(a, b mark) float64 { return float64(b.passes-a.passes) / float64(max(1, b.at-a.at)) }

// excess is by how much what has passed is above the rate: the burst.
func (pc *pacer) excess(log *passLog, now time.Duration, t *trips) float64 {
	most := 1.0
	for _, w := range []time.Duration{50 * time.Millisecond, 250 * time.Millisecond, time.Second, 5 * time.Second, 20 * time.Second, time.Minute, 5 * time.Minute, time.Hour} {
		if float64(w) >= t.mean {
			most = max(most, float64(log.since(now-w))-pc.rate*float64(w))
		}
	}
	return most
}
