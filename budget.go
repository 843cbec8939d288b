package keyfit

import (
	"sync"
	"time"
)

// retryBudget counts requests and retries over a sliding minute, in seconds.
type retryBudget struct {
	mu      sync.Mutex
	begin   time.Time
	buckets [60]budgetBucket
}

type budgetBucket struct {
	second            int64 // since begin
	requests, retries int
}

// minRetries is how many retries a second are allowed whatever the number of requests.
const minRetries = 3

func newRetryBudget() *retryBudget { return &retryBudget{begin: time.Now()} }

func (b *retryBudget) bucket() *budgetBucket {
	second := int64(time.Since(b.begin) / time.Second)
	k := &b.buckets[second%int64(len(b.buckets))]
	if k.second != second {
		*k = budgetBucket{second: second}
	}
	return k
}

// request counts a call.
func (b *retryBudget) request() {
	b.mu.Lock()
	b.bucket().requests++
	b.mu.Unlock()
}

// spend takes one retry from the budget, which is part of the requests of the last
// minute; false says that it is spent.
func (b *retryBudget) spend(part float64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.bucket()
	requests, retries := 0, 0
	for i := range b.buckets {
		k := &b.buckets[i]
		if now.second-k.second < int64(len(b.buckets)) {
			requests += k.requests
			retries += k.retries
		}
	}
	if now.retries >= minRetries && float64(retries) >= part*float64(requests) {
		return false
	}
	now.retries++
	return true
}
