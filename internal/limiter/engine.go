package limiter

import (
	"net/http"
	"time"
)

// engine decides when an attempt may be sent, and learns from what became of those that were.
// Its methods take the time as a parameter, and it knows of no queue.
type engine struct {
	published Limit
	trips     trips
	inFlight  inFlight
	log       passLog // what counts against a limit: all but what the limit refused
	pause     pause
	flow      concurrency
	quotas    quotas
	pacer     pacer
	window    window
}

func newEngine(published Limit, maxInFlight int) engine {
	e := engine{
		published: fit(published), pause: newPause(), flow: newConcurrency(maxInFlight),
		quotas: quotas{trust: quotaTrust},
	}
	e.flow.free = e.published.Requests > 0
	return e
}

// next returns when the next attempt may be sent, now included, what it waits for, and on
// what ground it would be sent now.
func (e *engine) next(now time.Duration) (at time.Duration, why Reason, k attemptKind) {
	out := e.inFlight.n
	if !e.pause.isOver(now) {
		at, k = e.pause.next(out)
		if k == trial && e.published.Requests > 0 {
			if at = max(at, e.log.room(e.published, out, 0, now, now)); at >= e.pause.end {
				return e.pause.end, Paused, ordinary
			}
		}
		return max(at, now), Paused, k
	}
	if e.pause.dry == 0 && now >= e.pause.end+max(restedAfter, e.trips.times(8)) {
		e.flow.rested()
	}
	if !e.flow.hasRoom(&e.inFlight) {
		return never, Concurrency, ordinary
	}
	if at, k = e.nextQuota(now); at > now {
		return at, Paused, ordinary
	}
	at, why = now, WindowFull
	if e.published.Requests > 0 {
		if at = max(now, e.log.room(e.published, out, 0, now, now)); at == never {
			return never, why, ordinary
		}
	}
	learned, doubt := e.window.next(&e.log, out, e.trips.times(3), now)
	if e.pause.afresh && out == 0 && (e.pause.dry <= 1 || learned <= now && doubt == ordinary) {
		learned, doubt = now, pilot // the server has said that it has room now
	}
	at = max(at, learned, e.pacer.next(now))
	if doubt != ordinary {
		k = doubt
	}
	return at, why, k
}

// nextOrdinary returns when one may be sent that is not to find something out, if no such one
// passes before; now if only those in flight are in the way.
func (e *engine) nextOrdinary(now time.Duration) time.Duration {
	at := e.nextPilot(now)
	if t := e.window.full(&e.log, e.inFlight.n, now); t < never {
		at = max(at, t)
	}
	return at
}

// nextPilot is nextOrdinary without what refusals have taught.
func (e *engine) nextPilot(now time.Duration) time.Duration {
	at := max(now, e.pause.end, e.pacer.next(now))
	if t, _ := e.quotas.next(&e.log, now, e.inFlight.n, &e.trips); t < never {
		at = max(at, t)
	}
	return at
}

// expect returns when one that has so many ahead of it will probably be sent, if no trial
// passes before.
func (e *engine) expect(now time.Duration, ahead int) time.Duration {
	at := e.nextOrdinary(now)
	if ahead == 0 && e.pause.afresh && e.pause.dry <= 1 {
		at = e.nextPilot(now) // the server has said when it has room
	}
	if p := e.published; p.Requests > 0 && e.inFlight.n >= p.Requests { // they probably pass
		at = max(at, e.inFlight.since(now)+p.Per)
	}
	if e.window.Requests > 0 {
		at = max(at, now+time.Duration(ahead/e.window.Requests)*e.window.Per)
	}
	if e.pacer.rate > 0 {
		at = max(at, now+time.Duration(float64(ahead)/e.pacer.rate))
	}
	return max(at, now+e.trips.times(float64(e.flow.rounds(ahead))))
}

// nextQuota returns when what the server has left allows one, or a trial of that.
func (e *engine) nextQuota(now time.Duration) (at time.Duration, k attemptKind) {
	if len(e.quotas.list) == 0 {
		return now, ordinary
	}
	at, try := e.quotas.next(&e.log, now, e.inFlight.n, &e.trips)
	switch {
	case at <= now:
		return now, ordinary
	case e.inFlight.n > 0 || try >= at:
		return at, ordinary
	}
	return max(now, try), quotaTrial
}

// admit sends one.
func (e *engine) admit(now time.Duration, k attemptKind) (place int32, use uint32) {
	switch k {
	case trial:
		e.pause.tried(now)
	case quotaTrial:
		e.quotas.tried(now)
	case doubting:
		e.window.out = true
	case ordinary, pilot:
	}
	e.pacer.sent()
	return e.inFlight.add(now, k, e.trips.times(0.1))
}

// foresee returns when one may be sent at the earliest that has so many ahead of it: by the
// published limit, which is certain, and by the pause.
func (e *engine) foresee(now time.Duration, ahead int) time.Duration {
	at := e.pause.foresee(&e.inFlight, &e.trips, now)
	if end, try := e.quotas.next(&e.log, now, e.inFlight.n, &e.trips); end < never {
		at = max(at, min(end, try))
	}
	return max(at, e.foreseePublished(now, ahead))
}

