package limiter

import "time"

const (
	leastWindow   = 10              // fewer passes are no window: pauses alone do as well
	earns         = 0.02            // each pass pays for so much of a refused doubt,
	mostBudget    = 2               // of at most so many in a row;
	rarer         = 3               // so often it is halved while doubts are refused
	maxGain       = 8               // doubts in a row that passed, after which the window is forgotten
	maxStep       = 3               // doublings of the step by which one that passed raises it
	mostFaults    = 3               // refusals below the window after which it is dropped,
	firstRest     = 5 * time.Second // and learns nothing for so long; that doubles
	longestRest   = 5 * time.Minute // up to this
	firstDoubtGap = 2 * time.Second // while nothing passes
	lastDoubtGap  = 8 * time.Second // or a quarter of the window
	crowd         = 16              // the part of a window in which all of it may be sent
)

// usual returns the windows that servers keep.
func usual() [7]time.Duration {
	return [...]time.Duration{time.Second, 10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 24 * time.Hour}
}

// window is what refusals have taught: so many passed before one more was refused. It is
// doubted by single requests within a budget that good answers earn.
type window struct {
	Limit                // zero if nothing is learned
	turned time.Duration // what passed before belongs to an earlier window
	slides bool          // one that passes early does not show that the window has turned
	sure   int           // doubts that were refused
	proved bool          // it has explained a refusal
	gain   int
	faults int
	late   time.Duration // passes that were sent until then still count
	before *window       // the collision that may prove none

	budget  float64
	fails   int
	gap     time.Duration // without a budget, the time until the next doubt
	doubtAt time.Duration
	out     bool // a doubt is out
	rest    time.Duration
	until   time.Duration
}

// full returns when the window has room.
func (w *window) full(log *passLog, out int, now time.Duration) time.Duration {
	if w.Requests == 0 {
		return now
	}
	if w.Requests <= out {
		return never
	}
	if i := log.n - w.Requests + out; i >= 0 && log.at(i) > w.turned {
		return max(now, log.at(i)+w.Per)
	}
	return now
}

// next returns when the next may be sent, now if as a doubt. A doubt shortly before there is room
// would show nothing: while those of the last window grow old one after the other, the server's
// window may be a new one. Until the window has proved itself, soon is time enough.
func (w *window) next(log *passLog, out int, soon, now time.Duration) (at time.Duration, k attemptKind) {
	at = w.full(log, out, now)
	if soon = min(soon, w.Per/crowd); w.proved {
		soon = w.Per / crowd
	}
	switch {
	case at <= now:
		return now, ordinary
	case w.out || out > 0 || at-now < soon: // its answer would show nothing
		return at, ordinary
	case w.budget >= 1 || now >= w.doubtAt:
		return now, doubting
	}
	return min(at, w.doubtAt), ordinary
}

func (w *window) used(log *passLog, now time.Duration) int {
	return log.since(max(now-w.Per, w.turned))
}

// passed takes a good answer.
func (w *window) passed(log *passLog, a *attempt, now time.Duration) {
	if w.budget < mostBudget {
		w.budget = min(mostBudget, w.budget+earns/float64(int(1)<<w.fails))
	}
	if w.Requests > 0 {
		w.judge(log, a, now)
	}
}

// judge takes a good answer while there is a window.
func (w *window) judge(log *passLog, a *attempt, now time.Duration) {
	w.doubtAt = max(w.doubtAt, now+max(w.gap, firstDoubtGap))
	switch {
	case a.kind == doubting:
		w.fails, w.gap, w.budget = 0, 0, max(w.budget, 1)
		switch {
		case w.sure == 0 && w.gain >= 2, w.gain > maxGain:
			w.forget()
			return
		}
		if log.since(a.sent-w.Per/4) <= 1 { // nothing else has passed lately: the window has turned
			w.slides, w.turned = false, a.sent-1
			return
		}
		w.Requests = max(w.Requests, w.used(log, now))
		w.Requests += 1 << min(w.gain, maxStep)
		w.gain++
	case a.sent <= w.late:
		w.Requests++
	}
}

