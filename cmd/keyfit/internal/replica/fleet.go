package replica

import (
	"fmt"
	"slices"
	"strings"
)

// Question is what is asked about a fleet. The zero value asks whether every replica uses the same
// key and has released every other one.
type Question struct {
	Provider string // only rings of this provider; "" for all
	Old      string // the fingerprint of the key that is to be revoked; "" for every key that was replaced
	New      string // the fingerprint of the key that all must use; "" for any, the same
	Replicas int    // how many replicas must answer at least; 0 is one
}

// Fleet judges what the replicas answer, round after round. It is for one goroutine.
type Fleet struct {
	asked Question
	seen  map[string]map[string]bool // the fingerprints that were in use, by group
	past  map[string]*past           // by row
}

// past is what a ring said before.
type past struct {
	last  state
	all   map[state]bool
	mixed bool // a state that was left came back: a process counts its generations upwards, so there are several
}

// state tells a process from another one at the same address.
type state struct {
	generation  uint64
	fingerprint string
}

// NewFleet returns a fleet that nothing is known of.
func NewFleet(q Question) *Fleet {
	return &Fleet{asked: q, seen: map[string]map[string]bool{}, past: map[string]*past{}}
}

// Row is one ring of one replica, or a replica that gave no answer.
type Row struct {
	Replica  string
	Provider string
	Status   *Status // nil if there is none
	State    string  // what a person should know of it, in a word or a sentence
	Safe     bool    // it stands in nobody's way
	Gone     bool

	group string
}

// Verdict is the outcome of one round.
type Verdict struct {
	Rows     []Row
	Replicas int      // how many answered
	Safe     bool     // every old key may be revoked
	Named    bool     // a key was replaced, or the question names one; otherwise there is no old key to speak of
	Old      []string // those keys, by fingerprint; none if no replica had another than its current one
	Waiting  string   // why it is not safe yet; "" if it is
}

// Judge takes the answers of one round.
func (f *Fleet) Judge(answers []Answer) Verdict {
	var v Verdict
	for i := range answers {
		a := &answers[i]
		rows := f.rows(a)
		if a.Err == nil {
			v.Replicas++
		}
		v.Rows = append(v.Rows, rows...)
	}
	for i := range v.Rows {
		f.remember(&v.Rows[i])
	}
	current := currents(v.Rows)
	for i := range v.Rows {
		r := &v.Rows[i]
		r.State, r.Safe = f.state(r, current)
		if s := r.Status; s != nil && s.Circuit.Holding > 0 {
			r.State += fmt.Sprintf("; %d calls wait for a key", s.Circuit.Holding)
		}
	}
	v.Old = f.old(current)
	v.Waiting = f.waiting(&v)
	v.Safe, v.Named = v.Waiting == "", len(v.Old) > 0 || f.asked.New != ""
	return v
}

// rows are the rings of an answer. Several of one provider are told apart by their order.
func (f *Fleet) rows(a *Answer) []Row {
	if a.Err != nil {
		state := a.Err.Error()
		if a.Gone {
			state = "gone: the name has this address no more"
		}
		return []Row{{Replica: a.Name, State: state, Safe: a.Gone, Gone: a.Gone}}
	}
	var rows []Row
	count := map[string]int{}
	for _, s := range a.Statuses {
		if f.asked.Provider != "" && s.Provider != "" && s.Provider != f.asked.Provider {
			continue
		}
		rows = append(rows, Row{Replica: a.Name, Provider: s.Provider, Status: s, group: fmt.Sprint(s.Provider, " ", count[s.Provider])})
		count[s.Provider]++
	}
	if q := f.asked; q.Old != "" && slices.ContainsFunc(rows, func(r Row) bool { return r.Status.Knows(q.Old) }) {
		rows = slices.DeleteFunc(rows, func(r Row) bool { return !r.Status.Knows(q.Old) }) // the others are of other accounts
	}
	if len(rows) == 0 {
		what := "reports no key"
		if f.asked.Provider != "" {
			what += " of " + f.asked.Provider
		}
		return []Row{{Replica: a.Name, State: what}}
	}
	return rows
}

