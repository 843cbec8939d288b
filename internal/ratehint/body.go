package ratehint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// This file finds the hint in a JSON body.

// maxDepth is how deep a path may lead.
const maxDepth = 32

// bodyReader looks for fields token by token, so it finds one before the place where the
// body breaks or was cut off.
type bodyReader struct {
	*parser

	dec  *json.Decoder
	path string // of the caller's field; "" for the common ones
	unit time.Duration
}

// readBody looks for the named field of a JSON object, or for the common ones.
func (p *parser) readBody(body []byte, names Names) {
	body = bytes.TrimPrefix(body[:min(len(body), maxBody)], []byte("\xef\xbb\xbf"))
	r := bodyReader{parser: p, dec: json.NewDecoder(bytes.NewReader(body)), path: names.Field, unit: names.unit()}
	r.dec.UseNumber()
	if t, err := r.dec.Token(); err == nil && (t == json.Delim('{') || t == json.Delim('[')) {
		r.read(t, nil, 0)
	}
}

// read reads the value that begins with t and stands at a path; the elements of a list stand
// where the list does. It returns false where the body breaks.
func (r *bodyReader) read(t json.Token, at []string, depth int) bool {
	isObject := t == json.Delim('{')
	if !isObject && t != json.Delim('[') || depth == maxDepth {
		return r.skip(t)
	}
	for r.dec.More() {
		below := at
		if isObject {
			name, err := r.dec.Token()
			if err != nil {
				return false
			}
			below = append(slices.Clip(at), fmt.Sprint(name))
		}
		value, err := r.dec.Token()
		if err != nil {
			return false
		}
		if isObject {
			if unit := r.wanted(below); unit > 0 {
				r.readField(below[len(below)-1], value, unit)
			}
		}
		var ok bool
		if r.leads(below) {
			ok = r.read(value, below, depth+1)
		} else {
			ok = r.skip(value)
		}
		if !ok {
			return false
		}
	}
	_, err := r.dec.Token()
	return err == nil
}

// wanted returns the unit of the field at a path; 0 if it is no field of this kind. A name
// without a path may stand in the members error and result as well.
func (r *bodyReader) wanted(at []string) time.Duration {
	last, above := at[len(at)-1], at[:len(at)-1]
	inEnvelope := len(above) == 0 || len(above) == 1 && isEnvelope(above[0])
	switch {
	case r.path != "" && strings.Join(at, ".") == r.path, last == r.path && inEnvelope:
		return r.unit
	case r.path != "":
		return 0
	case slices.Equal(at, []string{"parameters", "retry_after"}): // Telegram
		inEnvelope = true
	case slices.Equal(at, []string{"error", "details", "retryDelay"}): // google.rpc.RetryInfo
		return time.Second
	}
	if !inEnvelope {
		return 0
	}
	switch last {
	case "retryAfter", "retry_after", "retryAfterSeconds", "retry_after_seconds":
		return time.Second
	case "retryAfterMs", "retry_after_ms":
		return time.Millisecond
	}
	return 0
}

// leads reports whether a field may stand below a path.
func (r *bodyReader) leads(at []string) bool {
	switch {
	case len(at) == 0:
		return true
	case r.path != "" && strings.HasPrefix(r.path, strings.Join(at, ".")+"."):
		return true
	case len(at) != 1:
		return len(at) == 2 && at[0] == "error" && at[1] == "details" && r.path == ""
	}
	return isEnvelope(at[0]) && !strings.Contains(r.path, ".") || at[0] == "parameters" && r.path == ""
}

// isEnvelope reports whether what a body says of an error may stand in a member of this name.
func isEnvelope(name string) bool { return name == "error" || name == "result" || name == "detail" }

// readField reads the value of the field.
func (r *bodyReader) readField(name string, value json.Token, unit time.Duration) {
	source := "body " + name
	switch v := value.(type) {
	case json.Number:
		r.readWait(source, v.String(), unit)
	case string:
		r.readWait(source, v, unit)
	case nil:
	default:
		r.drop(source, "", errNumber)
	}
}

// skip reads on to the end of the value that begins with t.
func (r *bodyReader) skip(t json.Token) bool {
	depth := 0
	for {
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return true
		}
		var err error
		if t, err = r.dec.Token(); err != nil {
			return false
		}
	}
}
