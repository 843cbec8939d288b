package rotate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/mockserver"
)

// mockUsage is the use of the old key as the mock counts it. The time when a key was last
// used would not do: some vendors report it five minutes late, and the mock does the same.
type mockUsage struct {
	client *admin.Client
	keys   []mockserver.Key // the old key; two for a pair
	count  int              // of requests with them
	since  time.Time        // when the count last changed
}

// fingerprints are those under which the mock lists a credential: the client key of a pair
// under the pair's, its user token under one of its own.
func fingerprints(c keyfit.Credential) map[string]bool {
	found := map[string]bool{c.Fingerprint(): true}
	if !c.ID.IsZero() {
		found[keyfit.APIKey(c.Key.Reveal()).Fingerprint()] = true
	}
	return found
}

// findAtMock finds the old key at the mock, before anything is changed.
func (r *rotation) findAtMock(ctx context.Context) error {
	if !r.opts.mock || r.target.present.Fingerprint() == "" {
		return nil
	}
	client, err := r.at.Client()
	if err != nil {
		return err
	}
	keys, err := admin.List[mockserver.Key](ctx, client, admin.Path(r.at.Namespace, "keys"), url.Values{"provider": {r.vendor.Provider.Name}}, 0)
	if err != nil {
		return err
	}
	r.usage = &mockUsage{client: client}
	old, kept := fingerprints(r.target.present), fingerprints(r.next)
	if id := r.next.ID; !id.IsZero() && id.Reveal() == r.target.present.ID.Reveal() {
		kept[r.target.present.Fingerprint()] = true // only the token changes: the client key stays in use
	}
	for _, k := range keys {
		if old[k.Fingerprint] && !kept[k.Fingerprint] {
			r.usage.keys = append(r.usage.keys, k)
		}
	}
	if len(r.usage.keys) == 0 {
		return errors.New("--mock: the mock does not know the current key; is it another mock, or another --namespace")
	}
	return nil
}

// askMock reports whether no request has used the old key for --drain-time.
func (r *rotation) askMock(ctx context.Context, old string) (bool, error) {
	total := 0
	for _, k := range r.usage.keys {
		var counts mockserver.Counts
		in := map[string]any{"match": map[string]string{"keyId": k.ID}}
		if err := r.usage.client.Call(ctx, http.MethodPost, admin.Path(r.at.Namespace, "requests", "count"), in, &counts); err != nil {
			return false, err
		}
		total += counts.Total
	}
	now := time.Now()
	if total != r.usage.count || r.usage.since.IsZero() {
		r.usage.count, r.usage.since = total, now
	}
	idle := now.Sub(r.usage.since)
	safe := idle >= r.opts.drainTime
	text := fmt.Sprintf("%d requests with the old key so far", total)
	if r.report.tty != nil { // elsewhere a text that always changes would be reported every time
		text += fmt.Sprintf(", none for %s of %s", idle.Round(time.Second), r.opts.drainTime)
	}
	r.report.watching(&Event{Event: "watching", Fingerprint: old, Safe: &safe}, "the mock", text)
	return safe, nil
}

// revokeAtMock revokes the old key there, if the flags or the person say so.
func (r *rotation) revokeAtMock(ctx, within context.Context, old string) error {
	revoke := r.opts.revoke
	if !revoke && !r.opts.yes {
		err := r.ask.Confirm(ctx, "Revoke the old key at the mock?")
		if ctx.Err() != nil {
			return ctx.Err()
		}
		revoke = err == nil
	}
	if !revoke {
		commands := make([]string, 0, len(r.usage.keys))
		for _, k := range r.usage.keys {
			commands = append(commands, "keyfit keys revoke "+k.ID)
		}
		r.report.advise(old, "at the mock: "+strings.Join(commands, "; "))
		r.report.done("done")
		return nil
	}
	if err := r.revokeKeys(within); err != nil {
		return err
	}
	r.report.step(&Event{Event: "revoked", Fingerprint: old}, "revoked", old+", at the mock")
	r.report.done("done")
	return nil
}

// revokeKeys revokes the old key, or the two of a pair, at the mock.
func (r *rotation) revokeKeys(ctx context.Context) error {
	for _, k := range r.usage.keys {
		if err := r.usage.client.Call(ctx, http.MethodPost, admin.Path(r.at.Namespace, "keys", k.ID, "revoke"), map[string]string{"reason": "rotated"}, nil); err != nil {
			return err
		}
	}
	return nil
}
