package mockserver

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrNoSuchName is returned for a scope, customer attribute or channel that the
// vendor does not have: a key with a misspelt one would be refused everywhere.
var ErrNoSuchName = errors.New("no such name")

// check returns an error for a property that no key of the vendor can have.
func (ks *keySpec) check(v *vendor) error {
	if v.own && ks.access != "" && !slices.Contains(v.accessTypes, ks.access) {
		names := make([]string, len(v.accessTypes))
		for i, a := range v.accessTypes {
			names[i] = string(a)
		}
		return unknownName("access type", string(ks.access), v, names)
	}
	if v.closedScopes {
		for _, s := range ks.scopes {
			if !slices.Contains(v.scopes, s) {
				return unknownName("scope", s, v, v.scopes)
			}
		}
	}
	for _, a := range ks.attributes {
		if !slices.Contains(v.attributes, a) {
			return unknownName("customer attribute", a, v, v.attributes)
		}
	}
	for _, c := range ks.channels {
		if !slices.Contains(v.channels, c) {
			names := make([]string, len(v.channels))
			for i, id := range v.channels {
				names[i] = strconv.Itoa(id)
			}
			return unknownName("channel", strconv.Itoa(c), v, names)
		}
	}
	return nil
}

func unknownName(what, name string, v *vendor, known []string) error {
	if len(known) == 0 {
		return fmt.Errorf("%w: %s has no %ss", ErrNoSuchName, v.title, what)
	}
	hint := ""
	if near := nearestName(name, known); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("%w: %s has no %s %.300q (it has %s)%s", ErrNoSuchName, v.title, what, name, strings.Join(known, ", "), hint)
}

// nearestName returns the name that was probably meant, "" if none is near.
func nearestName(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, k := range known {
		if d := wordDistance(strings.ToLower(name), strings.ToLower(k), least); d <= least && len(name) <= maxNearPath {
			best, least = k, d-1
		}
	}
	return best
}
