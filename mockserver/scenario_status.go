package mockserver

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ScenarioStatus is how far a scenario is. It has no value of a key.
type ScenarioStatus struct {
	Name      string       `json:"name"`
	About     string       `json:"about,omitempty"`
	State     PlayState    `json:"state"`
	Providers []Provider   `json:"providers"` // of steps without one
	Started   time.Time    `json:"started"`
	Now       time.Time    `json:"now"` // of the clock
	Done      []StepReport `json:"done"`
	Next      []StepAhead  `json:"next"`
	Untaken   int          `json:"untaken"` // successors that Take would return
}

// StepReport is a step that was executed.
type StepReport struct {
	Step       int       `json:"step"` // from 1
	At         time.Time `json:"at"`
	Does       string    `json:"does"`
	Note       string    `json:"note,omitempty"`
	Keys       []string  `json:"keys,omitempty"`       // IDs of the keys that it has changed
	Successors []string  `json:"successors,omitempty"` // IDs of the keys that it has issued
	Problem    string    `json:"problem,omitempty"`    // what it could not do
}

// StepAhead is a step that is due later, or the end of one.
type StepAhead struct {
	Step int       `json:"step"` // from 1
	At   time.Time `json:"at"`
	Does string    `json:"does"`
	Ends bool      `json:"ends,omitempty"`
}

// Status returns how far the scenario is.
func (p *Playing) Status() ScenarioStatus {
	p.ns.playing.catchUp(p.ns.clock)
	p.mu.Lock()
	defer p.mu.Unlock()
	out := ScenarioStatus{
		Name: p.scenario.Name, About: p.scenario.About, State: p.state, Providers: slices.Clone(p.providers), Started: p.started, Now: p.ns.clock.Now(),
		Done: append([]StepReport{}, p.done...), Next: []StepAhead{}, Untaken: len(p.issued),
	}
	if p.state == ScenarioPlays {
		for _, e := range p.beats {
			out.Next = append(out.Next, StepAhead{e.step + 1, e.at, p.scenario.Steps[e.step].String(), e.end})
		}
	}
	return out
}

// maxUntaken bounds the successors that wait for Take.
const maxUntaken = 1000

// Take returns the keys that the steps have issued since the last Take, with their values,
// which nothing shows again. Of more than 1,000 the oldest are dropped. WithSuccessors hands
// them over at once.
func (p *Playing) Take() []Issued {
	p.ns.playing.catchUp(p.ns.clock)
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.issued
	p.issued = nil
	return out
}

func (p *Playing) keep(i Issued) {
	p.mu.Lock()
	p.issued = append(p.issued, i)
	p.issued = p.issued[max(0, len(p.issued)-maxUntaken):]
	p.mu.Unlock()
	if f := p.ns.srv.opts.successors; f != nil {
		f(i)
	}
}

// WithSuccessors calls f for every key that a step of a scenario issues, before any request
// sees that the old one was rotated: to write it where the client under test reads it. f must
// not change the clock, nor wait for a request to the server.
func WithSuccessors(f func(Issued)) Option { return func(o *options) { o.successors = f } }

// log writes a line for an event.
func (p *Playing) log(e beat, r StepReport) {
	l := p.ns.srv.opts.logger
	if l == nil {
		return
	}
	msg := "scenario step"
	if e.end {
		msg = "end of a scenario step"
	}
	l = l.With("scenario", p.scenario.Name, "step", e.step+1, "of", len(p.scenario.Steps), "at", e.at, "does", p.scenario.Steps[e.step].String(), "namespace", p.ns.title())
	if r.Problem != "" {
		l.Warn(msg, "keys", r.Keys, "successors", r.Successors, "problem", r.Problem)
		return
	}
	l.Info(msg, "keys", r.Keys, "successors", r.Successors)
}

// String is what a step does, in words.
func (st *Step) String() string {
	switch {
	case st.Rotate != nil:
		return words("rotate", whose(st.Rotate.Provider, st.Rotate.Key, ""), "with an overlap of "+st.Rotate.Overlap.String())
	case st.Revoke != nil:
		return words("revoke", whose(st.Revoke.Provider, st.Revoke.Key, st.Revoke.Which))
	case st.Expire != nil && st.Expire.In > 0:
		return words("let", whose(st.Expire.Provider, st.Expire.Key, st.Expire.Which), "expire in "+st.Expire.In.String())
	case st.Expire != nil:
		return words("expire", whose(st.Expire.Provider, st.Expire.Key, st.Expire.Which))
	case st.Suspend != nil:
		return words("suspend", whose(st.Suspend.Provider, st.Suspend.Key, st.Suspend.Which), inForce(st.Suspend.For))
	case st.Enable != nil:
		return words("enable", whose(st.Enable.Provider, st.Enable.Key, ""))
	case st.Limit != nil && st.Limit.Requests == 0:
		return words("no limit", of(st.Limit.Provider), inForce(st.Limit.For))
	case st.Limit != nil:
		return words(fmt.Sprintf("limit of %d in %s", st.Limit.Requests, st.Limit.Per), of(st.Limit.Provider), inForce(st.Limit.For))
	case st.Storm != nil:
		return words("storm of 429", of(st.Storm.Provider), part(st.Storm.Share), "wait "+st.Storm.RetryAfter.String(), inForce(st.Storm.For))
	case st.Outage != nil:
		return words("outage", of(st.Outage.Provider), part(st.Outage.Share), st.Outage.fault().String(), inForce(st.Outage.For))
	case st.Fault != nil:
		return words("fault", of(st.Fault.Match.Provider), st.Fault.Fault.String(), inForce(st.Fault.For))
	}
	return "nothing"
}

// words joins the parts that are there: "outage of imkit, status 503, for 2m".
func words(first string, more ...string) string {
	var b strings.Builder
	b.WriteString(first)
	for _, w := range more {
		switch {
		case w == "":
		case strings.HasPrefix(w, "of ") || strings.HasPrefix(w, "key") || strings.HasPrefix(w, "every ") || strings.HasPrefix(w, "the ") || strings.HasPrefix(w, "expire "):
			b.WriteString(" " + w)
		default:
			b.WriteString(", " + w)
		}
	}
	return b.String()
}

func whose(p Provider, key string, which KeyChoice) string {
	what := "every key"
	switch {
	case key != "":
		what = "key " + quote(key)
	case which == KeysReplaced:
		what = "the replaced keys"
	}
	if p == "" {
		return what
	}
	return what + " of " + string(p)
}

func of(p Provider) string {
	if p == "" {
		return ""
	}
	return "of " + string(p)
}

func part(share float64) string {
	if share == 0 || share == 1 {
		return ""
	}
	return fmt.Sprintf("%g %% of the requests", share*100)
}

func inForce(d Duration) string {
	if d == 0 {
		return ""
	}
	return "for " + d.String()
}
