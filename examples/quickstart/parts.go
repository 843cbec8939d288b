package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// calls makes one client per provider from the .env alone, and one call with each.
func calls(ctx context.Context, w *world, r *report) error {
	r.title("Five providers, five ways to present a key")
	for _, call := range []struct {
		provider  keyfit.Provider
		presented string
		path      string
	}{
		{keyfit.Imin(), "X-API-KEY: …", "/events-api/v2/event-series?mode=discovery-geo&geo[radial]=51.75,-1.25,5"},
		{keyfit.MindKey(), "Authorization: ApiKey-v2 …", "/odata/v2/Employee"},
		{keyfit.IMKIT(""), "IM-API-KEY: …", "/admin/connection-count"},
		{keyfit.Optimove(""), "X-API-KEY: …", "/current/groups/GetTargetGroupDetails"},
		{keyfit.Iiniit(), "Authorization: ApiKey …", "/resource"},
	} {
		c, err := keyfit.New(call.provider, keyfit.WithDotEnv(w.dotenv))
		if err != nil {
			return err
		}
		var meta keyfit.Response
		body, err := keyfit.Get[json.RawMessage](ctx, c, call.path, keyfit.WithResponse(&meta))
		path, _, _ := strings.Cut(call.path, "?")
		r.line(err == nil && meta.StatusCode == http.StatusOK, "%-9s %-27s GET %-38s %d, %5d bytes, key %s",
			call.provider.Name, call.presented, path, meta.StatusCode, len(body), meta.KeyFingerprint)
	}
	return nil
}

// refusals provokes each of the four documented errors of IMKIT, and shows its Go type.
func refusals(ctx context.Context, w *world, r *report) error {
	r.title("Four refusals, four Go types")
	imkit := keyfit.WithBaseURL(w.mock.BaseURL(mockserver.IMKIT))

	elsewhere := keyfit.IMKIT("")
	elsewhere.Scheme = keyfit.Header("X-Not-The-Header")
	if err := refusal[*keyfit.MissingKeyError](ctx, r, elsewhere, "/admin/clients", imkit, keyfit.WithKey(w.keys[mockserver.IMKIT].Secret.Reveal())); err != nil {
		return err
	}

	revoked, err := w.mock.Keys().TryIssue(mockserver.IMKIT)
	if err != nil {
		return err
	}
	if err := w.mock.Keys().Revoke(revoked.ID, "quickstart"); err != nil {
		return err
	}
	if err := refusal[*keyfit.InvalidKeyError](ctx, r, keyfit.IMKIT(""), "/admin/clients", imkit, keyfit.WithKey(revoked.Secret.Reveal())); err != nil {
		return err
	}

	user, err := w.mock.Keys().TryIssue(mockserver.IMKIT, mockserver.ClientKey("user001"))
	if err != nil {
		return err
	}
	pair := keyfit.Static(keyfit.KeyPair(user.Secret.Reveal(), user.Token.Reveal()))
	if err := refusal[*keyfit.PermissionError](ctx, r, keyfit.IMKITUser(""), "/admin/clients", imkit, keyfit.WithSource(pair)); err != nil {
		return err
	}

	busy, err := w.mock.Keys().TryIssue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{Requests: 1, Per: time.Minute}))
	if err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	begin := time.Now()
	err = refusal[*keyfit.RateLimitError](short, r, keyfit.IMKIT(""), "/admin/clients", imkit, keyfit.WithKey(busy.Secret.Reveal()))
	r.line(time.Since(begin) < time.Second, "… and the minute did not fit the deadline of 2 s: failed after %s, not after 2 s", time.Since(begin).Round(time.Millisecond))
	return err
}

// refusal calls until the provider refuses, twice at most, and wants an error of type E.
func refusal[E error](ctx context.Context, r *report, p keyfit.Provider, path string, opts ...keyfit.Option) error {
	c, err := keyfit.New(p, opts...)
	if err != nil {
		return err
	}
	for range 2 {
		if _, err = keyfit.Get[struct{}](ctx, c, path); err != nil {
			break
		}
	}
	typed, ok := errors.AsType[E](err)
	code := "no error"
	if base, is := errors.AsType[*keyfit.APIError](err); is {
		code = fmt.Sprintf("%d %s", base.StatusCode, base.Code)
	}
	r.line(ok, "%-29s %-24T %s", code, typed, hint(err))
	return nil
}

