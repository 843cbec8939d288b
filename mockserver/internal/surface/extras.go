package surface

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

// Extras are the members of loaded items that their types do not know, by
// collection and identity: a fixture that was copied from the vendor's own answers
// comes out as it went in. An item without an identity keeps none. The zero Extras
// has none; all methods are safe for concurrent use.
type Extras struct {
	mu sync.Mutex
	by map[string]map[string]any
}

// Replace takes the extras of a collection's new items. known are the same items as
// their type encodes them; key names the members that identify an item.
func (x *Extras) Replace(collection string, key []string, items, known []json.RawMessage) {
	kept := make(map[string]any)
	for i, raw := range items {
		if bytes.Equal(raw, known[i]) {
			continue // its type knows all of it
		}
		if id := idOf(known[i], key); id != "" {
			if left := leftover(decodeAny(raw), decodeAny(known[i])); left != nil {
				kept[id] = left
			}
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.by == nil {
		x.by = make(map[string]map[string]any)
	}
	x.by[collection] = kept
}

// Add returns the items with what was kept of them.
func (x *Extras) Add(collection string, key []string, items []json.RawMessage) []json.RawMessage {
	x.mu.Lock()
	kept := x.by[collection]
	x.mu.Unlock()
	if len(kept) == 0 {
		return items
	}
	for i, raw := range items {
		left, ok := kept[idOf(raw, key)]
		if !ok {
			continue
		}
		if whole, err := json.Marshal(merge(decodeAny(raw), left)); err == nil {
			items[i] = whole
		}
	}
	return items
}

// idOf returns the key members of an item as JSON, "" if it has none of them.
func idOf(raw json.RawMessage, key []string) string {
	var item map[string]json.RawMessage
	if json.Unmarshal(raw, &item) != nil {
		return ""
	}
	var id bytes.Buffer
	given := false
	for _, name := range key {
		given = given || len(item[name]) > 0
		id.Write(item[name])
		id.WriteByte('\n') // JSON that was compacted has none
	}
	if !given {
		return ""
	}
	return id.String()
}

func decodeAny(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// leftover returns the members of raw, at any depth, that known does not have; nil
// if there are none.
func leftover(raw, known any) any {
	switch raw := raw.(type) {
	case map[string]any:
		has, ok := known.(map[string]any)
		if !ok {
			return nil
		}
		out := make(map[string]any)
		for name, value := range raw {
			same, found := member(has, name)
			if !found {
				out[name] = value
			} else if left := leftover(value, same); left != nil {
				out[name] = left
			}
		}
		if len(out) > 0 {
			return out
		}
	case []any:
		has, ok := known.([]any)
		if !ok || len(has) != len(raw) {
			return nil
		}
		out, some := make([]any, len(raw)), false
		for i := range raw {
			out[i] = leftover(raw[i], has[i])
			some = some || out[i] != nil
		}
		if some {
			return out
		}
	}
	return nil
}

// member finds a member as encoding/json does, without regard to case.
func member(object map[string]any, name string) (any, bool) {
	if v, ok := object[name]; ok {
		return v, true
	}
	for other, v := range object {
		if strings.EqualFold(other, name) {
			return v, true
		}
	}
	return nil, false
}

// merge adds what leftover returned to a value, which wins.
func merge(value, left any) any {
	switch left := left.(type) {
	case map[string]any:
		object, ok := value.(map[string]any)
		if !ok {
			return value
		}
		for name, more := range left {
			if now, found := member(object, name); found {
				object[name] = merge(now, more)
			} else {
				object[name] = more
			}
		}
	case []any:
		if list, ok := value.([]any); ok && len(list) == len(left) {
			for i := range left {
				list[i] = merge(list[i], left[i])
			}
		}
	}
	return value
}

// decodeItem decodes one JSON object. Members that the type does not know are left
// to extras.
func decodeItem(raw json.RawMessage, into any) error {
	if first := bytes.TrimSpace(raw); len(first) == 0 || first[0] != '{' {
		return errors.New("not a JSON object")
	}
	err := json.Unmarshal(raw, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		wrong.Field = strictjson.Member(wrong, into)
	}
	if err != nil {
		return strictjson.Explain(err, len(raw))
	}
	return nil
}
