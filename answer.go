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

// read takes from an answer what the gate and the retry loop need to know, and returns what
// it says about the key.
func (k *call) read(resp *http.Response, out *Outcome) authOutcome {
	k.status, out.StatusCode = resp.StatusCode, resp.StatusCode
	switch {
	case resp.StatusCode >= 400:
		return k.readRefusal(resp, out)
	case resp.StatusCode >= 300:
		httpbody.Peek(resp, maxErrorBody) // so that a body which stalls does not hold the redirect
		k.retry().moved = k.retry().moved || resp.StatusCode <= http.StatusSeeOther
	}
	if k.client.stats.looksForLimits(k.nth) && ratehint.MentionsLimit(resp.Header) {
		k.client.stats.foundLimits()
		h := ratehint.Parse(resp.Header, nil, "", time.Now())
		reportLimit(h, out)
		if resp.StatusCode >= 300 {
			k.retry().hint = &h
		}
	}
	return authOutcomeOf(resp.StatusCode, problem.Other)
}

// readRefusal is read for an answer that is an error.
func (k *call) readRefusal(resp *http.Response, out *Outcome) authOutcome {
	e, kind := k.apiError(resp)
	k.client.stats.refusedAs(resp.StatusCode, kind)
	r := k.retry()
	r.answer = e
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
		h := ratehint.Parse(e.Header, e.body, k.client.provider.WaitField, time.Now())
		if kind == problem.RateLimited {
			h.Wait = h.RefusedWait()
		}
		reportLimit(h, out)
		r.hint, r.wait = &h, k.policy.wait(k.attempts, h, kind == problem.RateLimited)
		if kind == problem.RateLimited || h.Given {
			out.Wait, out.Hint, out.Refusal, r.paced = r.wait, h.Wait, e, true
		}
	}
	return authOutcomeOf(resp.StatusCode, kind)
}

// reportLimit has the gate know what an answer says about the limit.
func reportLimit(h ratehint.Hint, out *Outcome) {
	out.Limit, out.Remaining, out.Reset = Limit(h.Limit), h.Remaining, h.Reset
}

// answerError is the typed error of an answer, or nil if the answer is not an error.
func (k *call) answerError(resp *http.Response) error {
	if resp.StatusCode < 300 {
		return nil
	}
	shared, kind := k.apiError(resp)
	e := shared.copy()
	e.Note = k.note()
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
		return invalid
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
	if a == "" {
		return b
	}
	return a + ", " + b
}

// reading is what was read from an error answer, and which credentials were taken out of
// it. It names them by fingerprints, for it is reached from the answer, which callers print.
type reading struct {
	err      *APIError
	kind     problem.Kind
	redacted []string
}

// apiError reads an error answer into its base type, and leaves the body as it was. The
// error may be known to others already and must not be changed. An answer is read once,
// unless there is a credential by now that was not looked for then.
func (k *call) apiError(resp *http.Response) (*APIError, problem.Kind) {
	creds := k.creds()
	names := make([]string, len(creds))
	for i, c := range creds {
		names[i] = c.Fingerprint()
	}
	if known, _ := httpbody.Attached(resp).(*reading); known.covers(names) {
		return known.err, known.kind
	}
	e, kind := k.readError(resp, redactorOf(creds...))
	httpbody.Attach(resp, &reading{err: e, kind: kind, redacted: names})
	return e, kind
}

// covers says whether all these credentials have been taken out.
func (rd *reading) covers(names []string) bool {
	return rd != nil && !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(rd.redacted, name) })
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
	return e, problem.Classify(resp.StatusCode, resp.Header, found, k.client.provider.refusals())
}

// requestID returns the id that an answer names, fit to be shown. Secrets are taken out
// before it is cut: a cut key is still most of a key.
func requestID(h http.Header, p problem.Problem, redactor redact.Redactor) string {
	return oneline.Text(redactor.Text(problem.RequestID(h, p)), 128)
}

// refusals returns how the provider's refusals are told apart.
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

// copy returns one that may be changed, an empty one of nil. The body is shared.
func (e *APIError) copy() *APIError {
	if e == nil {
		return &APIError{}
	}
	c := *e
	c.Header = e.Header.Clone()
	return &c
}
