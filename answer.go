package keyfit

import (
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/internal/oneline"
	"github.com/keyfit/keyfit/internal/redact"
)

// read takes from an answer what the gate and the retry loop need to know, and returns what
// it says about the key.
func (k *call) read(resp *http.Response, out *Outcome) verdict {
	k.status, out.StatusCode = resp.StatusCode, resp.StatusCode
	switch {
	case resp.StatusCode >= 400:
		return k.readRefusal(resp, out)
	case resp.StatusCode >= 300:
		peek(resp, maxErrorBody) // so that a body which stalls does not hold the redirect
		k.retry().moved = k.retry().moved || resp.StatusCode <= http.StatusSeeOther
	}
	if k.client.stats.looksForLimits(k.nth) && mentionsLimit(resp.Header) {
		k.client.stats.foundLimits()
		h := parseHint(resp.Header, nil, "", time.Now())
		h.report(out)
		if resp.StatusCode >= 300 {
			k.retry().hint = &h
		}
	}
	return verdictOf(resp.StatusCode, refusedOther)
}

// readRefusal is read for an answer that is an error.
func (k *call) readRefusal(resp *http.Response, out *Outcome) verdict {
	e, kind := k.apiError(resp)
	k.client.stats.refusedAs(resp.StatusCode, kind)
	r := k.retry()
	r.answer = e
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
		h := parseHint(e.Header, e.body, k.client.provider.WaitField, time.Now())
		if kind == refusedLimit {
			h.wait = h.refusedWait()
		}
		h.report(out)
		r.hint, r.wait = &h, k.policy.wait(k.attempts, h, kind == refusedLimit)
		if kind == refusedLimit || h.said {
			out.Wait, out.Hint, out.Refusal, r.paced = r.wait, h.wait, e, true
		}
	}
	return verdictOf(resp.StatusCode, kind)
}

// report has the gate know what an answer says about the limit.
func (h *hint) report(out *Outcome) {
	out.Limit, out.Remaining, out.Reset = h.limit, h.remaining, h.reset
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
	case refusedMissing:
		return &MissingKeyError{e}
	case refusedInvalid:
		return &InvalidKeyError{APIError: e, Unusable: t.turn.unusable, NotReplayed: t.retry.notReplayed, cause: t.turn.cause}
	case refusedLimit:
		return &RateLimitError{APIError: e, RetryAfter: k.hint().wait, Deadline: t.retry.deadline}
	case refusedPermission:
		ambiguous := resp.StatusCode == http.StatusNotFound
		if ambiguous {
			e.Note = joinNotes(e.Note, "not found, or the key lacks the scope: the provider answers 404 for both")
		}
		return &PermissionError{APIError: e, Ambiguous: ambiguous}
	case refusedOther:
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
	kind     refusal
	redacted []string
}

// apiError reads an error answer into its base type, and leaves the body as it was. The
// error may be known to others already and must not be changed. An answer is read once,
// unless there is a credential by now that was not looked for then.
func (k *call) apiError(resp *http.Response) (*APIError, refusal) {
	creds := k.creds()
	names := make([]string, len(creds))
	for i, c := range creds {
		names[i] = c.Fingerprint()
	}
	b, _ := resp.Body.(*peekedBody)
	if b != nil && b.found.covers(names) {
		return b.found.err, b.found.kind
	}
	e, kind := k.readError(resp, redactorOf(creds...))
	if b, _ = resp.Body.(*peekedBody); b != nil {
		b.found = &reading{err: e, kind: kind, redacted: names}
	}
	return e, kind
}

// covers says whether all these credentials have been taken out.
func (r *reading) covers(names []string) bool {
	return r != nil && !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(r.redacted, name) })
}

func (k *call) readError(resp *http.Response, redactor redact.Redactor) (*APIError, refusal) {
	raw := peek(resp, maxErrorBody+redactor.Reach())
	body := []byte(redactor.Prefix(raw, maxErrorBody))
	said := parseProblem(body)
	e := &APIError{
		Provider: k.client.provider.Name, Method: k.method, Path: redactor.Text(k.path()), StatusCode: resp.StatusCode,
		Code: oneline.Text(said.code, 64), Message: oneline.Text(said.message, 300),
		RequestID: requestID(resp.Header, said, redactor), Attempts: k.attempts,
		KeyFingerprint: k.fingerprint(), Header: redactor.Header(resp.Header), body: body,
	}
	return e, classify(&k.client.provider, resp.StatusCode, resp.Header, said)
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
