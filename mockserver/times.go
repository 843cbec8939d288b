package mockserver

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

// Times is how many exchanges must match. Make it with Exactly, AtLeast, AtMost or
// FromTo; the zero Times is none.
type Times struct {
	Least int
	Most  int // negative: any number from Least on
}

// Exactly is k exchanges.
func Exactly(k int) Times { return Times{k, k} }

// AtLeast is k exchanges or more.
func AtLeast(k int) Times { return Times{k, -1} }

// AtMost is k exchanges or fewer.
func AtMost(k int) Times { return Times{0, k} }

// FromTo is least to most exchanges, both included.
func FromTo(least, most int) Times { return Times{least, most} }

// String is the number in words: "3", "at least 2", "at most 4", "2 to 4".
func (tm Times) String() string {
	switch {
	case tm.Most < 0:
		return fmt.Sprintf("at least %d", tm.Least)
	case tm.Least == tm.Most:
		return strconv.Itoa(tm.Least)
	case tm.Least <= 0:
		return fmt.Sprintf("at most %d", tm.Most)
	}
	return fmt.Sprintf("%d to %d", tm.Least, tm.Most)
}

// hold reports whether counts are certain to be as many. Folded ones may match or not.
func (tm Times) hold(c Counts) bool {
	return c.Total >= tm.Least && (tm.Most < 0 || c.Total+c.Folded <= tm.Most)
}

// Verify returns an error unless as many exchanges match. It is ExpectTimes without a
// test.
func (n *Namespace) Verify(m Match, times Times) error {
	if err := m.valid(n.srv.Providers()); err != nil {
		return fmt.Errorf("mockserver: verify: %w", err)
	}
	c := n.Counts(m)
	if times.hold(c) {
		return nil
	}
	may := ""
	if c.Folded > 0 {
		may = fmt.Sprintf(" and %d more may", c.Folded)
	}
	return fmt.Errorf("mockserver: %d requests match (%s)%s, want %s", c.Total, n.inWords(&m), may, times)
}

// inWords says what a match selects, without a credential that somebody looks for.
func (n *Namespace) inWords(m *Match) string {
	said := m.words()
	return redact.New(&n.srv.vault).Value(said, len(said))
}

// VerifyInOrder returns an error unless there are exchanges that match the steps in this
// order. Others may come between them; each exchange is at most one step.
func (n *Namespace) VerifyInOrder(steps ...Match) error {
	for i := range steps {
		if err := steps[i].valid(n.srv.Providers()); err != nil {
			return fmt.Errorf("mockserver: verify: step %d: %w", i+1, err)
		}
	}
	at := 0
	for _, x := range n.Requests(Match{}) {
		if at < len(steps) {
			if f := x.facts(); steps[at].exchange(&f) && steps[at].findsExchange(&x) {
				at++
			}
		}
	}
	if at == len(steps) {
		return nil
	}
	after := "no request matches"
	if at > 0 {
		after = fmt.Sprintf("after the one of step %d no request matches", at)
	}
	return fmt.Errorf("mockserver: %s step %d: %s", after, at+1, n.inWords(&steps[at]))
}

// ExpectTimes fails the test unless as many exchanges match, and then shows the last
// exchanges:
//
//	srv.ExpectTimes(t, mockserver.Match{Outcome: mockserver.RateLimited}, mockserver.AtMost(1))
func (n *Namespace) ExpectTimes(tb testing.TB, m Match, times Times) {
	tb.Helper()
	if err := n.Verify(m, times); err != nil {
		tb.Errorf("%v\n%s", err, strings.TrimRight(n.dump(20), "\n"))
	}
}

// ExpectInOrder fails the test unless there are exchanges that match the steps in this
// order, as VerifyInOrder says.
func (n *Namespace) ExpectInOrder(tb testing.TB, steps ...Match) {
	tb.Helper()
	if err := n.VerifyInOrder(steps...); err != nil {
		tb.Errorf("%v\n%s", err, strings.TrimRight(n.dump(20), "\n"))
	}
}
