// Package problem reads the body of an error response, whatever its shape, and says which kind
// of refusal the response is.
//
// [Parse] knows the shapes that vendors, frameworks and gateways send and reduces them to a
// code, a message and a request id, as sent: whoever shows them redacts and shortens them.
// [Classify] combines the codes with the status, the challenge and, where a status stands for
// two things, the words. [ParseDetails] has the rest: the members of RFC 9457 and the list
// of several errors.
//
// The package knows no vendor, but the codes that are common to many. The zero [Problem] says
// nothing. The functions keep no state and are safe for concurrent use.
package problem

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// Problem is what an error body says. Each field is empty if the body does not say it.
type Problem struct {
	Code      string   // the provider's code, as sent
	Message   string   // the provider's words
	RequestID string   // a request id in the body
	Reasons   []string // further codes, which may say more than Code
	// Text is the body itself, or what is left of it without its tags, if it has no message:
	// it may then be a letter, a record or a stack trace.
	Text string
}

// Parse reads an error body in UTF-8, which may be cut off. A body that is no JSON is XML
// with the elements of an error, or HTML, which is reduced to its title, or text.
func Parse(body []byte) Problem {
	body = trim(body)
	switch {
	case len(body) == 0:
		return Problem{}
	case body[0] == '{':
		if o := asObject(body); o != nil {
			return o.problem()
		}
		return Problem{} // broken JSON explains nothing
	case body[0] == '[':
		if envelope := firstEnvelope(body); envelope != nil {
			return envelope.problem()
		}
		return ofItems(items(body))
	case body[0] == '"':
		if text, ok := asText(body); ok {
			return Problem{Text: text}
		}
	case body[0] == '<':
		if p, ok := ofXML(body); ok {
			return p
		}
	}
	return ofText(body)
}

func trim(body []byte) []byte {
	return bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff"))
}

// problem reads a JSON object. What an inner object says is closer to the fault than what
// the envelope around it says.
func (o object) problem() Problem {
	p := o.surface()
	for _, name := range [...]string{"error", "fault", "odata.error", "Error", "err", "detail", "errors", "status", "meta"} {
		if inner, ok := o.inner(name); ok {
			p = inner.within(p)
			break
		}
	}
	for _, name := range [...]string{"error", "errors"} {
		switch text, ok := asText(o[name]); {
		case !ok:
		case isCode(text) && p.Code == "" && !o.namesStatus(text):
			p.Code = text
		case p.Message == "":
			p.Message = text
		}
	}
	p = p.with(ofItems(o.items()))
	if p.Message == "" {
		p.Message = o.text("title", "status")
	}
	return p
}

// inner reads the object in a member, if it is one that explains an error.
func (o object) inner(name string) (p Problem, ok bool) {
	inner := asObject(o[name])
	if inner == nil {
		return Problem{}, false
	}
	p = inner.surface()
	switch name {
	case "detail":
		if text, ok := asText(inner["error"]); ok && p.Code == "" && isCode(text) {
			p.Code = text
		}
		return p, p.Message != "" || p.Code != ""
	case "errors": // a text for each field, or one error
		return p, p.Message != ""
	case "status", "meta": // of every response, or of an error
		return p, inner.tellsError()
	}
	return p, true
}

// within adds what the envelope of an inner object says.
func (p Problem) within(envelope Problem) Problem {
	if p.Code == "" || isStatus(p.Code) && envelope.Code != "" {
		p.Code = envelope.Code
	}
	if p.Message == "" {
		p.Message = envelope.Message
	}
	if p.RequestID == "" {
		p.RequestID = envelope.RequestID
	}
	p.Reasons = append(p.Reasons, envelope.Reasons...)
	return p
}

// surface reads the members of one object, and not the objects in it.
func (o object) surface() Problem {
	p := Problem{
		Code:      o.code(),
		Message:   o.message(),
		RequestID: o.id("requestId", "request_id", "requestID", "request-id", "correlationId", "correlation_id", "debug_id", "errorId", "traceId", "trace_id"),
	}
	for _, name := range [...]string{"type", "status", "reason", "category", "errorType", "error_type", "policyName"} {
		if text, ok := asText(o[name]); ok && text != "" && text != p.Code {
			p.Reasons = append(p.Reasons, lastSegment(text))
		}
	}
	if p.RequestID == "" {
		if inner := asObject(o["innerError"]); inner != nil {
			p.RequestID = inner.id("request-id", "requestId")
		}
	}
	if detail := asObject(o["detail"]); detail != nil && p.Code == "" {
		p.Code = detail.code() // of a fault of Apigee
	}
	return p
}

// with adds what the several errors of a body say.
func (p Problem) with(list Problem) Problem {
	if p.Code == "" || isStatus(p.Code) && list.Code != "" {
		p.Code = list.Code
	}
	if p.Message == "" {
		p.Message = list.Message
	}
	p.Reasons = append(p.Reasons, list.Reasons...)
	return p
}

// namesStatus reports whether a text is no more than the name of the status that the body
// gives, as frameworks have it: {"status":403,"error":"Forbidden"}.
func (o object) namesStatus(text string) bool {
	for _, name := range [...]string{"status", "statusCode", "status_code"} {
		var status int
		if json.Unmarshal(o[name], &status) == nil && strings.EqualFold(http.StatusText(status), text) {
			return true
		}
	}
	return false
}

// ofItems reduces several errors to one: the first code, and all messages.
func ofItems(list []Item) Problem {
	var p Problem
	var messages []string
	for _, it := range list {
		if it.Code != "" {
			if p.Code == "" {
				p.Code = it.Code
			}
			p.Reasons = append(p.Reasons, lastSegment(it.Code))
		}
		if it.bare {
			it.Message = it.Path + ": " + it.Message
		}
		if it.Message != "" {
			messages = append(messages, it.Message)
		}
	}
	if len(list) == maxItems && len(messages) == maxItems {
		messages[maxItems-1] = "…"
	}
	p.Message = strings.Join(messages, "; ")
	return p
}

// HeaderCode returns the code that a header gives, as AWS does for bodies of JSON
// ("ThrottlingException:http://…") and Azure Storage beside one; "" if there is none.
func HeaderCode(h http.Header) string {
	for _, name := range [...]string{"X-Amzn-Errortype", "X-Ms-Error-Code"} {
		code, _, _ := strings.Cut(h.Get(name), ":")
		if code = lastSegment(strings.TrimSpace(code)); isCode(code) {
			return code
		}
	}
	return ""
}

// RequestID returns the id that the response names, in a header that providers and gateways
// send it in, or else in the body; "" if there is none.
func RequestID(h http.Header, p Problem) string {
	for _, name := range [...]string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-Requestid", "X-Amz-Request-Id", "X-Ms-Request-Id", "X-Github-Request-Id", "Traceparent", "Cf-Ray"} {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	return p.RequestID
}
