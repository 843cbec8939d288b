package limiter

import (
	"container/heap"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"slices"
	"testing"
	"time"
)

// TestMain makes garbage collections rarer: the simulations hold little and allocate much, so
// the collector would take half of their time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	m.Run()
}

// sim is a server and the callers in front of its limiter, as a discrete event simulation:
// one goroutine takes the next event and sets the clock to it. So a run has the same result
// each time, and a request costs about a microsecond.
type sim struct {
	server  simServer
	hint    simHint
	headers func(now time.Duration) (l Limit, remaining int, reset time.Duration) // may be nil
	latency time.Duration                                                         // a round trip takes between half and one and a half of it
	way     func(*rand.Rand) time.Duration                                        // how long one way takes, instead; may be nil
	limiter *limiter
	rnd     *rand.Rand

	now      time.Duration
	events   eventHeap
	seq      uint64
	timer    event        // of the limiter
	waiting  []*simCaller // in the limiter's queue
	visitors []*visitor   // likewise
	busy     int          // callers that have not finished

	arrivals []arrival
	calls    []simCall
	failed   int
}

type arrival struct {
	at      time.Duration
	refused bool
}

type simCall struct{ begin, end time.Duration }

func newSim(server simServer, hint simHint, published Limit, seed uint64) *sim {
	s := &sim{
		server: server, hint: hint, latency: 2 * time.Millisecond, limiter: New(Options{Published: published}).find(&Key{}),
		rnd: rand.New(rand.NewPCG(seed, 1)), now: 1, // 0 is no reading of a clock
	}
	s.timer = event{index: -1, act: func() { s.limiter.wake(s.now) }}
	s.limiter.timer.start = func(d time.Duration) { s.schedule(&s.timer, s.now+d) }
	return s
}

// event is something that happens at a time; index is its place in the heap, -1 if it has none.
type event struct {
	at    time.Duration
	seq   uint64
	index int
	act   func()
}

// schedule sets the time of an event, in place of the one that it had.
func (s *sim) schedule(e *event, at time.Duration) {
	s.seq++
	e.at, e.seq = at, s.seq
	if e.index >= 0 {
		heap.Fix(&s.events, e.index)
		return
	}
	heap.Push(&s.events, e)
}

// play lets events happen until all callers have finished.
func (s *sim) play() {
	for s.busy > 0 {
		e := heap.Pop(&s.events).(*event)
		s.now = max(s.now, e.at)
		e.act()
		s.settle()
	}
}

// settle lets those go on whose wait is over: most often the first.
func (s *sim) settle() {
	s.visitors = slices.DeleteFunc(s.visitors, func(c *visitor) bool {
		switch c.waiter.state {
		case queued:
			return c.over
		case admitted:
			c.send(Permit{limiter: s.limiter, place: c.waiter.place, use: c.waiter.use})
		case turnedAway:
			c.end(false)
		}
		return true
	})
	for i := 0; len(s.waiting) > 0 && len(s.waiting) > s.limiter.queue.n; {
		c := s.waiting[i]
		if c.waiter.state == queued {
			i++
			continue
		}
		if i == 0 {
			s.waiting = s.waiting[1:]
		} else {
			s.waiting = slices.Delete(s.waiting, i, i+1)
		}
		if c.waiter.state == admitted {
			c.send(c.waiter.place, c.waiter.use)
		} else {
			c.end(false)
		}
	}
}

// jitter is how long one way takes.
func (s *sim) jitter() time.Duration {
	if s.way != nil {
		return s.way(s.rnd)
	}
	return s.latency/4 + time.Duration(s.rnd.Int64N(int64(s.latency)/2+1))
}

// simCaller makes one call after the other, each as the retry layer does: at most 4 attempts,
// waits left to the limiter, the place in the order kept once.
type simCaller struct {
	*sim
	event
	more                func() bool
	call, arrive, leave func() // what it does next

	begin   time.Duration // of the call
	try     int
	waiter  *waiter
	permit  Permit
	outcome Outcome
	keep    bool
}

// start makes a caller that makes calls as long as more says so.
func (s *sim) start(more func() bool) {
	c := &simCaller{sim: s, event: event{index: -1}, more: more}
	c.call, c.arrive, c.leave = c.doCall, c.doArrive, c.doLeave
	s.busy++
	c.then(s.now, c.call)
}

// then has the caller do something at a time.
func (c *simCaller) then(at time.Duration, do func()) {
	c.act = do
	c.schedule(&c.event, at)
}

func (c *simCaller) doCall() {
	if !c.more() {
		c.busy--
		return
	}
	c.begin, c.try = c.now, 0
	c.enter()
}

