package strictyaml

import (
	"reflect"
	"strings"
)

// fieldsOf returns the fields of a struct by the name of their json tag, and the names.
func fieldsOf(t reflect.Type) (fields map[string][]int, names []string) {
	fields = make(map[string][]int)
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			inner, more := fieldsOf(t.Field(i).Type)
			for name, at := range inner {
				fields[name] = append([]int{i}, at...)
			}
			names = append(names, more...)
			continue
		}
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "-" && name != "" {
			fields[name] = []int{i}
			names = append(names, name)
		}
	}
	return fields, names
}

// meant proposes the nearest name, "" if none is near.
func meant(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); len(name) < 64 && d <= least {
			best, least = k, d-1
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0]++
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before, row[j+1] = row[j+1], min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
