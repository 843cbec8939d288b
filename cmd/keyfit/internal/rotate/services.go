package rotate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
)

const (
	maxStatus     = 1 << 20         // bytes; far above any status
	statusTimeout = 5 * time.Second // for one answer of a service
)

// askServices asks every service of --watch once, all at the same time. It returns false
// unless all of them have released the old key: one that does not answer has not.
func (r *rotation) askServices(ctx context.Context, old string) bool {
	type answer struct {
		status *serviceStatus
		err    error
	}
	answers := make([]answer, len(r.opts.watch))
	var group sync.WaitGroup
	for i, address := range r.opts.watch {
		group.Go(func() {
			answers[i].status, answers[i].err = askStatus(ctx, address, r.vendor.Provider.Name, old, r.next.Fingerprint())
		})
	}
	group.Wait()
	all := true
	for i, a := range answers {
		safe := a.err == nil && a.status.released(old)
		all = all && safe
		e := &Event{Event: "watching", Fingerprint: old, URL: withoutSecrets(r.opts.watch[i]), Safe: &safe}
		var text string
		if a.err != nil {
			text = a.err.Error()
		} else {
			e.Generation, e.Current, text = a.status.Current.Generation, safeFingerprint(a.status.Current.Fingerprint), a.status.describe(old)
			if k := a.status.key(old); k != nil {
				e.InFlight, e.LastUsed = k.InFlight, k.LastUsed
			}
		}
		// A terminal has one line for all services: it shows those that still use the old key.
		if ctx.Err() == nil && (r.report.tty == nil || !safe || all) {
			r.report.watching(e, e.URL, text)
		}
	}
	return all
}

func askStatus(ctx context.Context, address, provider string, fingerprints ...string) (*serviceStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, errors.New("the URL cannot be parsed") // the error would repeat it
	}
	req.Header.Set("Accept", "application/json")
	// The address may have a token in it: it is for the service that was named.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no answer: %w", admin.RootCause(err))
	}
	defer func() { _ = res.Body.Close() }() // read or given up
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answers %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxStatus))
	if err != nil {
		return nil, fmt.Errorf("no complete answer: %w", err)
	}
	return decodeStatus(data, provider, fingerprints...)
}

// withoutSecrets is an address without user and query, where tokens are.
func withoutSecrets(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a service"
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}
