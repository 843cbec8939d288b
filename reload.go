package keyfit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyfit/keyfit/internal/backoff"
	"github.com/keyfit/keyfit/internal/oneline"
)

// reloadFlight is one question to the source, shared by all who want it asked.
type reloadFlight struct {
	refused string // fingerprint of the key whose refusal is the reason; "" for another

	answered chan struct{} // closed when the source has answered or failed
	changed  bool          // the current key
	err      error

	done     chan struct{} // closed when a candidate has been tried, if one had to be
	promoted bool          // by that
	unproven error         // why not
}

// Reload asks the source now and makes what it offers current if that is new and, where
// the ring has a probe, verified. It reports whether the key changed. On an error, or when
// the source has nothing, the present key stays. Callers at the same time share one
// question to the source.
//
// An offered key that could not be verified is an error here. It stays staged, and is
// tried again while [Keyring.Watch] runs or the source is asked.
func (k *Keyring) Reload(ctx context.Context) (changed bool, err error) {
	k.mu.Lock()
	if set := k.set.Load(); !set.recheck.IsZero() {
		now := *set
		now.recheck = time.Now()
		k.publish(&now)
	}
	k.mu.Unlock()
	return k.reload(ctx)
}

type refusedKey struct{}

// RefusedKey returns the fingerprint of the key whose refusal by the provider is why a
// [Keyring] asks its [Source]; ctx is that of [Source.Credential]. It is "" if the source
// is asked for another reason. A source that keeps what it fetched, as one of OAuth tokens
// does, drops it if it has this fingerprint.
func RefusedKey(ctx context.Context) string {
	fp, _ := ctx.Value(refusedKey{}).(string)
	return fp
}

// askPace spaces the questions to the source that refusals cause and that bring nothing: a
// revoked key must not turn every call into a question to the secret store.
type askPace struct {
	last  time.Time
	space time.Duration
}

const (
	// A place on this machine may be asked often; a store may not.
	askLocal, askLocalMax   = 10 * time.Millisecond, time.Second
	askRemote, askRemoteMax = 100 * time.Millisecond, 30 * time.Second
)

// next returns when the source may be asked again.
func (p *askPace) next() time.Time { return p.last.Add(p.space) }

// vain records a question that brought nothing.
func (p *askPace) vain(src Source) {
	least, most := askRemote, askRemoteMax
	if settles(src) {
		least, most = askLocal, askLocalMax
	}
	p.last = time.Now()
	p.space = backoff.Next(p.space, least, most)
	if p.space > askRemote { // replicas that lost their key together do not ask together
		p.space = backoff.Jitter(p.space, backoff.Equal)
	}
}

// reloadAfterRefusal asks the source because the current key was refused, unless that was
// done in vain a moment ago.
func (k *Keyring) reloadAfterRefusal(ctx context.Context, refused string) {
	for {
		k.mu.Lock()
		f, swapped := k.inquire(ctx, refused), k.swapped
		k.mu.Unlock()
		if f == nil {
			return
		}
		select {
		case <-f.answered:
		case <-swapped: // by hand, perhaps
			return
		case <-ctx.Done():
			return
		}
		if f.enough(refused) {
			return // a failure is in an event
		}
	}
}

// inquire joins or begins the question to the source that a refusal is reason for; nil if
// that would be too early. k.mu is held.
func (k *Keyring) inquire(ctx context.Context, refused string) *reloadFlight {
	if k.flight == nil && time.Now().Before(k.inVain.next()) {
		return nil
	}
	return k.join(ctx, refused)
}

// enough reports whether an answered flight will do after a refusal. One that began without
// knowing of that refusal will not: the source may have offered what it had.
func (f *reloadFlight) enough(refused string) bool {
	return f.refused == refused || f.changed || f.err != nil
}