// remember notes the keys that are or were in use, here or by what a replica names safe to revoke, and the states of the row.
func (f *Fleet) remember(r *Row) {
	if r.Status == nil {
		return
	}
	if f.seen[r.group] == nil {
		f.seen[r.group] = map[string]bool{}
	}
	for _, k := range []*Key{r.Status.Current, r.Status.Previous} {
		if k != nil && isFingerprint(k.Fingerprint) {
			f.seen[r.group][k.Fingerprint] = true
		}
	}
	for _, fp := range r.Status.SafeToRevoke {
		if isFingerprint(fp) {
			f.seen[r.group][fp] = true
		}
	}
	now := state{r.Status.Current.Generation, r.Status.Current.Fingerprint}
	p := f.past[r.id()]
	if p == nil {
		p = &past{last: now, all: map[state]bool{}}
		f.past[r.id()] = p
	}
	p.mixed = p.mixed || p.last != now && p.all[now]
	p.last, p.all[now] = now, true
}

func (r *Row) id() string { return r.Replica + " " + r.group }

// currents counts, by group, the keys that are current.
func currents(rows []Row) map[string]map[string]int {
	found := map[string]map[string]int{}
	for i := range rows {
		if r := &rows[i]; r.Status != nil {
			if found[r.group] == nil {
				found[r.group] = map[string]int{}
			}
			found[r.group][r.Status.Current.Fingerprint]++
		}
	}
	return found
}

// state says what a ring does, and whether it stands in nobody's way.
func (f *Fleet) state(r *Row, current map[string]map[string]int) (text string, safe bool) {
	s := r.Status
	if s == nil {
		return r.State, r.Safe
	}
	fp := s.Current.Fingerprint
	switch {
	case !isFingerprint(fp):
		return "its current key has no fingerprint", false
	case s.Contradicts():
		return "contradicts itself: it names a key safe to revoke and uses it", false
	case f.past[r.id()].mixed:
		return "the answers of several processes: give the address of each", false
	case fp == f.asked.Old:
		return "uses the old key" + s.obstacle(), false
	case f.asked.New != "" && fp != f.asked.New:
		return "uses another key than " + f.asked.New + s.obstacle(), false
	case f.asked.Old == "" && f.asked.New == "" && len(current[r.group]) > 1:
		return "the replicas use different keys" + s.obstacle(), false
	case f.asked.Old == "" && s.Staged != nil && s.Staged.Fingerprint != fp:
		return "has an offered key" + s.obstacle(), false
	}
	text, olds := "ok", f.olds(r)
	for _, old := range olds {
		if text = "released"; !s.Released(old) {
			return notReleased(s, old), false
		}
	}
	if s.Circuit.Open {
		text += "; its calls are refused"
	}
	return text, true
}

func notReleased(s *Status, old string) string {
	switch k := s.Key(old); {
	case k == nil:
		return "has not named " + old + " safe to revoke"
	case k.InFlight > 0:
		return fmt.Sprintf("%d calls with %s are in flight", k.InFlight, old)
	}
	return "waits until " + old + " has been idle"
}

// olds are the keys that a ring must have released.
func (f *Fleet) olds(r *Row) []string {
	if f.asked.Old != "" {
		return []string{f.asked.Old}
	}
	var found []string
	for fp := range f.seen[r.group] {
		if fp != r.Status.Current.Fingerprint {
			found = append(found, fp)
		}
	}
	slices.Sort(found)
	return found
}

// old are the keys that were replaced.
func (f *Fleet) old(current map[string]map[string]int) []string {
	if f.asked.Old != "" {
		return []string{f.asked.Old}
	}
	var found []string
	for group, seen := range f.seen {
		for fp := range seen {
			if fp != f.asked.New && (current[group][fp] == 0 || f.asked.New != "") {
				found = append(found, fp)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// waiting says what it is not safe for; "" if it is safe.
func (f *Fleet) waiting(v *Verdict) string {
	var why []string
	if need := max(f.asked.Replicas, 1); v.Replicas < need {
		why = append(why, fmt.Sprintf("%d of %d replicas answer", v.Replicas, need))
	}
	for i := range v.Rows {
		if r := &v.Rows[i]; !r.Safe {
			why = append(why, r.Replica+": "+r.State)
		}
	}
	const most = 3
	if more := len(why) - most; more > 0 {
		why = append(why[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(why, "; ")
}