func hint(err error) string {
	if limited, ok := errors.AsType[*keyfit.RateLimitError](err); ok {
		return fmt.Sprintf("RetryAfter %s, is context.DeadlineExceeded: %t", limited.RetryAfter.Round(time.Second), errors.Is(err, context.DeadlineExceeded))
	}
	return fmt.Sprintf("is ErrUnauthorized: %t, is ErrForbidden: %t", errors.Is(err, keyfit.ErrUnauthorized), errors.Is(err, keyfit.ErrForbidden))
}

// waiting has many callers meet a limit that says retryAfter in the body, as IMKIT does.
func waiting(ctx context.Context, w *world, r *report) error {
	r.title("One retryAfter teaches everybody")
	const callers, limit = 40, 20
	key, err := w.mock.Keys().TryIssue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{Requests: limit, Per: time.Second}))
	if err != nil {
		return err
	}
	unknown := keyfit.IMKIT("")
	unknown.Limit = keyfit.Limit{} // the client has to find out
	c, err := keyfit.New(unknown, keyfit.WithBaseURL(w.mock.BaseURL(mockserver.IMKIT)), keyfit.WithKey(key.Secret.Reveal()))
	if err != nil {
		return err
	}
	begin := time.Now()
	failed := load(callers, func() error {
		_, err := keyfit.Get[struct{}](ctx, c, "/admin/connection-count")
		return err
	})
	took := time.Since(begin)
	sent := w.mock.Counts(mockserver.Match{KeyID: key.ID}).Total
	r.line(failed == 0 && took >= 900*time.Millisecond, "%d callers, %d a second allowed: %d failed, %d requests on the wire, %s", callers, limit, failed, sent, took.Round(10*time.Millisecond))
	return nil
}

// load calls f from n goroutines and returns how many failed.
func load(n int, f func() error) int {
	var wg sync.WaitGroup
	var failed atomic.Int64
	for range n {
		wg.Go(func() {
			if f() != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	return int(failed.Load())
}

// swapping changes the key in the .env three times while 32 goroutines call, and revokes
// each old key at the mock as soon as the new one is written: no overlap at all.
func swapping(ctx context.Context, w *world, r *report) error {
	r.title("A key changed under load")
	c, err := keyfit.New(keyfit.MindKey(), keyfit.WithDotEnv(w.dotenv))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var watching sync.WaitGroup
	watching.Go(func() { _ = c.Keys().Watch(ctx, 50*time.Millisecond) })
	defer watching.Wait()
	defer stop()

	done := make(chan struct{})
	var total atomic.Int64
	failed := make(chan int, 1)
	go func() {
		failed <- load(32, func() error {
			for {
				select {
				case <-done:
					return nil
				default:
				}
				if _, err := keyfit.Get[struct{}](ctx, c, "/ping"); err != nil {
					return err
				}
				total.Add(1)
			}
		})
	}()
	for range 3 {
		time.Sleep(300 * time.Millisecond)
		if err := w.replaceKey(mockserver.MindKey); err != nil {
			return err
		}
	}
	time.Sleep(300 * time.Millisecond)
	close(done)
	lost := <-failed
	status := c.Keys().Status().Current
	r.line(lost == 0 && status.Generation == 4, "32 goroutines, 3 new keys in .env, each old key revoked at once: %d calls, %d failed, now key %s (generation %d)",
		total.Load(), lost, status.Fingerprint, status.Generation)
	return nil
}

// replaceKey issues a new key, writes it to the .env and then revokes the old one.
func (w *world) replaceKey(p mockserver.Provider) error {
	old := w.keys[p]
	next, err := w.mock.Keys().TryIssue(p, mockserver.Scopes("Employee"))
	if err != nil {
		return err
	}
	w.keys[p] = next
	if err := w.writeDotEnv(); err != nil {
		return err
	}
	return w.mock.Keys().Revoke(old.ID, "replaced")
}
