package mockserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

// Errors about scenarios.
var (
	ErrScenarioPlays  = errors.New("a scenario is playing; stop it first")
	ErrNoScenario     = errors.New("no scenario is playing")
	ErrNoSuchScenario = errors.New("no such scenario")
)

// PlayState is the state of a Playing.
type PlayState string

// The states of a Playing: playing, until every step and its end was due, or Stop.
const (
	ScenarioPlays    PlayState = "playing"
	ScenarioFinished PlayState = "finished"
	ScenarioStopped  PlayState = "stopped"
)

// Playing is a scenario that a namespace plays, or has played. All methods are safe for
// concurrent use.
type Playing struct {
	ns        *Namespace
	scenario  Scenario
	providers []Provider // of steps without one
	started   time.Time
	over      chan struct{}
	end       context.CancelFunc
	next      atomic.Int64 // when the next beat is due, ns; math.MaxInt64 if none is

	mu     sync.Mutex
	state  PlayState
	beats  []beat // not reached yet, in order
	done   []StepReport
	undo   map[int]func(at time.Time) // by step that is in force for a time
	limits map[int]*limitLayers       // by vendor.index
	holds  map[string]map[int]bool    // steps that suspend a key, by its ID
	issued []Issued                   // not taken yet
}

// beat is the begin of a step, or the end of one that is in force for a time.
type beat struct {
	at   time.Time
	step int
	end  bool
}

// Play plays a scenario from now on, on the clock of the namespace. Steps without a provider
// are about the given ones, by default all.
//
// A step is executed when the clock reaches its time: on a running clock by itself, on a frozen
// one while Advance moves over it, in order, each exactly at its time and before Advance
// returns; no request sees a later time before. Steps that are due at once are executed before
// Play returns. A clock that is set back repeats nothing.
//
// A step about a key that is not there, or cannot be rotated, fails and says so in the status;
// the next one follows. Play fails with a *ScenarioError for a mistake and for a step in the
// past, with ErrScenarioPlays while another scenario plays, and with ErrNoSuchVendor. Reset,
// Restore and Close stop a scenario. It is no part of a state document, which has what is in
// force at that moment.
func (n *Namespace) Play(s Scenario, providers ...Provider) (*Playing, error) {
	p, err := n.newPlaying(s, providers)
	if err != nil {
		return nil, fmt.Errorf("mockserver: play: %w", err)
	}
	n.srv.running.enter()
	ctx, cancel := context.WithCancel(context.Background())
	p.end = cancel
	if !n.playing.begin(p) {
		cancel()
		n.srv.running.leave()
		return nil, fmt.Errorf("mockserver: play: %w", ErrScenarioPlays)
	}
	n.playing.closing.Do(func() { n.srv.onClose(n.playing.stop) })
	n.clock.CatchUp()
	go p.follow(ctx)
	return p, nil
}

// CheckScenario returns the error that Play would return now, but for ErrScenarioPlays.
func (n *Namespace) CheckScenario(s Scenario, providers ...Provider) error {
	if _, err := n.newPlaying(s, providers); err != nil {
		return fmt.Errorf("mockserver: play: %w", err)
	}
	return nil
}

func (n *Namespace) newPlaying(s Scenario, providers []Provider) (*Playing, error) {
	if err := s.ValidFor(n.srv.Providers()); err != nil {
		return nil, err
	}
	for _, name := range providers {
		if n.srv.vendor(name) == nil {
			return nil, fmt.Errorf("%w %.40q; there are %s%s", ErrNoSuchVendor, name, n.srv.providerNames(), meant(string(name), providerWords(n.srv.Providers())))
		}
	}
	p := &Playing{
		ns: n, scenario: s, providers: slices.Clone(providers), started: n.clock.Now(), over: make(chan struct{}), state: ScenarioPlays,
		undo: make(map[int]func(time.Time)), limits: make(map[int]*limitLayers), holds: make(map[string]map[int]bool),
	}
	p.scenario.Steps = slices.Clone(s.Steps)
	if len(p.providers) == 0 {
		p.providers = n.srv.Providers()
	}
	for i := range p.scenario.Steps {
		begin, err := s.Steps[i].At.on(p.started)
		if err == nil && begin.Before(p.started) {
			err = fmt.Errorf("%s is past: the clock shows %s", begin.Format(time.RFC3339), p.started.Format(time.RFC3339))
		}
		if err == nil && begin.Add(s.Steps[i].lasts()).Year() > 2250 { // what nanoseconds since 1970 can hold
			err = errors.New("it begins or ends after the year 2250")
		}
		if err != nil {
			return nil, &ScenarioError{at("steps", i) + ".at", err.Error()}
		}
		p.beats = append(p.beats, beat{begin, i, false})
		if d := s.Steps[i].lasts(); d > 0 {
			p.beats = append(p.beats, beat{begin.Add(d), i, true})
		}
	}
	slices.SortStableFunc(p.beats, compareBeats)
	p.note()
	return p, nil
}

