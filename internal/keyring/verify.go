package keyring

import (
	"context"
	"fmt"
	"time"

	"github.com/keyfit/keyfit/internal/backoff"
	"github.com/keyfit/keyfit/internal/oneline"
	"github.com/keyfit/keyfit/internal/singleflight"
)

const (
	// probesWanted is how many successes in a row verify a key: a provider may know a key
	// at one of its edges and not yet at another.
	probesWanted = 2
	// maxProbe bounds one probe.
	maxProbe = 10 * time.Second
	// A candidate that a probe did not verify is tried again soon: the provider may be
	// about to learn it.
	probeRetryFirst, probeRetryLast = time.Second, 30 * time.Second
	// A candidate that calls were refused with is tried again less often.
	demotedRetryFirst, demotedRetryLast = time.Minute, 10 * time.Minute
	// maxRejections bounds the memory of refused keys.
	maxRejections = 32
)

// rejection records that a key was not accepted.
type rejection struct {
	until   time.Time     // it is not tried until then, unless there is nothing to lose
	delay   time.Duration // the last one
	version string        // the source's; another one means that it newly offers the key
	refused bool          // by the provider; otherwise the failure said nothing about the key
}

// isRejected reports whether a key was refused recently. mu is held.
func (r *Ring) isRejected(fp string) bool {
	return r.wasRefused(fp) && time.Now().Before(r.rejections[fp].until)
}

// wasRefused reports whether a key was refused when it was last tried. mu is held.
func (r *Ring) wasRefused(fp string) bool {
	j := r.rejections[fp]
	return j != nil && j.refused
}

// reject records that the provider refused a key, and returns when it may be tried again.
// mu is held.
func (r *Ring) reject(g *Generation, first, last time.Duration) (retryAt time.Time) {
	return r.remember(g, true, first, last)
}

// remember records a failed try of a key, and returns when it may be tried again. mu is
// held.
func (r *Ring) remember(g *Generation, refused bool, first, last time.Duration) (retryAt time.Time) {
	j := r.rejections[g.Fingerprint]
	if j == nil {
		j = &rejection{}
		r.forgetOldestRejection()
		r.rejections[g.Fingerprint] = j
	}
	j.delay = backoff.Next(j.delay, first, last)
	j.version, j.refused = g.Version, refused
	j.until = time.Now().Add(backoff.Jitter(j.delay, backoff.Equal))
	return j.until
}

// forgetOldestRejection makes room for one. mu is held.
func (r *Ring) forgetOldestRejection() {
	if len(r.rejections) < maxRejections {
		return
	}
	oldest := ""
	for fp, j := range r.rejections {
		if oldest == "" || j.until.Before(r.rejections[oldest].until) {
			oldest = fp
		}
	}
	delete(r.rejections, oldest)
}

// verification is the result of verifying a candidate.
type verification struct {
	promoted bool
	err      error // why it was not
}

// verify verifies the candidate, if that is due. Concurrent callers share one verification.
func (r *Ring) verify(ctx context.Context) (last verification) {
	for {
		v, isMine := r.joinVerification()
		switch {
		case v == nil:
			return last
		case isMine:
			last = r.probeCandidate(ctx)
			r.change(func() { r.verification = nil })
			v.Land(last)
			return last
		}
		last = v.Result() // and then there may be another candidate
	}
}

// joinVerification returns the verification in progress, or one for the caller to make; nil
// if none is due.
func (r *Ring) joinVerification() (v *singleflight.Flight[verification], isMine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.verification == nil && r.isProbeDue() {
		r.verification = singleflight.New[verification]()
		return r.verification, true
	}
	return r.verification, false
}

// isProbeDue reports whether there is a candidate to probe now. mu is held.
func (r *Ring) isProbeDue() bool {
	c := r.set.Load().candidate
	return r.cfg.Probe != nil && c != nil && c.state != Verified && !time.Now().Before(c.retryAt)
}

// probeCandidate asks the provider about the candidate, and promotes it if it is accepted.
func (r *Ring) probeCandidate(ctx context.Context) (v verification) {
	c := r.set.Load().candidate
	if c == nil {
		return verification{}
	}
	refused, err := r.probe(ctx, c.Key)
	r.locked(func() { v = r.takeProbe(c, refused, err) })
	return v
}

func (r *Ring) probe(ctx context.Context, k Key) (refused bool, err error) {
	for range probesWanted {
		probing, cancel := context.WithTimeout(ctx, maxProbe)
		refused, err = r.cfg.Probe(probing, k)
		cancel()
		if err != nil {
			return refused, err
		}
	}
	return false, nil
}

// takeProbe applies the result of a probe of the candidate. mu is held.
func (r *Ring) takeProbe(c *candidate, refused bool, err error) verification {
	set := r.set.Load()
	if !set.isCandidate(c.Fingerprint) {
		return verification{} // it became current meanwhile, or another took its place
	}
	if err == nil {
		return verification{promoted: r.takeVerified(set)}
	}
	retryAt := r.remember(&c.Generation, refused, probeRetryFirst, probeRetryLast)
	if refused {
		r.publish(set.reject(retryAt))
		r.events.record(Event{
			Kind: KeyRejected, Fingerprint: c.Fingerprint, Previous: set.current.Fingerprint,
			Reason: "refused by the provider: " + oneline.Text(err.Error(), maxReason),
		})
	} else {
		r.publish(set.restage(retryAt))
	}
	if set.candidate.prepared { // the source itself does not say that it works yet
		return verification{}
	}
	return verification{err: fmt.Errorf("the offered key %s was not verified, the current key stays: %w", c.Fingerprint, err)}
}

// takeVerified applies that the provider accepted the candidate, and reports whether it is
// current now. mu is held.
func (r *Ring) takeVerified(set *Set) (promoted bool) {
	c := set.candidate
	r.publish(set.verify())
	delete(r.rejections, c.Fingerprint)
	r.events.record(Event{Kind: KeyVerified, Fingerprint: c.Fingerprint, Previous: set.current.Fingerprint, Reason: "accepted by the provider"})
	if c.prepared {
		return false
	}
	r.source.pace = pace{}
	return r.promote(c.Generation, r.cfg.GracePeriod, KeyPromoted, "offered by the source, and verified")
}

// promoteDueCandidate makes a candidate current when its next try is due, if there is no
// probe and calls have to try it. mu is held.
func (r *Ring) promoteDueCandidate() (changed bool) {
	c := r.set.Load().candidate
	if r.cfg.Probe != nil || c == nil || c.prepared || c.retryAt.IsZero() || time.Now().Before(c.retryAt) {
		return false
	}
	return r.promote(c.Generation, r.cfg.GracePeriod, KeyPromoted, "tried again")
}
