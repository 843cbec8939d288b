package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit"
)

// rotateSettings are the flags of rotate. There is none for a key.
type rotateSettings struct {
	dotenv, file  string
	keyFile       string
	expires       string
	probe         string
	baseURL       string
	backup        string
	watch         []string
	every, quiet  time.Duration
	timeout       time.Duration
	mock, revoke  bool
	yes           bool
	fromStdin     bool
	expiresParsed time.Time
}

const noExpiry = "none"

func (a *app) rotateCommand() *cobra.Command {
	var s rotateSettings
	cmd := &cobra.Command{
		Use: "rotate VENDOR [-]", Short: "Replace a vendor's key in .env, safely, and say when the old one may go",
		Long: `rotate walks through the rotation of one key:

  1 reads the present key from .env          4 watches until nobody uses the old key
  2 tries the new key at the vendor, twice   5 says how the old key is revoked
  3 puts it into the file, whole or not at all

The new key is asked for without echo, or read from the standard input (-) or from
--key-file; it is never an argument. A pair (imkit-user) is two lines: the client
key, then the token. If the new key is refused, nothing is changed. The file keeps
its mode, owner, comments, quotes and every other line; a symlink is followed; a
file that somebody else changes meanwhile is left alone. Ctrl-C at any moment
leaves the old file or the new one, whole.

--watch URL asks a service for the JSON of its Keyring.Status() until it names the
old key in safe_to_revoke; give it once for each replica. With --mock the mock's own
count of requests is watched. With neither, keyfit cannot see who uses the old key,
and says so.

--json writes one object a line: event (present, absent, new, verified, unverified,
backup, swapped, watching, unused, unseen, revoked, advice, warning, failed, done),
time, text, and what belongs to it: fingerprint, previous, place, lines, try, status,
latencyMs, url, generation, current, inFlight, lastUsed, safe, changed. Keys are named
by fingerprints.

To go back, rotate to the old key; --backup FILE keeps the file as it was.

Exit code: 0 done, 1 failed (the text says whether the file was changed), 2 not
understood.`,
		Example: "  keyfit rotate mindkey --expires 2027-11-30\n" +
			"  keyfit rotate imkit --watch http://10.0.0.7:8080/keys --watch http://10.0.0.8:8080/keys\n" +
			"  vault kv get -field=key secret/imkit | keyfit rotate imkit - --yes --json\n" +
			"  keyfit rotate optimove --file /run/secrets/optimove --key-file new.key",
		Args: rotateArgs, ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return vendorNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := parseVendor(args[0])
			if err != nil {
				return usage("there is no such vendor; one of %s", strings.Join(vendorNames(), ", "))
			}
			s.fromStdin = len(args) > 1 || s.keyFile == "-"
			if err := s.check(&v, a.json); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return a.rotate(ctx, &v, &s)
		},
	}
	s.flags(cmd)
	return a.withAdmin(cmd)
}

func (s *rotateSettings) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.dotenv, "dotenv", ".env", "the `file` to change, and where the vendor's address may be")
	f.StringVar(&s.file, "file", "", "change this `file`, which holds the key alone, in place of .env")
	f.StringVar(&s.keyFile, "key-file", "", "read the new key from this `file`; - is the standard input")
	f.StringVar(&s.expires, "expires", "", "when the new key ends, as a `date` or RFC 3339 time; none takes the old one's date out")
	f.StringVar(&s.probe, "probe", "", "try the new key with GET of this `path`")
	f.StringVar(&s.baseURL, "base-url", "", "the vendor's address, as `https://host`, in place of its variable")
	f.StringVar(&s.backup, "backup", "", "keep the file as it was in this new `file`, with the old key in it")
	f.StringArrayVar(&s.watch, "watch", nil, "a service's `URL` of Keyring.Status() as JSON; may be given again")
	f.DurationVar(&s.every, "watch-every", 2*time.Second, "ask so often")
	f.DurationVar(&s.quiet, "quiet", 30*time.Second, "with --mock: how long the old key must have been unused")
	f.DurationVar(&s.timeout, "timeout", 15*time.Minute, "give up after this `time`, from the moment the new key is read")
	f.BoolVar(&s.mock, "mock", false, "watch the use of the old key at the mock that --admin-url names")
	f.BoolVar(&s.revoke, "revoke", false, "with --mock: revoke the old key there once it is unused")
	f.BoolVarP(&s.yes, "yes", "y", false, "ask nothing")
}

