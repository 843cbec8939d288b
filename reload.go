package keyfit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// reloadFlight is one question to the source, shared by all who want it asked.
type reloadFlight struct {
	done    chan struct{}
	refused string // fingerprint of the key whose refusal is the reason; "" for another
	changed bool
	err     error
}

// Reload asks the source now and makes what it offers current if that is new. It reports
// whether the key changed. On an error, or when the source has nothing, the present key
// stays. Callers at the same time share one question to the source.
func (k *Keyring) Reload(ctx context.Context) (changed bool, err error) {
	return k.reload(ctx, "", func(fp string) bool { return fp != k.offer })
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

// reloadAfterRefusal asks the source because the current key was refused. Any other key
// than the refused one is taken, also one that the source has offered all along while the
// ring was rotated by hand; but not if that is the previous key, which is at hand as it
// is: taking it would undo the rotation for good because the provider was late once.
// Asking in vain is not repeated at once: a revoked key must not turn every call into a
// question to the secret store.
func (k *Keyring) reloadAfterRefusal(ctx context.Context, refused string) {
	k.mu.Lock()
	vain := k.flight == nil && time.Since(k.asked) < askAgain
	k.mu.Unlock()
	if vain {
		return
	}
	changed, _ := k.reload(ctx, refused, func(fp string) bool { // the failure is in an event
		previous := k.set.Load().held(time.Now())
		return fp != k.offer || previous == nil || previous.fingerprint != fp
	})
	if !changed {
		k.mu.Lock()
		k.asked = time.Now()
		k.mu.Unlock()
	}
}

// reload joins the flight under way or starts one. wanted says, under k.mu, whether a
// key with that fingerprint is news. After a refusal a flight that began without knowing
// of one is not enough: the source may have offered what it had.
func (k *Keyring) reload(ctx context.Context, refused string, wanted func(fp string) bool) (bool, error) {
	for {
		f := k.join(ctx, refused, wanted)
		select {
		case <-f.done:
		case <-ctx.Done():
			return false, ctx.Err()
		}
		if refused == "" || f.refused != "" || f.changed || f.err != nil {
			return f.changed, f.err
		}
	}
}

// join returns the flight under way, or one that it starts.
func (k *Keyring) join(ctx context.Context, refused string, wanted func(fp string) bool) *reloadFlight {
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.flight
	if f == nil {
		f = &reloadFlight{done: make(chan struct{}), refused: refused}
		k.flight = f
		// The question outlives the caller who happened to ask first: others wait for it.
		go k.fly(context.WithValue(context.WithoutCancel(ctx), refusedKey{}, refused), f, wanted)
	}
	return f
}

// maxReload bounds a question to a source that does not answer.
const maxReload = 30 * time.Second

func (k *Keyring) fly(ctx context.Context, f *reloadFlight, wanted func(fp string) bool) {
	ctx, cancel := context.WithTimeout(ctx, maxReload)
	defer cancel()
	cred, fp, err := k.ask(ctx)

	k.mu.Lock()
	if err != nil {
		f.err = fmt.Errorf("the key source failed, the present key stays: %w", err)
		k.stale = true
		k.record(KeyEvent{Kind: SourceStale, Reason: err.Error()})
	} else {
		f.changed = wanted(fp) && k.promote(cred, fp, k.hold, "offered by the source")
		k.offer, k.stale = fp, false
	}
	k.flight = nil
	k.mu.Unlock()
	defer close(f.done) // after the events: who waited for the reload finds them told
	k.tell()
}

// ask returns what the source offers, checked. If that is new and the source reads a
// place that somebody may be writing, it is believed after two equal reads.
func (k *Keyring) ask(ctx context.Context) (Credential, string, error) {
	last := k.set.Load().current.fingerprint
	for {
		cred, err := k.askOnce(ctx)
		if err != nil {
			return Credential{}, "", err
		}
		fp := cred.Fingerprint()
		if fp == last || !settles(k.source) {
			return cred, fp, nil
		}
		last = fp
		if err := sleep(ctx, settleTime); err != nil {
			return Credential{}, "", err
		}
	}
}

func (k *Keyring) askOnce(ctx context.Context) (Credential, error) {
	cred, err := k.source.Credential(ctx)
	if err == nil {
		cred, err = cred.clean()
	}
	if err != nil {
		return Credential{}, newScrubber(append(k.live(), cred)).error(err)
	}
	return cred, nil
}

// Watch asks the source every so often and makes what it newly offers current, until ctx
// ends; it returns ctx's error. Content is compared, not times or names, so every way of
// replacing a file is seen. A source that fails is asked again at the next turn; see
// [SourceStale]. Run it in a goroutine of its own; every must be positive.
func (k *Keyring) Watch(ctx context.Context, every time.Duration) error {
	if every <= 0 {
		return errors.New("watching needs a positive interval")
	}
	turn := time.NewTicker(every)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-turn.C:
			_, _ = k.Reload(ctx) // a failure is in an event, and the last good key stays
		}
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
