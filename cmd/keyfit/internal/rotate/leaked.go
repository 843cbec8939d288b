package rotate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keycheck"
)

// tellLeak says, before anything else, how the key that leaked is revoked and where its use shows.
func (r *rotation) tellLeak() error {
	if !r.opts.leaked {
		return nil
	}
	old := r.target.present.Fingerprint()
	if old == "" {
		return cli.Usagef("%s has no key that could have leaked: --leaked is for the key in the file", r.target.place())
	}
	r.report.advise(old, revocationOf(r.vendor.Name).how)
	for _, text := range tracesOf(r.vendor.Name, old) {
		r.report.look(old, text)
	}
	return nil
}

// revokeLeaked revokes the key that leaked at the mock, or asks whether the person has revoked it.
// It does not wait for that: until the new key is in place the old one is no worse than before.
func (r *rotation) revokeLeaked(ctx, within context.Context) error {
	if !r.opts.leaked {
		return nil
	}
	old := r.target.present.Fingerprint()
	if r.usage != nil {
		if err := r.revokeKeys(within); err != nil {
			return err
		}
		r.revoked = true
		r.report.step(&Event{Event: "revoked", Fingerprint: old}, "revoked", old+", at the mock")
		return nil
	}
	if r.opts.yes {
		return nil
	}
	if err := r.ask.Confirm(ctx, "Have you revoked the old key?"); err != nil && ctx.Err() == nil {
		r.report.warn(&Event{Event: "warning", Fingerprint: old}, "then do it now: it stays usable for others until then")
	}
	return ctx.Err()
}

// finishLeaked waits until the vendor refuses the old key, and until no replica uses it.
func (r *rotation) finishLeaked(within context.Context, old string) error {
	if err := r.awaitRefusal(within, old); err != nil {
		return err
	}
	if len(r.opts.watch) > 0 {
		if err := r.awaitIdle(within, old); err != nil {
			return fmt.Errorf("a replica still has the old key %s, with which its calls fail: %w", old, err)
		}
		r.report.step(&Event{Event: "unused", Fingerprint: old}, "unused", old+", by every replica")
	}
	r.report.look(old, "from now on key.refused with "+old+" in the log of a program, and refusals at the vendor, name who still has it")
	r.report.done("the new key is in place, and the old one is refused")
	return nil
}

// awaitRefusal tries the old key until the vendor refuses it. Where there is no call to try it
// with, the person is told that nobody has.
func (r *rotation) awaitRefusal(ctx context.Context, old string) error {
	if r.opts.probe == "" && r.vendor.Provider.Probe == "" {
		r.report.warn(&Event{Event: "unseen", Fingerprint: old}, "keyfit cannot see whether the old key "+old+" still works: "+
			r.vendor.Name+" documents no call to try one with; --probe PATH names one of yours")
		return nil
	}
	ticker := time.NewTicker(r.opts.every)
	defer ticker.Stop()
	for {
		verdict, answer := r.tryOld(ctx)
		if verdict == keycheck.Refused {
			r.report.step(&Event{Event: "refused", Fingerprint: old}, "refused", old+", by the vendor: "+answer)
			return nil
		}
		if ctx.Err() == nil {
			text := "the old key " + old + " is answered " + answer
			if verdict == keycheck.Accepted {
				text = "the old key " + old + " still works: revoke it now"
			}
			r.report.watching(&Event{Event: "watching", Fingerprint: old}, r.vendor.Name, text)
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("the old key %s was not refused within %s: revoke it, %s", old, r.opts.timeout, revocationOf(r.vendor.Name).how)
			}
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// tracesOf says, for a vendor, where a key that leaked and its use by others show. The facts are of
// the vendors' pages; where they document nothing it says that.
func tracesOf(vendor, old string) []string {
	traces := map[string][]string{
		"imin":         {"X-API-KEY in logs of proxies and of HTTP clients", "imin documents no list of a key's uses: ask your account manager for the requests since the leak"},
		"mindkey":      {"Authorization: ApiKey-v2 in logs of proxies and of HTTP clients", "MindKey's panel shows the last use of the key, about 5 minutes late: one that is not yours is a stranger's", "the key reads data of employees as far as its scopes go: tell who is responsible for data protection"},
		"imkit":        {"IM-API-KEY in logs of proxies and of HTTP clients; GET /admin/stats answers with the key itself, so look into logs of answers too", "the key is the administrator's: look for users, rooms, messages and user tokens that were made or changed since the leak, and revoke tokens that you did not issue"},
		"imkit-user":   {"IM-CLIENT-KEY and IM-Authorization in logs of proxies, browsers and apps", "the token acts as its user: look for messages of the user since the leak"},
		"optimove":     {"X-API-KEY in logs of proxies and of HTTP clients", "Optimove documents no list of a key's uses: ask its support for the requests since the leak; its notices go to the contact address of the key"},
		"iiniit":       {"Authorization: ApiKey in logs, and ?api_key= in access logs, histories of browsers and Referer headers", "iiniit documents no list of a key's uses: ask its support"},
		"iiniit-token": {"Authorization: Bearer in logs of proxies and of HTTP clients", "a stranger may have the refresh token too: revoke the authorization of the application, not the access token alone"},
	}
	general := "the key itself, where it leaked and where it was copied: the history of git (git log -S), logs of CI, images, backups, chats; programs with keyfit log it as " + old
	return append(traces[vendor], general)
}
