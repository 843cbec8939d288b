package keyfit

import (
	"bytes"
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
		return k.readRefusal(k.reading(resp), out)
	case resp.StatusCode >= 300:
		httpbody.Peek(resp, maxErrorBody) // bounded, so a stalled body does not block the redirect
		k.retry().moved = k.retry().moved || resp.StatusCode <= http.StatusSeeOther
	case k.client.provider.ErrorsInSuccess && isDocument(resp):
		if rd := k.reading(resp); rd.err != nil {
			return k.readRefusal(rd, out)
		}
	}
	if k.looks && ratehint.MentionsLimit(resp.Header) {
		k.tally.foundLimits()
		h := ratehint.Parse(resp.Header, nil, ratehint.Names{}, time.Now())
		reportLimit(h, out)
		if resp.StatusCode >= 300 {
			k.retry().hint = &h
		}
	}
	return authOutcomeOf(resp.StatusCode, problem.Other)
}

// readRefusal takes an error response.
func (k *call) readRefusal(rd *reading, out *Outcome) authOutcome {
	status, h, limited := k.status, rd.hint, rd.kind == problem.RateLimited
	k.tally.refusedAs(status, rd.kind)
	r := k.retry()
	r.answer, r.hint, r.limited, r.refused = rd.err, &h, limited, rd.kind
	pauses := limited || status >= 500
	if pauses || h.Given {
		r.wait = k.policy.wait(k.attempts, h, limited, k.room())
	}
	if pauses {
		reportLimit(h, out)
		if limited || h.Given {
			out.Wait, out.Hint, out.Refusal, r.paced = r.wait, h.Wait, rd.err, true
			r.pauses++
			if out.Limited = limited; !limited {
				out.Route = k.limitRoute()
			}
		}
	}
	return authOutcomeOf(status, rd.kind)
}

// isDocument reports whether a good response may be a description of an error: a whole
// document, and not a stream, which must not be waited for.
func isDocument(resp *http.Response) bool {
	if resp.Body == nil || resp.Body == http.NoBody || resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusPartialContent {
		return false
	}
	media, _, _ := strings.Cut(strings.ToLower(resp.Header.Get("Content-Type")), ";")
	switch media = strings.TrimSpace(media); media {
	case "", "application/json", "text/json", "application/xml", "text/xml", "text/plain", "text/html":
		return true
	case "application/stream+json":
		return false
	}
	return strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml")
}

