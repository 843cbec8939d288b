package imin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/provider/imin"
)

// bodies holds the mock's response to each call, with its decoder.
func bodies(t *testing.T) map[string]body {
	t.Helper()
	w := newWorld(t)
	of := w.ids(t)
	out := map[string]body{}
	for operation, call := range calls(w, of) {
		if _, err := call(t.Context()); err != nil {
			t.Fatal(err)
		}
		host := operation[len("GET "):]
		client := w.Hosts().Search
		switch {
		case strings.HasPrefix(host, "places."):
			client = w.Hosts().Places
		case strings.HasPrefix(host, "firehose."):
			client = w.Hosts().Firehose
		}
		raw, err := keyfit.Get[[]byte](t.Context(), client, w.sent()[0].URL.RequestURI())
		if err != nil {
			t.Fatal(err)
		}
		w.sent()
		out[operation] = body{raw, decoder(operation)}
	}
	// These have the shapes that the ones above may lack.
	for name, path := range map[string]string{
		"all series": "/events-api/v2/event-series?mode=discovery-geo&geo[radial]=51.752,-1.257,50&limit=12&entitlementFilter=W10=",
		"online":     "/events-api/v2/event-series?isVirtual=true&mode=discovery-geo&limit=6",
	} {
		raw, err := keyfit.Get[[]byte](t.Context(), w.Keyfit(), path)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = body{raw, decode[imin.Page[imin.EventSeries]]}
	}
	raw, err := keyfit.Get[[]byte](t.Context(), w.Keyfit(), "/facilities-api/v2/facility-uses?mode=upcoming-slots&startDate[gte]=2030-01-03T08:00:00Z&geo[radial]=51.752,-1.257,50&limit=6")
	if err != nil {
		t.Fatal(err)
	}
	out["all facilities"] = body{raw, decode[imin.Page[imin.FacilityUse]]}
	return out
}

type body struct {
	raw    []byte
	decode func([]byte) (any, error)
}

func decode[T any](b []byte) (any, error) {
	var v T
	err := json.Unmarshal(b, &v)
	return v, err
}

func decoder(operation string) func([]byte) (any, error) {
	_, path, _ := strings.Cut(operation, "/")
	switch path {
	case "events-api/v2/event-series":
		return decode[imin.Page[imin.EventSeries]]
	case "events-api/v2/event-series/{id}":
		return decode[imin.EventSeries]
	case "events-api/v2/facets":
		return decode[imin.Facets]
	case "facilities-api/v2/facility-uses":
		return decode[imin.Page[imin.FacilityUse]]
	case "facilities-api/v2/facility-uses/{identifier}":
		return decode[imin.FacilityUse]
	case "facilities-api/v2/slots/{slotId}":
		return decode[imin.Slot]
	case "firehose/datasets":
		return decode[imin.FeedPage[imin.Dataset]]
	case "firehose/bookable-sellers/{broker}":
		return decode[imin.FeedPage[imin.Seller]]
	default:
		return decode[imin.Page[imin.Place]]
	}
}

// tree decodes JSON to maps, arrays and literal numbers.
func tree(tb testing.TB, b []byte) any {
	tb.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		tb.Fatal(err)
	}
	return v
}

// difference is cmp.Diff for large values that are equal as a rule: cmp compares them at many
// times the cost of reflect.
func difference(want, got any) string {
	if reflect.DeepEqual(want, got) { //nolint:forbidigo // cmp.Diff says what differs
		return ""
	}
	return cmp.Diff(want, got)
}

// walk visits every object in a tree.
func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			walk(v[name], visit)
		}
		visit(v)
	case []any:
		for _, e := range v {
			walk(e, visit)
		}
	}
}

func TestDecodingAndEncodingLosesNothing(t *testing.T) {
	t.Parallel()
	for name, b := range bodies(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := tree(t, b.raw)
			n := 0
			walk(doc, func(o map[string]any) {
				n++
				o[fmt.Sprintf("x:unknown%d", n)] = map[string]any{"deep": []any{json.Number("1.50"), nil, "<"}, "n": json.Number("1e3")}
				o["Extra"] = "a member of this name"
			})
			first, err := b.decode(encode(t, doc))
			if err != nil {
				t.Fatal(err)
			}
			out := encode(t, first)
			if diff := difference(doc, tree(t, out)); diff != "" {
				t.Errorf("encoded (-sent +encoded):\n%s", diff)
			}
			second, err := b.decode(out)
			if diff := difference(first, second); diff != "" || err != nil {
				t.Errorf("decoded again, %v (-first +second):\n%s", err, diff)
			}
		})
	}
}

// With KEYFIT_LONG=1 a member of a type is tried in every body that has it, and else in the first.
func TestAbsentNullAndEmptyAreOneGoValue(t *testing.T) {
	t.Parallel()
	all, met := bodies(t), map[string]bool{} // kinds and members of the bodies before
	kindOf := func(o map[string]any) string { return fmt.Sprint(o["type"], o["@type"]) }
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b := all[name]
		if strings.HasPrefix(name, "all ") || name == "online" {
			continue // has only shapes that the others have
		}
		seen := map[string]bool{}
		if os.Getenv("KEYFIT_LONG") == "" {
			seen = maps.Clone(met)
			walk(tree(t, b.raw), func(o map[string]any) {
				for member := range o {
					met[kindOf(o)+member] = true
				}
			})
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := tree(t, b.raw)
			walk(doc, func(o map[string]any) {
				for member, v := range o {
					if many, ok := v.([]any); ok && len(many) > 1 {
						o[member] = many[:1]
					}
				}
			})
			walk(doc, func(o map[string]any) {
				kind := kindOf(o)
				for _, member := range slices.Sorted(maps.Keys(o)) {
					if member == "type" || strings.HasPrefix(member, "loremfitsum:") || seen[kind+member] {
						continue // the type decides how to decode an event; unknown members are kept as sent
					}
					seen[kind+member] = true
					was := o[member]
					delete(o, member)
					want, err := b.decode(encode(t, doc))
					if err != nil {
						t.Fatal(err)
					}
					forms := []any{nil}
					if _, ok := was.([]any); ok {
						forms = append(forms, []any{})
					}
					for _, form := range forms {
						o[member] = form
						got, err := b.decode(encode(t, doc))
						if diff := difference(want, got); diff != "" || err != nil {
							t.Errorf("%s %s as %v: %v (-absent +got):\n%s", kind, member, form, err, diff)
						}
					}
					o[member] = was
				}
			})
		})
	}
}

func TestOneElementStandsForAnArray(t *testing.T) {
	t.Parallel()
	for name, b := range bodies(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := tree(t, b.raw)
			want, err := b.decode(b.raw)
			if err != nil {
				t.Fatal(err)
			}
			walk(doc, func(o map[string]any) {
				for member, v := range o {
					if many, ok := v.([]any); ok && len(many) == 1 && (member != "imin:item" || o["view"] == nil) && member != "items" {
						o[member] = many[0]
					}
				}
			})
			got, err := b.decode(encode(t, doc))
			if diff := difference(want, got); diff != "" || err != nil {
				t.Errorf("%v (-array +element):\n%s", err, diff)
			}
		})
	}
}