// compareBeats orders by time; at one time ends come first, then steps as they are written.
func compareBeats(a, b beat) int {
	if c := a.at.Compare(b.at); c != 0 {
		return c
	}
	if a.end != b.end {
		if a.end {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.step, b.step)
}

// note publishes when the next beat is due. The caller holds p.mu, or alone knows p.
func (p *Playing) note() {
	next := int64(math.MaxInt64)
	if p.state == ScenarioPlays && len(p.beats) > 0 {
		next = p.beats[0].at.UnixNano()
	}
	p.next.Store(next)
}

// follow executes the steps of a clock that runs.
func (p *Playing) follow(ctx context.Context) {
	defer p.ns.srv.running.leave()
	for {
		at := p.next.Load()
		if at == math.MaxInt64 || !p.ns.clock.WaitUntil(ctx, p.ns.srv.done, fromNano(at)) {
			return
		}
		p.ns.clock.CatchUp()
	}
}

// player is what the clock of a namespace knows of the scenario that plays there.
type player struct {
	current atomic.Pointer[Playing]
	closing sync.Once // Close stops what plays
}

// begin reports false while another scenario plays.
func (pl *player) begin(p *Playing) bool {
	last := pl.current.Load()
	return (last == nil || last.State() != ScenarioPlays) && pl.current.CompareAndSwap(last, p)
}

// Next implements clock.Stops.
func (pl *player) Next() (time.Time, bool) {
	if p := pl.current.Load(); p != nil {
		if at := p.next.Load(); at != math.MaxInt64 {
			return fromNano(at), true
		}
	}
	return time.Time{}, false
}

// Reach implements clock.Stops.
func (pl *player) Reach(at time.Time) {
	if p := pl.current.Load(); p != nil {
		p.reach(at)
	}
}

// catchUp executes the steps that a running clock has passed. It costs a load if there
// are none.
func (pl *player) catchUp(c *clock.Clock) {
	if p := pl.current.Load(); p != nil && p.next.Load() <= c.Now().UnixNano() {
		c.CatchUp()
	}
}

// stop stops what plays.
func (pl *player) stop() {
	if p := pl.current.Load(); p != nil {
		p.Stop()
	}
}

// reach executes the first beat. The beats are executed one after another, under the
// clock's lock.
func (p *Playing) reach(at time.Time) {
	p.mu.Lock()
	if p.state != ScenarioPlays || len(p.beats) == 0 || p.beats[0].at.After(at) {
		p.mu.Unlock()
		return
	}
	e := p.beats[0]
	p.beats = p.beats[1:]
	undo := p.undo[e.step]
	delete(p.undo, e.step)
	p.mu.Unlock()
	if e.end {
		if undo != nil {
			undo(e.at)
		}
		p.log(e, StepReport{})
	} else {
		p.begin(e)
	}
	p.mu.Lock()
	if p.state == ScenarioPlays && len(p.beats) == 0 {
		p.state = ScenarioFinished
		p.finish()
	}
	p.note()
	p.mu.Unlock()
}

// begin executes a step and reports it.
func (p *Playing) begin(e beat) {
	st := &p.scenario.Steps[e.step]
	did := p.execute(st, e)
	report := StepReport{
		Step: e.step + 1, At: e.at, Does: st.String(), Note: st.Note,
		Keys: did.keys, Successors: did.successors, Problem: strings.Join(did.problems, "; "),
	}
	p.mu.Lock()
	p.done = append(p.done, report)
	stopped := p.state == ScenarioStopped
	if !stopped && did.undo != nil && st.lasts() > 0 {
		p.undo[e.step] = did.undo
	}
	p.mu.Unlock()
	if stopped && did.undo != nil && st.lasts() > 0 { // while it was executed
		did.undo(e.at)
	}
	p.log(e, report)
}

// finish ends what waits for the scenario. The caller holds p.mu.
func (p *Playing) finish() {
	close(p.over)
	p.end()
}

// Stop ends the scenario: what steps have set for a time is undone, and no further step is
// executed. Keys stay as they are, but for those that are suspended for a time. It does
// nothing to a scenario that has ended.
func (p *Playing) Stop() {
	p.mu.Lock()
	if p.state != ScenarioPlays {
		p.mu.Unlock()
		return
	}
	p.state = ScenarioStopped
	undo := p.undo
	p.undo = nil
	p.finish()
	p.note()
	p.mu.Unlock()
	now := p.ns.clock.Now()
	for _, f := range undo {
		f(now)
	}
}

// Done returns a channel that is closed when the scenario has ended.
func (p *Playing) Done() <-chan struct{} { return p.over }

// State is whether the scenario plays, has finished or was stopped.
func (p *Playing) State() PlayState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// Playing returns the scenario that the namespace plays or has played last, nil if there
// is none.
func (n *Namespace) Playing() *Playing { return n.playing.current.Load() }
