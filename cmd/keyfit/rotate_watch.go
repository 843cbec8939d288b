package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// ringStatus is what of a service's Keyring.Status() matters here.
type ringStatus struct {
	Provider     string   `json:"provider"`
	Current      *ringKey `json:"current"`
	Previous     *ringKey `json:"previous"`
	Staged       *ringKey `json:"staged"`
	SafeToRevoke []string `json:"safe_to_revoke"`
	Source       struct {
		Stale bool `json:"stale"`
	} `json:"source"`
}

type ringKey struct {
	Generation  uint64    `json:"generation"`
	Fingerprint string    `json:"fingerprint"`
	State       string    `json:"state"`
	LastUsed    time.Time `json:"last_used"`
	InFlight    int       `json:"in_flight"`
}

// letsGo reports whether the service will not send the old key again. It names the key
// itself; or it was started with another one, so that it never had it.
func (s *ringStatus) letsGo(old string) bool {
	holds := func(k *ringKey) bool { return k != nil && k.Fingerprint == old }
	if s.Current == nil || s.Current.Fingerprint == "" || holds(s.Current) {
		return false
	}
	return slices.Contains(s.SafeToRevoke, old) || s.Current.Generation == 1 && !holds(s.Previous) && !holds(s.Staged)
}

// describe says for a person how the service stands to the old key.
func (s *ringStatus) describe(old string) string {
	if s.Current == nil {
		return "tells of no current key"
	}
	text := fmt.Sprintf("generation %d, %s is current", s.Current.Generation, brief(s.Current.Fingerprint))
	switch k := s.of(old); {
	case s.letsGo(old):
		return text + "; the old key is let go"
	case s.Current.Fingerprint == old:
		return text + ", which is the old key" + s.obstacle()
	case k == nil:
		return text + "; the old key is not yet named safe to revoke"
	case k.LastUsed.IsZero():
		return text + fmt.Sprintf("; old key: %d in flight", k.InFlight)
	default:
		return text + fmt.Sprintf("; old key: %d in flight, last used %s", k.InFlight, when(k.LastUsed))
	}
}

// obstacle says why the service may not have moved on yet; "" if nothing is known.
func (s *ringStatus) obstacle() string {
	switch known := []string{"staged", "verified", "rejected"}; {
	case s.Source.Stale:
		return "; it cannot read its key source"
	case s.Staged != nil && slices.Contains(known, s.Staged.State):
		return "; " + brief(s.Staged.Fingerprint) + " is " + s.Staged.State
	}
	return ""
}

// of is the old key as the service tells of it; nil if it does not.
func (s *ringStatus) of(old string) *ringKey {
	for _, k := range []*ringKey{s.Current, s.Previous, s.Staged} {
		if k != nil && k.Fingerprint == old {
			return k
		}
	}
	return nil
}

// brief is a fingerprint as it was sent, if it is one.
func brief(fp string) string {
	if fp == "" || len(fp) > 64 || strings.Trim(fp, "0123456789abcdef") != "" {
		return "a key without a fingerprint"
	}
	return fp
}

// decodeStatus reads a status, or a list of them, and takes that of the provider: of several
// one that tells of a key of this rotation.
func decodeStatus(data []byte, provider string, keys ...string) (*ringStatus, error) {
	var list []ringStatus
	if err := json.Unmarshal(data, &list); err != nil {
		var one ringStatus
		if json.Unmarshal(data, &one) != nil {
			return nil, errors.New("the answer is not the JSON of a Keyring.Status()")
		}
		list = []ringStatus{one}
	}
	list = slices.DeleteFunc(list, func(s ringStatus) bool { return s.Current == nil || s.Provider != provider && s.Provider != "" })
	if len(list) == 0 {
		return nil, fmt.Errorf("the answer tells of no key of %s", provider)
	}
	at := slices.IndexFunc(list, func(s ringStatus) bool {
		return slices.ContainsFunc(keys, func(fp string) bool { return s.of(fp) != nil || slices.Contains(s.SafeToRevoke, fp) })
	})
	return &list[max(at, 0)], nil
}

// maxStatus is far above any status.
const maxStatus = 1 << 20

func askStatus(ctx context.Context, address, provider string, keys ...string) (*ringStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, errors.New("the URL cannot be parsed")
	}
	req.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no answer: %w", rootCause(err))
	}
	defer func() { _ = res.Body.Close() }() // read or given up
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answers %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxStatus))
	if err != nil {
		return nil, fmt.Errorf("no whole answer: %w", err)
	}
	return decodeStatus(data, provider, keys...)
}

// watchOld is step 4: it returns nil once, in one turn, everybody has let go of the old key.
func (r *rotateRun) watchOld(ctx context.Context, old string) error {
	turn := time.NewTicker(r.set.every)
	defer turn.Stop()
	for {
		quiet := r.lookAtServices(ctx, old)
		var err error
		if r.mock != nil {
			var unused bool
			unused, err = r.lookAtMock(ctx, old)
			quiet = quiet && unused
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case quiet:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-turn.C:
		}
	}
}

// lookAtServices asks all of them once. A service that does not answer has not let go.
func (r *rotateRun) lookAtServices(ctx context.Context, old string) bool {
	type answer struct {
		status *ringStatus
		err    error
	}
	answers := make([]answer, len(r.set.watch))
	var all sync.WaitGroup
	for i, address := range r.set.watch {
		all.Go(func() {
			answers[i].status, answers[i].err = askStatus(ctx, address, r.vendor.provider.Name, old, r.next.Fingerprint())
		})
	}
	all.Wait()
	quiet := true
	for i, a := range answers {
		safe := a.err == nil && a.status.letsGo(old)
		quiet = quiet && safe
		e := &rotateEvent{Event: "watching", Fingerprint: old, URL: withoutSecrets(r.set.watch[i]), Safe: &safe}
		var text string
		if a.err != nil {
			text = a.err.Error()
		} else {
			e.Generation, e.Current, text = a.status.Current.Generation, brief(a.status.Current.Fingerprint), a.status.describe(old)
			if k := a.status.of(old); k != nil {
				e.InFlight, e.LastUsed = k.InFlight, k.LastUsed
			}
		}
		if ctx.Err() == nil && (!r.say.terminal || r.json || !safe || quiet) {
			r.say.watched(e, e.URL, text)
		}
	}
	return quiet
}

// withoutSecrets is an address without user and query, where tokens are.
func withoutSecrets(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a service"
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}