// rotateArgs takes VENDOR and perhaps -. It repeats nothing: what stands there may be a key.
func rotateArgs(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return usage("VENDOR is missing")
	case len(args) > 2 || len(args) == 2 && args[1] != "-":
		return usage("the new key is no argument, since arguments stay in the shell's history: give - to read it from the standard input, --key-file, or nothing to be asked; a real key that stood here is to be changed")
	}
	return nil
}

// check finds what is wrong before anything is read. It repeats no value that could be a key.
func (s *rotateSettings) check(v *vendor, machine bool) error {
	switch {
	case s.timeout <= 0 || s.every <= 0 || s.quiet <= 0:
		return usage("--timeout, --watch-every and --quiet must be positive")
	case machine && !s.yes:
		return usage("--json asks nothing, so it wants --yes")
	case s.fromStdin && s.keyFile != "" && s.keyFile != "-":
		return usage("- and --key-file exclude each other")
	case s.revoke && !s.mock:
		return usage("--revoke is for a mock (--mock): no vendor documents a call that revokes a key")
	case s.file != "" && v.provider.EnvID != "":
		return usage("a file that holds one key cannot hold the pair %s", v.variables())
	case s.file != "" && s.expires != "":
		return usage("--file holds a key and no date: --expires is for .env")
	}
	for _, raw := range s.watch {
		if u, err := url.Parse(raw); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return usage("--watch wants URLs, as http://host:port/path")
		}
	}
	if s.probe != "" {
		u, err := url.Parse(s.probe)
		if err != nil || u.Host != "" || !strings.HasPrefix(s.probe, "/") {
			return usage("--probe wants a path, as /path?query, without host")
		}
		for name := range u.Query() {
			if v.carries("", name) {
				return usage("--probe holds a credential: leave it out, it is attached")
			}
		}
	}
	return s.parseExpires()
}

func (s *rotateSettings) parseExpires() error {
	if s.expires == "" || s.expires == noExpiry {
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		t, err := time.Parse(layout, s.expires)
		if err != nil {
			continue
		}
		if s.expiresParsed = t; t.Before(time.Now()) {
			return usage("--expires is in the past")
		}
		return nil
	}
	return usage("--expires is a date (2027-01-31), a time (2027-01-31T12:00:00Z) or none")
}

// rotateRun is one rotation under way.
type rotateRun struct {
	*app
	vendor  *vendor
	set     *rotateSettings
	say     *rotateTeller
	ask     *ttyAsker // nil if there is nobody to ask
	target  *rotateTarget
	next    keyfit.Credential
	mock    *mockUse // nil without --mock
	changed bool
}

// rotate runs the steps. A failure is told with whether the file was changed.
func (a *app) rotate(ctx context.Context, v *vendor, s *rotateSettings) error {
	r := &rotateRun{app: a, vendor: v, set: s, say: newRotateTeller(a), ask: newAsker(a)}
	if r.ask == nil && !s.yes {
		return usage("nobody can be asked here: give --yes, and the key by - or --key-file")
	}
	if s.yes && !s.fromStdin && s.keyFile == "" && r.ask == nil {
		return usage("the new key is missing: give - to read it from the standard input, or --key-file")
	}
	err := r.steps(ctx)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	state := "nothing was changed"
	if r.changed {
		state = "the new key is in " + r.target.place() + " and stays there; do not revoke the old one yet"
	}
	err = fmt.Errorf("%w; %s", err, state)
	if _, ok := errors.AsType[usageError](err); !ok {
		r.say.failed(err, r.changed)
	}
	return err
}

func (r *rotateRun) steps(ctx context.Context) error {
	if err := r.findPresent(ctx); err != nil {
		return err
	}
	if err := r.readNext(ctx); err != nil {
		return err
	}
	content, lines, err := r.target.edit(r.next, r.set.expires)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, r.set.timeout)
	defer cancel()
	if err := r.findMock(within); err != nil {
		return err
	}
	verified, err := r.verify(within)
	if err != nil {
		return err
	}
	if err := r.confirm(ctx, verified); err != nil {
		return err
	}
	if err := r.swap(ctx, content, lines); err != nil {
		return err
	}
	return r.finish(ctx, within)
}

