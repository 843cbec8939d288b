package mockserver

import (
	"net/http"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

// describeReply redacts what the journal shows of the answer. A foreign key, one that no
// mock made, may be repeated in the body in ways that nobody knows, so it is left out.
func (x *exchange) describeReply(status int, h http.Header, first []byte) {
	if !x.ns.journal.keeps() {
		return
	}
	q := &x.req
	x.answer.header = x.replyHeader(h)
	if x.answer.late || x.judgement.foreign || q.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified {
		return
	}
	x.answer.reply = q.red.Reply(first, maxJournalBody, x.judgement.Outcome != OK)
}

// replyHeader returns the header of the answer as the journal shows it.
func (x *exchange) replyHeader(h http.Header) []headerField {
	q := &x.req
	own := x.judgement.fault == ""
	if own && q.answered.repeats(h, nil) {
		x.answer.headerSize = q.answered.size
		return q.answered.fields
	}
	for name, values := range h {
		own = own && name != "Location"
		for _, v := range values {
			q.replyFields = append(q.replyFields, headerField{name, x.replyValue(name, v)})
		}
	}
	out := shared(q.replyFields)
	x.answer.headerSize = sizeOf(out)
	if own { // it does not depend on the request
		q.answered.keep(h, out, plainReplyHeader, nil, 0)
	}
	return out
}

// replyValue returns a header of the answer as the journal shows it. The mock's own have
// nothing to hide; one that a fault sets may be anything.
func (x *exchange) replyValue(name, value string) string {
	switch {
	case !plainReplyHeader(name):
		return redacted
	case x.judgement.fault == "" && name != "Location":
		return value
	}
	return x.req.red.Value(value, maxJournalValue)
}

// plainReplyHeader reports whether a header of an answer may be written down with its
// value. It is an allow-list, as redact.PlainHeader is for requests.
func plainReplyHeader(name string) bool {
	switch name {
	case "Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Date", "Location", "Allow", "Cache-Control", "Pragma",
		"Etag", "Last-Modified", "Vary", "Retry-After", "Ratelimit", "RateLimit", "Ratelimit-Policy", "RateLimit-Policy", "Www-Authenticate",
		"X-Mock-Diagnosis", "X-Request-Id", "Odata-Version", "OData-Version":
		return true
	}
	return strings.HasPrefix(name, "X-Ratelimit-") || strings.HasPrefix(name, "X-RateLimit-") || strings.HasPrefix(name, "Access-Control-")
}

// replyLate completes the entry of an answer that a fault distorts, once its last byte
// is sent. Redacting the part that was sent alone could leave half of a credential.
func (x *exchange) replyLate(sent int) {
	if !x.answer.late || x.answer.phase != decided || x.judgement.foreign {
		return
	}
	x.answer.late = false
	whole, reply := x.answer.whole, ""
	if sent = min(sent, len(whole)); sent > 0 {
		reply = x.req.red.Reply(whole, maxJournalBody, true)
		if strings.Contains(reply, redact.Mark) {
			reply = reply[:min(sent, len(reply))]
		} else {
			reply = x.req.red.Reply(whole[:sent], maxJournalBody, true)
		}
	}
	x.ns.journal.answered(x.answer.entry, reply, x.ns.clock.Now().Sub(x.req.at))
}
