package imin_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/provider/imin"
)

// FuzzDecode checks that values survive decoding and encoding.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		sample, `null`, `{}`, `[]`, `"x"`, `{"subEvent":{"location":"#/a"},"imin:locationSummary":{"id":"#/a"}}`,
		`{"event":[{"type":"Slot","startDate":"2030-01-02T18:00:00+24:00"},{"type":7},null]}`, `{"identifier":{"a":[1]},"image":[[]]}`,
		`{"items":[{"id":1e400,"modified":"\ud800","data":{"@context":"x"}}],"next":""}`, `{"startDate":"0001-01-01T00:00:00Z"}`,
		`{"view":{"imin:totalPages":2},"imin:item":[{"Name":1,"name":"a"}]}`, `{"imin:index":{"activity":{"imin:item":{"id":"x"}}}}`,
		`{"address":"1 Road","geo":{"latitude":1e-7},"facilityUse":"https://x"}`, `{"data":{},"publisher":"x","offers":{"price":"6.50"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again[imin.EventSeries](t, b)
		again[imin.FacilityUse](t, b)
		again[imin.Slot](t, b)
		again[imin.Place](t, b)
		again[imin.Facets](t, b)
		again[imin.Page[imin.EventSeries]](t, b)
		again[imin.FeedPage[imin.Dataset]](t, b)
		again[imin.FeedPage[imin.Seller]](t, b)
	})
}

func again[T any](t *testing.T, b []byte) {
	t.Helper()
	var first, second T
	if json.Unmarshal(b, &first) != nil {
		return
	}
	out, err := json.Marshal(first)
	if err != nil {
		t.Fatalf("%T of %q: %v", first, b, err)
	}
	if err := json.Unmarshal(out, &second); err != nil {
		t.Fatalf("%T of %q, written as %q: %v", first, b, out, err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Fatalf("%T of %q (-first +second):\n%s", first, b, diff)
	}
}

// FuzzScalars checks the scalar types, each on its own.
func FuzzScalars(f *testing.F) {
	for _, seed := range []string{`"2030-01-02T18:00Z"`, `"2030-01-02"`, `6.50`, `"6.50"`, `null`, `""`, `"x"`, `{"a":1}`, `["a","b"]`, `"a"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again[imin.Time](t, b)
		again[imin.Decimal](t, b)
		again[imin.Scalar](t, b)
		again[imin.Reference](t, b)
		again[imin.List[string]](t, b)
		again[imin.FacilityEvent](t, b)
	})
}
