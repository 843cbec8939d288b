package limiter

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// world is a server and calls that come when they like, each with a deadline, in front of one
// limiter: the part of the simulation that knows what an oracle would have done.
type world struct {
	server    simServer
	hint      simHint // nil for none
	published Limit
	stated    bool // the answers have headers
	arrivals  []time.Duration
	deadline  time.Duration
	latency   time.Duration
	stray     func(nth int) (wait time.Duration, refused bool) // may be nil
	fault     func(nth int) (wait time.Duration, failed bool)  // may be nil
	batch     bool
	seed      uint64
}

// account is what came of the calls.
type account struct {
	good, best int           // served in time, by the limiter and by the oracle
	refused    int           // by the server's limit
	sent, late int           // requests, and those whose answers came too late
	unsent     int           // calls that waited for more than a second and were never sent
	worst      time.Duration // the longest time of a call
}

func (ac account) percent() float64 {
	if ac.best == 0 {
		return 100
	}
	return 100 * float64(ac.good) / float64(ac.best)
}

// play runs the world.
func (wo *world) play() (ac account) {
	wo.run(&ac)
	ac.best = wo.oracle()
	return ac
}

// trace runs the world and returns what came to the server.
func (wo *world) trace() []arrival { return wo.run(new(account)).arrivals }

func (wo *world) run(ac *account) *sim {
	s := newSim(wo.server.fresh(), wo.hint, wo.published, wo.seed)
	s.latency = wo.latency
	nth := 0
	for _, at := range wo.arrivals {
		c := &visitor{simCaller: &simCaller{sim: s, event: event{index: -1}}, wo: wo, ac: ac, nth: &nth}
		s.busy++
		c.arrive = c.doArrive
		c.then(at+1, c.begin)
	}
	s.play()
	return s
}

// oracle serves the calls in their order, each as soon as the server lets it in.
func (wo *world) oracle() (good int) {
	server, rnd, now := wo.server.fresh(), rand.New(rand.NewPCG(wo.seed, 9)), time.Duration(1)
	s := sim{latency: wo.latency, rnd: rnd}
	for _, begin := range wo.arrivals {
		there, back := s.jitter(), s.jitter()
		for at := max(now, begin+there); at <= begin+wo.deadline-back; {
			now = at
			ok, wait := server.allow(at)
			if ok {
				good++
				break
			}
			at += max(wait, time.Millisecond)
		}
	}
	return good
}

// visitor makes one call.
type visitor struct {
	*simCaller
	wo   *world
	ac   *account
	nth  *int
	over bool
}

func (c *visitor) begin() {
	c.simCaller.begin = c.now
	c.enter()
}

func (c *visitor) left() time.Duration { return c.simCaller.begin + c.wo.deadline - c.now }

func (c *visitor) enter() {
	l := c.limiter
	if c.left() <= 0 {
		c.end(false)
		return
	}
	if p, d := l.tryEnter(c.now); d == granted {
		c.send(p)
		return
	}
	r := Request{NoTrial: c.try >= 2}
	if c.wo.batch {
		r.Priority = Batch
	}
	if c.try > 0 {
		r.Since = l.clock.Time(c.simCaller.begin)
	}
	w, err := l.enqueue(&r, c.now, c.left())
	if err != nil {
		c.end(false)
		return
	}
	c.then(c.simCaller.begin+c.wo.deadline, func() {
		if w.state == queued {
			l.abandon(w, c.now)
			c.end(false)
		}
	})
	c.waiter = w
	c.visitors = append(c.visitors, c)
}

func (c *visitor) send(p Permit) {
	c.permit = p
	c.ac.sent++
	c.then(c.now+c.jitter(), c.arrive)
}

func (c *visitor) doArrive() {
	*c.nth++
	o := Outcome{Status: http.StatusOK}
	if c.wo.stray != nil {
		if wait, refused := c.wo.stray(*c.nth); refused {
			o = Outcome{Status: http.StatusTooManyRequests, Hint: wait, Wait: wait, Cause: errTooMany}
		}
	}
	if c.wo.fault != nil {
		if wait, failed := c.wo.fault(*c.nth); failed {
			o = Outcome{Status: http.StatusServiceUnavailable, Hint: wait, Wait: wait, Cause: errDown}
		}
	}
	if o.Status == http.StatusOK {
		if ok, wait := c.server.allow(c.now); !ok {
			o = Outcome{Status: http.StatusTooManyRequests, Cause: errTooMany}
			if c.wo.hint != nil {
				o.Hint = c.wo.hint(wait, c.now)
			}
			o.Wait = max(o.Hint, time.Duration(c.rnd.Int64N(int64(250*time.Millisecond)<<min(c.try, 5))))
			c.ac.refused++
		}
	}
	c.arrivals = append(c.arrivals, arrival{c.now, o.Status != http.StatusOK})
	if st, ok := c.server.(statedServer); ok && c.wo.stated {
		o.Quotas = []Quota{st.state(c.now)}
	}
	c.then(c.now+c.jitter(), func() {
		c.permit.Leave(&o, c.now)
		switch c.try++; {
		case o.Status == http.StatusOK:
			c.end(true)
		case c.try == 8:
			c.end(false)
		default:
			c.enter()
		}
	})
}

func (c *visitor) end(ok bool) {
	if c.over {
		return
	}
	c.over = true
	c.busy--
	took := c.now - c.simCaller.begin
	c.ac.worst = max(c.ac.worst, took)
	switch {
	case ok && took <= c.wo.deadline:
		c.ac.good++
	case ok:
		c.ac.late++
	case c.try == 0 && took > time.Second:
		c.ac.unsent++
	}
}

// statedServer tells what is left.
type statedServer interface{ state(now time.Duration) Quota }

func (f *fixedWindow) state(now time.Duration) Quota {
	return Quota{Limit: Limit{f.n, f.per}, Remaining: max(0, f.n-f.used), Reset: f.per - (now+f.offset)%f.per}
}

// both keeps two limits at once.
type both struct{ a, b *slidingWindow }

func (bo *both) allow(now time.Duration) (bool, time.Duration) {
	for _, s := range []*slidingWindow{bo.a, bo.b} {
		if ok, wait := s.peek(now); !ok {
			return false, wait
		}
	}
	bo.a.allow(now)
	bo.b.allow(now)
	return true, 0
}

func (bo *both) fresh() simServer {
	return &both{&slidingWindow{n: bo.a.n, per: bo.a.per}, &slidingWindow{n: bo.b.n, per: bo.b.per}}
}

// steady returns n arrivals, spaced evenly.
func steady(n int, gap time.Duration) (at []time.Duration) {
	for i := range n {
		at = append(at, time.Duration(i)*gap)
	}
	return at
}

// bursts returns n arrivals at once, so many times.
func bursts(n, times int, gap time.Duration) (at []time.Duration) {
	for i := range times {
		at = append(at, slices.Repeat([]time.Duration{time.Duration(i) * gap}, n)...)
	}
	return at
}
