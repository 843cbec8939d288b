package imin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

const firehose = "https://firehose.imin.co/firehose/"

// walk reads a feed to its last page and returns the items and the URL of that
// page.
func walk(t *testing.T, c client, url string) (items []object, last string) {
	t.Helper()
	for range 10 {
		page := c.get(t, url)
		if dig[string](page, "license") == "" {
			t.Errorf("%s has no license", url)
		}
		got := list(page, "items")
		items = append(items, got...)
		next := dig[string](page, "next")
		if len(got) == 0 {
			if next != url {
				t.Errorf("the last page leads to %s, not to itself", next)
			}
			return items, url
		}
		url = next
	}
	t.Fatal("the feed does not end")
	return nil, ""
}

func TestAFeedIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ids := func(items []object) string {
		var out []string
		for _, i := range items {
			out = append(out, dig[string](i, "id")+":"+dig[string](i, "state"))
			if (i["state"] == "deleted") == (i["data"] != nil) {
				t.Errorf("%v: state %v, data %v", i["id"], i["state"], i["data"])
			}
		}
		return strings.Join(out, " ")
	}
	for feed, want := range map[string]string{
		"datasets":                   "loremfitsum:updated refimpl:updated dolor-active:updated ipsum-leisure:updated",
		"bookable-sellers/acme":      "1:updated 2:updated 3:updated 4:deleted 5:updated",
		"bookable-sellers/acme-test": "test:updated",
	} {
		items, _ := walk(t, c, firehose+feed)
		if diff := cmp.Diff(want, ids(items)); diff != "" {
			t.Errorf("%s: -want +got\n%s", feed, diff)
		}
	}
}

func TestTheShapesOfFeedItems(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	dataset := list(c.get(t, firehose+"datasets"), "items")[0]
	want := object{
		"state": "updated", "kind": "Dataset", "id": "loremfitsum", "modified": 1.7e9,
		"data": object{
			"@context": []any{"https://schema.org/", "https://openactive.io/"}, "@type": "Dataset",
			"@id": "https://data.loremfitsum.example/loremfitsum/", "identifier": "loremfitsum", "name": "Lorem Fitsum Sessions and Facilities",
			"publisher": object{"@type": "Organization", "name": "Lorem Fitsum", "legalName": "Lorem Fitsum LTD"},
			"license":   "https://creativecommons.org/licenses/by/4.0/",
		},
	}
	if diff := cmp.Diff(want, dataset); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	seller := list(c.get(t, firehose+"bookable-sellers/acme"), "items")[0]
	if diff := cmp.Diff(object{"@context": "https://openactive.io/", "@type": "Organization", "@id": "https://firehose.imin.co/sellers/loremfitsum/1"}, seller["data"]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTheLastPageIsPolledEveryEightSecondsAtMost(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	_, last := walk(t, c, firehose+"datasets") // polls the last page once
	for _, step := range []struct {
		after time.Duration
		want  int
	}{
		{0, http.StatusTooManyRequests},
		{7999 * time.Millisecond, http.StatusTooManyRequests},
		{time.Millisecond, http.StatusOK}, // a refused poll does not extend the wait
		{time.Second, http.StatusTooManyRequests},
		{7 * time.Second, http.StatusOK},
	} {
		c.srv.Clock().Advance(step.after)
		status, body, header := c.ask(t, last)
		if status != step.want {
			t.Errorf("%s later: %d %s, want %d", step.after, status, body, step.want)
		}
		if status == http.StatusTooManyRequests && (body != `{"message":"API rate limit exceeded"}` || !strings.Contains(header.Get("X-Mock-Diagnosis"), "every 8s")) {
			t.Errorf("%s %s", body, header)
		}
	}
	c.srv.Expect(t, mockserver.Match{Outcome: mockserver.RateLimited}, 3)

	// Pages with items, other feeds and other keys are not limited.
	for range 5 {
		c.get(t, firehose+"datasets")
	}
	walk(t, c, firehose+"bookable-sellers/acme")
	walk(t, client{c.srv, c.srv.Keys().Issue(mockserver.Imin)}, firehose+"datasets")
}

func TestTheMemoryOfPollsIsBounded(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for i := range 5000 {
		c.get(t, firehose+"bookable-sellers/b"+digits(i)+"?afterTimestamp=9999999999&afterId=x")
	}
	// The oldest polls are forgotten, the newest is not.
	if status, _, _ := c.ask(t, firehose+"bookable-sellers/b4999?afterTimestamp=9999999999&afterId=x"); status != http.StatusTooManyRequests {
		t.Errorf("the newest poll: %d", status)
	}
	if status, _, _ := c.ask(t, firehose+"bookable-sellers/b1?afterTimestamp=9999999999&afterId=x"); status != http.StatusOK {
		t.Errorf("the oldest poll: %d", status)
	}
}

func TestABrokenFeedPositionIsRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, query := range []string{"afterTimestamp=1", "afterId=x", "afterTimestamp=x&afterId=x", "page=2"} {
		if status, body, _ := c.ask(t, firehose+"datasets?"+query); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
}

func TestTheProfileDecidesTheAnswerToASoonPoll(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.srv.SetProfile(mockserver.Imin, mockserver.Profile{Hints: mockserver.HintSeconds})
	_, last := walk(t, c, firehose+"datasets")
	c.srv.Clock().Advance(2500 * time.Millisecond)
	if status, _, header := c.ask(t, last); status != http.StatusTooManyRequests || header.Get("Retry-After") != "6" {
		t.Errorf("%d, Retry-After %q", status, header.Get("Retry-After"))
	}
}
