package imin_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/imin"
)

func TestAFeedIsReadToItsLastPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	datasets := collect(t, w.Firehose.Datasets().All(t.Context(), ""))
	names := mapped(datasets, func(i imin.FeedItem[imin.Dataset]) string { return i.Data.Publisher.Name })
	if diff := cmp.Diff([]string{"Lorem Fitsum", "Reference Implementation", "Dolor Active", "Ipsum Leisure"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	sellers := collect(t, w.Firehose.BookableSellers("lorem").All(t.Context(), ""))
	gone := mapped(sellers, func(i imin.FeedItem[imin.Seller]) bool { return i.Deleted() && i.Data == nil })
	if diff := cmp.Diff([]bool{false, false, false, true, false}, gone); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if test := collect(t, w.Firehose.BookableSellers("lorem-test").All(t.Context(), "")); len(test) != 1 || test[0].ID.String() != "test" {
		t.Errorf("the test feed has %+v", test)
	}
}

// bubbled returns a mock that uses the clock of the current synctest bubble.
func bubbled(t *testing.T) *world {
	t.Helper()
	w := &world{srv: mockserver.New(t, mockserver.WithSeed(7))}
	w.Client = w.client(t)
	return w
}

func TestTheLastPageIsPolledOnceInEightSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t)
		feed, begun := w.Firehose.Datasets(), time.Now()
		for range 3 {
			collect(t, feed.All(t.Context(), ""))
		}
		collect(t, w.Firehose.BookableSellers("lorem").All(t.Context(), "")) // another feed: no wait
		if took := time.Since(begun); took < 16*time.Second || took > 17*time.Second {
			t.Errorf("three reads took %s, want 16 s", took)
		}
		w.srv.Expect(t, mockserver.Match{Outcome: mockserver.RateLimited}, 0)
	})
}

func TestGoroutinesThatPollOneFeedTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t)
		feed := w.Firehose.Datasets()
		collect(t, feed.All(t.Context(), ""))
		begun := time.Now()
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if items := collect(t, feed.All(t.Context(), "")); len(items) != 4 {
					t.Errorf("%d items", len(items))
				}
			})
		}
		group.Wait()
		if took := time.Since(begun); took < 40*time.Second || took > 41*time.Second {
			t.Errorf("five polls took %s, want 40 s", took)
		}
		w.srv.Expect(t, mockserver.Match{Outcome: mockserver.RateLimited}, 0)
	})
}

func TestFollowGoesOnFromTheLastPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t)
		var sizes []int
		var at imin.Position
		begun := time.Now()
		for page, err := range w.Firehose.Datasets().Follow(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			at = page.Next
			if sizes = append(sizes, len(page.Items)); len(sizes) == 5 {
				break
			}
		}
		if diff := cmp.Diff([]int{3, 1, 0, 0, 0}, sizes); diff != "" {
			t.Errorf("pages (-want +got):\n%s", diff)
		}
		if took := time.Since(begun); took < 16*time.Second || took > 17*time.Second {
			t.Errorf("it took %s, want 16 s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		n, last := 0, error(nil)
		for page, err := range w.Firehose.Datasets().Follow(ctx, at) {
			if last = err; err == nil && page.Last() {
				n++
			}
		}
		// It polls at 8 and 16 seconds; the poll at 24 would exceed the deadline.
		if n != 2 || !errors.Is(last, keyfit.ErrRateLimited) || !errors.Is(last, context.DeadlineExceeded) {
			t.Errorf("%d polls, then %v", n, last)
		}
		w.srv.Expect(t, mockserver.Match{Outcome: mockserver.RateLimited}, 0)
	})
}

func TestAWaitThatIsGivenUpDelaysNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t)
		feed := w.Firehose.Datasets()
		collect(t, feed.All(t.Context(), ""))
		begun := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		var last error
		for _, err := range feed.All(ctx, "") {
			last = err
		}
		if !errors.Is(last, context.Canceled) || time.Since(begun) != time.Second {
			t.Errorf("%v after %s", last, time.Since(begun))
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, err := range feed.All(short, "") {
			last = err
		}
		limited, ok := errors.AsType[*keyfit.RateLimitError](last)
		if !ok || !limited.Deadline || limited.RetryAfter < 6*time.Second || limited.Path != "/firehose/datasets" {
			t.Errorf("%v", last)
		}
		collect(t, feed.All(t.Context(), ""))
		if took := time.Since(begun); took > 9*time.Second {
			t.Errorf("the next poll was after %s", took)
		}
	})
}

func TestNewItemsOfAFollowedFeedArrive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		polls := 0
		c := canned(t, func(r *http.Request) (int, string) {
			if at, _ := strconv.Atoi(r.URL.Query().Get("afterTimestamp")); at > 0 {
				return 200, `{"next":"https://firehose.imin.co/firehose/datasets?afterTimestamp=1&afterId=a","items":[]}`
			}
			if polls++; polls < 3 {
				return 200, `{"items":[]}` // the last page may omit next
			}
			return 200, `{"next":"https://firehose.imin.co/firehose/datasets?afterTimestamp=1&afterId=a","items":[{"state":"updated","id":7,"modified":"x"}]}`
		})
		for page, err := range c.Firehose.Datasets().Follow(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if !page.Last() {
				if page.Items[0].ID.String() != "7" || page.Items[0].Modified.String() != "x" {
					t.Errorf("%+v", page.Items)
				}
				break
			}
		}
		if polls != 3 {
			t.Errorf("%d polls", polls)
		}
	})
}

func TestAFeedThatDoesNotAdvanceIsAnError(t *testing.T) {
	t.Parallel()
	const here = "https://firehose.imin.co/firehose/datasets?afterId=a"
	for name, tc := range map[string]struct{ next, err string }{
		"no next":                   {``, "items and no next"},
		"the same":                  {`"next":"` + here + `",`, "the next page is the same"},
		"another host":              {`"next":"https://evil.example/firehose/datasets",`, "another origin"},
		"another host, by a letter": {`"next":"https://firehose.\u0130min.co/firehose/datasets",`, "another origin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := canned(t, func(r *http.Request) (int, string) {
				if r.URL.Host != "firehose.imin.co" {
					t.Errorf("a request went to %s", r.URL.Host)
				}
				return 200, `{` + tc.next + `"items":[{"state":"updated","id":"1"}]}`
			})
			feed := c.Firehose.Datasets()
			var all, follow error
			for _, all = range feed.All(t.Context(), here) {
				_ = all
			}
			for _, follow = range feed.Follow(t.Context(), here) {
				_ = follow
			}
			for _, err := range []error{all, follow} {
				if strings.HasPrefix(name, "another host") && errors.Is(err, keyfit.ErrCrossOrigin) {
					continue
				}
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("%v, want %s", err, tc.err)
				}
			}
		})
	}
}
