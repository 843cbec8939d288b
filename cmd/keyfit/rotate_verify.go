package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
)

// proofs is how often the new key must be accepted: one answer may come from an edge that
// learns of keys before the others do.
const proofs = 2

// probeTime is how long an answer may take.
const probeTime = 10 * time.Second

// verify is step 2. verified is false if there is no call to try a key with.
func (r *rotateRun) verify(ctx context.Context) (verified bool, err error) {
	v, fp := *r.vendor, r.next.Fingerprint()
	if r.set.probe != "" {
		v.provider.Probe = r.set.probe
	}
	if v.provider.Probe == "" {
		r.say.warn(&rotateEvent{Event: "unverified", Fingerprint: fp},
			"the new key is not tried: "+v.name+" documents no call to try one with; --probe PATH names one of yours")
		return false, nil
	}
	opts := []keyfit.Option{keyfit.WithSource(keyfit.Static(r.next)), keyfit.WithDotEnv(r.set.dotenv)}
	if r.set.baseURL != "" {
		opts = append(opts, keyfit.WithBaseURL(r.set.baseURL))
	}
	c, err := keyfit.New(v.provider, opts...)
	if err != nil {
		return false, fmt.Errorf("%w; set %s or give --base-url", err, v.provider.EnvURL)
	}
	var answers []string
	for try := 1; try <= proofs; try++ {
		out := r.prove(ctx, &v, c)
		if out.Verdict != accepted {
			return false, fmt.Errorf("the new key %s is not proven: %s: %s", fp, out.Error, out.Advice)
		}
		answers = append(answers, fmt.Sprintf("%s in %.0f ms", out.Answer, max(out.LatencyMS, 1)))
		e := &rotateEvent{Event: "verified", Fingerprint: fp, Try: try, Status: out.Status, LatencyMS: out.LatencyMS}
		if try < proofs {
			r.say.tell(e, "verified", answers[try-1])
			continue
		}
		r.say.step(e, "verified", strings.Join(answers, ", "))
	}
	return true, nil
}

// prove sends the call once.
func (r *rotateRun) prove(ctx context.Context, v *vendor, c *keyfit.Client) *checked {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	out := &checked{Vendor: v.name, Scheme: v.scheme, Verdict: failed, Place: "the new key"}
	v.probe(ctx, c, out)
	switch {
	case out.Status >= http.StatusOK && out.Status < http.StatusMultipleChoices:
		out.Verdict = accepted // also if --probe names what does not answer in JSON
	case out.Status == http.StatusUnauthorized:
		out.Advice = "is it whole, and this environment's? one that was just made may take a minute to work"
	}
	return out
}
