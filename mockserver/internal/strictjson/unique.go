package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Unique returns an error for a JSON document in which an object has two members of one
// name: a decoder takes the last, another the first. What is no JSON is for Decode.
func Unique(data []byte) error {
	type object struct {
		names    map[string]bool // nil: it is an array
		wantName bool
	}
	var open []object
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	for {
		t, err := d.Token()
		if err != nil {
			return nil //nolint:nilerr // the end, or for Decode
		}
		switch t {
		case json.Delim('{'):
			open = append(open, object{map[string]bool{}, true})
			continue
		case json.Delim('['):
			open = append(open, object{})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			return nil
		}
		in := &open[len(open)-1]
		if name, is := t.(string); is && in.wantName {
			if in.names[name] {
				return fmt.Errorf("member %.60q occurs twice", name)
			}
			in.names[name], in.wantName = true, false
			continue
		}
		in.wantName = in.names != nil
	}
}
