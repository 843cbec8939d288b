package keyfit

import (
	"bytes"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"

	"github.com/keyfit/keyfit/internal/oneline"
	"github.com/keyfit/keyfit/internal/redact"
)

// maxErrorBody is how much of an error's body is read and kept.
const maxErrorBody = 64 << 10

// problem is what an error body says, whatever its shape.
type problem struct {
	code    string // the provider's code, as sent
	message string // the provider's words
	id      string // a request id in the body
}

// parseProblem reads the error bodies that providers, frameworks and gateways send. It
// knows these shapes, and takes the first member that is there:
//
//	{"error": "CODE", "message": "…"}                       IMKIT, key and token pages
//	{"RC": 401, "RM": "…", "error": {"code", "message"}}    IMKIT, resource pages; OData
//	{"Message": "…"}                                        MindKey
//	{"status": 429, "error": "Too Many Requests", "message": "…"}   Optimove
//	{"type", "title", "status", "detail", "instance"}       RFC 9457
//	{"error": "invalid_token", "error_description": "…"}    RFC 6749, section 5.2
//
// Anything else is text: HTML is reduced to its title, the rest taken as it is.
func parseProblem(body []byte) problem {
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte(byteOrderMark))
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err == nil {
		return problemOf(object)
	}
	var text string
	if err := json.Unmarshal(body, &text); err == nil {
		return problem{message: text}
	}
	return problem{message: plainText(body)}
}

func problemOf(object map[string]json.RawMessage) problem {
	get := func(names ...string) string { return firstString(object, names...) }
	p := problem{
		code:    get("code", "errorCode", "error_code"),
		message: get("message", "Message", "detail", "error_description", "errorMessage", "RM"),
		id:      get("requestId", "request_id", "requestID", "traceId"),
	}
	var inner map[string]json.RawMessage
	if json.Unmarshal(object["error"], &inner) == nil && inner != nil {
		if code := firstString(inner, "code", "status", "type"); code != "" {
			p.code = code
		}
		if message := firstString(inner, "message", "Message", "detail"); message != "" {
			p.message = message
		}
	} else if text := get("error"); isCode(text) && p.code == "" {
		p.code = text
	} else if p.message == "" {
		p.message = text
	}
	if p.message == "" {
		p.message = get("title", "status")
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

// isCode tells a code (RATE_LIMIT_EXCEEDED, invalid_token) from a sentence.
func isCode(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsAny(s, " \t\r\n<>")
}

var (
	htmlTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	htmlTag   = regexp.MustCompile(`(?s)<[^>]*>`)
)

// maxPlainText is how much of a text is looked at; a message is far shorter.
const maxPlainText = 4 << 10

func plainText(body []byte) string {
	if m := htmlTitle.FindSubmatch(body); m != nil {
		return html.UnescapeString(string(bytes.TrimSpace(m[1])))
	}
	if bytes.HasPrefix(body, []byte("<")) {
		return html.UnescapeString(strings.TrimSpace(htmlTag.ReplaceAllString(string(body), " ")))
	}
	if bytes.HasPrefix(body, []byte("{")) || bytes.HasPrefix(body, []byte("[")) {
		return "" // broken JSON explains nothing; Body has it
	}
	return string(body[:min(len(body), maxPlainText)])
}

// refusal is which of the four typed errors an answer is.
type refusal int

const (
	refusedOther refusal = iota
	refusedMissing
	refusedInvalid
	refusedLimit
	refusedPermission
)

// codes maps the codes that the vendors document to the four refusals.
func refusalOfCode(code string) refusal {
	switch strings.ToUpper(code) {
	case CodeMissingKey, "MISSING_CLIENT_KEY", "MISSING_TOKEN":
		return refusedMissing
	case CodeInvalidKey, "INVALID_CLIENT_KEY", "CLIENT_KEY_MISMATCH", "INVALID_AUTH", "INVALID_TOKEN":
		return refusedInvalid
	case CodeRateLimited, "TOO_MANY_REQUESTS":
		return refusedLimit
	case CodePermission, "INSUFFICIENT_PERMISSION", "PERMISSION_DENIED", "INSUFFICIENT_SCOPE":
		return refusedPermission
	}
	return refusedOther
}

var (
	saysMissing = regexp.MustCompile(`(?i)\b(missing|required|no (api )?key|not (provided|supplied|present))\b`)
	saysInvalid = regexp.MustCompile(`(?i)\b(invalid|unknown|wrong|expired|revoked|disabled|deleted)\b.*\b(key|token)\b|\b(key|token)\b.*\b(invalid|unknown|wrong|expired|revoked|disabled|deleted)\b`)
)

// classify says which refusal a status is. The provider's code decides, then the status,
// then, where a status is used for two things (401 for "none" and "bad", 403 for "bad" and
// "may not"), the words.
func classify(p *Provider, status int, header http.Header, body problem) refusal {
	if status < 400 {
		return refusedOther
	}
	if r := refusalOfCode(body.code); r != refusedOther && status < 500 {
		return r
	}
	challenge := header.Get("WWW-Authenticate") // RFC 6750, section 3.1
	switch {
	case strings.Contains(challenge, "insufficient_scope"):
		return refusedPermission
	case status == http.StatusTooManyRequests:
		return refusedLimit
	case status == http.StatusUnauthorized && strings.Contains(challenge, "invalid_token"):
		return refusedInvalid
	case status == http.StatusUnauthorized && saysMissing.MatchString(body.message) && !saysInvalid.MatchString(body.message):
		return refusedMissing
	case status == http.StatusUnauthorized:
		return refusedInvalid
	case status == http.StatusForbidden && saysInvalid.MatchString(body.message):
		return refusedInvalid
	case status == http.StatusForbidden:
		return refusedPermission
	case status == http.StatusNotFound && p.NotFoundHidesPermission:
		return refusedPermission
	}
	return refusedOther
}

// requestID looks under the names that providers and gateways send their id with. Secrets
// are taken out before the cut: a cut key is still most of a key.
func requestID(h http.Header, body problem, redactor redact.Redactor) string {
	for _, name := range [...]string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-Requestid", "Traceparent", "Cf-Ray"} {
		if id := h.Get(name); id != "" {
			return oneline.Text(redactor.Text(id), 128)
		}
	}
	return oneline.Text(redactor.Text(body.id), 128)
}
