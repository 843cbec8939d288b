package keyfit

import (
	"net/http"
	"slices"
)

// reading is what was read from an error answer, and which credentials were taken out of
// it. It names them by fingerprints, for it is reached from the answer, which callers print.
type reading struct {
	err      *APIError
	kind     refusal
	scrubbed []string
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
	e, kind := k.readError(resp, newScrubber(creds))
	if b, _ = resp.Body.(*peekedBody); b != nil {
		b.found = &reading{err: e, kind: kind, scrubbed: names}
	}
	return e, kind
}

// covers says whether all these credentials have been taken out.
func (r *reading) covers(names []string) bool {
	return r != nil && !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(r.scrubbed, name) })
}

func (k *call) readError(resp *http.Response, scrub scrubber) (*APIError, refusal) {
	raw := peek(resp, maxErrorBody+scrub.reach())
	body := []byte(scrub.cut(raw, maxErrorBody))
	said := parseProblem(body)
	e := &APIError{
		Provider: k.client.provider.Name, Method: k.method, Path: scrub.text(k.path), StatusCode: resp.StatusCode,
		Code: oneLine(said.code, 64), Message: oneLine(said.message, 300),
		RequestID: requestID(resp.Header, said, scrub), Attempts: k.attempts,
		KeyFingerprint: k.fingerprint(), Header: scrub.header(resp.Header), body: body,
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
