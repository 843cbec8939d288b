package keyring

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/keyfit/keyfit/internal/backoff"
	"github.com/keyfit/keyfit/internal/oneline"
	"github.com/keyfit/keyfit/internal/singleflight"
)

const (
	// maxQuestion bounds a question to the source, and the verification of what it offers.
	maxQuestion = 30 * time.Second
	// debounce is the time between the two equal reads after which a changed place is
	// believed. It doubles with each read that brings another key, of which maxReads are
	// made: some places never say the same twice.
	debounce = 10 * time.Millisecond
	maxReads = 8
	// The delay between two questions that bring nothing new. A place on this machine may
	// be asked often, a store may not.
	askLocalFirst, askLocalLast   = 10 * time.Millisecond, time.Second
	askRemoteFirst, askRemoteLast = 100 * time.Millisecond, 30 * time.Second
)

// source is what the ring knows about its source. Ring.mu guards it.
type source struct {
	offered  string    // fingerprint of the key that it wanted used last
	stale    string    // why it failed when it was last asked; "" if it did not
	answered time.Time // when it last did not fail
	question *question // the question that is under way; nil if there is none
	untold   string    // fingerprint of a refused key that the question under way does not know of; "" for none
	pace     pace
}

// question is one question to the source, shared by all callers that want it asked.
type question struct {
	refused string                             // fingerprint of the key whose refusal is a reason; "" for none
	probes  bool                               // there is another reason, too: what it offers is verified
	answer  *singleflight.Flight[answer]       // of the source
	outcome *singleflight.Flight[verification] // of the try of what it offered, if that had to be tried
}

// answer is the result of a question.
type answer struct {
	changed bool // another key is current
	err     error
}

// suffices reports whether an answered question serves a call whose key was refused. A
// question that was asked without knowing of the refusal does not: the source may have
// offered the refused key.
func (q *question) suffices(refused string) bool {
	a := q.answer.Result()
	return q.refused == refused || a.changed || a.err != nil
}

// pace spaces the questions that refusals cause and that do not help: they bring nothing
// new, or always another key that does not help either. A revoked key must not turn every
// call into a question to the secret store, which may make a new secret each time. A call
// that was refused and is then accepted with what the source offered begins it anew.
type pace struct {
	last    time.Time
	delay   time.Duration
	changed int // how many keys in a row the source had that no such call has proved
}

// next returns when the source may be asked again.
func (p *pace) next() time.Time { return p.last.Add(p.delay) }

// newKey takes a question that brought another key. The first ones are free, because a call
// may try as many.
func (p *pace) newKey(local bool, now time.Time) {
	p.changed++
	if p.changed > maxReplays {
		p.failed(local, now)
	}
}

// failed takes a question that did not help.
func (p *pace) failed(local bool, now time.Time) {
	first, last := askRemoteFirst, askRemoteLast
	if local {
		first, last = askLocalFirst, askLocalLast
	}
	if now.Sub(p.last) > 2*last { // another story
		p.delay = 0
	}
	p.last, p.delay = now, backoff.Next(p.delay, first, last)
	if p.delay > askRemoteFirst { // replicas that lost their key together do not ask together
		p.delay = backoff.Jitter(p.delay, backoff.Equal)
	}
}

// Reload asks the source now and makes a key that it newly offers current, after
// verification if there is a Probe. It reports whether the current key changed. Concurrent
// callers share one question. On an error the current key stays; an offered key that could
// not be verified is an error too, and stays the candidate.
func (r *Ring) Reload(ctx context.Context) (changed bool, err error) {
	r.locked(func() {
		if set := r.set.Load(); set.candidate != nil && !set.candidate.retryAt.IsZero() {
			now := time.Now()
			r.publish(set.withCandidate(func(c *candidate) { c.retryAt = now }))
		}
	})
	return r.reload(ctx)
}