func (w *window) forget() {
	w.Requests, w.faults, w.gain, w.late, w.before = 0, 0, 0, -1, nil
}

// turn takes the first that passes after a pause: the window may have turned. If it is full
// and slides, or has turned just before, it is not what the server keeps.
func (w *window) turn(log *passLog, a *attempt, now time.Duration) {
	if w.Requests == 0 {
		return
	}
	again := w.turned > 0 && a.sent-w.turned < w.Per/2
	switch early := w.full(log, 0, now) > now+w.Per/8; {
	case !early:
		w.faults = 0
	case w.slides && w.faults == 0: // it does not slide
		w.slides = false
		w.faults++
	case w.slides || again:
		w.faults++
		if w.faults >= mostFaults {
			w.drop(now)
			return
		}
	}
	if !w.slides {
		w.turned = a.sent - 1
	}
}

// foresaw reports whether the window explains a refusal; if not, it learns.
func (w *window) foresaw(log *passLog, a *attempt, out int, now time.Duration) bool {
	w.late, w.before = -1, nil
	if w.Requests == 0 {
		return false
	}
	used := w.used(log, a.sent)
	switch {
	case a.kind == doubting:
		w.sure++
		w.proved = true
		w.gain = 0
		w.budget = max(0, w.budget-1)
		w.fails = min(w.fails+1, rarer)
	case used+out >= w.Requests-w.Requests/16:
		w.Requests, w.gain, w.late, w.proved = max(1, min(used, w.Requests)), 0, a.sent, true
	case w.turned > now-w.Per:
		w.slides, w.turned = true, 0
	default:
		return false
	}
	w.refrain(now)
	return true
}

// learn takes a refusal that nothing has foreseen.
func (w *window) learn(log *passLog, a *attempt, hint, now time.Duration) {
	if now < w.until {
		return
	}
	old := *w
	old.before = nil
	if w.Requests > 0 {
		switch used := w.used(log, a.sent); {
		case used > 0:
			w.faults++
			w.Requests, w.late = used, a.sent
			if used < leastWindow {
				w.drop(now)
				return
			}
		default:
			w.widen(log, a.sent)
		}
		if w.faults >= mostFaults {
			w.drop(now)
			return
		}
	} else {
		if hint <= 0 {
			return
		}
		for _, per := range usual() {
			if w.Per = per; hint <= per {
				break
			}
		}
		w.turned, w.slides, w.sure, w.proved, w.faults, w.gain, w.gap = 0, true, 0, false, 0, 0, 0
		w.Requests = w.used(log, a.sent)
		w.late = now // all that is in flight
		if w.Requests < leastWindow {
			w.forget()
			return
		}
	}
	w.before = &old
	w.refrain(now)
}

// refrain sets the time of the next doubt that costs no budget.
func (w *window) refrain(now time.Duration) {
	w.gap = min(max(firstDoubtGap, 2*w.gap), max(lastDoubtGap, w.Per/4))
	w.doubtAt = now + w.gap
}

// widen takes the next usual window, since nothing has passed in this one.
func (w *window) widen(log *passLog, now time.Duration) {
	for _, per := range usual() {
		if per > w.Per {
			w.Per = per
			if w.Requests = w.used(log, now); w.Requests > 0 {
				w.sure, w.proved, w.gap = 0, false, 0
				return
			}
		}
	}
	w.Requests = 0
}

func (w *window) drop(now time.Duration) {
	w.rest = min(max(firstRest, 2*w.rest), longestRest)
	w.until = now + w.rest
	w.forget()
}

// undo takes back what the last collision has taught: it was a stray.
func (w *window) undo() {
	if w.before != nil {
		budget, fails := w.budget, w.fails
		*w = *w.before
		w.budget, w.fails = budget, fails
	}
}
