package keyfit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// pagedServer serves the numbers 1 to 7, three on a page, in the way that a path names, and
// records the targets.
func pagedServer(t *testing.T, asked *[]string) *keyfit.Client {
	t.Helper()
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, r *http.Request, at int, rest string) {
		var items []string
		for n := at + 1; n <= min(at+3, 7); n++ {
			items = append(items, strconv.Itoa(n))
		}
		_, _ = fmt.Fprintf(w, rest, "["+strings.Join(items, ",")+"]")
		*asked = append(*asked, r.URL.RequestURI())
	}
	number := func(r *http.Request, name string) int { n, _ := strconv.Atoi(r.FormValue(name)); return n }
	mux.HandleFunc("/link", func(w http.ResponseWriter, r *http.Request) {
		at := number(r, "at")
		if at+3 < 7 {
			w.Header().Add("Link", `</link?at=0>; rel=first; title="a, b; rel=next", <`+"http://"+r.Host+`/link?at=`+strconv.Itoa(at+3)+`&kind=x>; rel="prefetch next"`)
			w.Header().Add("Link", `<https://evil.example/>; rel="next"`) // only the first counts
		}
		page(w, r, at, "%s")
	})
	mux.HandleFunc("/next", func(w http.ResponseWriter, r *http.Request) {
		at, next := number(r, "at"), "null"
		if at+3 < 7 {
			next = fmt.Sprintf(`"?at=%d"`, at+3)
		}
		page(w, r, at, `{"value":%s,"@odata.nextLink":`+next+`}`)
	})
	mux.HandleFunc("/cursor", func(w http.ResponseWriter, r *http.Request) {
		at, next := number(r, "cursor"), `""`
		if at+3 < 7 {
			next = strconv.Itoa(at + 3)
		}
		page(w, r, at, `{"result":{"rooms":%s},"other":[],"response_metadata":{"next_cursor":`+next+`}}`)
	})
	mux.HandleFunc("/number", func(w http.ResponseWriter, r *http.Request) {
		page(w, r, 3*(max(number(r, "page"), 1)-1), `{"data":%s,"total":7}`)
	})
	mux.HandleFunc("/offset", func(w http.ResponseWriter, r *http.Request) {
		at := number(r, "skip")
		page(w, r, at, `{"data":%s,"has_more":`+strconv.FormatBool(at+3 < 7)+`}`)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: srv.URL, Scheme: keyfit.Query("api_key")}, keyfit.WithKey("paging-lorem-fitsum"), keyfit.WithoutDotEnv(),
		keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestItemsAreThoseOfAllPages(t *testing.T) {
	t.Parallel()
	var asked []string
	c := pagedServer(t, &asked)
	for _, test := range []struct {
		path string
		by   keyfit.Paging
		want []string // what is asked, apart from the key
	}{
		{"/link", keyfit.LinkHeader(), []string{"/link?kind=x&size=3", "/link?at=3&kind=x", "/link?at=6&kind=x"}},
		{"/next", keyfit.NextLink("@odata.nextLink"), []string{"/next?kind=x&size=3", "/next?at=3&kind=x&size=3", "/next?at=6&kind=x&size=3"}},
		{"/cursor", keyfit.NextCursor("cursor", "response_metadata.next_cursor").In("result.rooms"), []string{"/cursor?kind=x&size=3", "/cursor?cursor=3&kind=x&size=3", "/cursor?cursor=6&kind=x&size=3"}},
		{"/number", keyfit.PageNumber("page"), []string{"/number?kind=x&size=3", "/number?kind=x&page=2&size=3", "/number?kind=x&page=3&size=3", "/number?kind=x&page=4&size=3"}},
		{"/number?page=1", keyfit.PageNumber("page").In("data"), []string{"/number?kind=x&page=1&size=3", "/number?kind=x&page=2&size=3", "/number?kind=x&page=3&size=3", "/number?kind=x&page=4&size=3"}},
		{"/offset", keyfit.Offset("skip").More("has_more"), []string{"/offset?kind=x&size=3", "/offset?kind=x&size=3&skip=3", "/offset?kind=x&size=3&skip=6"}},
		{"/offset", keyfit.Offset("skip"), []string{"/offset?kind=x&size=3", "/offset?kind=x&size=3&skip=3", "/offset?kind=x&size=3&skip=6", "/offset?kind=x&size=3&skip=7"}},
	} {
		var resp keyfit.Response
		items := keyfit.Items[int](t.Context(), c, test.path, test.by, keyfit.Param("kind", "x"), keyfit.Param("size", "3"), keyfit.WithResponse(&resp))
		for range 2 { // ranging again begins anew
			asked = nil
			var got []int
			for n, err := range items {
				if err != nil {
					t.Fatal(test.path, err)
				}
				got = append(got, n)
			}
			if diff := cmp.Diff([]int{1, 2, 3, 4, 5, 6, 7}, got); diff != "" {
				t.Errorf("%s: items (-want +got):\n%s", test.path, diff)
			}
			for i, at := range asked {
				asked[i] = strings.TrimSuffix(at, "&api_key=paging-lorem-fitsum")
			}
			if diff := cmp.Diff(test.want, asked); diff != "" {
				t.Errorf("%s: asked (-want +got):\n%s", test.path, diff)
			}
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s: the caller's response has status %d", test.path, resp.StatusCode)
			}
		}
		asked = nil
		for n := range items {
			if n == 3 {
				break
			}
		}
		if len(asked) != 1 {
			t.Errorf("%s: leaving the loop at the third item asked %v", test.path, asked)
		}
	}
}

