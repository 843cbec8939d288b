package keyfit

import (
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
)

// retryBudget counts requests and retries over a sliding minute, a word for each second. It
// takes no lock: to count a request is one atomic addition, and a retry is spent by a
// compare-and-swap on the word of its second, so no two spend the same one.
type retryBudget struct {
	clock   clock.Clock
	seconds [60]atomic.Uint64 // budgetWord

	earlier atomic.Uint64 // requests before that minute
	told    atomic.Uint64 // the greatest number of requests that was told
}

// budgetWord is what one second has seen: its number since the budget's beginning, requests,
// retries. Four million requests in a second are more than can be sent, and a word that is
// 48 days old to the second is read as new at the worst.
type budgetWord uint64

const (
	retryBits   = 20
	requestBits = 22
	secondShift = retryBits + requestBits

	oneRequest = 1 << retryBits
	oneRetry   = 1
)

func (w budgetWord) second() uint64   { return uint64(w) >> secondShift }
func (w budgetWord) requests() uint64 { return uint64(w) >> retryBits & (1<<requestBits - 1) }
func (w budgetWord) retries() uint64  { return uint64(w) & (1<<retryBits - 1) }

// minRetries is how many retries a second are allowed whatever the number of requests.
const minRetries = 3

func newRetryBudget(c clock.Clock) *retryBudget { return &retryBudget{clock: c} }

// at returns the second of a reading of the clock, and its word, which is made new if it is of another minute.
func (b *retryBudget) at(now time.Duration) (uint64, *atomic.Uint64) {
	second := uint64(now / time.Second) //nolint:gosec // never negative
	word := &b.seconds[second%uint64(len(b.seconds))]
	second &= 1<<(64-secondShift) - 1
	for old := word.Load(); budgetWord(old).second() != second; old = word.Load() {
		if word.CompareAndSwap(old, second<<secondShift) {
			b.earlier.Add(budgetWord(old).requests())
			break
		}
	}
	return second, word
}

// request counts a call, and returns how many its second has seen with it.
func (b *retryBudget) request(at time.Duration) uint64 {
	_, word := b.at(at)
	return budgetWord(word.Add(oneRequest)).requests()
}

// total is the number of requests so far. It only grows: those of a second that another one
// takes the place of right now may be in neither, but never in both.
func (b *retryBudget) total() uint64 {
	n := b.earlier.Load() // first
	for i := range b.seconds {
		n += budgetWord(b.seconds[i].Load()).requests()
	}
	for told := b.told.Load(); told < n; told = b.told.Load() {
		if b.told.CompareAndSwap(told, n) {
			return n
		}
	}
	return b.told.Load()
}

// spend takes one retry from the budget, which is part of the requests of the last
// minute; false says that it is spent.
func (b *retryBudget) spend(part float64) bool {
	for {
		second, word := b.at(b.clock.Now())
		old := word.Load()
		requests, retries := b.count(second)
		if budgetWord(old).retries() >= minRetries && float64(retries) >= part*float64(requests) {
			return false
		}
		if word.CompareAndSwap(old, old+oneRetry) {
			return true
		}
	}
}

// count sums up the minute that ends with second.
func (b *retryBudget) count(second uint64) (requests, retries uint64) {
	for i := range b.seconds {
		w := budgetWord(b.seconds[i].Load())
		if age := (second - w.second()) & (1<<(64-secondShift) - 1); age < uint64(len(b.seconds)) {
			requests += w.requests()
			retries += w.retries()
		}
	}
	return requests, retries
}