// foreseePublished is what the published limit alone makes of it.
func (e *engine) foreseePublished(now time.Duration, ahead int) time.Duration {
	if e.published.Requests > 0 {
		since := min(now, e.inFlight.since(now)+max(e.trips.least/5, min(e.trips.least, e.slack())))
		if t := e.log.room(e.published, e.inFlight.n, ahead, since, now); t < never {
			return t
		}
	}
	return now
}

// leave takes the end of an attempt. It reports whether a pause has begun or become
// longer.
func (e *engine) leave(a *attempt, o *Outcome, now time.Duration) (longer bool) {
	if a.kind == doubting {
		e.window.out = false
	}
	if a.kind == quotaTrial && !o.Unsent && o.Status != 0 {
		e.quotas.learn(!o.isLimit())
	}
	switch {
	case o.Unsent:
		if a.overdue {
			e.log.remove(a.logged)
		}
		e.pacer.tokens++
		return false
	case o.Status == 0: // it may have reached the server
		e.trips.add(now-a.sent, true)
		if !a.overdue {
			e.log.insert(e.arrival(a, now))
		}
		return false
	}
	for i := range o.Quotas {
		e.quotas.observe(&o.Quotas[i], a, now)
	}
	if o.isLimit() || o.isFault() {
		return e.refused(a, o, now)
	}
	e.trips.add(now-a.sent, false)
	e.passed(a, now, o.Status < http.StatusInternalServerError)
	return false
}

// arrival returns the time that is logged for an attempt. It reached the server half a way
// after it was sent; since the next one takes half a way too, what counts is when both are
// sent, and how much that varies. Where it costs no more than the slack, the answer's own time
// is taken, which is certain.
func (e *engine) arrival(a *attempt, now time.Duration) time.Duration {
	return min(now, max(now-e.trips.least*4/5, a.sent+e.slack()))
}

// slack is by how much of the published window it may be kept too long, to be certain.
func (e *engine) slack() time.Duration { return e.published.Per / 50 }

// passed takes an answer that is no refusal. Whether the limit has let it in is not certain if
// the server failed.
func (e *engine) passed(a *attempt, now time.Duration, good bool) {
	if good && e.pause.concerns(a, now) {
		e.relieve(a, now)
	}
	e.flow.passed(a, now)
	e.quotas.passed(a)
	if !a.overdue {
		e.log.insert(e.arrival(a, now))
	}
	e.pacer.passed(now, a.sent <= e.pause.began)
	e.window.passed(&e.log, a, now)
}

// relieve takes a good answer while refusals are not forgotten.
func (e *engine) relieve(a *attempt, now time.Duration) {
	alone := e.pause.refused <= 1
	if e.pause.passed(a, now, &e.trips) && alone || e.pause.outweighed(a, &e.trips) {
		e.window.undo()
		if e.published.Requests > 0 && e.pause.refused == 1 && e.pause.later >= strayShows { // else it may be too many at a time
			e.flow.undo()
		}
	}
	if e.pause.afresh && a.sent > e.pause.began {
		e.pause.afresh = false
		e.window.turn(&e.log, a, now)
	}
}

// refused takes a refusal, and reports whether a pause begins or becomes longer.
func (e *engine) refused(a *attempt, o *Outcome, now time.Duration) (longer bool) {
	hint, limit := o.hint(), o.isLimit()
	if e.trips.mean == 0 {
		e.trips.add(now-a.sent, false) // better than nothing
	}
	if !a.overdue && !o.isLimit() {
		e.log.insert(e.arrival(a, now))
	}
	switch {
	case a.kind == trial:
		return e.pause.trialFailed(hint, !limit, now)
	case !e.pause.isNews(a):
		longer = e.pause.join(a.sent, hint, !limit, now)
		e.flow.joined(a, e.pause.refused)
		return longer
	}
	dry := e.pause.dry > 0
	wait := e.pause.collide(a, hint, !limit, now)
	foreseen := limit && e.window.foresaw(&e.log, a, e.inFlight.n, now)
	explained := limit && e.flow.collided(a, foreseen, dry)
	if explained && hint <= 0 {
		wait = max(e.trips.times(1), 20*time.Millisecond)
	}
	e.pause.stay(wait, now)
	if foreseen && e.pause.dry == 1 && hint <= e.window.Per { // which need not cost a whole hint
		e.pause.trialAt = max(e.window.full(&e.log, e.inFlight.n, now), now+e.trips.times(2))
	}
	switch {
	case foreseen:
		if !e.window.slides {
			e.pacer.marks = e.pacer.marks[:0]
		}
	case explained:
		if e.flow.confirmed > certain || e.window.sure == 0 {
			e.window.forget()
		}
		if e.flow.confirmed > 1 {
			e.pacer.drop()
		}
	case limit:
		e.pacer.refused(&e.log, now, e.pause.end, false, &e.trips)
		if e.pacer.rate == 0 {
			e.window.learn(&e.log, a, hint, now)
		} else {
			e.window.forget()
		}
	}
	if limit {
		e.flow.hold(a, hint, wait, now, explained, &e.trips)
	} else {
		e.flow.slots = 1
	}
	return true
}