// Whatever a server says, the items end, with an error that says why.
func TestItemsEndWithWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		by    keyfit.Paging
		pages []string // bodies; the last one repeats
		link  string
		items int
		err   string
	}{
		{name: "an empty page", by: keyfit.PageNumber("page"), pages: []string{`[1]`, `[2]`, `[]`}, items: 2},
		{name: "null", by: keyfit.Offset("at").In("a.b"), pages: []string{`{"a":{"b":[1]}}`, `{"a":{"b":null}}`}, items: 1},
		{name: "a parameter that is ignored", by: keyfit.PageNumber("page"), pages: []string{`[1,2]`}, items: 2, err: "repeats a page"},
		{name: "a cursor that stays", by: keyfit.NextCursor("c", "next"), pages: []string{`{"d":[1],"next":"x"}`}, items: 2, err: "leads back to an earlier page"},
		{name: "a link that leads back", by: keyfit.LinkHeader(), pages: []string{`[1]`}, link: `</list>;rel=next`, items: 1, err: "leads back to an earlier page"},
		{name: "a link to elsewhere", by: keyfit.LinkHeader(), pages: []string{`[1]`}, link: `<https://evil.example/list>;rel=next`, items: 1, err: "refused to leave the provider's origin"},
		{name: "a link that is none", by: keyfit.NextLink("next"), pages: []string{`{"d":[1],"next":"://"}`}, items: 1, err: "not a URL"},
		{name: "a cursor that is an object", by: keyfit.NextCursor("c", "next"), pages: []string{`{"d":[1],"next":{}}`}, items: 1, err: "neither a text nor a number"},
		{name: "no list", by: keyfit.PageNumber("page"), pages: []string{`{"a":1}`}, err: "Paging.In"},
		{name: "several lists", by: keyfit.PageNumber("page"), pages: []string{`{"a":[1],"b":[2]}`}, err: "Paging.In"},
		{name: "another field", by: keyfit.PageNumber("page").In("data"), pages: []string{`{"items":[1]}`}, err: "field data: the page has no such field"},
		{name: "no array", by: keyfit.PageNumber("page").In("data"), pages: []string{`{"data":"c4n4rY"}`}, err: "field data: found a JSON string"},
		{name: "an item of another type", by: keyfit.PageNumber("page").In("data"), pages: []string{`{"data":[1,"c4n4rY"]}`}, items: 1, err: "field data: found a JSON string, wanted a Go int"},
		{name: "no JSON", by: keyfit.PageNumber("page"), pages: []string{`[1`}, err: "broken JSON at byte 2 of 2"},
		{name: "no Paging", pages: []string{`[1]`}, err: "the Paging is empty"},
		{name: "no field", by: keyfit.NextCursor("c", ""), pages: []string{`{"d":[1],"next":"x"}`}, err: "names no parameter or no field"},
		{name: "no parameter", by: keyfit.NextCursor("", "next"), pages: []string{`{"d":[1],"next":"x"}`}, err: "names no parameter or no field"},
		{name: "no parameter to count in", by: keyfit.Offset("").In("d"), pages: []string{`{"d":[1]}`}, err: "names no parameter or no field"},
		{name: "no field of a link", by: keyfit.NextLink(""), pages: []string{`{"d":[1],"next":"x"}`}, err: "names no parameter or no field"},
		{name: "more is false", by: keyfit.PageNumber("page").More("more"), pages: []string{`{"d":[1],"more":false}`}, items: 1},
		{name: "more is missing", by: keyfit.NextCursor("c", "next").More("more"), pages: []string{`{"d":[1],"next":"x"}`}, items: 1},
		{name: "a page without items", by: keyfit.NextCursor("c", "next"), pages: []string{`{"d":[],"next":"a"}`, `{"d":[1],"next":""}`}, items: 1},
		{name: "a byte order mark", by: keyfit.PageNumber("page"), pages: []string{"\ufeff[1]", "[]"}, items: 1},
		{name: "a refusal", by: keyfit.PageNumber("page"), pages: []string{`[1]`, "403"}, items: 1, err: "403 Forbidden"},
	} {
		calls := 0
		wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			body := test.pages[min(calls, len(test.pages)-1)]
			calls++
			rec := httptest.NewRecorder()
			rec.Header().Set("Link", test.link)
			rec.Header().Set("Content-Type", "application/json")
			if body == "403" {
				rec.WriteHeader(http.StatusForbidden)
			}
			_, _ = rec.WriteString(body)
			resp := rec.Result()
			resp.Request = req
			return resp, nil
		})
		c := lastingClient(t, wire)
		items, said := 0, ""
		for _, err := range keyfit.Items[int](t.Context(), c, "/list", test.by) {
			if said != "" {
				t.Fatalf("%s: something came after the error", test.name)
			}
			if err != nil {
				said = err.Error()
				continue
			}
			items++
		}
		if items != test.items || (test.err == "") != (said == "") || !strings.Contains(said, test.err) || strings.Contains(said, "c4n4rY") || strings.Contains(said, "\n") {
			t.Errorf("%s: %d items, %q", test.name, items, said)
		}
		if calls > 4 {
			t.Errorf("%s: %d requests", test.name, calls)
		}
	}
}

