package strictjson

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Member names the member of a JSON document that had the wrong type when it was
// decoded into into, as the document spells it: encoding/json also names the Go
// type of an embedded struct.
func Member(wrong *json.UnmarshalTypeError, into any) string {
	var names []string
	t := reflect.TypeOf(into)
	for part := range strings.SplitSeq(wrong.Field, ".") {
		t = element(t)
		if t == nil || t.Kind() != reflect.Struct {
			names = append(names, part)
			continue
		}
		f, embedded := fieldNamed(t, part)
		if !embedded {
			names = append(names, part)
		}
		t = f
	}
	return strings.Join(names, ".")
}

// element returns what pointers, slices, arrays and maps finally hold.
func element(t reflect.Type) reflect.Type {
	for t != nil {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			t = t.Elem()
		default:
			return t
		}
	}
	return nil
}

// fieldNamed returns the type of a struct's field by its name in JSON or, if it is
// embedded without one, by its Go name; nil if there is none.
func fieldNamed(t reflect.Type, name string) (found reflect.Type, embedded bool) {
	for f := range t.Fields() {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == name || tag == "" && f.Name == name && !f.Anonymous:
			return f.Type, false
		case f.Anonymous && tag == "":
			if f.Name == name {
				return f.Type, true
			}
			if found, embedded = fieldNamed(element(f.Type), name); found != nil {
				return found, embedded
			}
		}
	}
	return nil, false
}
