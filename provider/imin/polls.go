package imin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/keyfit/keyfit"
)

// pollInterval is the minimum time between two polls of the last page of a feed (page
// "Firehose Usage Policy and Restrictions").
const pollInterval = 8 * time.Second

// polls remembers the last page of each feed and when it may be polled next.
type polls struct {
	mu    sync.Mutex
	feeds map[string]*poll // by the feed's path
}

type poll struct {
	last string    // path and query of the last page
	next time.Time // when it may be polled again
}

func newPolls() *polls { return &polls{feeds: map[string]*poll{}} }

// wait blocks until the page may be requested. Every waiter reserves its own poll, so that
// several goroutines poll the same feed 8 seconds apart.
func (p *polls) wait(ctx context.Context, feed, page string) error {
	deadline, bounded := ctx.Deadline()
	turn, ok := p.reserve(feed, pageOf(page), func(t time.Time) bool { return !bounded || t.Before(deadline) })
	d := time.Until(turn)
	if !ok {
		return &keyfit.RateLimitError{
			APIError: &keyfit.APIError{
				Provider: "imin", Method: http.MethodGet, Path: feed,
				Message: "the last page of a feed may be polled once every 8 seconds",
			},
			RetryAfter: d, Deadline: true,
		}
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		p.cancel(feed, turn)
		return fmt.Errorf("imin: waiting to poll the last page of the feed: %w", ctx.Err())
	}
}

// reserve reserves the next poll of a page, unless it is too late for the caller. It returns
// the zero time if the page is not the last one.
func (p *polls) reserve(feed, page string, inTime func(time.Time) bool) (turn time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.feeds[feed]
	if at == nil || at.last != page {
		return time.Time{}, true
	}
	turn, now := at.next, time.Now()
	if !turn.After(now) {
		turn = now
	} else if !inTime(turn) {
		return turn, false
	}
	at.next = turn.Add(pollInterval)
	return turn, true
}

// cancel releases an unused reservation if no later poll is reserved.
func (p *polls) cancel(feed string, turn time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := p.feeds[feed]; at != nil && at.next.Equal(turn.Add(pollInterval)) {
		at.next = turn
	}
}

// seen records that a page is the last one. The interval starts at the response, which is
// later than the server's own start of the interval.
func (p *polls) seen(feed, page string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.feeds[feed]
	if at == nil {
		at = &poll{}
		p.feeds[feed] = at
	}
	at.last = pageOf(page)
	if next := time.Now().Add(pollInterval); at.next.Before(next) {
		at.next = next
	}
}

// pageOf returns the path and query of a page, because a feed starts at a path and
// continues with absolute URLs.
func pageOf(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return page
	}
	return u.RequestURI()
}
