package imin_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/provider/imin"
)

func TestAllIsEveryPage(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, mode := range []imin.EventMode{imin.UpcomingSessions, imin.DiscoveryGeo} {
		for _, limit := range []int{1, 7, 50, 0} {
			t.Run(fmt.Sprint(mode, limit), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				q := imin.EventQuery{Mode: mode, Near: oxford(20), ActivityLabels: []string{"Yoga"}, Limit: limit}
				got := collect(t, w.EventSeries.All(ctx, q))
				first, err := w.EventSeries.List(ctx, q)
				if err != nil {
					t.Fatal(err)
				}
				if first.TotalItems == nil || len(got) != *first.TotalItems || len(got) < 3 {
					t.Fatalf("%d items, the page says %v", len(got), first.TotalItems)
				}
				most := limit
				if limit == 0 {
					most = 50
				}
				if pages, want := len(w.sent())-1, (len(got)+most-1)/most; pages != want {
					t.Errorf("%d requests, want %d", pages, want)
				}
			})
		}
	}
}

func TestAListBeginsAtThePageOfItsQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := imin.PlaceQuery{Limit: 3, Page: 2}
	page, err := w.Places.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	rest := collect(t, w.Places.All(t.Context(), q))
	if page.View.CurrentPage != 2 || page.View.TotalPages != 3 || len(rest) != *page.TotalItems-3 || len(page.Items) != 3 {
		t.Errorf("page %+v, %d items from there", page.View, len(rest))
	}
	if diff := cmp.Diff(page.Items, rest[:3]); diff != "" {
		t.Errorf("(-page +all):\n%s", diff)
	}
}

func TestLeavingTheLoopStopsTheRequestsAndRangingAgainBeginsAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seq := w.EventPlaces.All(t.Context(), imin.EventQuery{Near: oxford(20), Limit: 2})
	a, b := firstOf(t, seq), firstOf(t, seq)
	if diff := cmp.Diff(a, b); diff != "" || len(w.sent()) != 2 {
		t.Errorf("(-first +second):\n%s", diff)
	}
	if a.Event == nil || *a.Event.TotalItems == 0 {
		t.Errorf("no link to the events: %+v", a)
	}
}

func TestAllEndsWhateverTheServerSays(t *testing.T) {
	t.Parallel()
	item := func(n int) string { return fmt.Sprintf(`{"type":"EventSeries","id":"https://x/%d"}`, n) }
	pageOf := func(r *http.Request) int {
		n, _ := strconv.Atoi(r.URL.Query().Get("page"))
		return n
	}
	for _, tc := range []struct {
		name   string
		answer func(*http.Request) (int, string)
		items  int
		err    string
	}{
		{"page ignored", func(*http.Request) (int, string) {
			return 200, `{"view":{"imin:currentPage":1,"imin:totalPages":9},"imin:item":[` + item(1) + `]}`
		}, 1, "page 2 was requested but page 1 was returned"},
		{"page repeated", func(*http.Request) (int, string) {
			return 200, `{"view":{"imin:totalPages":9},"imin:item":[` + item(1) + `]}`
		}, 1, "repeats a page"},
		{"pages without end", func(*http.Request) (int, string) {
			return 200, `{"view":{"imin:totalPages":999999999}}`
		}, 0, ""},
		{"no view", func(r *http.Request) (int, string) {
			if n := pageOf(r); n < 3 {
				return 200, `{"imin:item":[` + item(n) + `]}`
			}
			return 200, `{}`
		}, 2, ""},
		{"an error later", func(r *http.Request) (int, string) {
			if n := pageOf(r); n < 3 {
				return 200, `{"view":{"imin:totalPages":5},"imin:item":[` + item(n) + `]}`
			}
			return 403, `{"message":"no"}`
		}, 2, "403"},
		{"not a page", func(*http.Request) (int, string) { return 200, `[1]` }, 0, "found a JSON array"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := canned(t, tc.answer)
			items, last := 0, error(nil)
			for _, err := range c.EventSeries.All(t.Context(), imin.EventQuery{Near: oxford(1)}) {
				if last = err; err == nil {
					items++
				}
			}
			if items != tc.items || (last == nil) != (tc.err == "") || last != nil && !strings.Contains(last.Error(), tc.err) {
				t.Errorf("%d items, then %v; want %d, %q", items, last, tc.items, tc.err)
			}
		})
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.EventSeries.List(t.Context(), imin.EventQuery{Mode: "sideways", Near: oxford(1)})
	bad, ok := errors.AsType[*keyfit.APIError](err)
	if !ok || bad.StatusCode != http.StatusBadRequest || !strings.Contains(bad.Message, "mode must be") {
		t.Errorf("%v", err)
	}
	_, err = w.Places.List(t.Context(), imin.PlaceQuery{}, keyfit.WithKey("ffffffffffffffffffffffffffffffff"))
	if _, ok := errors.AsType[*keyfit.InvalidKeyError](err); !ok {
		t.Errorf("%v", err)
	}
}
