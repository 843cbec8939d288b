// Package wire holds what the typed packages under provider/ share: structs that keep
// the fields they do not know, paths whose parameters stay one segment, values that a
// vendor writes in several forms, and the loop over the pages of a list. It sends
// nothing.
//
// A record that keeps its unknown fields has them in a field of its own and two methods:
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
// The errors of this package hold no value, for a value may be a secret or a person's.
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

// Decode reads a JSON object into the struct that plain points to and puts the members
// that the struct has no field for into extra. Names match exactly, other than in
// encoding/json, so "Name" is not taken for "name" and is not lost. A member that is
// absent, null, an empty array or object, or "" for a time leaves the same Go value, the zero. JSON null
// leaves everything as it was.
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

// Encode writes the struct plain with the members of extra, sorted, after its own. An
// extra member of a name that the struct has a field for is an error, and so is one that
// is not JSON.
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
			return nil, fmt.Errorf("the extra member %q has a field of its own", name)
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

// String reads a JSON string, and reports whether b is one: for members that are an ID
// in one answer and an object in another.
func String(b []byte) (string, bool) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || b[0] != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(b, &s)
	return s, err == nil
}

// OneOrMany reads an array of T, or one T alone as an array of one. null and [] are nil.
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

// Require returns an error that names the first of name, value, name, value … whose value
// is empty.
func Require(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return errors.New("the " + pairs[i] + " is empty")
		}
	}
	return nil
}

// names are the JSON names of a struct's fields with their types, those of embedded
// structs included.
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

// normalize makes empty slices and maps nil and raw JSON canonical.
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

// canonical is the form in which encoding/json writes raw, so that decoding what was
// encoded gives the same bytes. Numbers stay as they were sent.
func canonical(raw json.RawMessage) json.RawMessage {
	b, err := json.Marshal(raw)
	if err != nil {
		return raw
	}
	return b
}

func isNull(b []byte) bool { return string(bytes.TrimSpace(b)) == "null" }

// kind names what b is for an error, without its value.
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
