package keyfit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// field returns the member of a JSON object that a dotted path names. A name may have dots of
// its own, as "@odata.nextLink" has: the longest name that is there counts.
func field(body json.RawMessage, path string) (json.RawMessage, bool) {
	if path == "" {
		return body, true
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return nil, false
	}
	for end := len(path); end > 0; end = strings.LastIndexByte(path[:end], '.') {
		if member, ok := members[path[:end]]; ok {
			return field(member, strings.TrimPrefix(path[end:], "."))
		}
	}
	return nil, false
}

// text returns the text or number at a field of the body; "" if there is none, or null or
// false, which some APIs send on the last page.
func (lp *listPage) text(path string) (string, error) {
	raw, ok := field(lp.body, path)
	if !ok {
		return "", nil
	}
	switch raw = bytes.TrimSpace(raw); {
	case len(raw) == 0, string(raw) == "null", string(raw) == "false":
		return "", nil
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9':
		return string(raw), nil
	}
	return "", fmt.Errorf("the field %s of the page is neither a text nor a number", path)
}

// list returns the items of a page.
func (lp *listPage) list() ([]json.RawMessage, error) {
	raw, ok := field(lp.body, lp.by.items)
	if !ok {
		return nil, errors.New("the page has no such field")
	}
	raw = bytes.TrimSpace(raw)
	if lp.by.items == "" && len(raw) > 0 && raw[0] == '{' {
		var err error
		if raw, err = onlyList(raw); err != nil {
			return nil, err
		}
	}
	if len(raw) == 0 {
		return nil, nil // 204 No Content
	}
	var items []json.RawMessage
	err := json.Unmarshal(raw, &items)
	return items, err
}

// onlyList returns the only array among the members of an object.
func onlyList(object json.RawMessage) (list json.RawMessage, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, err
	}
	for _, member := range members {
		if member = bytes.TrimSpace(member); len(member) == 0 || member[0] != '[' {
			continue
		}
		if list != nil {
			return nil, errors.New("the page has several lists: say with Paging.In which one has the items")
		}
		list = member
	}
	if list == nil {
		return nil, errors.New("the page has no list: say with Paging.In where the items are")
	}
	return list, nil
}

func decodeItem[T any](p *listPage, raw json.RawMessage) (item T, err error) {
	if err := json.Unmarshal(raw, &item); err != nil {
		var none T
		return none, p.decodeError(p.by.items, err)
	}
	return item, nil
}

// decodeError says what is wrong with a page, without any value of it. The server may have
// repeated the key in the link that led to the page.
func (lp *listPage) decodeError(at string, err error) error {
	path, _, _ := strings.Cut(lp.request.path, "?")
	if u, err := url.Parse(path); err == nil {
		path = u.EscapedPath()
	}
	if client, ok := lp.caller.(*Client); ok {
		path = client.memory.redactor(nil).Text(path)
	}
	e := &DecodeError{Provider: lp.caller.Provider().Name, Method: http.MethodGet, Path: path, StatusCode: lp.status, Field: at}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		kind, _, _ := strings.Cut(wrong.Value, " ") // "number 12" would quote the value
		e.Field = strings.Trim(at+"."+wrong.Field, ".")
		e.Reason = fmt.Sprintf("found a JSON %s, wanted a Go %s", kind, wrong.Type)
		return e
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		e.Reason = "the body is not JSON"
		return e
	}
	if e.Reason = err.Error(); strings.HasPrefix(e.Reason, "the page ") {
		return e
	}
	e.Reason = fmt.Sprintf("the decoder of the type failed (%T)", err)
	return e
}

// nextInHeader returns the target of the first link of relation "next" in Link headers (RFC
// 8288, section 3); "" if there is none. A link with an anchor is about something else.
func nextInHeader(lines []string) string {
	for _, line := range lines {
		for line != "" {
			var link string
			link, line = cutLink(line)
			target, params, ok := strings.Cut(strings.TrimSpace(link), ">")
			if target, isLink := strings.CutPrefix(target, "<"); ok && isLink && isNext(params) {
				return strings.TrimSpace(target)
			}
		}
	}
	return ""
}

// cutLink cuts a Link header at its first comma outside of a target and of quotation marks.
func cutLink(line string) (link, rest string) {
	inTarget, inQuotes := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case inQuotes && c == '\\':
			i++
		case c == '"' && !inTarget:
			inQuotes = !inQuotes
		case inQuotes:
		case c == '<':
			inTarget = true
		case c == '>':
			inTarget = false
		case c == ',' && !inTarget:
			return line[:i], line[i+1:]
		}
	}
	return line, ""
}

// isNext reports whether the parameters of a link have the relation "next". Of several rel only
// the first counts.
func isNext(params string) bool {
	relation, anchored := "", false
	for params != "" {
		var param string
		param, params = cutParam(params)
		name, value, _ := strings.Cut(param, "=")
		switch name = strings.ToLower(strings.TrimSpace(name)); {
		case name == "anchor":
			anchored = true
		case name == "rel" && relation == "":
			relation = strings.ToLower(strings.Trim(strings.TrimSpace(value), `"`)) + " "
		}
	}
	return !anchored && slices.Contains(strings.Fields(relation), "next")
}

// cutParam cuts parameters at their first semicolon outside of quotation marks.
func cutParam(params string) (param, rest string) {
	inQuotes := false
	for i := 0; i < len(params); i++ {
		switch c := params[i]; {
		case inQuotes && c == '\\':
			i++
		case c == '"':
			inQuotes = !inQuotes
		case c == ';' && !inQuotes:
			return params[:i], params[i+1:]
		}
	}
	return params, ""
}
