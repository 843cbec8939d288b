package wire_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/wire"
)

type inner struct {
	Depth int `json:"depth,omitempty"`
}

type record struct {
	inner
	ID    string                     `json:"_id,omitempty"`
	Tags  []string                   `json:"tags,omitempty"`
	Map   map[string]int             `json:"map,omitempty"`
	Any   json.RawMessage            `json:"any,omitempty"`
	List  []json.RawMessage          `json:"list,omitempty"`
	Raws  map[string]json.RawMessage `json:"raws,omitempty"`
	At    time.Time                  `json:"at,omitzero"`
	Child *record                    `json:"child,omitempty"`
	Extra map[string]json.RawMessage `json:"-"`
}

func (r *record) UnmarshalJSON(b []byte) error {
	type plain record
	return wire.Decode(b, (*plain)(r), &r.Extra)
}

func (r record) MarshalJSON() ([]byte, error) {
	type plain record
	return wire.Encode(plain(r), r.Extra)
}

func opts() cmp.Option { return cmp.AllowUnexported(record{}) }

func raw(pairs ...string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	return m
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in string
		want     record
		out      string
	}{
		{"known", `{"_id":"a","depth":2,"tags":["x"]}`, record{ID: "a", Tags: []string{"x"}, inner: inner{Depth: 2}}, `{"depth":2,"_id":"a","tags":["x"]}`},
		{"unknown", `{"b":1e400,"_id":"a","a":{"x": [1, "<"]}}`, record{ID: "a", Extra: raw("a", `{"x":[1,"\u003c"]}`, "b", "1e400")}, `{"_id":"a","a":{"x":[1,"\u003c"]},"b":1e400}`},
		{"another case", `{"_ID":"b","_id":"a","TAGS":3}`, record{ID: "a", Extra: raw("_ID", `"b"`, "TAGS", "3")}, `{"_id":"a","TAGS":3,"_ID":"b"}`},
		{"the field's own name", `{"Extra":{"q":1}}`, record{Extra: raw("Extra", `{"q":1}`)}, `{"Extra":{"q":1}}`},
		{"absent", `{}`, record{}, `{}`},
		{"null", `{"tags":null,"map":null,"any":null,"child":null,"_id":null}`, record{}, `{}`},
		{"empty", `{"tags":[],"map":{},"_id":"","at":""}`, record{}, `{}`},
		{"nested", `{"child":{"z":0}}`, record{Child: &record{Extra: raw("z", "0")}}, `{"child":{"z":0}}`},
		{"raw", `{"any": [ 1 ]}`, record{Any: json.RawMessage("[1]")}, `{"any":[1]}`},
		{"raw inside", `{"list":[ { "a": 1 }, null ], "raws":{"x": [ 2 ]}}`, record{List: []json.RawMessage{json.RawMessage(`{"a":1}`), json.RawMessage("null")}, Raws: raw("x", "[2]")}, `{"list":[{"a":1},null],"raws":{"x":[2]}}`},
		{"nothing", `null`, record{}, `{}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got record
			if err := json.Unmarshal([]byte(tc.in), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, opts()); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
			out, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.out, string(out)); diff != "" {
				t.Errorf("encoded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeForgetsWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	got := record{ID: "old", Extra: raw("old", "1")}
	if err := json.Unmarshal([]byte(`{"tags":["new"]}`), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(record{Tags: []string{"new"}}, got, opts()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecodeNamesTheFieldAndNoValue(t *testing.T) {
	t.Parallel()
	for in, field := range map[string]string{`{"child":{"tags":"s3cret","x":1}}`: "child.tags", `{"child":"s3cret"}`: "child"} {
		var r record
		err := json.Unmarshal([]byte(in), &r)
		wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
		if !ok || wrong.Field != field || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want the field %s", in, err, field)
		}
	}
}

func TestEncodeRefusesAnExtraThatWouldBeAnotherMember(t *testing.T) {
	t.Parallel()
	for _, extra := range []map[string]json.RawMessage{raw("_id", `"b"`), raw("x", `1,"_id":"b"`), raw("x", "")} {
		if b, err := json.Marshal(record{ID: "a", Extra: extra}); err == nil {
			t.Errorf("%s was encoded as %s", extra, b)
		}
	}
}

func TestPathKeepsAValueOneSegment(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"a", "a/b", "..", ".", "%2F", "a?b#c", "\n\r", "é世", `'"`, "{b}", " ", ";=,+&", "\xff"} {
		path, err := wire.Path("/rooms/{room}/x/{message}", value, value)
		if err != nil {
			t.Fatal(err)
		}
		base := &url.URL{Scheme: "https", Host: "h"}
		u, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Split(base.ResolveReference(u).EscapedPath(), "/")
		if len(got) != 5 {
			t.Fatalf("%q: %d segments in %s", value, len(got), path)
		}
		for _, i := range []int{2, 4} {
			if back, err := url.PathUnescape(got[i]); err != nil || back != value {
				t.Errorf("%q came back as %q, %v", value, back, err)
			}
		}
	}
}

func TestPathRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		template string
		values   []string
		want     string
	}{
		{"/rooms/{room}", []string{""}, "the room is empty"},
		{"/rooms/{room_id}", []string{""}, "the room id is empty"},
		{"/rooms", []string{"a"}, "the path /rooms has fewer parameters than the 1 given"},
		{"/rooms/{room}", nil, "the path /rooms/{room} has more parameters than the 0 given"},
	} {
		if _, err := wire.Path(tc.template, tc.values...); err == nil || err.Error() != tc.want {
			t.Errorf("%s %q: %v, want %s", tc.template, tc.values, err, tc.want)
		}
	}
}

func TestDecimalKeepsItsDigits(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"6.50": "6.50", `"6.50"`: "6.50", "-1e3": "-1e3", "null": "", `""`: "", "0": "0",
		"12345678901234567890.123": "12345678901234567890.123",
	} {
		got, err := wire.Decimal([]byte(in))
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"true", `"six"`, "{}", `"1,2"`, "NaN", "+1", `"0x1"`} {
		if got, err := wire.Decimal([]byte(in)); err == nil {
			t.Errorf("%s is taken for %q", in, got)
		}
	}
	for in, want := range map[string]string{"": "null", "6.50": "6.50", "1,2": "", `1}`: ""} {
		got, err := wire.EncodeDecimal(in)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q is written as %q, %v", in, got, err)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 2*60*60)
	for in, want := range map[string]time.Time{
		"":                          {},
		"2030-01-02T03:04:05.678Z":  time.Date(2030, 1, 2, 3, 4, 5, 678e6, time.UTC),
		"2030-01-02T03:04:05-01:00": time.Date(2030, 1, 2, 4, 4, 5, 0, time.UTC),
		"2030-01-02T03:04:05":       time.Date(2030, 1, 2, 1, 4, 5, 0, time.UTC),
		"2030-01-02":                time.Date(2030, 1, 1, 22, 0, 0, 0, time.UTC),
	} {
		if got, err := wire.Time(in, zone); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", in, got, err, want)
		}
	}
	if _, err := wire.Time("s3cret", zone); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("not a time: %v", err)
	}
	for in, want := range map[string]time.Time{"0": {}, "null": {}, "1893456000000": time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), `"1893456000000.5"`: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)} {
		got, err := wire.Millis([]byte(in))
		if err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v, want %v", in, got, err, want)
		}
		if back, err := wire.Millis(wire.EncodeMillis(got)); err != nil || !back.Equal(want) {
			t.Errorf("%s came back as %v, %v", in, back, err)
		}
	}
	for _, in := range []string{"1e99", "9223372036854775807", `"x"`, "{}"} {
		if got, err := wire.Millis([]byte(in)); err == nil {
			t.Errorf("%s is taken for %v", in, got)
		}
	}
}

func TestOneOrMany(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{`"a"`: {"a"}, `["a","b"]`: {"a", "b"}, `[]`: nil, `null`: nil, ` null `: nil} {
		got, err := wire.OneOrMany[string]([]byte(in))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", in, err, diff)
		}
	}
	for _, in := range []string{"1", "[1]", ""} {
		if got, err := wire.OneOrMany[string]([]byte(in)); err == nil {
			t.Errorf("%q is taken for %q", in, got)
		}
	}
}

func TestItemsReadsEveryPageAndStopsAtARepeatedOne(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	pages := func(list ...[]string) func(int) ([]string, int, bool, error) {
		return func(at int) ([]string, int, bool, error) {
			if list[at] == nil {
				return nil, 0, false, boom
			}
			return list[at], at + 1, at+1 < len(list), nil
		}
	}
	key := func(s string) string { return s }
	for _, tc := range []struct {
		name string
		read func(int) ([]string, int, bool, error)
		want []string
		err  string
	}{
		{"all", pages([]string{"a", "b"}, []string{}, []string{"c"}), []string{"a", "b", "c"}, ""},
		{"error", pages([]string{"a"}, nil, []string{"c"}), []string{"a"}, "boom"},
		{"repeated page", func(at int) ([]string, int, bool, error) { return []string{"a"}, at + 1, true, nil }, []string{"a"}, "repeats a page"},
		{"cursor back", func(at int) ([]string, int, bool, error) { return []string{string(rune('a' + at))}, 1 - at, true, nil }, []string{"a", "b"}, "leads back"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			var last error
			for item, err := range wire.Items(0, key, tc.read) {
				if last = err; err == nil {
					got = append(got, item)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if (last == nil) != (tc.err == "") || last != nil && !strings.Contains(last.Error(), tc.err) {
				t.Errorf("ended with %v, want %q", last, tc.err)
			}
		})
	}
}

// FuzzRecord checks that a record survives decoding and encoding.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{`{"_id":"a","x":{"y":[1,"<"]},"child":{"q":null}}`, `null`, `{"_ID":1}`, `{"any":"\u2028","\ud800":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second record
		if json.Unmarshal(b, &first) != nil {
			return
		}
		out, err := json.Marshal(first)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if err := json.Unmarshal(out, &second); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if diff := cmp.Diff(first, second, opts()); diff != "" {
			t.Errorf("lost (-first +second):\n%s", diff)
		}
	})
}
