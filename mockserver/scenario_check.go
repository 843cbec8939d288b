package mockserver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxSteps bounds the steps of a scenario, and what its status shows.
const maxSteps = 1000

// Valid returns a *ScenarioError for the first mistake of a scenario that the five providers
// are to play, nil if there is none.
func (sc *Scenario) Valid() error { return sc.ValidFor(Providers()) }

// ValidFor is Valid for a server that plays these providers (Server.Providers); nil stands for
// a server whose providers are not known yet.
func (sc *Scenario) ValidFor(played []Provider) error {
	c := scenarioCheck{played: played}
	if !isWord(sc.Name, lowerDigits+"-", 63) {
		c.wrong("name", "%.70q is no name: it has 1 to 63 small letters, digits and \"-\"", sc.Name)
	}
	c.text("about", sc.About)
	switch {
	case len(sc.Steps) == 0:
		c.wrong("steps", "there is none")
	case len(sc.Steps) > maxSteps:
		c.wrong("steps", "there are %d, and %d at most", len(sc.Steps), maxSteps)
	}
	for i := range sc.Steps {
		if c.err != nil {
			break
		}
		c.step(&sc.Steps[i], at("steps", i))
	}
	if c.err != nil {
		return c.err
	}
	return nil
}

// scenarioCheck notes the first mistake.
type scenarioCheck struct {
	played []Provider
	err    *ScenarioError
}

func (c *scenarioCheck) wrong(member, problem string, args ...any) {
	if c.err == nil {
		c.err = &ScenarioError{member, fmt.Sprintf(problem, args...)}
	}
}

func (c *scenarioCheck) text(member, s string) {
	if len(s) > 500 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }) {
		c.wrong(member, "it has up to 500 bytes of text")
	}
}

func (c *scenarioCheck) duration(member string, d Duration) {
	if d < 0 || d.Std() > maxLife {
		c.wrong(member, "%s is not between 0s and %s", d, Duration(maxLife))
	}
}

func (c *scenarioCheck) provider(member string, p Provider) {
	if c.played == nil && isAPIName(string(p)) {
		return
	}
	if p != "" && !slices.Contains(c.played, p) {
		c.wrong(member, "there is no provider %.40q; there are %s%s", p, joinProviders(c.played), meant(string(p), providerWords(c.played)))
	}
}

func (c *scenarioCheck) choice(member, s string, all []string) {
	if s != "" && !slices.Contains(all, s) {
		c.wrong(member, "%.40q is none of %s%s", s, strings.Join(all, ", "), meant(s, all))
	}
}

func (c *scenarioCheck) share(member string, x float64) {
	if !(x >= 0 && x <= 1) {
		c.wrong(member, "%g is not between 0 and 1", x)
	}
}

func (c *scenarioCheck) key(member, key string) {
	if len(key) > 200 {
		c.wrong(member, "it is longer than 200 bytes")
	}
}

func providerWords(all []Provider) []string {
	out := make([]string, 0, len(all))
	for _, p := range all {
		out = append(out, string(p))
	}
	return out
}

// actions names what a step can do, in the order of its members.
func actions() []string {
	return []string{"rotate", "revoke", "expire", "suspend", "enable", "limit", "storm", "outage", "fault"}
}

// acts names what a step does; more than one is a mistake.
func (st *Step) acts() []string {
	var out []string
	for i, set := range []bool{
		st.Rotate != nil, st.Revoke != nil, st.Expire != nil, st.Suspend != nil, st.Enable != nil,
		st.Limit != nil, st.Storm != nil, st.Outage != nil, st.Fault != nil,
	} {
		if set {
			out = append(out, actions()[i])
		}
	}
	return out
}

// lasts is how long a step is in force; 0 is for good.
func (st *Step) lasts() time.Duration {
	switch {
	case st.Suspend != nil:
		return st.Suspend.For.Std()
	case st.Limit != nil:
		return st.Limit.For.Std()
	case st.Storm != nil:
		return st.Storm.For.Std()
	case st.Outage != nil:
		return st.Outage.For.Std()
	case st.Fault != nil:
		return st.Fault.For.Std()
	}
	return 0
}

