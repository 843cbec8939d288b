package keyfit

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/httpbody"
	"github.com/keyfit/keyfit/internal/oneline"
	"github.com/keyfit/keyfit/internal/problem"
	"github.com/keyfit/keyfit/internal/ratehint"
	"github.com/keyfit/keyfit/internal/redact"
)

// maxErrorBody is how much of an error's body is read and kept.
const maxErrorBody = 64 << 10

// read extracts what the gate and the retry loop need from a response, and returns what the
// response says about the key.
func (k *call) read(resp *http.Response, out *Outcome) authOutcome {
	k.status, out.StatusCode = resp.StatusCode, resp.StatusCode
	switch {
	case resp.StatusCode >= 400:
		return k.readRefusal(resp, out)
	case resp.StatusCode >= 300:
		httpbody.Peek(resp, maxErrorBody) // bounded, so a stalled body does not block the redirect
		k.retry().moved = k.retry().moved || resp.StatusCode <= http.StatusSeeOther
	}
	if k.tally.looksForLimits(k.nth) && ratehint.MentionsLimit(resp.Header) {
		k.tally.foundLimits()
		h := ratehint.Parse(resp.Header, nil, "", time.Now())
		reportLimit(h, out)
		if resp.StatusCode >= 300 {
			k.retry().hint = &h
		}
	}
	return authOutcomeOf(resp.StatusCode, problem.Other)
}

// readRefusal is read for an error response.
func (k *call) readRefusal(resp *http.Response, out *Outcome) authOutcome {
	e, kind := k.apiError(resp)
	k.tally.refusedAs(resp.StatusCode, kind)
	r := k.retry()
	r.answer = e
	pauses := kind == problem.RateLimited || resp.StatusCode >= 500
	if pauses || resp.Header.Get("Retry-After") != "" {
		h := ratehint.Parse(e.Header, e.body, k.client.provider.WaitField, time.Now())
		if kind == problem.RateLimited {
			h.Wait = h.RefusedWait()
		}
		reportLimit(h, out)
		r.hint, r.wait = &h, k.policy.wait(k.attempts, h, kind == problem.RateLimited, k.room(kind == problem.RateLimited))
		e.RetryAfter = h.Wait
		if kind == problem.RateLimited || pauses && h.Given {
			out.Wait, out.Hint, out.Refusal, r.paced = r.wait, h.Wait, e, true
			r.pauses++
			if out.Limited = kind == problem.RateLimited; !out.Limited {
				out.Route = k.limitRoute()
			}
		}
	}
	return authOutcomeOf(resp.StatusCode, kind)
}

// room is the longest wait that fits the policy and the deadline.
func (k *call) room(limited bool) time.Duration {
	room := k.policy.MaxWait
	if room == 0 {
		room = leastPatience
	}
	if left, bounded := k.left(limited); bounded {
		room = min(room, left)
	}
	if end, ok := k.Deadline(); ok {
		room = min(room, time.Until(end))
	}
	return room
}

// reportLimit copies what a response says about the limit into the outcome for the gate.
func reportLimit(h ratehint.Hint, out *Outcome) {
	out.Limit, out.Remaining, out.Reset = Limit(h.Limit), h.Remaining, h.Reset
}

// answerError returns the typed error of a response, or nil for a success.
func (k *call) answerError(resp *http.Response) error {
	if resp.StatusCode < 300 {
		return nil
	}
	shared, kind := k.apiError(resp)
	e := shared.copy()
	e.Note, e.RetryAfter, e.History = k.note(), k.hint().Wait, k.history()
	var t trouble
	if k.trouble != nil {
		t = *k.trouble
	}
	switch kind {
	case problem.MissingKey:
		return &MissingKeyError{e}
	case problem.InvalidKey:
		invalid := &InvalidKeyError{APIError: e, NotReplayed: t.retry.notReplayed}
		if t.denied != nil {
			invalid.Unusable, invalid.cause = true, t.denied.Cause
		}
		return k.withCause(invalid)
	case problem.RateLimited:
		return &RateLimitError{APIError: e, RetryAfter: k.hint().Wait, Deadline: t.retry.deadline}
	case problem.Permission:
		ambiguous := resp.StatusCode == http.StatusNotFound
		if ambiguous {
			e.Note = joinNotes(e.Note, "not found, or the key lacks the scope: the provider answers 404 for both")
		}
		return &PermissionError{APIError: e, Ambiguous: ambiguous}
	case problem.Other:
	}
	return e
}

