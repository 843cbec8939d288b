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

// calls makes one client per provider, configured by the .env file alone, and one call with
// each client.
func calls(ctx context.Context, env *environment, r *report) error {
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
		c, err := keyfit.New(call.provider, keyfit.WithDotEnv(env.dotenv))
		if err != nil {
			return err
		}
		var meta keyfit.Response
		body, err := keyfit.Get[json.RawMessage](ctx, c, call.path, keyfit.WithResponse(&meta))
		path, _, _ := strings.Cut(call.path, "?")
		r.check(err == nil && meta.StatusCode == http.StatusOK, "%-9s %-27s GET %-38s %d, %5d bytes, key %s",
			call.provider.Name, call.presented, path, meta.StatusCode, len(body), meta.KeyFingerprint)
	}
	return nil
}

// refusals provokes each of the four documented errors of IMKIT and prints its Go type.
func refusals(ctx context.Context, env *environment, r *report) error {
	r.title("Four refusals, four Go types")
	imkit := keyfit.WithBaseURL(env.mock.BaseURL(mockserver.IMKIT))

	wrongHeader := keyfit.IMKIT("")
	wrongHeader.Scheme = keyfit.Header("X-Not-The-Header")
	if err := refusal[*keyfit.MissingKeyError](ctx, r, wrongHeader, "/admin/clients", imkit, keyfit.WithKey(env.keys[mockserver.IMKIT].Secret.Reveal())); err != nil {
		return err
	}

	revoked, err := env.mock.Keys().TryIssue(mockserver.IMKIT)
	if err != nil {
		return err
	}
	if err := env.mock.Keys().Revoke(revoked.ID, "quickstart"); err != nil {
		return err
	}
	if err := refusal[*keyfit.InvalidKeyError](ctx, r, keyfit.IMKIT(""), "/admin/clients", imkit, keyfit.WithKey(revoked.Secret.Reveal())); err != nil {
		return err
	}

	user, err := env.mock.Keys().TryIssue(mockserver.IMKIT, mockserver.ClientKey("user001"))
	if err != nil {
		return err
	}
	pair := keyfit.Static(keyfit.KeyPair(user.Secret.Reveal(), user.Token.Reveal()))
	if err := refusal[*keyfit.PermissionError](ctx, r, keyfit.IMKITUser(""), "/admin/clients", imkit, keyfit.WithSource(pair)); err != nil {
		return err
	}

	limited, err := env.mock.Keys().TryIssue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{Requests: 1, Per: time.Minute}))
	if err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	begin := time.Now()
	err = refusal[*keyfit.RateLimitError](short, r, keyfit.IMKIT(""), "/admin/clients", imkit, keyfit.WithKey(limited.Secret.Reveal()))
	r.check(time.Since(begin) < time.Second, "… the wait of one minute exceeds the deadline of 2 s: the call failed after %s, not after 2 s", time.Since(begin).Round(time.Millisecond))
	return err
}

// refusal calls the provider at most twice, until it refuses, and checks that the error is
// of type E.
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
	r.check(ok, "%-29s %-24T %s", code, typed, hint(err))
	return nil
}

func hint(err error) string {
	if limited, ok := errors.AsType[*keyfit.RateLimitError](err); ok {
		return fmt.Sprintf("RetryAfter %s, is context.DeadlineExceeded: %t", limited.RetryAfter.Round(time.Second), errors.Is(err, context.DeadlineExceeded))
	}
	return fmt.Sprintf("is ErrUnauthorized: %t, is ErrForbidden: %t", errors.Is(err, keyfit.ErrUnauthorized), errors.Is(err, keyfit.ErrForbidden))
}

// rateLimit runs many callers into a rate limit that IMKIT reports as retryAfter in the
// body, and checks that one answer delays all of them.
func rateLimit(ctx context.Context, env *environment, r *report) error {
	r.title("One retryAfter delays every caller")
	const callers, limit = 40, 20
	key, err := env.mock.Keys().TryIssue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{Requests: limit, Per: time.Second}))
	if err != nil {
		return err
	}
	unlimited := keyfit.IMKIT("")
	unlimited.Limit = keyfit.Limit{} // the client learns the limit from the answers
	c, err := keyfit.New(unlimited, keyfit.WithBaseURL(env.mock.BaseURL(mockserver.IMKIT)), keyfit.WithKey(key.Secret.Reveal()))
	if err != nil {
		return err
	}
	begin := time.Now()
	failed := load(callers, func() error {
		_, err := keyfit.Get[struct{}](ctx, c, "/admin/connection-count")
		return err
	})
	took := time.Since(begin)
	sent := env.mock.Counts(mockserver.Match{KeyID: key.ID}).Total
	r.check(failed == 0 && took >= 900*time.Millisecond, "%d callers, %d requests per second allowed: %d failed, %d requests sent, %s", callers, limit, failed, sent, took.Round(10*time.Millisecond))
	return nil
}

// load calls f from n goroutines and returns the number of failed calls.
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

// rotation replaces the key in the .env file three times while 32 goroutines call. The mock
// server revokes each old key as soon as the new one is written, so no two keys are valid
// at the same time.
func rotation(ctx context.Context, env *environment, r *report) error {
	r.title("A key rotated under load")
	c, err := keyfit.New(keyfit.MindKey(), keyfit.WithDotEnv(env.dotenv))
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
		if err := env.replaceKey(mockserver.MindKey); err != nil {
			return err
		}
	}
	time.Sleep(300 * time.Millisecond)
	close(done)
	lost := <-failed
	status := c.Keys().Status().Current
	r.check(lost == 0 && status.Generation == 4, "32 goroutines, 3 new keys in .env, each old key revoked at once: %d calls, %d failed, current key %s (generation %d)",
		total.Load(), lost, status.Fingerprint, status.Generation)
	return nil
}

// replaceKey issues a new key, writes it to the .env file and then revokes the old key.
func (env *environment) replaceKey(p mockserver.Provider) error {
	old := env.keys[p]
	next, err := env.mock.Keys().TryIssue(p, mockserver.Scopes("Employee"))
	if err != nil {
		return err
	}
	env.keys[p] = next
	if err := env.writeDotEnv(); err != nil {
		return err
	}
	return env.mock.Keys().Revoke(old.ID, "replaced")
}
