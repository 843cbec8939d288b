// Package wire contains what the typed packages under provider/ share: structs that keep
// unknown members, paths with safely escaped parameters, values that a vendor encodes in
// several forms, and iteration over the pages of a list. It sends no requests.
//
// A record keeps its unknown members in a field Extra and needs two methods:
//
//	type User struct {
//		ID    string                     `json:"_id,omitempty"`
//		Extra map[string]json.RawMessage `json:"-"`
//	}
//
//	func (u *User) UnmarshalJSON(b []byte) error {
//		type plain User // without the methods
//		return wire.Decode(b, (*plain)(u), &u.Extra)
//	}
//
//	func (u User) MarshalJSON() ([]byte, error) {
//		type plain User
//		return wire.Encode(plain(u), u.Extra)
//	}
//
// The errors of this package never quote a value, which may be secret or personal.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Decode decodes a JSON object into the struct that plain points to and stores the members
// without a field in extra. Unlike encoding/json, it matches names exactly, so that "Name"
// is not decoded as "name" but kept in extra. A member that is absent, null, an empty
// array or object, or "" for a time gives the zero value. JSON null changes nothing.
func Decode(b []byte, plain any, extra *map[string]json.RawMessage) error { //nolint:gocritic // the map is set, not filled
	if isNull(b) {
		return nil
	}
	v := reflect.ValueOf(plain).Elem()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return &json.UnmarshalTypeError{Value: kind(b), Type: v.Type()}
	}
	known := names(v.Type())
	rest, given := map[string]json.RawMessage{}, len(members)
	for name, raw := range members {
		switch typ, ok := known[name]; {
		case !ok:
			rest[name] = canonical(raw)
			delete(members, name)
		case typ == reflect.TypeFor[time.Time]() && string(raw) == `""`:
			delete(members, name)
		}
	}
	v.SetZero()
	if len(members) < given { // encoding/json would match some of them without regard to case
		var err error
		if b, err = json.Marshal(members); err != nil {
			return err
		}
	}
	if err := json.Unmarshal(b, plain); err != nil {
		return err
	}
	normalize(v)
	if *extra = nil; len(rest) > 0 {
		*extra = rest
	}
	return nil
}

// Encode encodes the struct plain, followed by the members of extra in sorted order. It
// returns an error for an extra member that the struct has a field for, or that is not
// valid JSON.
func Encode(plain any, extra map[string]json.RawMessage) ([]byte, error) {
	b, err := json.Marshal(plain)
	if err != nil || len(extra) == 0 {
		return b, err
	}
	known := names(reflect.Indirect(reflect.ValueOf(plain)).Type())
	out := bytes.NewBuffer(bytes.TrimSuffix(b, []byte("}")))
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		switch raw := extra[name]; {
		case known[name] != nil:
			return nil, fmt.Errorf("the extra member %q duplicates a field", name)
		case raw != nil && !json.Valid(raw):
			return nil, fmt.Errorf("the extra member %q is not JSON", name)
		default:
			if out.Len() > 1 {
				out.WriteByte(',')
			}
			quoted, err := json.Marshal(name)
			if err != nil {
				return nil, err
			}
			out.Write(quoted)
			out.WriteByte(':')
			out.Write(canonical(raw))
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// String decodes a JSON string and reports whether b is one. It is for members that are an
// ID in one response and an object in another.
func String(b []byte) (string, bool) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || b[0] != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(b, &s)
	return s, err == nil
}

// OneOrMany decodes an array of T, or a single T as an array of one. null and [] give nil.
func OneOrMany[T any](b []byte) ([]T, error) {
	if b = bytes.TrimSpace(b); isNull(b) {
		return nil, nil
	}
	if len(b) == 0 || b[0] != '[' {
		one := make([]T, 1)
		if err := json.Unmarshal(b, &one[0]); err != nil {
			return nil, err
		}
		return one, nil
	}
	var many []T
	if err := json.Unmarshal(b, &many); err != nil || len(many) == 0 {
		return nil, err
	}
	return many, nil
}

// Require takes pairs of a name and a value and returns an error that names the first
// empty value.
func Require(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return errors.New("the " + pairs[i] + " is empty")
		}
	}
	return nil
}

// names returns the types of a struct's fields by JSON name, including those of embedded
// structs.
func names(t reflect.Type) map[string]reflect.Type {
	known := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Tag.Get("json") == "-" || !f.IsExported() || f.Anonymous && name == "":
		case name == "":
			known[f.Name] = f.Type
		default:
			known[name] = f.Type
		}
	}
	return known
}

// normalize replaces empty slices and maps by nil and makes raw JSON canonical.
func normalize(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		if !f.CanSet() {
			continue
		}
		switch raw := f.Addr().Interface().(type) {
		case *json.RawMessage:
			if *raw = canonical(*raw); isNull(*raw) {
				*raw = nil
			}
			continue
		case *[]json.RawMessage:
			for i := range *raw {
				(*raw)[i] = canonical((*raw)[i])
			}
		case *map[string]json.RawMessage:
			for name := range *raw {
				(*raw)[name] = canonical((*raw)[name])
			}
		}
		switch f.Kind() {
		case reflect.Slice, reflect.Map:
			if f.Len() == 0 {
				f.SetZero()
			}
		case reflect.Struct:
			if v.Type().Field(i).Anonymous {
				normalize(f)
			}
		default:
		}
	}
}

// canonical returns raw in the form in which encoding/json writes it, so that encoding and
// decoding preserve the bytes. Numbers keep their digits.
func canonical(raw json.RawMessage) json.RawMessage {
	b, err := json.Marshal(raw)
	if err != nil {
		return raw
	}
	return b
}

func isNull(b []byte) bool { return string(bytes.TrimSpace(b)) == "null" }

// kind returns the JSON type of b for an error text.
func kind(b []byte) string {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0:
		return "nothing"
	case b[0] == '"':
		return "string"
	case b[0] == '[':
		return "array"
	case b[0] == '{':
		return "object"
	case b[0] == 't' || b[0] == 'f':
		return "bool"
	default:
		return "number"
	}
}