// findPresent is step 1.
func (r *rotateRun) findPresent(ctx context.Context) error {
	var err error
	if r.target, err = openTarget(ctx, r.vendor, r.set); err != nil {
		return err
	}
	old, place := r.target.present.Fingerprint(), r.target.place()
	switch {
	case old != "":
		r.say.step(&rotateEvent{Event: "present", Fingerprint: old, Place: place}, "present key", old+", "+place)
	case r.target.trouble != nil:
		r.say.warn(&rotateEvent{Event: "absent", Place: place}, "there is no usable key yet: "+r.target.trouble.Error())
	}
	for _, name := range r.target.names() {
		if _, ok := r.env(name); ok && r.set.file == "" {
			r.say.warn(&rotateEvent{Event: "warning", Place: name}, name+" is set in this environment too, and goes before .env wherever it is set")
		}
	}
	return nil
}

// readNext gets the new key and compares it with the present one.
func (r *rotateRun) readNext(ctx context.Context) error {
	next, from, err := r.newKey(ctx)
	if err != nil {
		return err
	}
	next.Expires = r.set.expiresParsed
	r.next = next
	fp := next.Fingerprint()
	if fp == r.target.present.Fingerprint() {
		return fmt.Errorf("the new key is the one that is there already (%s)", fp)
	}
	r.say.step(&rotateEvent{Event: "new", Fingerprint: fp, Place: from}, "new key", fp+", from "+from)
	return nil
}

// confirm asks before the file is changed.
func (r *rotateRun) confirm(ctx context.Context, verified bool) error {
	if r.set.yes {
		return nil
	}
	question := "Put the new key into " + r.target.place() + "?"
	if !verified {
		question = "The new key was not tried. " + question
	}
	return r.ask.yes(ctx, question)
}

// swap is step 3. It does not end half way: the context is looked at before, not within.
func (r *rotateRun) swap(ctx context.Context, content []byte, lines []int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.keepBackup(); err != nil {
		return err
	}
	if err := r.target.swap(content, r.next); err != nil {
		if r.set.backup != "" {
			_ = os.Remove(r.set.backup) // made by us a moment ago; the first error is the one to tell
		}
		return err
	}
	r.changed = true
	text := r.target.place()
	if len(lines) > 0 {
		text += ", " + describeLines(lines)
	}
	r.say.step(&rotateEvent{
		Event: "swapped", Fingerprint: r.next.Fingerprint(), Previous: r.target.present.Fingerprint(), Place: r.target.place(), Lines: lines,
	}, "swapped", text)
	if left := r.target.mentions(content); len(left) > 0 {
		r.say.warn(&rotateEvent{Event: "warning", Place: r.target.place(), Lines: left}, "the old key still stands elsewhere in the file: "+describeLines(left))
	}
	return nil
}

func (r *rotateRun) keepBackup() error {
	if r.set.backup == "" {
		return nil
	}
	f, err := os.OpenFile(r.set.backup, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("--backup: %w", err)
	}
	_, err = f.Write(r.target.file.Content())
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = os.Remove(r.set.backup) // the write's error is the one to tell
		return fmt.Errorf("--backup: %w", err)
	}
	r.say.step(&rotateEvent{Event: "backup", Place: r.set.backup}, "backup", r.set.backup+"; the old key is in it, so delete it at the end")
	return nil
}

// finish is steps 4 and 5.
func (r *rotateRun) finish(ctx, within context.Context) error {
	old := r.target.present.Fingerprint()
	if old == "" {
		r.say.done("done")
		return nil
	}
	advice := revocationOf(r.vendor.name)
	if len(r.set.watch) == 0 && r.mock == nil {
		r.say.warn(&rotateEvent{Event: "unseen", Fingerprint: old}, "keyfit cannot see who uses the old key "+old+". Revoke it when "+advice.wait)
		r.say.advise(old, advice.how)
		r.say.done("the new key is in place; the old one is still valid")
		return nil
	}
	if err := r.watchOld(within, old); err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the old key %s was not seen to be out of use within %s", old, r.set.timeout)
		}
		return err
	}
	r.say.step(&rotateEvent{Event: "unused", Fingerprint: old}, "unused", old+": it is safe to revoke the old key")
	if r.mock != nil {
		return r.revokeAtMock(ctx, within, old)
	}
	r.say.advise(old, advice.how)
	r.say.done("done")
	return nil
}

// dedupe keeps the order.
func dedupe(names []string) []string {
	var found []string
	for _, n := range names {
		if n != "" && !slices.Contains(found, n) {
			found = append(found, n)
		}
	}
	return found
}
