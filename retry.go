package keyfit

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/keyfit/keyfit/internal/backoff"
	"github.com/keyfit/keyfit/internal/httpbody"
)

// loop is the retry loop. Nearly every call ends with its first attempt and costs no more
// than that. If there is to be another attempt, go-retryablehttp makes that one and all
// that follow: it runs the loop, rewinds bodies and observes the context. What to do is
// decided here, per call. No other file imports it.
type loop struct {
	client *retryablehttp.Client
	once   *redirects
}

// newLoop returns the loop around an attempt and its redirects.
//
// The defaults of go-retryablehttp are switched off: it logs every request, retries
// whatever the method is, and closes all idle connections when an operation fails (it
// cannot do that here, because redirects hides CloseIdleConnections).
func newLoop(once *redirects) loop {
	return loop{once: once, client: &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     once, // which has followed redirects already
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax: math.MaxInt32, // the call's policy decides
		CheckRetry: func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			return callOf(ctx).retries(resp, err), nil
		},
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 },
		PrepareRetry: func(req *http.Request) error { return callOf(req.Context()).pause() },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}}
}

// send makes attempts until the call's policy accepts the result.
func (l loop) send(k *call, given *http.Request) (*http.Response, error) {
	resp, err := l.once.roundTrip(k, given)
	if !k.retries(resp, err) {
		return resp, err
	}
	defer k.dropBody()
	if err == nil {
		httpbody.Drain(resp)
	}
	if err := k.pause(); err != nil {
		return nil, err
	}
	again, err := k.repeatable(given)
	if err != nil {
		return nil, err
	}
	return l.client.Do(again)
}

// repeatable returns the request for the attempts after the first. Each of them reads the
// body that [call.hasBody] has got for it.
func (k *call) repeatable(given *http.Request) (*retryablehttp.Request, error) {
	r := &retryablehttp.Request{Request: k.request(given)}
	if k.getBody == nil {
		return r, nil
	}
	length, asked := given.ContentLength, false
	err := r.SetBody(retryablehttp.ReaderFunc(func() (io.Reader, error) {
		if !asked { // by SetBody, for the length
			asked = true
			return http.NoBody, nil
		}
		body := k.retry().body
		k.retry().body = nil
		return body, nil
	}))
	if err != nil {
		return nil, fmt.Errorf("the request's body could not be produced: %w", err)
	}
	// SetBody cannot see the length of such a reader, and drops ours.
	r.ContentLength, r.GetBody = length, given.GetBody
	return r, nil
}

// dropBody closes a body that no attempt has taken.
func (k *call) dropBody() {
	if body := k.retry().body; body != nil {
		_ = body.Close()
		k.retry().body = nil
	}
}

// retries decides after an attempt whether there is another one, and after which wait.
func (k *call) retries(resp *http.Response, err error) bool {
	if err == nil && resp.StatusCode < http.StatusBadRequest && !k.isLimited() || k.Err() != nil {
		return false
	}
	r, v := k.retry(), k.judge(resp, err)
	if r.failed == 0 {
		r.failed = max(1, k.client.clock.Now())
	}
	if !v.again {
		k.addNote(v.note)
		return false
	}
	if !k.replayable {
		k.addNote(noteStream)
		return false
	}
	if r.wait == 0 {
		r.wait = k.policy.backoff(k.attempts, backoff.Full)
	}
	limited := err == nil && k.isLimited()
	return k.mayRetry() && k.fits(err != nil, limited) && (limited || k.withinBudget()) && k.hasBody()
}

// isLimited reports whether the last response is a refusal for the limit.
func (k *call) isLimited() bool { return k.trouble != nil && k.trouble.retry.limited }

// hasBody gets the body of the next attempt ahead: if that fails, the call ends with what it
// has, the server's own response above all.
func (k *call) hasBody() bool {
	if k.getBody == nil {
		return true
	}
	body, err := k.getBody()
	if err != nil || body == nil {
		k.addNote(noteNoBody)
		return false
	}
	k.retry().body = body
	return true
}

// verdict is whether another attempt may help, and what to note if not.
type verdict struct {
	again bool
	note  string
}

// judge says what the last attempt means by the rules of [RetryPolicy], of which the caller's own
// has the first word, then the server's, then the defaults.
func (k *call) judge(resp *http.Response, err error) verdict {
	v := verdict{}
	switch {
	case err != nil && isForbidden(err):
		return v
	case err != nil:
		v = k.judgeError(err)
	default:
		status := resp.StatusCode
		if k.isLimited() { // whatever its status
			status = http.StatusTooManyRequests
		}
		v = k.judgeStatus(status)
		if said, ok := shouldRetry(resp.Header); ok && said != v.again && (k.idempotent || !k.retry().moved) {
			v = verdict{again: said, note: "not tried again: the server says so (X-Should-Retry)"}
		}
	}
	if k.policy.Retry != nil && k.mayRetry() {
		if again := k.policy.Retry(k.lastAttempt(err, v.again)); again != v.again {
			v = verdict{again: again, note: "not tried again: the rule of the retry policy"}
		}
	}
	return v
}

func (k *call) judgeError(err error) verdict {
	r := k.retry()
	switch {
	case isLasting(err):
		return verdict{}
	case !k.replayable:
		return verdict{note: noteStream}
	case !k.idempotent && (!r.unsent || r.moved):
		return verdict{note: "not sent again: the " + k.method + " may have been done, and it has no idempotency key"}
	}
	return verdict{again: true}
}

