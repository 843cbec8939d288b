package mockserver

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

const (
	// maxEvents bounds the events that a slow follower may be behind.
	maxEvents = 4000
	// feedPause is the least time between two batches of events: under load followers are
	// woken for a batch and not for each request.
	feedPause = 20 * time.Millisecond
)

// feed is what the live followers of a journal read: each event is copied from the
// journal and encoded once, whatever their number. It runs while there are any.
type feed struct {
	j *journal

	mu  sync.Mutex
	now *broadcast // nil without followers
}

// broadcast is one run of a feed.
type broadcast struct {
	feed      *feed
	followers int
	events    []*event
	first     uint64        // the number of events[0]
	more      chan struct{} // closed when there are more
	quit      chan struct{}
	ended     chan struct{}
}

// event is an exchange, or a number of exchanges that were evicted unread.
type event struct {
	x      Exchange
	missed uint64
	text   []byte // as a server-sent event
}

// newEvent encodes an exchange. One that cannot be encoded has no text.
func newEvent(x *Exchange) *event {
	data, err := json.Marshal(x)
	if err != nil {
		return &event{x: *x} // a struct of strings, numbers and times always encodes
	}
	return &event{x: *x, text: fmt.Appendf(nil, "id: %d\nevent: request\ndata: %s\n\n", x.ID, data)}
}

func missedEvent(n uint64) *event {
	return &event{missed: n, text: fmt.Appendf(nil, "event: missed\ndata: {\"missed\":%d}\n\n", n)}
}

// join returns the running broadcast and the number of its next event.
func (fd *feed) join() (*broadcast, uint64) {
	fd.mu.Lock()
	defer fd.mu.Unlock()
	if fd.now == nil {
		fd.now = &broadcast{feed: fd, more: make(chan struct{}), quit: make(chan struct{}), ended: make(chan struct{})}
		go fd.now.run(newFollower(fd.j, fd.j.last()))
	}
	fd.now.followers++
	return fd.now, fd.now.first + uint64(len(fd.now.events))
}

// leave ends the broadcast with its last follower.
func (br *broadcast) leave() {
	fd := br.feed
	fd.mu.Lock()
	br.followers--
	last := br.followers == 0
	if last {
		fd.now = nil
		close(br.quit)
	}
	fd.mu.Unlock()
	if last {
		<-br.ended
	}
}

// run publishes what happens in the journal until the last follower has left.
func (br *broadcast) run(follow *follower) {
	defer close(br.ended)
	for {
		fresh, more := follow.next()
		br.publish(follow.missed, fresh)
		rest := make(chan struct{})
		stop := clock.AfterMachineTime(feedPause, func() { close(rest) })
		for _, wait := range []<-chan struct{}{rest, more} {
			select {
			case <-wait:
			case <-br.quit:
				stop()
				return
			}
		}
	}
}

func (br *broadcast) publish(missed uint64, fresh []Exchange) {
	if missed == 0 && len(fresh) == 0 {
		return
	}
	batch := make([]*event, 0, len(fresh)+1)
	if missed > 0 {
		batch = append(batch, missedEvent(missed))
	}
	for i := range fresh {
		batch = append(batch, newEvent(&fresh[i]))
	}
	br.feed.mu.Lock()
	defer br.feed.mu.Unlock()
	br.events = append(br.events, batch...)
	if over := len(br.events) - maxEvents; over > 0 {
		br.events = append([]*event(nil), br.events[over:]...) // whoever reads has the old slice
		br.first += uint64(over)
	}
	close(br.more)
	br.more = make(chan struct{})
}

// from returns the events from a number on, how many of them were dropped, the number
// of the next one, and a channel that closes when there is one.
func (br *broadcast) from(number uint64) (events []*event, dropped, next uint64, more <-chan struct{}) {
	br.feed.mu.Lock()
	defer br.feed.mu.Unlock()
	if number < br.first {
		dropped, number = br.first-number, br.first
	}
	events = br.events[number-br.first : len(br.events) : len(br.events)]
	return events, dropped, br.first + uint64(len(br.events)), br.more
}
