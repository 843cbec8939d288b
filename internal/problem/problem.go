// Package problem reads the body of an error response, whatever its shape, and says which kind
// of refusal the response is.
//
// [Parse] knows the shapes that vendors, frameworks and gateways send and reduces them to a
// code, a message and a request id, as sent: whoever shows them redacts and shortens them.
// [Classify] combines the code with the status, the challenge and, where a status stands for
// two things, the words.
//
// The package knows no vendor. Which codes mean what, and whether a 404 may hide a missing
// permission, are [Rules] of the caller.
//
// The zero [Problem] says nothing, and the zero [Rules] know no code. The functions keep no
// state and are safe for concurrent use.
package problem

import (
	"bytes"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"
)

// Problem is what an error body says. Each field is "" if the body does not say it.
type Problem struct {
	Code      string // the provider's code, as sent
	Message   string // the provider's words
	RequestID string // a request id in the body
}

// Parse reads an error body, which may be cut off. It knows these shapes, and takes the
// first member that is there:
//
//	{"error": "CODE", "message": "…"}                       IMKIT, key and token pages
//	{"RC": 401, "RM": "…", "error": {"code", "message"}}    IMKIT, resource pages; OData
//	{"Message": "…"}                                        MindKey
//	{"status": 429, "error": "Too Many Requests", "message": "…"}   Optimove
//	{"type", "title", "status", "detail", "instance"}       RFC 9457
//	{"error": "invalid_token", "error_description": "…"}    RFC 6749, section 5.2
//
// Anything else is text: HTML is reduced to its title, the rest taken as it is.
func Parse(body []byte) Problem {
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff"))
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err == nil {
		return ofObject(object)
	}
	var text string
	if err := json.Unmarshal(body, &text); err == nil {
		return Problem{Message: text}
	}
	return Problem{Message: plainText(body)}
}

// IsText reports whether the message of a body is the body itself, or what is left of it
// without its tags: it may then be a letter, a record or a stack trace, and not a message. A
// member of a JSON object and the title of an HTML page are messages.
func IsText(body []byte) bool {
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff"))
	var object map[string]json.RawMessage
	return json.Unmarshal(body, &object) != nil && !htmlTitle.Match(body)
}

func ofObject(object map[string]json.RawMessage) Problem {
	get := func(names ...string) string { return firstString(object, names...) }
	p := Problem{
		Code:      get("code", "errorCode", "error_code"),
		Message:   get("message", "Message", "detail", "error_description", "errorMessage", "RM"),
		RequestID: get("requestId", "request_id", "requestID", "traceId"),
	}
	var inner map[string]json.RawMessage
	if json.Unmarshal(object["error"], &inner) == nil && inner != nil {
		if code := firstString(inner, "code", "status", "type"); code != "" {
			p.Code = code
		}
		if message := firstString(inner, "message", "Message", "detail"); message != "" {
			p.Message = message
		}
	} else if text := get("error"); isCode(text) && p.Code == "" {
		p.Code = text
	} else if p.Message == "" {
		p.Message = text
	}
	if p.Message == "" {
		p.Message = get("title", "status")
	}
	return p
}

// firstString returns the first member that is a non-empty string, or a number as text.
func firstString(object map[string]json.RawMessage, names ...string) string {
	for _, name := range names {
		var v any
		if json.Unmarshal(object[name], &v) != nil {
			continue
		}
		switch v := v.(type) {
		case string:
			if v != "" {
				return v
			}
		case float64:
			if name != "status" {
				return string(object[name])
			}
		}
	}
	return ""
}

// isCode reports whether a text is a code (RATE_LIMIT_EXCEEDED, invalid_token) and not a
// sentence.
func isCode(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsAny(s, " \t\r\n<>")
}

var (
	htmlTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	htmlTag   = regexp.MustCompile(`(?s)<[^>]*>`)
)

// How much of a text and of HTML is looked at; a message is far shorter, and the title
// stands near the beginning.
const maxPlainText, maxHTML = 4 << 10, 64 << 10

// plainText returns the message of a body that is not JSON.
func plainText(body []byte) string {
	body = body[:min(len(body), maxHTML)]
	if m := htmlTitle.FindSubmatch(body); m != nil {
		return html.UnescapeString(string(bytes.TrimSpace(m[1])))
	}
	if bytes.HasPrefix(body, []byte("<")) {
		return html.UnescapeString(strings.TrimSpace(htmlTag.ReplaceAllString(string(body), " ")))
	}
	if bytes.HasPrefix(body, []byte("{")) || bytes.HasPrefix(body, []byte("[")) {
		return "" // broken JSON explains nothing
	}
	return string(body[:min(len(body), maxPlainText)])
}

// RequestID returns the id that the response names, in a header that providers and gateways
// send it in, or else in the body; "" if there is none.
func RequestID(h http.Header, p Problem) string {
	for _, name := range [...]string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-Requestid", "Traceparent", "Cf-Ray"} {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	return p.RequestID
}