func (c *scenarioCheck) step(st *Step, at string) {
	if st.At == "" {
		c.wrong(at+".at", "it is missing: 10m is after the start, 10:00 is in UTC, 2027-01-31T10:00:00Z is a time")
	} else if _, err := st.At.on(time.Unix(0, 0).UTC()); err != nil {
		c.wrong(at+".at", "%s", err)
	}
	c.text(at+".note", st.Note)
	acts := st.acts()
	switch len(acts) {
	case 0:
		c.wrong(at, "it does nothing; it takes one of %s", strings.Join(actions(), ", "))
		return
	case 1:
		at += "." + acts[0]
	default:
		c.wrong(at+"."+acts[1], "a step does one thing, and this one has %s, too", acts[0])
		return
	}
	c.duration(at+".for", Duration(st.lasts()))
	switch {
	case st.Rotate != nil:
		c.provider(at+".provider", st.Rotate.Provider)
		c.key(at+".key", st.Rotate.Key)
		c.duration(at+".overlap", st.Rotate.Overlap)
	case st.Revoke != nil:
		c.keys(at, st.Revoke.Provider, st.Revoke.Key, st.Revoke.Which)
		c.text(at+".reason", st.Revoke.Reason)
	case st.Expire != nil:
		c.keys(at, st.Expire.Provider, st.Expire.Key, st.Expire.Which)
		c.duration(at+".in", st.Expire.In)
	case st.Suspend != nil:
		c.keys(at, st.Suspend.Provider, st.Suspend.Key, st.Suspend.Which)
	case st.Enable != nil:
		c.keys(at, st.Enable.Provider, st.Enable.Key, "")
	case st.Limit != nil:
		c.limit(st.Limit, at)
	case st.Storm != nil:
		c.provider(at+".provider", st.Storm.Provider)
		c.duration(at+".retryAfter", st.Storm.RetryAfter)
		c.share(at+".share", st.Storm.Share)
	case st.Outage != nil:
		c.outage(st.Outage, at)
	default:
		c.fault(st.Fault, at)
	}
}

func (c *scenarioCheck) keys(at string, p Provider, key string, which KeyChoice) {
	c.provider(at+".provider", p)
	c.key(at+".key", key)
	c.choice(at+".which", string(which), keyChoices())
}

func (c *scenarioCheck) limit(ls *LimitStep, at string) {
	c.provider(at+".provider", ls.Provider)
	if ls.Requests < 0 || ls.Requests > 1e9 {
		c.wrong(at+".requests", "%d is not between 0, which is no limit, and 1000000000", ls.Requests)
	}
	c.duration(at+".per", ls.Per)
	if ls.Requests > 0 && ls.Per == 0 {
		c.wrong(at+".per", "it is missing: a limit is so many requests in a time, such as 1m")
	}
}

func (c *scenarioCheck) outage(o *OutageStep, at string) {
	c.provider(at+".provider", o.Provider)
	c.choice(at+".how", string(o.How), outageKinds())
	c.duration(at+".delay", o.Delay)
	c.duration(at+".retryAfter", o.RetryAfter)
	c.share(at+".share", o.Share)
	how := o.How
	if how == "" {
		how = OutageStatus
	}
	switch {
	case how != OutageStatus && o.Status != 0:
		c.wrong(at+".status", "it belongs to how: status")
	case how != OutageStatus && o.RetryAfter != 0:
		c.wrong(at+".retryAfter", "it belongs to how: status")
	case how != OutageSlow && o.Delay != 0:
		c.wrong(at+".delay", "it belongs to how: slow")
	case how == OutageSlow && o.Delay == 0:
		c.wrong(at+".delay", "it is missing: how late an answer is, such as 5s")
	case o.Status != 0 && (o.Status < 400 || o.Status > 599):
		c.wrong(at+".status", "%d is not between 400 and 599", o.Status)
	}
}

func (c *scenarioCheck) fault(f *FaultStep, at string) {
	c.provider(at+".match.provider", f.Match.Provider)
	played := c.played
	if played == nil {
		played = append(Providers(), f.Match.Provider)
	}
	spec := FaultSpec{f.Match, f.Fault, f.When}
	if err := spec.ValidFor(played); err != nil {
		member, problem, named := strings.Cut(err.Error(), ": ")
		if !named || member != "match" && member != "fault" && member != "when" {
			member, problem = "", err.Error()
		} else {
			member = "." + member
		}
		c.wrong(at+member, "%s", problem)
	}
}

// fault returns the fault of a storm or an outage.
func (s *StormStep) fault() Fault { return Throttle(s.RetryAfter.Std()) }

func (o *OutageStep) fault() Fault {
	switch o.How {
	case OutageReset:
		return ResetBefore()
	case OutageHang:
		return HangHeaders()
	case OutageSlow:
		return Latency(o.Delay.Std())
	default:
	}
	status := o.Status
	if status == 0 {
		status = 503
	}
	f := Status(status, "Lorem Fitsum is out of order.\n")
	if o.RetryAfter > 0 {
		f = f.With("Retry-After", strconv.FormatInt(seconds(o.RetryAfter.Std()), 10))
	}
	return f
}
