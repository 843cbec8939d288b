// Package retrybudget keeps retries a part of the requests.
//
// When a server fails, retries multiply the load at the worst moment: with four attempts a
// call, four times the traffic. A [Budget] counts requests and retries over a sliding minute
// and grants a retry only while the retries are less than a given part of the requests, so a
// part of 0.2 bounds the load at 1.2 times the requests. Three retries a second are granted
// whatever the number of requests, or a program that calls rarely could never retry: three at
// once, and one more each third of a second.
//
// The zero Budget is ready for use. All methods are safe for concurrent use: a request is one
// atomic addition, a retry takes a lock, so no two spend the same one. A Budget must not be
// copied after first use.
//
// Times are readings of one monotonic clock of the caller, from its own start and not
// negative.
package retrybudget

import (
	"sync"
	"sync/atomic"
	"time"
)

// minRetries is how many retries a second are granted whatever the number of requests.
const (
	minRetries = 3
	minGap     = time.Second / minRetries
)

// Budget counts requests and retries, a word for each second of the last minute.
type Budget struct {
	seconds [60]atomic.Uint64

	mu   sync.Mutex
	full time.Duration // when minRetries at once are granted again
}

// word is what one second has seen: its number, requests, retries. Four million requests in
// a second are more than can be sent. The number wraps after 48 days: at worst, a word that
// is exactly as old is taken for a new one.
type word uint64

const (
	retryBits   = 20
	requestBits = 22
	secondShift = retryBits + requestBits
	secondMask  = 1<<(64-secondShift) - 1

	oneRequest = 1 << retryBits
	oneRetry   = 1
)

func (w word) second() uint64   { return uint64(w) >> secondShift }
func (w word) requests() uint64 { return uint64(w) >> retryBits & (1<<requestBits - 1) }
func (w word) retries() uint64  { return uint64(w) & (1<<retryBits - 1) }

// at returns the second of a reading and the word that counts it. The word of another
// minute is emptied first.
func (b *Budget) at(now time.Duration) (second uint64, counts *atomic.Uint64) {
	second = uint64(now / time.Second) //nolint:gosec // never negative
	counts = &b.seconds[second%uint64(len(b.seconds))]
	second &= secondMask
	for old := counts.Load(); word(old).second() != second; old = counts.Load() {
		counts.CompareAndSwap(old, second<<secondShift)
	}
	return second, counts
}

// Request counts a request.
func (b *Budget) Request(now time.Duration) {
	_, counts := b.at(now)
	counts.Add(oneRequest)
}

// Spend takes a retry from the budget, which is the given part of the requests of the last
// minute; it reports false, and takes nothing, if the budget is spent.
func (b *Budget) Spend(now time.Duration, part float64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	second, counts := b.at(now)
	full := max(b.full, now) + minGap
	most := now + minRetries*minGap
	if requests, retries := b.lastMinute(second); full > most && float64(retries) >= part*float64(requests) {
		return false
	}
	b.full = min(full, most)
	counts.Add(oneRetry)
	return true
}

// lastMinute sums up the minute that ends with second.
func (b *Budget) lastMinute(second uint64) (requests, retries uint64) {
	for i := range b.seconds {
		w := word(b.seconds[i].Load())
		if age := (second - w.second()) & secondMask; age < uint64(len(b.seconds)) {
			requests += w.requests()
			retries += w.retries()
		}
	}
	return requests, retries
}
