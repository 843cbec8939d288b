package rotate

import (
	"context"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/replica"
)

// askServices asks every replica of --watch once, all at the same time. It returns false unless
// all of them have released the old key: one that does not answer has not, and there must be as
// many as --replicas says.
func (r *rotation) askServices(ctx context.Context, old string) bool {
	answers := r.finder.Ask(ctx)
	all, there := true, 0
	for i := range answers {
		a := &answers[i]
		if a.Gone {
			r.report.watching(&Event{Event: "watching", Fingerprint: old, URL: a.Name}, a.Name, "gone: its name has this address no more")
			continue
		}
		s, err := a.Statuses, a.Err
		var status *replica.Status
		if err == nil {
			there++
			status, err = replica.Of(s, r.vendor.Provider.Name, old, r.next.Fingerprint())
		}
		safe := err == nil && status.Released(old)
		all = all && safe
		e := &Event{Event: "watching", Fingerprint: old, URL: a.Name, Safe: &safe}
		var text string
		if err != nil {
			text = err.Error()
		} else {
			e.Generation, e.Current, text = status.Current.Generation, replica.SafeFingerprint(status.Current.Fingerprint), status.Describe(old)
			if k := status.Key(old); k != nil {
				e.InFlight, e.LastUsed = k.InFlight, k.LastUsed
			}
		}
		// A terminal has one line for all services: it shows those that still use the old key.
		if ctx.Err() == nil && (r.report.tty == nil || !safe || all) {
			r.report.watching(e, e.URL, text)
		}
	}
	return all && there >= r.opts.replicas
}
