package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// mockUse is the use of the old key as the mock has counted it. Last-used times would not
// do: some vendors show them with five minutes' lag, and the mock does as they do.
type mockUse struct {
	keys  []mockserver.Key
	count int
	since time.Time // when the count was last seen to change
}

// mockFingerprints are the names by which the mock lists the halves of a credential: eight
// hexadecimal digits of the SHA-256.
func mockFingerprints(c keyfit.Credential) map[string]bool {
	found := make(map[string]bool)
	for _, half := range []keyfit.Secret{c.ID, c.Key} {
		if !half.IsZero() {
			sum := sha256.Sum256([]byte(half.Reveal()))
			found[hex.EncodeToString(sum[:4])] = true
		}
	}
	return found
}

// findMock finds the old key at the mock, before anything is changed.
func (r *rotateRun) findMock(ctx context.Context) error {
	if !r.set.mock || r.target.present.Fingerprint() == "" {
		return nil
	}
	keys, err := all[mockserver.Key](ctx, r.app, r.ns("keys"), url.Values{"provider": {r.vendor.provider.Name}}, 0)
	if err != nil {
		return err
	}
	old, kept := mockFingerprints(r.target.present), mockFingerprints(r.next)
	r.mock = &mockUse{}
	for _, k := range keys {
		if old[k.Fingerprint] && !kept[k.Fingerprint] {
			r.mock.keys = append(r.mock.keys, k)
		}
	}
	if len(r.mock.keys) == 0 {
		return errors.New("--mock: the mock does not know the present key; is it another mock, or another --namespace")
	}
	return nil
}

// lookAtMock reports whether the old key was unused for --quiet.
func (r *rotateRun) lookAtMock(ctx context.Context, old string) (bool, error) {
	total := 0
	for _, k := range r.mock.keys {
		var counts mockserver.Counts
		in := map[string]any{"match": map[string]string{"keyId": k.ID}}
		if err := r.do(ctx, http.MethodPost, r.ns("requests", "count"), in, &counts); err != nil {
			return false, err
		}
		total += counts.Total
	}
	m, now := r.mock, time.Now()
	if total != m.count || m.since.IsZero() {
		m.count, m.since = total, now
	}
	unused := now.Sub(m.since)
	safe := unused >= r.set.quiet
	if text := fmt.Sprintf("%d requests with the old key so far", total); !r.say.terminal {
		r.say.watched(&rotateEvent{Event: "watching", Fingerprint: old, Safe: &safe}, "the mock", text)
	} else {
		text += fmt.Sprintf(", none for %s of %s", unused.Round(time.Second), r.set.quiet)
		r.say.watched(&rotateEvent{}, "the mock", text)
	}
	return safe, nil
}

// revokeAtMock ends the old key there, if that is wanted.
func (r *rotateRun) revokeAtMock(ctx, within context.Context, old string) error {
	if !r.set.revoke && !r.set.yes {
		err := r.ask.yes(ctx, "Revoke the old key at the mock?")
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.set.revoke = err == nil
	}
	if !r.set.revoke {
		commands := make([]string, 0, len(r.mock.keys))
		for _, k := range r.mock.keys {
			commands = append(commands, "keyfit keys revoke "+k.ID)
		}
		r.say.advise(old, "at the mock: "+strings.Join(commands, "; "))
		r.say.done("done")
		return nil
	}
	for _, k := range r.mock.keys {
		if err := r.do(within, http.MethodPost, r.ns("keys", k.ID, "revoke"), map[string]string{"reason": "rotated"}, nil); err != nil {
			return err
		}
	}
	r.say.step(&rotateEvent{Event: "revoked", Fingerprint: old}, "revoked", old+", at the mock")
	r.say.done("done")
	return nil
}
