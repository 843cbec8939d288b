package problem

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// This file reads what a body says beyond one code and one message.

// Item is one of several errors in a body.
type Item struct {
	Code    string
	Message string
	Path    string // what it is about: a field, a JSON pointer, a parameter; "" if not said

	bare bool // the message says nothing without the path: "is too short"
}

// maxItems is how many errors of a list are read.
const maxItems = 16

// Details is what a body says beyond its code and message. Each field is empty if the body
// does not say it.
type Details struct {
	Type, Title, Detail, Instance string // RFC 9457, section 3.1
	Status                        int
	Errors                        []Item
	Members                       map[string]json.RawMessage // the other members of the object
}

// ParseDetails reads a body in UTF-8. ok is false if it is neither a JSON object nor a list.
func ParseDetails(body []byte) (d Details, ok bool) {
	body = trim(body)
	o := asObject(body)
	if o == nil {
		list := items(body)
		if envelope := firstEnvelope(body); envelope != nil {
			list = envelope.items()
		}
		return Details{Errors: list}, list != nil
	}
	d = Details{Type: o.text("type"), Title: o.text("title"), Detail: o.text("detail"), Instance: o.text("instance"), Errors: o.items(), Members: o}
	if json.Unmarshal(o["status"], &d.Status) == nil {
		delete(o, "status")
	}
	for _, name := range [...]string{"type", "title", "detail", "instance"} {
		if o.text(name) != "" {
			delete(o, name)
		}
	}
	return d, true
}

// items returns the errors that an object lists, in itself and in its member error.
func (o object) items() []Item {
	var all []Item
	for _, at := range []object{o, asObject(o["error"])} {
		for _, name := range [...]string{"errors", "error", "detail", "details", "errorCauses", "violations", "invalid-params"} {
			if (name == "detail" || name == "error") && asObject(at[name]) != nil { // an inner error
				continue
			}
			all = append(all, items(at[name])...)
		}
	}
	return all[:min(len(all), maxItems)]
}

// items reads a list of errors, each a text or an object, or an object that has texts for
// each field.
func items(raw json.RawMessage) []Item {
	switch {
	case len(raw) == 0:
	case raw[0] == '[':
		var values []json.RawMessage
		if json.Unmarshal(raw, &values) != nil {
			return nil
		}
		list := make([]Item, 0, min(len(values), maxItems))
		for _, value := range values[:min(len(values), maxItems)] {
			if it := item(value); it != (Item{}) {
				list = append(list, it)
			}
		}
		return list
	case raw[0] == '{':
		return ofFields(asObject(raw))
	}
	return nil
}

func item(raw json.RawMessage) Item {
	if text, ok := asText(raw); ok {
		return Item{Message: text}
	}
	o := asObject(raw)
	if o == nil {
		return Item{}
	}
	it := Item{Code: o.code(), Path: o.path()}
	for _, name := range [...]string{"detail", "message", "Message", "msg", "error_message", "issue", "description", "errorSummary", "defaultMessage", "title"} {
		if text, ok := asText(o[name]); ok && text != "" {
			it.Message = text
			break
		}
	}
	if reason, ok := asText(o["reason"]); ok && isCode(reason) { // Google: closer than a number or a type
		it.Code = reason
	}
	return it
}

// path returns what an error is about.
func (o object) path() string {
	if source := asObject(o["source"]); source != nil { // JSON:API
		o = source
	}
	if text := o.text("pointer", "parameter", "field", "param", "propertyName", "property", "name", "location", "path"); text != "" {
		return text
	}
	for _, name := range [...]string{"loc", "path"} { // FastAPI, GraphQL
		var steps []json.RawMessage
		if json.Unmarshal(o[name], &steps) != nil {
			continue
		}
		var names []string
		for _, step := range steps[:min(len(steps), maxItems)] {
			names = append(names, strings.Trim(string(step), `"`))
		}
		return strings.Join(names, ".")
	}
	return ""
}

// ofFields reads an object that has one text or several for each field.
func ofFields(o object) []Item {
	var list []Item
	for _, name := range slices.Sorted(maps.Keys(o)) {
		var texts []string
		if text, ok := asText(o[name]); ok {
			texts = []string{text}
		} else if json.Unmarshal(o[name], &texts) != nil {
			continue
		}
		for _, text := range texts {
			if len(list) == maxItems {
				return list
			}
			list = append(list, Item{Path: name, Message: text, bare: true})
		}
	}
	return list
}