func (k *call) judgeStatus(status int) verdict {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusMisdirectedRequest, http.StatusTooEarly:
		// The server did nothing: RFC 6585, section 4; RFC 9110, sections 15.6.4 and 15.5.20;
		// RFC 8470, section 5.2. If a redirect led there, the first request took effect
		// nevertheless. And a 503 that does not say when to come back may be that of a proxy,
		// whose connection to the server broke after the request was sent.
		switch {
		case k.idempotent:
		case k.retry().moved:
			return verdict{note: "not sent again: a redirect answered the " + k.method + ", which was done"}
		case status == http.StatusServiceUnavailable && !k.hint().Given:
			return verdict{note: "not sent again: the " + k.method + " may have been done, as the response does not ask to come back, and it has no idempotency key"}
		}
	default:
		if !isPassing(status) && !slices.Contains(k.policy.Statuses, status) {
			return verdict{}
		}
		if !k.idempotent {
			return verdict{note: "not sent again: the " + k.method + " has no idempotency key"}
		}
	}
	return verdict{again: true}
}

// shouldRetry reads the server's own word, which some APIs and gateways give.
func shouldRetry(h http.Header) (said, ok bool) {
	said, err := strconv.ParseBool(strings.TrimSpace(h.Get("X-Should-Retry")))
	return said, err == nil
}

// isPassing reports whether a status may be over at the next attempt: a failure of the
// server or of a gateway before it, by numbers that are registered and by those that
// gateways have added (520 to 530). 501 and 505 say what the server never does.
func isPassing(status int) bool {
	switch status {
	case http.StatusRequestTimeout:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= http.StatusInternalServerError
}

// left returns what is left of the time that the call may take as a whole. A call that has neither
// a MaxElapsed nor a deadline has a default, which begins with the first failure: what it waits in
// the queue of the gate before, which has its own patience, does not count.
func (k *call) left(inQueue bool) (left time.Duration, bounded bool) {
	if k.policy.MaxElapsed > 0 {
		return k.policy.MaxElapsed - (k.client.clock.Now() - k.began), true
	}
	if _, hasDeadline := k.Deadline(); hasDeadline || inQueue {
		return 0, false
	}
	left = k.policy.maxElapsed()
	if first := k.retry().failed; first > 0 {
		left -= k.client.clock.Now() - first
	}
	return left, true
}

func (k *call) mayRetry() bool { return k.attempts < k.policy.MaxAttempts }

// fits reports whether the next wait fits the policy and the deadline. A wait that does not
// fit is not shortened: an earlier attempt would certainly be refused. After a failure without a
// response a call waits for its deadline too, whose error then says so.
func (k *call) fits(failed, limited bool) bool {
	r := k.retry()
	wait := r.wait
	if own, ok := k.client.gate.(*gate); ok && r.paced && r.pauses <= 1 {
		wait = min(wait, own.soonest(k)) // a trial of the pause comes before its end
	}
	whole := wait
	if limited && k.policy.MaxElapsed == 0 {
		whole = r.wait // nobody has said that the call may wait for long: others make the trial
	}
	if left, bounded := k.left(false); bounded && whole > left {
		why := fmt.Sprintf("a wait of %s would exceed MaxElapsed %s", r.wait.Round(time.Millisecond), k.policy.maxElapsed())
		if left <= 0 {
			why = fmt.Sprintf("MaxElapsed %s is over", k.policy.maxElapsed())
		}
		k.addNote("not tried again: " + why)
		return false
	}
	if failed {
		return true
	}
	end, bounded := k.Deadline()
	if longest := k.policy.MaxWait; longest > 0 && wait > longest {
		k.addNote(fmt.Sprintf("not tried again: a wait of %s is above MaxWait %s", r.wait.Round(time.Millisecond), longest))
		return false
	} else if longest == 0 && !bounded && wait > leastPatience && !r.paced {
		k.addNote(fmt.Sprintf("not tried again: a wait of %s is too long for a call without a deadline", r.wait.Round(time.Millisecond)))
		return false
	}
	if bounded && time.Until(end) < wait {
		r.deadline = true
		k.addNote(fmt.Sprintf("not tried again: a wait of %s is beyond the deadline", r.wait.Round(time.Millisecond)))
		return false
	}
	return true
}

// leastPatience is the longest wait of a call that has no deadline and no MaxWait, if no
// window is known that is longer.
const leastPatience = 10 * time.Minute

func (k *call) withinBudget() bool {
	if k.tally.allowance.Spend(k.client.clock.Now(), k.policy.Budget) {
		return true
	}
	k.tally.budget.Add(1)
	k.addNote("not tried again: the retry budget is spent")
	return false
}

// pause counts a further attempt and waits before it. After the first response that paused the
// gate it does not wait: the gate makes all attempts wait, this one too.
func (k *call) pause() error {
	k.tally.retries.Add(1)
	r := k.retry()
	switch {
	case r.paced && r.pauses <= 1:
		return nil
	case r.paced: // the gate knows the hint alone, and this call has a backoff on top
		k.observeWait(WaitPause, r.wait)
	default:
		k.tally.backedOff(r.wait)
		k.observeWait(WaitBackoff, r.wait)
	}
	return sleep(k.Context, r.wait)
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
