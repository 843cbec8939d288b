package keyfit_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/provider/imin"
	"github.com/keyfit/keyfit/provider/mindkey"
	"github.com/keyfit/keyfit/provider/optimove"
)

// A value of one typed client is that of another, without a conversion.
func TestTheTypedClientsShareDateAndDecimal(t *testing.T) {
	t.Parallel()
	days := []keyfit.Date{mindkey.DateOf(time.Date(2027, 1, 31, 23, 0, 0, 0, time.FixedZone("", 3600))), optimove.Date{Year: 2027, Month: 1, Day: 31}}
	prices := []keyfit.Decimal{imin.Decimal("6.50"), mindkey.Decimal("6.50"), optimove.Decimal("6.50")}
	day := keyfit.Date{Year: 2027, Month: 1, Day: 31}
	if diff := cmp.Diff([]any{[]keyfit.Date{day, day}, []keyfit.Decimal{"6.50", "6.50", "6.50"}}, []any{days, prices}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDateAndDecimalInJSON(t *testing.T) {
	t.Parallel()
	type record struct {
		Day   keyfit.Date    `json:"day,omitzero"`
		Price keyfit.Decimal `json:"price,omitempty"`
	}
	for in, want := range map[string]string{
		`{"day":"2027-01-31","price":6.50}`:          `{"day":"2027-01-31","price":6.50}`,
		`{"day":"2027-01-31T00:00:00Z","price":"7"}`: `{"day":"2027-01-31","price":7}`,
		`{"day":null,"price":null}`:                  `{}`,
		`{"day":"","price":""}`:                      `{}`,
		`{"day":"2027-02-30"}`:                       "error",
		`{"day":"2027-01-31T01:00:00Z"}`:             "error",
		`{"day":7}`:                                  "error",
		`{"price":"six"}`:                            "error",
		`{"price":true}`:                             "error",
	} {
		var r record
		got := "error"
		if json.Unmarshal([]byte(in), &r) == nil {
			out, err := json.Marshal(r)
			if got = string(out); err != nil {
				got = err.Error()
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
	for _, day := range []keyfit.Date{{}, {Year: 2027, Month: 2, Day: 29}, {Year: 10000, Month: 1, Day: 1}} {
		if _, err := json.Marshal(day); day.Valid() || (err == nil) != day.IsZero() {
			t.Errorf("%v: %t, %v", day, day.Valid(), err)
		}
	}
	for text, want := range map[keyfit.Decimal]int{"7": 7, "-3": -3, "1e2": 100} {
		if n, ok := text.Int(); n != want || !ok {
			t.Errorf("%s: %d %t", text, n, ok)
		}
	}
	for _, text := range []keyfit.Decimal{"", "1.5", "1e300", "x"} {
		if n, ok := text.Int(); ok {
			t.Errorf("%q: %d", text, n)
		}
	}
}