// reload asks the source, and has a candidate tried.
func (k *Keyring) reload(ctx context.Context) (bool, error) {
	k.mu.Lock()
	f := k.join(ctx, "")
	k.mu.Unlock()
	select {
	case <-f.done:
		return f.changed || f.promoted, errors.Join(f.err, f.unproven)
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// join returns the flight under way, or one that it starts. k.mu is held.
func (k *Keyring) join(ctx context.Context, refused string) *reloadFlight {
	f := k.flight
	if f == nil {
		f = &reloadFlight{answered: make(chan struct{}), done: make(chan struct{}), refused: refused}
		k.flight = f
		// The question outlives the caller who happened to ask first: others wait for it.
		go k.fly(context.WithValue(context.WithoutCancel(ctx), refusedKey{}, refused), f)
	}
	return f
}

// maxReload bounds a question to a source, and to the provider about what it offered.
const maxReload = 30 * time.Second

func (k *Keyring) fly(ctx context.Context, f *reloadFlight) {
	ctx, cancel := context.WithTimeout(ctx, maxReload)
	defer cancel()
	offer, err := k.ask(ctx)

	k.mu.Lock()
	if err != nil {
		f.err = fmt.Errorf("the key source failed, the present key stays: %w", err)
		k.stale = oneline.Text(err.Error(), 200)
		k.record(KeyEvent{Kind: SourceStale, Reason: k.stale})
	} else {
		f.changed = k.take(offer, f.refused)
		k.stale, k.answered = "", time.Now()
	}
	f.changed = k.retryStaged() || f.changed
	k.look()
	k.land(f)
	k.mu.Unlock()
	k.tell()
	close(f.answered) // after the events: who waited for the answer finds them told

	// Whoever needs another key at once does not wait for this.
	if f.refused == "" {
		f.promoted, f.unproven = k.try(ctx)
	}
	close(f.done)
}

// land ends a question. k.mu is held.
func (k *Keyring) land(f *reloadFlight) {
	k.flight = nil
	cc := k.set.Load().circuit
	switch {
	case f.changed && f.refused != "" && cc != nil: // a source that always has another key is no help either
		k.inVain.vain(k.source)
	case !f.changed && f.refused == k.set.Load().current.fingerprint: // else its key was replaced already
		k.inVain.vain(k.source)
	case f.changed:
		k.inVain = askPace{}
	}
	if cc != nil {
		cc.tell() // one of those who wait asks the next time
	}
}

// settleTime lies between the two equal reads after which a changed place is believed.
const settleTime = 10 * time.Millisecond

// ask returns what the source offers, checked. If that is new and the source reads a
// place that somebody may be writing, it is believed after two equal reads.
func (k *Keyring) ask(ctx context.Context) (Versions, error) {
	last := k.set.Load().current.fingerprint
	for {
		offer, err := k.askOnce(ctx)
		if err != nil {
			return Versions{}, err
		}
		fp := offer.Current.Fingerprint()
		if fp == last || !settles(k.source) {
			return offer, nil
		}
		last = fp
		if err := sleep(ctx, settleTime); err != nil {
			return Versions{}, err
		}
	}
}

func (k *Keyring) askOnce(ctx context.Context) (Versions, error) {
	offer, err := offerOf(ctx, k.source)
	heard := offer
	if err == nil {
		offer, err = offer.clean(k.life)
	}
	if err != nil {
		return Versions{}, redactorOf(append(k.live(), heard.Current, heard.Previous, heard.Pending)...).Error(err)
	}
	return offer, nil
}

// Watch asks the source every so often and makes what it newly offers current, until ctx
// ends; it returns ctx's error. Content is compared, not times or names, so every way of
// replacing a file is seen. A source that fails is asked again at the next turn; see
// [SourceStale]. An offered key that the provider does not accept yet is tried again after
// one second, two, four and so on up to thirty. Watch also tells when a key is about to
// expire. Run it in a goroutine of its own; every must be positive.
func (k *Keyring) Watch(ctx context.Context, every time.Duration) error {
	if every <= 0 {
		return errors.New("watching needs a positive interval")
	}
	turn := time.NewTicker(every)
	defer turn.Stop()
	for {
		again := time.NewTimer(k.untilRecheck())
		select {
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-turn.C:
		case <-again.C:
		}
		again.Stop()
		if err := ctx.Err(); err != nil { // a turn may have been due at the same time
			return err
		}
		_, _ = k.reload(ctx) // a failure is in an event, and the last good key stays
	}
}

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
