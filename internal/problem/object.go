package problem

import (
	"bytes"
	"encoding/json"
	"strings"
)

// This file reads the members of a JSON object.

type object map[string]json.RawMessage

// asObject returns nil for a value that is no object.
func asObject(raw json.RawMessage) object {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	var o object
	if json.Unmarshal(raw, &o) != nil {
		return nil
	}
	return o
}

func asText(raw json.RawMessage) (text string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return text, json.Unmarshal(raw, &text) == nil
}

func isNumber(raw json.RawMessage) bool {
	return len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9')
}

// text returns the first member that is a text and not empty.
func (o object) text(names ...string) string {
	for _, name := range names {
		if text, ok := asText(o[name]); ok && text != "" {
			return text
		}
	}
	return ""
}

// id is text for members that may be numbers too.
func (o object) id(names ...string) string {
	for _, name := range names {
		if text, ok := asText(o[name]); ok && text != "" {
			return text
		}
		if isNumber(o[name]) {
			return string(o[name])
		}
	}
	return ""
}

// code returns the object's code: one in words before a number, since a number is often the
// HTTP status again.
func (o object) code() string {
	if code := o.text("code", "Code", "errorCode", "error_code", "errorcode", "ErrorCode", "category", "errorType", "error_type"); code != "" {
		return code
	}
	if text, ok := asText(o["__type"]); ok { // AWS
		return lastSegment(text)
	}
	number := ""
	for _, name := range [...]string{"code", "Code", "errorCode", "error_code", "ErrorCode"} {
		if number == "" && isNumber(o[name]) {
			number = string(o[name])
		}
	}
	if number != "" && !isStatus(number) {
		return number
	}
	for _, name := range [...]string{"status", "name"} {
		if text, ok := asText(o[name]); ok && isCode(text) && text == strings.ToUpper(text) && !isVerdict(text) {
			return text
		}
	}
	for _, name := range [...]string{"type", "reason"} {
		if text, ok := asText(o[name]); ok && isCode(text) && text != "error" && !strings.ContainsAny(text, "/:") {
			return text
		}
	}
	if inner := asObject(o["extensions"]); inner != nil { // GraphQL
		if code := inner.text("code", "errorCode", "classification"); code != "" {
			return code
		}
	}
	return number
}

// message returns the object's words.
func (o object) message() string {
	for _, name := range [...]string{
		"message", "Message", "detail", "error_description", "errorMessage", "error_message", "ErrorMessage", "errorMessages", "errorSummary",
		"error_summary", "errorDetail", "faultstring", "description", "msg", "RM",
	} {
		value := o[name]
		if name == "detail" && asObject(value) != nil { // an inner error, or its code
			continue
		}
		if text := words(value); text != "" {
			return text
		}
	}
	if text, ok := asText(o["reason"]); ok && !isCode(text) {
		return text
	}
	return ""
}

// tellsError reports whether an object that every response may have is about an error.
func (o object) tellsError() bool {
	return o.text("error_message", "errorMessage", "errorDetail", "error_type", "errorType", "error_code", "errorCode") != ""
}

// firstEnvelope returns the first element of a list, if it is an object with an inner error:
// [{"error":{…}}], as some APIs stream them.
func firstEnvelope(list []byte) object {
	var values []json.RawMessage
	if json.Unmarshal(list, &values) != nil || len(values) == 0 {
		return nil
	}
	if o := asObject(values[0]); asObject(o["error"]) != nil {
		return o
	}
	return nil
}

// words returns a value that is a text, or has texts in it.
func words(raw json.RawMessage) string {
	if text, ok := asText(raw); ok {
		return text
	}
	if o := asObject(raw); o != nil { // OData 2; others list fields
		if text := o.text("value", "message", "Message"); text != "" {
			return text
		}
	}
	return ofItems(items(raw)).Message
}

// isCode reports whether a text is a code (RATE_LIMIT_EXCEEDED, invalid_token) and not a
// sentence.
func isCode(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsAny(s, " \t\r\n<>")
}

// isVerdict reports whether a word says only that there is an error.
func isVerdict(word string) bool {
	switch word {
	case "ERROR", "FAIL", "FAILED", "FAILURE", "NOK", "KO":
		return true
	}
	return false
}

// isStatus reports whether a code is an HTTP status.
func isStatus(code string) bool {
	return len(code) == 3 && code[0] >= '1' && code[0] <= '5' && strings.Trim(code, "0123456789") == ""
}

// lastSegment returns what stands behind the last slash, hash, or colon of a URI or a
// qualified name.
func lastSegment(name string) string {
	return name[strings.LastIndexAny(strings.TrimRight(name, "/"), "/#:")+1:]
}

// InBand reads a successful response as one of a provider whose errors have a good status:
// {"ok":false,"error":"…"}, {"success":false}, {"errors":[…]} or {"error":…}. ok is false if
// it is no error.
func InBand(body []byte) (p Problem, ok bool) {
	o := asObject(trim(body))
	if o == nil {
		return Problem{}, false
	}
	isFalse := func(name string) bool { return bytes.Equal(o[name], []byte("false")) }
	fills := func(name string) bool {
		switch string(o[name]) {
		case "", "null", "false", `""`, "[]", "{}", "0":
			return false
		}
		return true
	}
	if !isFalse("ok") && !isFalse("success") && !fills("errors") && !fills("error") {
		return Problem{}, false
	}
	return o.problem(), true
}