func (r *Ring) reload(ctx context.Context) (bool, error) {
	var q *question
	r.locked(func() { q = r.ask(ctx, "") })
	select {
	case <-q.outcome.Landed():
		a, v := q.answer.Result(), q.outcome.Result()
		return a.changed || v.promoted, errors.Join(a.err, v.err)
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// Watch reloads at the given interval until ctx ends, and returns the error of ctx. In
// between it verifies a candidate again that the provider does not accept yet.
func (r *Ring) Watch(ctx context.Context, every time.Duration) error {
	r.watchers.Add(1)
	defer r.watchers.Add(-1)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		retry := time.NewTimer(r.untilRetry())
		select {
		case <-ctx.Done():
			retry.Stop()
			return ctx.Err()
		case <-tick.C:
		case <-retry.C:
		}
		retry.Stop()
		if err := ctx.Err(); err != nil { // the ticker may have been due at the same time
			return err
		}
		_, _ = r.reload(ctx) // a failure is in an event, and the last good key stays
	}
}

// untilRetry returns the time until the candidate may be tried again.
func (r *Ring) untilRetry() time.Duration {
	c := r.set.Load().candidate
	if c == nil || c.retryAt.IsZero() || c.state == Verified {
		return math.MaxInt64
	}
	return max(time.Until(c.retryAt), time.Millisecond)
}

// reloadAfterRefusal asks the source because the current key was refused, and waits for the
// answer. It does not ask if a recent question brought nothing new, and waits for two at most:
// one that does not know of the refusal, and the next one.
func (r *Ring) reloadAfterRefusal(ctx context.Context, refused string) {
	for range 2 {
		var q *question
		var promoted chan struct{}
		r.locked(func() { q, promoted = r.askAfterRefusal(ctx, refused), r.promoted })
		if q == nil {
			return
		}
		select {
		case <-q.answer.Landed():
		case <-promoted: // by hand, perhaps
			return
		case <-ctx.Done():
			return
		}
		if q.suffices(refused) {
			return // a failure is in an event
		}
	}
}

// askAfterRefusal returns the question in progress, or asks one because of a refusal; nil
// if it is too early for that. If the question in progress does not know of the refusal, the
// next one will, whoever asks it: there may always be one in progress. mu is held.
func (r *Ring) askAfterRefusal(ctx context.Context, refused string) *question {
	if r.source.question == nil && time.Now().Before(r.source.pace.next()) {
		return nil
	}
	q := r.ask(ctx, refused)
	if q.refused != refused {
		r.source.untold = refused
	}
	return q
}

// ask returns the question in progress, or asks one. mu is held.
func (r *Ring) ask(ctx context.Context, refused string) *question {
	q := r.source.question
	if q == nil {
		q = &question{refused: refused, probes: refused == "", answer: singleflight.New[answer](), outcome: singleflight.New[verification]()}
		if r.isToBeTold() {
			q.refused = r.source.untold
		}
		r.source.question, r.source.untold = q, ""
		// It outlives the caller who happens to ask first: others wait for it.
		go r.run(context.WithoutCancel(ctx), q)
	}
	return q
}

// isToBeTold reports whether the next question is asked because of a refusal that the last one
// did not know of: if that key is current, and has not been accepted since. mu is held.
func (r *Ring) isToBeTold() bool {
	set := r.set.Load()
	return r.source.untold == set.current.Fingerprint && (set.circuit != nil || set.current.usage.refusals.Load() > 0)
}

// run asks a question and verifies what the source offers.
func (r *Ring) run(ctx context.Context, q *question) {
	ctx, cancel := context.WithTimeout(ctx, maxQuestion)
	defer cancel()
	versions, err := r.read(ctx, q.refused)
	var a answer
	r.change(func() { a = r.takeAnswer(q, versions, err) })
	q.answer.Land(a) // after the events: who waited for the answer finds them reported

	var v verification // whoever needs another key at once does not wait for that
	if q.probes {
		v = r.verify(ctx)
	}
	q.outcome.Land(v)
}

// read returns what the source offers. If the key is new and the source is local, it is
// believed after two equal reads.
func (r *Ring) read(ctx context.Context, refused string) (Versions, error) {
	last := r.set.Load().current.Fingerprint
	for n := range maxReads {
		v, err := r.cfg.Ask(ctx, refused)
		if err != nil || v.Current.Fingerprint == last || !r.cfg.Local {
			return v, err
		}
		last = v.Current.Fingerprint
		if err := sleep(ctx, debounce<<n, nil, nil); err != nil {
			return Versions{}, err
		}
	}
	return Versions{}, fmt.Errorf("it has another key each time that it is read; it was read %d times", maxReads)
}

// takeAnswer applies the answer of the source and ends the question. mu is held.
func (r *Ring) takeAnswer(q *question, v Versions, err error) (a answer) {
	if err != nil {
		a.err = fmt.Errorf("the key source failed, the current key stays: %w", err)
		r.source.stale = oneline.Text(err.Error(), maxReason)
		r.events.record(Event{Kind: SourceStale, Reason: r.source.stale})
	} else {
		a.changed = r.take(v, q.refused)
		r.source.stale, r.source.answered = "", time.Now()
	}
	a.changed = r.promoteDueCandidate() || a.changed
	r.maintain()

	r.source.question = nil
	c := r.set.Load().circuit
	switch {
	case a.changed && q.refused != "" && c != nil, // a source that always has another key is no help either
		!a.changed && q.refused == r.set.Load().current.Fingerprint: // else its key has been replaced already
		r.source.pace.failed(r.cfg.Local, time.Now())
	case a.changed && q.refused != "":
		r.source.pace.newKey(r.cfg.Local, time.Now())
	case a.changed && r.source.pace.changed == 0:
		r.source.pace = pace{}
	}
	if c != nil {
		c.notify() // one of those who wait asks the next question
	}
	return a
}

// sleep waits for d, for one of the channels, or for the end of ctx; only the last is an
// error.
func sleep(ctx context.Context, d time.Duration, changed, landed <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-changed:
	case <-landed:
	}
	return nil
}
