package keyfit

import (
	"net/http"
	"slices"

	"github.com/keyfit/keyfit/internal/oneline"
	"github.com/keyfit/keyfit/internal/redact"
)

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
		Provider: k.client.provider.Name, Method: k.method, Path: redactor.Text(k.path), StatusCode: resp.StatusCode,
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