func joinNotes(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

// reading caches what was parsed from an error response, and which credentials were
// redacted from it. It stores fingerprints instead of credentials, because callers can
// reach it by printing the response.
type reading struct {
	err      *APIError
	kind     problem.Kind
	redacted []string
	epoch    uint64 // of the family's keys
}

// apiError parses an error response into its base error and leaves the body readable. The
// result must not be changed, because other calls may share it. A response is parsed once,
// unless there is a credential that the first pass did not redact.
func (k *call) apiError(resp *http.Response) (*APIError, problem.Kind) {
	creds := k.creds()
	names := make([]string, len(creds))
	for i, c := range creds {
		names[i] = c.Fingerprint()
	}
	epoch := k.client.memory.sync()
	if known, _ := httpbody.Attached(resp).(*reading); known.covers(names, epoch) {
		return known.err, known.kind
	}
	e, kind := k.readError(resp, k.client.memory.redactor(creds))
	httpbody.Attach(resp, &reading{err: e, kind: kind, redacted: names, epoch: epoch})
	return e, kind
}

// covers reports whether all these credentials were redacted, and all keys of the family.
func (rd *reading) covers(names []string, epoch uint64) bool {
	return rd != nil && rd.epoch == epoch && !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(rd.redacted, name) })
}

func (k *call) readError(resp *http.Response, redactor redact.Redactor) (*APIError, problem.Kind) {
	raw := httpbody.Peek(resp, maxErrorBody+redactor.Reach())
	body := []byte(redactor.Prefix(raw, maxErrorBody))
	found := problem.Parse(body)
	e := &APIError{
		Provider: k.client.provider.Name, Method: k.method, Path: redactor.Text(k.path()), StatusCode: resp.StatusCode,
		Code: oneline.Text(found.Code, 64), Message: oneline.Text(found.Message, 300),
		RequestID: requestID(resp.Header, found, redactor), Attempts: k.attempts,
		KeyFingerprint: k.fingerprint(), Header: redactor.Header(resp.Header), body: body,
	}
	if problem.IsText(body) && !k.client.provider.TextErrors {
		e.Message = "" // it may be anything, and stays in Body
	}
	return e, problem.Classify(resp.StatusCode, resp.Header, found, k.client.provider.refusals())
}

// requestID returns the request id of a response, fit for display. Secrets are redacted
// before the text is cut, because a cut key is still most of a key.
func requestID(h http.Header, p problem.Problem, redactor redact.Redactor) string {
	return oneline.Text(redactor.Prefix(problem.RequestID(h, p), 512), 128)
}

// refusals returns the rules that classify the provider's refusals.
func (p *Provider) refusals() problem.Rules {
	return problem.Rules{KindOf: kindOfCode, NotFoundIsPermission: p.NotFoundHidesPermission}
}

// kindOfCode maps the codes that the vendors document to the four refusals.
func kindOfCode(code string) problem.Kind {
	switch strings.ToUpper(code) {
	case CodeMissingKey, "MISSING_CLIENT_KEY", "MISSING_TOKEN":
		return problem.MissingKey
	case CodeInvalidKey, "INVALID_CLIENT_KEY", "CLIENT_KEY_MISMATCH", "INVALID_AUTH", "INVALID_TOKEN":
		return problem.InvalidKey
	case CodeRateLimited, "TOO_MANY_REQUESTS":
		return problem.RateLimited
	case CodePermission, "INSUFFICIENT_PERMISSION", "PERMISSION_DENIED", "INSUFFICIENT_SCOPE":
		return problem.Permission
	}
	return problem.Other
}

// copy returns a copy that may be changed; a nil error gives an empty one. The body is
// shared.
func (e *APIError) copy() *APIError {
	if e == nil {
		return &APIError{}
	}
	c := *e
	c.Header = e.Header.Clone()
	return &c
}
