package limiter

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// FuzzOrder plays events in any order: attempts that enter with and without a deadline,
// answers of every kind, some twice, some never, cancellations and time. Then it waits for
// the end. Whatever happens: no deadlock, never more than N that are not refused in a window
// of a published limit, and nothing left in flight or in the queue.
func FuzzOrder(f *testing.F) {
	for seed := range uint64(20) {
		script := make([]byte, 200)
		r := rand.New(rand.NewPCG(seed, 2))
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		f.Add(script, uint8(seed%4))
	}
	f.Fuzz(func(t *testing.T, script []byte, known uint8) {
		if len(script) > 500 {
			script = script[:500]
		}
		synctest.Test(t, func(t *testing.T) {
			var limit Limit
			if known%4 > 0 {
				limit = Limit{Requests: int(known%4) * 3, Per: time.Duration(known%4) * sec}
			}
			p := &player{t: t, keyed: New(Options{Published: limit})}
			p.ctx, p.cancel = context.WithCancel(context.Background())
			for i := 0; i+1 < len(script); i += 2 {
				p.play(script[i], script[i+1])
			}
			p.finish(limit)
		})
	})
}

type player struct {
	t      *testing.T
	keyed  *Keyed
	ctx    context.Context
	cancel context.CancelFunc // of those that the script cancels
	done   sync.WaitGroup

	mu      sync.Mutex
	out     []flown
	sent    []time.Duration // -1: never sent after all
	waiting atomic.Int64
}

// flown is an attempt that was let through, with its place in sent.
type flown struct {
	leave func(Outcome)
	at    int
}

// play does one event.
func (p *player) play(event, arg byte) {
	switch event % 8 {
	case 0, 1, 2:
		p.enter(arg)
	case 3, 4:
		p.leave(ok(), arg)
	case 5:
		o := []Outcome{
			refusedFor(time.Duration(arg) * 20 * ms), refusedFor(0),
			{},
			{Unsent: true},
			{Status: 503, Wait: sec},
			{Status: 500},
			{Status: 200, Quotas: []Quota{{Remaining: int(arg % 3), Reset: sec}}},
			{Status: 403, Limited: true},
			{Status: 429, Quotas: []Quota{{Remaining: 0, Reset: 2 * sec}}, Wait: sec},
		}
		p.leave(o[int(arg)%len(o)], arg/8)
	case 6:
		time.Sleep(time.Duration(arg) * 10 * ms)
	case 7:
		if arg%4 == 0 {
			p.cancel()
			p.ctx, p.cancel = context.WithCancel(context.Background())
		}
	}
	synctest.Wait()
}

func (p *player) enter(arg byte) {
	ctx, e := p.ctx, Request{}
	var cancel context.CancelFunc = func() {}
	switch arg % 4 {
	case 1:
		ctx, cancel = context.WithTimeout(ctx, time.Duration(arg)*30*ms)
	case 2:
		e.MaxWait = time.Duration(arg) * 30 * ms
	case 3:
		e.Waiting = func(Reason, time.Duration) {}
	}
	e.Priority = Priority(arg/4%3) - 1
	if arg >= 200 {
		e.Since = time.Now().Add(-time.Duration(arg) * 10 * ms)
	}
	p.waiting.Add(1)
	p.done.Go(func() {
		defer cancel()
		leave, err := enter(ctx, p.keyed, e)
		p.waiting.Add(-1)
		if err != nil {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.out = append(p.out, flown{leave, len(p.sent)})
		p.sent = append(p.sent, p.keyed.clock.Now())
	})
}

// leave ends one of those that are out; now and then it does so twice.
func (p *player) leave(o Outcome, arg byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.out) == 0 {
		return
	}
	i := int(arg) % len(p.out)
	p.out[i].leave(o)
	if o.Unsent || o.isLimit() { // a refusal uses nothing up
		p.sent[p.out[i].at] = -1
	}
	if arg%5 == 0 {
		p.out[i].leave(refusedFor(time.Hour))
	}
	p.out = slices.Delete(p.out, i, i+1)
}

// finish lets time pass until nobody waits, and looks at what is left.
func (p *player) finish(limit Limit) {
	defer p.cancel()
	for i := 0; p.waiting.Load() > 0; i++ {
		time.Sleep(sec)
		synctest.Wait()
		if i%2 == 0 { // half of them hang until the end
			p.leave(ok(), 1)
		}
		if i > 24*3600 {
			p.t.Fatalf("%d still wait after a day", p.waiting.Load())
		}
	}
	p.done.Wait()
	for len(p.out) > 0 {
		p.leave(ok(), 1)
	}
	for _, l := range p.keyed.limiters {
		l.mu.Lock()
		if l.queue.n != 0 || l.queue.first() != nil || len(l.queue.byGiveUp.w) != 0 {
			p.t.Errorf("in the queue: %d, %d in the heap; want none", l.queue.n, len(l.queue.byGiveUp.w))
		}
		if l.engine.inFlight.n != 0 || !l.engine.inFlight.isEmpty() {
			p.t.Errorf("in flight: %d; want none", l.engine.inFlight.n)
		}
		l.mu.Unlock()
	}
	if limit.Requests == 0 {
		return
	}
	p.sent = slices.DeleteFunc(p.sent, func(at time.Duration) bool { return at < 0 })
	for i := limit.Requests; i < len(p.sent); i++ {
		if d := p.sent[i] - p.sent[i-limit.Requests]; d < limit.Per {
			p.t.Errorf("%d requests within %v, the limit is %d in %v", limit.Requests+1, d, limit.Requests, limit.Per)
		}
	}
}
