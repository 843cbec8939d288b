package ratehint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// This file finds the hint in a JSON body.

// readBody looks for the field at the top of a JSON object and in its members error and
// result. It reads token by token, so it finds a field before the place where the body
// breaks or was cut off.
func (p *parser) readBody(body []byte, field string) {
	body = bytes.TrimPrefix(body[:min(len(body), maxBody)], []byte("\xef\xbb\xbf"))
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if t, err := dec.Token(); err == nil && t == json.Delim('{') {
		p.readObject(dec, field, true)
	}
}

// readObject reads the members of the object that dec has just entered; it returns false
// where the body breaks.
func (p *parser) readObject(dec *json.Decoder, field string, top bool) bool {
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return false
		}
		value, err := dec.Token()
		if err != nil {
			return false
		}
		switch {
		case isField(name, field):
			p.readField(fmt.Sprint(name), value)
		case top && (name == "error" || name == "result") && value == json.Delim('{'):
			if !p.readObject(dec, field, false) {
				return false
			}
			continue
		}
		if !skip(dec, value) {
			return false
		}
	}
	_, err := dec.Token()
	return err == nil
}

func isField(name json.Token, field string) bool {
	if field == "" {
		return name == "retryAfter" || name == "retry_after"
	}
	return name == field
}

// readField reads the value of the field.
func (p *parser) readField(name string, value json.Token) {
	source := "body " + name
	switch v := value.(type) {
	case json.Number:
		p.readWait(source, v.String(), time.Second)
	case string:
		p.readWait(source, v, time.Second)
	case nil:
	default:
		p.drop(source, "", errNumber)
	}
}

// skip reads on to the end of the value that begins with t.
func skip(dec *json.Decoder, t json.Token) bool {
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
		if t, err = dec.Token(); err != nil {
			return false
		}
	}
}