// room is the longest wait that fits the policy and the deadline.
func (k *call) room() time.Duration {
	room := k.policy.MaxWait
	if room == 0 {
		room = leastPatience
	}
	if left, bounded := k.left(false); bounded {
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
	if resp.StatusCode < 300 && (!k.client.provider.ErrorsInSuccess || !isDocument(resp)) {
		return nil
	}
	rd := k.reading(resp)
	if rd.err == nil {
		return nil
	}
	e := rd.err.copy()
	e.Note, e.History = joinNotes(e.Note, k.note()), k.history()
	err := e.typed(rd.kind)
	switch err := err.(type) { //nolint:errorlint // it is the one that typed made
	case *InvalidKeyError:
		if k.trouble == nil {
			break
		}
		err.NotReplayed = k.trouble.retry.notReplayed
		if denied := k.trouble.denied; denied != nil {
			err.Unusable, err.cause = true, denied.Cause
		}
		return k.withCause(err)
	case *RateLimitError:
		err.Deadline = k.trouble != nil && k.trouble.retry.deadline
	}
	return err
}

// typed returns the error of a kind with e as its base.
func (e *APIError) typed(kind problem.Kind) error {
	switch kind {
	case problem.MissingKey:
		return &MissingKeyError{e}
	case problem.InvalidKey:
		return &InvalidKeyError{APIError: e}
	case problem.RateLimited:
		return &RateLimitError{APIError: e, RetryAfter: e.RetryAfter}
	case problem.Permission:
		ambiguous := e.StatusCode == http.StatusNotFound
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

// reading is what an error response says. It is kept with the response, with the credentials
// that were redacted from it: their fingerprints, because callers can reach it by printing
// the response.
type reading struct {
	err      *APIError // nil for a good response that is none
	kind     problem.Kind
	hint     ratehint.Hint
	redacted []string
	epoch    uint64 // of the family's keys
}

// reading reads an error response, or a good one that may be an error, and leaves its body
// readable. The result must not be changed, because other calls may share it. A response is
// read once, unless there is a credential that the first pass did not redact.
func (k *call) reading(resp *http.Response) *reading {
	creds := k.creds()
	names := make([]string, len(creds))
	for i, c := range creds {
		names[i] = c.Fingerprint()
	}
	epoch := k.client.memory.sync()
	if known, _ := httpbody.Attached(resp).(*reading); known.covers(names, epoch) {
		return known
	}
	redactor, patience := k.client.memory.redactor(creds), errorBodyTime
	if resp.StatusCode < http.StatusMultipleChoices {
		patience = k.bodyTime().Stall
	}
	raw := httpbody.PeekWithin(resp, maxErrorBody+redactor.Reach(), patience)
	rd := k.client.provider.readAnswer(resp.StatusCode, resp.Header, raw, redactor)
	if e := rd.err; e != nil {
		e.Method, e.Path, e.Attempts, e.KeyFingerprint = k.method, redactor.Text(k.path()), k.attempts, k.fingerprint()
	}
	rd.redacted, rd.epoch = names, epoch
	httpbody.Attach(resp, rd)
	return rd
}

// errorBodyTime is how long an error's body may stall: without it, it is still an error.
const errorBodyTime = 5 * time.Second

// covers reports whether all these credentials were redacted, and all keys of the family.
func (rd *reading) covers(names []string, epoch uint64) bool {
	return rd != nil && rd.epoch == epoch && !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(rd.redacted, name) })
}

// readAnswer reads an error response, or a good one that may be an error. text is the
// beginning of its body.
func (p *Provider) readAnswer(status int, h http.Header, text string, redactor redact.Redactor) *reading {
	note := ""
	plain, ok := httpbody.Uncompressed(h, text, maxErrorBody+redactor.Reach())
	if !ok {
		note = "the body is not shown: its content coding is not known"
	}
	if contentType := h.Get("Content-Type"); !strings.HasPrefix(plain, byteOrderMark) {
		if converted, err := httpbody.UTF8(contentType, []byte(plain)); err == nil {
			plain = string(converted)
		}
	}
	body, header := []byte(redactor.Prefix(plain, maxErrorBody)), redactor.Header(h)
	if ok {
		header.Del("Content-Encoding")
	}
	found, kind, hint, ok := p.read(status, header, bytes.TrimPrefix(body, []byte(byteOrderMark)), time.Now())
	if !ok {
		return &reading{}
	}
	return &reading{kind: kind, hint: hint, err: &APIError{
		Provider: p.Name, StatusCode: status,
		Code: oneline.Text(redactor.Text(found.Code), 64), Message: oneline.Text(redactor.Text(found.Message), 300),
		RequestID: p.requestID(h, found, redactor), RetryAfter: hint.Wait, Note: note, Header: header, body: body,
	}}
}

// requestID returns the request id of a response, fit for display. Secrets are redacted
// before the text is cut, because a cut key is still most of a key.
func (p *Provider) requestID(h http.Header, found problem.Problem, redactor redact.Redactor) string {
	id := ""
	if p.RequestIDHeader != "" {
		id = h.Get(p.RequestIDHeader)
	}
	if id == "" && p.ReadError != nil {
		id = found.RequestID
	}
	if id == "" {
		id = problem.RequestID(h, found)
	}
	return oneline.Text(redactor.Prefix(id, 512), 128)
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
