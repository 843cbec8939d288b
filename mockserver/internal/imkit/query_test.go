package imkit

import (
	"strings"
	"testing"
	"time"
)

// document returns a document with a value of every type.
func document() map[string]any {
	return map[string]any{"name": "Ann AB", "n": 5.0, "flag": true, "at": time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), "list": []string{"x", "y"}}
}

func TestQueriesMatchAsInMongoDB(t *testing.T) {
	t.Parallel()
	for q, want := range map[string]bool{
		``:                          true,
		`{}`:                        true,
		`{"name":"Ann AB"}`:         true,
		`{"name":"ann ab"}`:         false,
		`{"name":{"$eq":"Ann AB"}}`: true,
		`{"name":{"$ne":"Ann AB"}}`: false,
		`{"none":{"$ne":"x"}}`:      true,
		`{"none":null}`:             true,
		`{"name":null}`:             false,
		`{"n":5}`:                   true,
		`{"n":"5"}`:                 false,
		`{"n":{"$gt":4,"$lt":6}}`:   true,
		`{"n":{"$gt":5}}`:           false,
		`{"n":{"$gte":5}}`:          true,
		`{"n":{"$lt":5}}`:           false,
		`{"n":{"$lte":5}}`:          true,
		`{"n":{"$lt":4}}`:           false,
		`{"n":{"$gt":"4"}}`:         false,
		`{"none":{"$lt":9}}`:        false,
		`{"name":{"$gt":"Ann"}}`:    true,
		`{"flag":true}`:             true,
		`{"flag":{"$gt":0}}`:        false,
		`{"at":"2027-01-01"}`:       true,
		`{"at":{"$lt":"2027-01-01T00:00:00.001Z"}}`: true,
		`{"at":{"$gte":1798761600000}}`:             true,
		`{"at":{"$gt":"soon"}}`:                     false,
		`{"list":"y"}`:                              true,
		`{"list":"z"}`:                              false,
		`{"list":{"$in":["z","x"]}}`:                true,
		`{"list":{"$nin":["z"]}}`:                   true,
		`{"list":{"$regex":"^y$"}}`:                 true,
		`{"name":{"$in":[]}}`:                       false,
		`{"name":{"$regex":"ab"}}`:                  false,
		`{"name":{"$regex":"ab","$options":"i"}}`:   true,
		`{"name":{"$regex":"^Ann.{1,200}$"}}`:       true,
		`{"n":{"$regex":"5"}}`:                      false,
		`{"name":{"$not":{"$regex":"z"}}}`:          true,
		`{"none":{"$exists":false}}`:                true,
		`{"name":{"$exists":false}}`:                false,
		`{"name":{"$type":"string"},"n":{"$type":"number"},"flag":{"$type":"bool"},"at":{"$type":"date"},"list":{"$type":"array"}}`: true,
		`{"none":{"$type":"null"}}`:         false,
		`{"$and":[{"n":5},{"flag":true}]}`:  true,
		`{"$or":[{"n":6},{"flag":false}]}`:  false,
		`{"$nor":[{"n":6},{"flag":false}]}`: true,
	} {
		f, err := parseFilter(q)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		if got := f(document()); got != want {
			t.Errorf("%s: %v, want %v", q, got, want)
		}
	}
}

func TestBadQueriesAreRefused(t *testing.T) {
	t.Parallel()
	for _, q := range []string{
		`{`, `[]`, `1`, `null`, `{}{}`, `{"a":[1]}`, `{"a":{"b":1}}`, `{"a":{"$where":"1"}}`, `{"$where":"sleep(1)"}`, `{"$and":[]}`, `{"$or":{}}`, `{"$or":[1]}`,
		`{"a":{"$gt":true}}`, `{"a":{"$in":1}}`, `{"a":{"$in":[{}]}}`, `{"a":{"$exists":1}}`, `{"a":{"$type":"colour"}}`, `{"a":{"$type":2}}`, `{"a":{"$not":1}}`, `{"a":{"$options":"i"}}`,
		`{"a":{"$regex":"("}}`, `{"a":{"$regex":1}}`, `{"a":{"$regex":"(?=x)"}}`, `{"a":{"$regex":"x","$options":"e"}}`, `{"a":{"$regex":"x","$options":1}}`,
		`{"a":{"$regex":"` + strings.Repeat("x", maxPattern+1) + `"}}`,
		`{"a":{"$regex":"x{1000}"}}`,
		`{"a":"` + strings.Repeat("x", maxQuery) + `"}`,
		strings.Repeat(`{"$or":[`, 30) + `{}` + strings.Repeat(`]}`, 30),
		`{"a":` + strings.Repeat(`{"$not":`, 30) + `{}` + strings.Repeat(`}`, 31),
	} {
		if _, err := parseFilter(q); err == nil {
			t.Errorf("%s is accepted", q)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, q := range []string{
		``, `{"nickname":{"$regex":".*AB.*","$options":"i"}}`, `{"a":{"$gte":"2027-01-01","$lt":5}}`, `{"$or":[{"a":1},{"$nor":[{"b":null}]}]}`,
		`{"a":{"$not":{"$in":["x",1,true,null]}}}`, `{"list":{"$nin":["x"]},"at":{"$type":"date"}}`, `{"a":{"$regex":"(a{1,999}){1,999}"}}`,
	} {
		f.Add(q)
	}
	f.Fuzz(func(_ *testing.T, q string) {
		if match, err := parseFilter(q); err == nil {
			match(document())
			match(nil)
		}
	})
}