// A long circle of pages is found, and none is seen where there is none.
func TestACircleOfPagesEnds(t *testing.T) {
	t.Parallel()
	for _, length := range []int{2, 3, 7, 50} {
		for _, before := range []int{0, 1, 10} {
			calls := 0
			wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
				calls++
				at, _ := strconv.Atoi(req.URL.Query().Get("c"))
				if at++; at == before+length {
					at = max(before, 1)
				}
				rec := httptest.NewRecorder()
				_, _ = fmt.Fprintf(rec, `{"d":[%d],"next":%d}`, at, at)
				return rec.Result(), nil
			})
			var last error
			for _, err := range keyfit.Items[int](t.Context(), lastingClient(t, wire), "/list", keyfit.NextCursor("c", "next")) {
				last = err
			}
			if last == nil || calls > 3*(before+length)+3 {
				t.Errorf("%d after %d: %d calls, %v", length, before, calls, last)
			}
		}
	}
}

func TestItemsEndWithTheContextAndAWrongOption(t *testing.T) {
	t.Parallel()
	var asked []string
	c := pagedServer(t, &asked)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for n, err := range keyfit.Items[int](ctx, c, "/number", keyfit.PageNumber("page")) {
		if last = err; n == 3 {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) || len(asked) != 1 {
		t.Errorf("%v, asked %v", last, asked)
	}
	for _, err := range keyfit.Items[int](t.Context(), c, "/number", keyfit.PageNumber("page"), keyfit.Param("", "x")) {
		if err == nil || !strings.Contains(err.Error(), "has no name") {
			t.Error(err)
		}
	}
	for _, err := range keyfit.Items[int](t.Context(), c, "/number?page=x", keyfit.PageNumber("page")) {
		if last = err; err != nil && !strings.Contains(err.Error(), "page is not a number") {
			t.Error(err)
		}
	}
	if last == nil {
		t.Error("a page that is no number is no error")
	}
}

// Behind a gateway, a link of a provider that does not know of it is followed through it.
func TestItemsFollowLinksThroughAGateway(t *testing.T) {
	t.Parallel()
	var asked []string
	links := []string{`<https://api.acme.example/v1/things?page=2>; rel="next"`, `</gw/v1/things?page=3>; rel="next"`, `</v1/things?page=4>; rel=next`, ""}
	c := gatewayClient(t, "https://gw.example/gw", &asked, func(req *http.Request) *http.Response {
		rec := httptest.NewRecorder()
		rec.Header().Set("Link", links[len(asked)-1])
		_ = json.NewEncoder(rec).Encode([]int{len(asked)})
		resp := rec.Result()
		resp.Request = req
		return resp
	})
	for _, err := range keyfit.Items[int](t.Context(), c, "/v1/things", keyfit.LinkHeader()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"gw.example/gw/v1/things", "gw.example/gw/v1/things?page=2", "gw.example/gw/v1/things?page=3", "gw.example/gw/v1/things?page=4"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A query alone is relative to the page, as RFC 3986 has it, and keeps what it does not name.
func TestPagesFollowsAQueryAlone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path string
		opts []keyfit.CallOption
		want []string
	}{
		{"/v1/items", nil, []string{"/v1/items", "/v1/items?cursor=x", "/v1/items?cursor=y"}},
		{"/v1/items?size=2&cursor=a", nil, []string{"/v1/items?size=2&cursor=a", "/v1/items?cursor=x&size=2", "/v1/items?cursor=y&size=2"}},
		{"/v1/items", []keyfit.CallOption{keyfit.Param("size", "2"), keyfit.Param("cursor", "a")}, []string{"/v1/items?cursor=a&size=2", "/v1/items?cursor=x&size=2", "/v1/items?cursor=y&size=2"}},
	} {
		var asked []string
		next := []string{"?cursor=x", "?cursor=y", ""}
		wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			asked = append(asked, req.URL.RequestURI())
			rec := httptest.NewRecorder()
			_, _ = fmt.Fprintf(rec, "%q", next[len(asked)-1])
			return rec.Result(), nil
		})
		for _, err := range keyfit.Pages(t.Context(), lastingClient(t, wire), test.path, func(link string) string { return strings.Trim(link, `"`) }, test.opts...) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(test.want, asked); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// A server that repeats the key in its links and pages is not told of in an error.
func TestCanaryTheErrorsOfItemsTellNoKey(t *testing.T) {
	t.Parallel()
	const key = "paging-c4n4rY-lorem-fitsum"
	for _, body := range []string{`["` + key + `"]`, `{"a":"` + key + `"}`, `{"next":{"` + key + `":1},"d":[]}`, `[` + key, `{"` + key + `":[1],"d":[]}`} {
		for _, link := range []string{"</list/" + key + `?k=` + key + `>; rel="next"`, `<https://` + key + `.example/` + key + `>; rel="next"`, `<://` + key + `>; rel=next`} {
			calls := 0
			wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
				rec := httptest.NewRecorder()
				rec.Header().Set("Link", link)
				if calls++; calls == 1 {
					_, _ = rec.WriteString("[1]")
				} else {
					_, _ = rec.WriteString(body)
				}
				return rec.Result(), nil
			})
			c := lastingClient(t, wire, keyfit.WithHooks(keyfit.Hooks{}))
			d, err := c.With(keyfit.WithKey(key))
			if err != nil {
				t.Fatal(err)
			}
			for _, by := range []keyfit.Paging{keyfit.LinkHeader(), keyfit.NextCursor("c", "next").In("d"), keyfit.NextLink("next")} {
				calls = 0
				for _, err := range keyfit.Items[int](t.Context(), d, "/list", by) {
					if err != nil {
						newCanary(keyfit.APIKey(key)).absent(t, body, canaryForms(err))
					}
				}
			}
		}
	}
}