func (c *simCaller) enter() {
	l := c.limiter
	if p, d := l.tryEnter(c.now); d == granted {
		c.send(p.place, p.use)
		return
	}
	r := Request{MaxWait: time.Hour, NoTrial: c.try >= 2}
	if c.try == 1 || c.try == 2 && c.keep {
		r.Since = l.clock.Time(c.begin)
	}
	w, err := l.enqueue(&r, c.now, never)
	if err != nil {
		c.end(false)
		return
	}
	c.waiter = w
	c.waiting = append(c.waiting, c)
}

func (c *simCaller) send(place int32, use uint32) {
	c.permit = Permit{limiter: c.limiter, place: place, use: use}
	c.then(c.now+c.jitter(), c.arrive)
}

// doArrive has the server answer.
func (c *simCaller) doArrive() {
	ok, wait := c.server.allow(c.now)
	c.arrivals = append(c.arrivals, arrival{c.now, !ok})
	c.outcome = Outcome{Status: http.StatusOK}
	if c.headers != nil {
		l, left, reset := c.headers(c.now)
		c.outcome.Quotas = []Quota{{Limit: l, Remaining: left, Reset: reset}}
	}
	if !ok {
		c.outcome.Status, c.outcome.Cause = http.StatusTooManyRequests, errTooMany
		c.outcome.Hint = c.hint(wait, c.now)
		backoff := time.Duration(c.rnd.Int64N(int64(250*time.Millisecond) << c.try))
		c.outcome.Wait = max(c.outcome.Hint, backoff)
	}
	c.then(c.now+c.jitter(), c.leave)
}

func (c *simCaller) doLeave() {
	c.keep = c.permit.Leave(&c.outcome, c.now)
	if c.try++; c.outcome.Status == http.StatusOK || c.try == 4 {
		c.end(c.outcome.Status == http.StatusOK)
		return
	}
	c.enter()
}

// end ends a call; the next begins at once.
func (c *simCaller) end(ok bool) {
	if !ok {
		c.failed++
	}
	c.calls = append(c.calls, simCall{c.begin, c.now})
	c.then(c.now, c.call)
}

// run makes the given number of calls, shared by the callers.
func (s *sim) run(calls, callers int) {
	for range callers {
		s.start(func() bool { calls--; return calls >= 0 })
	}
	s.play()
}

// runFor keeps the callers busy for d.
func (s *sim) runFor(d time.Duration, callers int) {
	end := s.now + d
	for range callers {
		s.start(func() bool { return s.now < end })
	}
	s.play()
}

// rival has another program send a request to the server again and again.
func (s *sim) rival(pause func() time.Duration) {
	e := &event{index: -1}
	e.act = func() {
		s.server.allow(s.now)
		s.schedule(e, s.now+pause())
	}
	s.schedule(e, s.now+pause())
}

func (s *sim) refused() (n int) {
	for _, a := range s.arrivals {
		if a.refused {
			n++
		}
	}
	return n
}

// refusedLater counts the refusals after the first collision: those more than half a second after the first.
func (s *sim) refusedLater() (n int) {
	first := time.Duration(-1)
	for _, a := range s.arrivals {
		if !a.refused {
			continue
		}
		if first < 0 {
			first = a.at
		}
		if a.at > first+500*time.Millisecond {
			n++
		}
	}
	return n
}

// burst is the largest number of arrivals within d.
func (s *sim) burst(d time.Duration) (most int) {
	from := 0
	for i, a := range s.arrivals {
		if a.at < 500*time.Millisecond {
			continue // the first collision
		}
		for s.arrivals[from].at <= a.at-d {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func (s *sim) p99() time.Duration {
	d := make([]time.Duration, len(s.calls))
	for i, c := range s.calls {
		d[i] = c.end - c.begin
	}
	slices.Sort(d)
	return d[len(d)*99/100]
}

func (s *sim) last() time.Duration { return s.arrivals[len(s.arrivals)-1].at }

// count returns how many passed and how many were refused between two times.
func (s *sim) count(from, to time.Duration) (passed, refused int) {
	for _, a := range s.arrivals {
		switch {
		case a.at < from || a.at >= to:
		case a.refused:
			refused++
		default:
			passed++
		}
	}
	return passed, refused
}

// eventHeap orders events by time, and by the order of schedule where that is the same.
type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}

func (h eventHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *eventHeap) Push(x any) {
	e := x.(*event)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *eventHeap) Pop() any {
	all := *h
	e := all[len(all)-1]
	all[len(all)-1] = nil
	*h, e.index = all[:len(all)-1], -1
	return e
}
