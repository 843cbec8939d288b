package keyfit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/keyfit/keyfit/internal/backoff"
	"github.com/keyfit/keyfit/internal/oneline"
)

// Verify has probe try a new key before it is used, by the cheapest call that the provider
// has; see [Client.Probe]. A probe's error that Is [ErrUnauthorized] or [ErrForbidden] is
// the provider's refusal; any other says nothing about the key.
//
// As an option of a keyring it is for the keys that the source offers: two successes in a
// row make one current, since a provider may know a new key at one of its edges and not yet
// at another. A refusal rejects it, and it is tried again later; so it is after any other
// failure. The first key is used without a probe, and so is one given to [Keyring.Rotate]:
// the program asked for it. The keyring that a client makes verifies with Client.Probe if
// the provider has a probe.
//
// As an option of [Keyring.Rotate] it tries the new key once; if probe returns an error the
// old key stays.
func Verify(probe func(ctx context.Context, next Credential) error) SharedKeyringOption {
	check := func() error {
		if probe == nil {
			return errors.New("the probe is nil")
		}
		return nil
	}
	return sharedKeyringOption{
		keyringOption: keyringOption{"Verify", func(k *Keyring) error { k.probe = probe; return check() }},
		rotation:      func(r *rotation) error { r.probe = probe; return check() },
	}
}

const (
	// probesWanted is how many successes in a row verify a key.
	probesWanted = 2
	// maxProbe bounds one probe.
	maxProbe = 10 * time.Second
	// A key that a probe found unknown is tried again soon: it may be on its way.
	recheckFirst, recheckLast = time.Second, 30 * time.Second
	// One that calls met is tried with calls, so it is tried less often.
	demotedFirst, demotedLast = time.Minute, 10 * time.Minute
	// maxRejected bounds the memory of bad keys.
	maxRejected = 32
)

// rejection remembers that a candidate was tried in vain.
type rejection struct {
	until   time.Time     // up to here it is not tried, unless there is nothing to lose
	backoff time.Duration // the last such time
	version string        // the source's, to see when it offers the key anew
	refused bool          // by the provider; else the try said nothing about the key
}

// isRejected reports whether a candidate was refused a moment ago. k.mu is held.
func (k *Keyring) isRejected(fp string) bool {
	return k.everRejected(fp) && time.Now().Before(k.rejected[fp].until)
}

// everRejected reports whether a candidate was refused when it was last tried. k.mu is held.
func (k *Keyring) everRejected(fp string) bool {
	r := k.rejected[fp]
	return r != nil && r.refused
}

func (k *Keyring) wasRejected(fp string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.isRejected(fp)
}

// reject remembers that the provider refused a candidate, and returns when it may be tried
// again. k.mu is held.
func (k *Keyring) reject(c key, least, most time.Duration) time.Time {
	until := k.putOff(c, least, most)
	k.rejected[c.fingerprint].refused = true
	return until
}

// putOff returns when a candidate that was tried in vain may be tried again. k.mu is held.
func (k *Keyring) putOff(c key, least, most time.Duration) time.Time {
	r := k.rejected[c.fingerprint]
	if r == nil {
		r = &rejection{}
		if k.rejected == nil {
			k.rejected = make(map[string]*rejection)
		}
		k.forgetOldest()
		k.rejected[c.fingerprint] = r
	}
	r.backoff = backoff.Next(r.backoff, least, most)
	r.version = c.cred.Version
	r.until = time.Now().Add(backoff.Jitter(r.backoff, backoff.Equal))
	return r.until
}

// forgetOldest makes room for one rejection.
func (k *Keyring) forgetOldest() {
	if len(k.rejected) < maxRejected {
		return
	}
	oldest := ""
	for fp, r := range k.rejected {
		if oldest == "" || r.until.Before(k.rejected[oldest].until) {
			oldest = fp
		}
	}
	delete(k.rejected, oldest)
}

