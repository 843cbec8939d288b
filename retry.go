package keyfit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
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

// repeatable returns the request for the attempts after the first. Each of them reads its
// own copy of the body.
func (k *call) repeatable(given *http.Request) (*retryablehttp.Request, error) {
	r := &retryablehttp.Request{Request: k.request(given)}
	if given.Body == nil || given.Body == http.NoBody {
		return r, nil
	}
	getBody, length := given.GetBody, given.ContentLength
	err := r.SetBody(retryablehttp.ReaderFunc(func() (io.Reader, error) { return getBody() }))
	if err != nil {
		return nil, fmt.Errorf("the request's body could not be produced: %w", err)
	}
	// SetBody cannot see the length of such a reader, and drops ours.
	r.ContentLength, r.GetBody = length, getBody
	return r, nil
}

// retries decides after an attempt whether there is another one, and after which wait.
func (k *call) retries(resp *http.Response, err error) bool {
	switch {
	case k.Err() != nil:
		return false
	case err != nil:
		return k.retriesError(err)
	case k.isLimited(): // whatever its status
		return k.retriesStatus(http.StatusTooManyRequests)
	case resp.StatusCode < http.StatusBadRequest:
		return false
	}
	return k.retriesStatus(resp.StatusCode)
}

func (k *call) isLimited() bool { return k.trouble != nil && k.trouble.retry.limited }

func (k *call) retriesError(err error) bool {
	r := k.retry()
	switch {
	case isFinal(err):
		return false
	case !k.replayable:
		k.addNote(noteStream)
		return false
	case !k.idempotent && (!r.unsent || r.moved):
		k.addNote("not sent again: the " + k.method + " may have been done, and it has no idempotency key")
		return false
	}
	r.wait = k.policy.backoff(k.attempts, backoff.Full)
	return k.mayRetry() && k.withinBudget()
}

// isFinal reports whether another attempt would only repeat the error.
func isFinal(err error) bool {
	if errors.Is(err, ErrInsecure) || errors.Is(err, ErrCrossOrigin) || errors.Is(err, errTooManyRedirects) {
		return true
	}
	if _, ok := errors.AsType[*RateLimitError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*InvalidKeyError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*finalError](err); ok {
		return true
	}
	return isTrustError(err) || isLocal(err) || isAnswered(err)
}

// isLocal reports whether net/http refused to send the request as it is. Its errors have no
// type.
func isLocal(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "net/http: invalid ") || strings.HasPrefix(text, "http: ContentLength=") ||
		strings.HasPrefix(text, "http2: request body larger than specified content length")
}

// isAnswered reports whether somebody has answered with a refusal that stands: a name
// server that knows no such host, or the peer with a TLS alert.
func isAnswered(err error) bool {
	dns, isDNS := errors.AsType[*net.DNSError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	return isDNS && dns.IsNotFound || isOp && op.Op == "remote error"
}

// isTrustError reports whether the server failed to prove its identity, or does not speak
// TLS.
func isTrustError(err error) bool {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return verify || unknown || host || invalid || record || errors.Is(err, http.ErrSchemeMismatch)
}

func (k *call) retriesStatus(status int) bool {
	r := k.retry()
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusMisdirectedRequest, http.StatusTooEarly:
		// The server did nothing: RFC 6585, section 4; RFC 9110, sections 15.6.4 and 15.5.20;
		// RFC 8470, section 5.2. If a redirect led there, the first request took effect
		// nevertheless.
		if !k.idempotent && r.moved {
			k.addNote("not sent again: a redirect answered the " + k.method + ", which was done")
			return false
		}
	default:
		if !isPassing(status) {
			return false
		}
		if !k.idempotent {
			k.addNote("not sent again: the " + k.method + " has no idempotency key")
			return false
		}
	}
	if !k.replayable {
		k.addNote(noteStream)
		return false
	}
	if r.wait == 0 {
		r.wait = k.policy.backoff(k.attempts, backoff.Full)
	}
	return k.mayRetry() && k.fits() && (status == http.StatusTooManyRequests || k.withinBudget())
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

func (k *call) mayRetry() bool { return k.attempts < k.policy.MaxAttempts }

// fits reports whether the next wait fits the policy and the deadline. A wait that does not
// fit is not shortened: an earlier attempt would certainly be refused.
func (k *call) fits() bool {
	r := k.retry()
	wait := r.wait
	if own, ok := k.client.gate.(*gate); ok && r.paced {
		wait = min(wait, own.soonest(k)) // a trial of the pause comes before its end
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
	if k.client.budget.Spend(k.client.clock.Now(), k.policy.Budget) {
		return true
	}
	k.client.stats.budget.Add(1)
	k.addNote("not tried again: the retry budget is spent")
	return false
}

// pause counts a further attempt and waits before it. After a response that paused the gate
// it does not wait: the gate makes all attempts wait, this one too.
func (k *call) pause() error {
	k.client.stats.retries.Add(1)
	r := k.retry()
	if r.paced {
		return nil
	}
	k.client.stats.backedOff(r.wait)
	k.observeWait(WaitBackoff, r.wait)
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
