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

// pollEvery is the least time between two polls of a feed's last page (page "Firehose
// Usage Policy and Restrictions").
const pollEvery = 8 * time.Second

// polls remembers the last page of each feed and when it was asked for.
type polls struct {
	mu    sync.Mutex
	feeds map[string]*poll // by the feed's path
}

type poll struct {
	last string    // the last page's path and query
	next time.Time // when it may be asked for again
}

func newPolls() *polls { return &polls{feeds: map[string]*poll{}} }

// wait returns when the page may be asked for. Whoever waits has a turn of its own, so
// several goroutines on one feed are 8 seconds apart.
func (p *polls) wait(ctx context.Context, feed, page string) error {
	deadline, bounded := ctx.Deadline()
	turn, ok := p.turn(feed, pageOf(page), func(t time.Time) bool { return !bounded || t.Before(deadline) })
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
		p.giveBack(feed, turn)
		return fmt.Errorf("imin: waiting to poll the last page of the feed: %w", ctx.Err())
	}
}

// turn reserves the next poll of a page, unless it is too late for the caller. It is the
// zero time if the page is not the last one.
func (p *polls) turn(feed, page string, inTime func(time.Time) bool) (turn time.Time, ok bool) {
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
	at.next = turn.Add(pollEvery)
	return turn, true
}

// giveBack takes back a turn that was not used, if nobody has the one after it.
func (p *polls) giveBack(feed string, turn time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := p.feeds[feed]; at != nil && at.next.Equal(turn.Add(pollEvery)) {
		at.next = turn
	}
}

// seen records that the page was the last one. The time counts from the answer, which is
// after the server's count began.
func (p *polls) seen(feed, page string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.feeds[feed]
	if at == nil {
		at = &poll{}
		p.feeds[feed] = at
	}
	at.last = pageOf(page)
	if next := time.Now().Add(pollEvery); at.next.Before(next) {
		at.next = next
	}
}

// pageOf is a page's path and query: a feed gives absolute URLs, and begins at a path.
func pageOf(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return page
	}
	return u.RequestURI()
}