// wantsProbe reports whether there is a candidate to try now. k.mu is held.
func (k *Keyring) wantsProbe() bool {
	set := k.set.Load()
	return k.probe != nil && set.staged != nil && !set.verified && !time.Now().Before(set.recheck)
}

// retryStaged makes a candidate current that calls have to try, since there is no probe,
// once its time has come. k.mu is held.
func (k *Keyring) retryStaged() (changed bool) {
	set := k.set.Load()
	if k.probe != nil || set.staged == nil || set.pending || set.recheck.IsZero() || time.Now().Before(set.recheck) {
		return false
	}
	return k.promote(*set.staged, k.overlap, KeyPromoted, "tried again")
}

// untilRecheck is how long a candidate has to wait for its next try.
func (k *Keyring) untilRecheck() time.Duration {
	set := k.set.Load()
	if set.recheck.IsZero() || set.verified {
		return math.MaxInt64
	}
	return max(time.Until(set.recheck), time.Millisecond)
}

// trial is one try of the candidate, shared by all who want it tried.
type trial struct {
	done     chan struct{}
	promoted bool
	err      error
}

// try has the candidate tried, if it is time for that, and reports whether it became
// current. The error says why it did not.
func (k *Keyring) try(ctx context.Context) (promoted bool, err error) {
	for {
		k.mu.Lock()
		t := k.trial
		mine := t == nil && k.wantsProbe()
		if mine {
			t = &trial{done: make(chan struct{})}
			k.trial = t
		}
		k.mu.Unlock()
		switch {
		case t == nil:
			return promoted, err
		case mine:
			t.promoted, t.err = k.verifyStaged(ctx)
			k.mu.Lock()
			k.trial = nil
			k.mu.Unlock()
			k.tell()
			close(t.done)
			return t.promoted, t.err
		}
		<-t.done // and then the candidate may be another one
		promoted, err = t.promoted, t.err
	}
}

// verifyStaged tries the candidate and makes it current if the provider accepts it.
func (k *Keyring) verifyStaged(ctx context.Context) (promoted bool, err error) {
	staged := k.set.Load().staged
	if staged == nil {
		return false, nil
	}
	for range probesWanted {
		probing, cancel := context.WithTimeout(ctx, maxProbe)
		err = k.probe(probing, staged.cred)
		cancel()
		if err != nil {
			break
		}
	}
	if err != nil {
		err = redactorOf(append(k.live(), staged.cred)...).Error(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.probed(staged, err)
}

// probed takes the verdict on a candidate. k.mu is held.
func (k *Keyring) probed(staged *key, err error) (promoted bool, _ error) {
	set := k.set.Load()
	if set.staged == nil || set.staged.fingerprint != staged.fingerprint {
		return false, nil // it became current meanwhile, or another took its place
	}
	next := *set
	if err != nil {
		next.recheck = k.putOff(*staged, recheckFirst, recheckLast)
		k.publish(&next)
		if k.rejected[staged.fingerprint].refused = isRefusal(err); isRefusal(err) {
			k.record(KeyEvent{Kind: KeyRejected, Fingerprint: staged.fingerprint, Previous: set.current.fingerprint, Reason: "refused by the provider: " + oneline.Text(err.Error(), 200)})
		}
		if set.pending { // the source itself does not say that it works yet
			return false, nil
		}
		return false, fmt.Errorf("the offered key %s was not verified, the present one stays: %w", staged.fingerprint, err)
	}
	next.verified, next.recheck = true, time.Time{}
	k.publish(&next)
	delete(k.rejected, staged.fingerprint)
	k.record(KeyEvent{Kind: KeyVerified, Fingerprint: staged.fingerprint, Previous: set.current.fingerprint, Reason: "accepted by the provider"})
	if set.pending {
		return false, nil
	}
	k.inVain = askPace{}
	return k.promote(*staged, k.overlap, KeyPromoted, "offered by the source, and verified"), nil
}

// isRefusal reports whether a probe's error is the provider's verdict on the key.
func isRefusal(err error) bool {
	return errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden)
}
