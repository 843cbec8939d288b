package keyring

import (
	"errors"
	"fmt"
	"math"
)

// Check returns an error if the state of the ring contradicts itself or has grown beyond its
// bounds. calls says whether calls are under way. It is for tests, the fuzz test of keyfit
// among them.
func (r *Ring) Check(calls bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	set := r.Load()
	if err := set.check(); err != nil {
		return err
	}
	if len(r.rejections) > maxRejections || len(r.draining) > maxDraining || len(set.retired) > maxRetired {
		return fmt.Errorf("%d rejected, %d draining, %d retired keys", len(r.rejections), len(r.draining), len(set.retired))
	}
	if set.circuit == nil {
		return nil
	}
	most := r.cfg.MaxWaiting
	if r.cfg.Wait == 0 { // then calls wait for one answer too, and are not counted
		most = math.MaxInt
	}
	return set.circuit.check(calls, most)
}

func (s *Set) check() error {
	fp := s.current.Fingerprint
	switch {
	case fp == "":
		return errors.New("there is no current key")
	case s.previous != nil && s.previous.Fingerprint == fp:
		return errors.New("the previous key is the current one")
	case s.isCandidate(fp):
		return errors.New("the candidate is the current key")
	case s.candidate != nil && s.candidate.state > Rejected:
		return fmt.Errorf("the candidate is %s", s.candidate.state)
	case s.candidate != nil && s.candidate.state == Verified && !s.candidate.retryAt.IsZero():
		return fmt.Errorf("the candidate is verified, and tried again at %s", s.candidate.retryAt)
	}
	return nil
}

func (c *circuit) check(calls bool, maxWaiting int) error {
	out, w := c.trials.out, c.waiting
	switch {
	case out < 0 || w.fresh < 0 || w.all < w.fresh || w.all > maxWaiting,
		!calls && (out != 0 || w.all != 0):
		return fmt.Errorf("the circuit counts %d trial requests, %d waiting calls, %d of them fresh", out, w.all, w.fresh)
	case (c.state == HalfOpen) != (out > 0):
		return fmt.Errorf("the circuit is %s, and %d trial requests are out", c.state, out)
	}
	return nil
}
