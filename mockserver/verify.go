package mockserver

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Requests returns the journalled exchanges that match, oldest first. The journal
// is bounded (WithJournal); Counts includes evicted exchanges.
func (n *Namespace) Requests(m Match) []Exchange { return n.journal.requests(m) }

// Counts returns exact numbers of the exchanges that match, evicted or not. A
// request that Go's client itself repeated counts twice.
func (n *Namespace) Counts(m Match) Counts { return n.journal.countsOf(m) }

// WaitFor waits until at least k exchanges match and returns those that are still
// in the journal. It fails if ctx ends or the server closes first.
func (n *Namespace) WaitFor(ctx context.Context, m Match, k int) ([]Exchange, error) {
	for {
		next := n.journal.wait(m, k)
		if next == nil {
			return n.journal.requests(m), nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return nil, fmt.Errorf("mockserver: %d of %d requests arrived: %w", n.Counts(m).Total, k, context.Cause(ctx))
		case <-n.srv.done:
			return nil, fmt.Errorf("mockserver: server closed with %d of %d requests", n.Counts(m).Total, k)
		}
	}
}

// Expect fails the test unless exactly k exchanges match, and then shows the last
// exchanges. ExpectTimes and ExpectInOrder ask for other things.
func (n *Namespace) Expect(tb testing.TB, m Match, k int) {
	tb.Helper()
	n.ExpectTimes(tb, m, Exactly(k))
}

// ResetJournal deletes exchanges and counts.
func (n *Namespace) ResetJournal() { n.journal.reset() }

// String is one line for people, without header and body.
func (ex Exchange) String() string {
	s := fmt.Sprintf("#%d %s %s %s %s -> %d %s", ex.ID, ex.At.Format(time.TimeOnly), ex.Provider, ex.Method, ex.Path, ex.Status, ex.Diagnosis)
	if ex.KeyID != "" {
		s += " [" + ex.KeyID + "]"
	}
	if ex.Fault != "" {
		s += " fault: " + ex.Fault
	}
	return printable(s)
}

// dump writes the last exchanges, one per line.
func (n *Namespace) dump(last int) string {
	all := n.Requests(Match{})
	var b strings.Builder
	if skip := len(all) - last; skip > 0 {
		fmt.Fprintf(&b, "  … %d earlier\n", skip)
		all = all[skip:]
	}
	for _, x := range all {
		b.WriteString("  " + x.String() + "\n")
	}
	if len(all) == 0 {
		b.WriteString("  no requests\n")
	}
	return b.String()
}
