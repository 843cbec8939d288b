package keyfit

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzTheNextLinkOfAHeader: whatever a Link header says, what is found stands in it as a target.
func FuzzTheNextLinkOfAHeader(f *testing.F) {
	for _, line := range []string{
		"", "<a>; rel=next", `<a>; rel="next"`, `</b>; rel="prev", </a?x=1,2>; rel="last next"`, `<a>; title="x, <b>; rel=next"; rel=prev`,
		`<a>; rel=next; rel=prev`, `<a>; rel=prev; rel=next`, `<a>; anchor="#x"; rel=next`, "<a>;REL=NEXT", "<a;rel=next", `<a>; title="\"`, ",,;<>", "a; rel=next",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		found := nextInHeader([]string{line})
		if found != "" && (!strings.Contains(line, found) || strings.ContainsAny(found, "<>") && !strings.Contains(line, "<"+found) || !strings.Contains(strings.ToLower(line), "next")) {
			t.Fatalf("%q is found in %q", found, line)
		}
	})
}

func TestTheNextLinkOfAHeader(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"": "", "<a>; rel=next": "a", `< a >;rel="next"`: "a", `</b>; rel="prev", </a?x=1,2>; rel="last next"`: "/a?x=1,2", `<a>; title="x, <b>; rel=next"; rel=prev`: "",
		`<a>; rel=prev; rel=next`: "", `<a>; rel=next; rel=prev`: "a", `<a>; anchor="#x"; rel=next, <b>; rel=next`: "b", "<a>;REL=NEXT": "a", "<a;rel=next": "", "a; rel=next": "",
		`<a>; rel="nextish", <b>; rel="x-next"`: "", `<a>; title="\", rel=next"; rel=next`: "a", `<a>; rel=nextpage`: "",
	} {
		if got := nextInHeader([]string{line}); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// FuzzAFieldOfAPage: a field is found only where its names lead.
func FuzzAFieldOfAPage(f *testing.F) {
	for _, seed := range [][2]string{{`{"a":{"b":[1]}}`, "a.b"}, {`{"a.b":1,"a":{"b":2}}`, "a.b"}, {`{"@odata.nextLink":"x"}`, "@odata.nextLink"}, {`[]`, "a"}, {`{`, "."}, {`{"":{"":1}}`, "."}, {`null`, "a..b"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, body, path string) {
		raw, ok := field(json.RawMessage(body), path)
		if ok && path != "" && (!json.Valid(raw) || !json.Valid([]byte(body))) {
			t.Fatalf("%q in %q is %q", path, body, raw)
		}
	})
}
