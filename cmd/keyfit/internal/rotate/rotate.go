// Package rotate replaces the key of one vendor in a .env file or a key file, and finds out
// when nobody uses the old key any more.
//
//	present ──► new ──► verified ──► swapped ──► idle ──► revoked
//	   │         │          │           │          │
//	 the key   the new    the vendor  the file   no service (--watch) and no request (--mock)
//	 that is   key is     accepts it  has the    uses the old key; revoked only at a mock, since
//	 there     read       twice       new key    no vendor documents a call for it
//
// Until swapped nothing has changed. From then on the new key stays in the file, whatever fails
// later, unless the flags or the person want the old one back: then the old content is put back in
// one swap, if nobody changed the file meanwhile and the vendor does not refuse the old key. The
// error of [Run] says which of the three it is.
//
// A key that leaked goes first: it is revoked, or the person is told how, before the new one is
// tried, and the rotation ends when the vendor refuses it.
//
// No key is printed: events, messages and errors name it by its fingerprint.
package rotate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keyinput"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/replica"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/internal/envfile"
	"github.com/keyfit/keyfit/internal/exposure"
)

// Mock is the mock of --mock.
type Mock struct {
	Client    func() (*admin.Client, error) // called only with --mock
	Namespace string
}

// rotation is one run of the command.
type rotation struct {
	cli.Terminal
	vendor  *vendors.Vendor
	opts    *Options
	at      Mock
	report  *reporter
	ask     *keyinput.Prompter // nil if there is no terminal to ask at
	target  *target
	next    keyfit.Credential
	usage   *mockUsage // nil without --mock
	finder  *replica.Finder
	changed bool   // the file has the new key
	written []byte // what the swap wrote
	revoked bool   // the old key was revoked before the new one was tried
}

// Run rotates the key of a vendor. The options are checked already.
func Run(ctx context.Context, t cli.Terminal, m Mock, v *vendors.Vendor, o *Options) error {
	r := &rotation{Terminal: t, vendor: v, opts: o, at: m, report: newReporter(&t), ask: keyinput.NewPrompter(&t), finder: replica.NewFinder(o.watch, t.Lookup)}
	if r.ask == nil && !o.yes {
		return cli.Usagef("there is no terminal to ask at: give --yes, and the key by - or --key-file")
	}
	if o.yes && !o.FromStdin && o.keyFile == "" && o.rollback == "" && r.ask == nil {
		return cli.Usagef("the new key is missing: give - to read it from the standard input, or --key-file")
	}
	err := r.steps(ctx)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	err = fmt.Errorf("%w; %s", err, r.leftAs(r.undo(ctx)))
	if _, ok := errors.AsType[cli.UsageError](err); !ok {
		r.report.failed(err, r.changed)
	}
	return err
}

// leftAs says how the file is left after a failure. undone is the outcome of putting the old key
// back.
func (r *rotation) leftAs(undone error) string {
	switch {
	case r.revoked && !r.changed:
		return "the file was not changed, and the old key is revoked: calls fail until a good key is in " + r.target.place()
	case r.changed && r.opts.leaked:
		return "the new key is in " + r.target.place() + "; the old one leaked, so do not go back to it"
	case r.changed && undone != nil:
		return undone.Error() + ", so the new key is in " + r.target.place() + " and stays there; do not revoke the old one yet"
	case r.changed:
		return "the new key is in " + r.target.place() + " and stays there; do not revoke the old one yet"
	case r.written != nil:
		return "the old key is back in " + r.target.place() + "; revoke the new one if nobody needs it"
	}
	return "nothing was changed"
}

// steps runs the whole rotation. The vendor and the services get opts.timeout together, counted
// from here so that a person may take any time to find the new key.
func (r *rotation) steps(ctx context.Context) error {
	if err := r.findPresent(ctx); err != nil {
		return err
	}
	if err := r.tellLeak(); err != nil {
		return err
	}
	if err := r.readNext(ctx); err != nil {
		return err
	}
	content, lines, err := r.target.edit(r.next, r.expires()) // before the vendor is asked: it may be impossible
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, r.opts.timeout)
	defer cancel()
	if err := r.findAtMock(within); err != nil {
		return err
	}
	if err := r.revokeLeaked(ctx, within); err != nil {
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

// findPresent opens the file and reads the current key.
func (r *rotation) findPresent(ctx context.Context) error {
	var err error
	if r.target, err = openTarget(ctx, r.vendor, r.opts); err != nil {
		return err
	}
	old, place := r.target.present.Fingerprint(), r.target.place()
	switch {
	case old != "":
		r.report.step(&Event{Event: "present", Fingerprint: old, Place: place}, "current key", old+", "+place)
	case r.target.absent != nil:
		r.report.warn(&Event{Event: "absent", Place: place}, "there is no usable key yet: "+r.target.absent.Error())
	}
	for _, why := range exposure.Of(r.target.file.Path()) {
		r.report.warn(&Event{Event: "warning", Place: place}, why)
	}
	for _, name := range r.target.names() {
		if _, ok := r.Env(name); ok && r.opts.file == "" {
			r.report.warn(&Event{Event: "warning", Place: name}, name+" is set in this environment too, and takes precedence over .env wherever it is set")
		}
	}
	return nil
}

// readNext reads the new key and compares it with the current one.
func (r *rotation) readNext(ctx context.Context) error {
	next, from, err := r.readNewKey(ctx)
	if err != nil {
		return err
	}
	if r.opts.rollback == "" {
		next.Expires = r.opts.expiresAt
	}
	r.next = next
	fp := next.Fingerprint()
	if fp == r.target.present.Fingerprint() {
		return fmt.Errorf("the new key is the current one (%s)", fp)
	}
	r.report.step(&Event{Event: "new", Fingerprint: fp, Place: from}, "new key", fp+", from "+from)
	if life := r.vendor.Provider.KeyLife; life > 0 && next.Expires.IsZero() && r.opts.expires == "" && r.opts.file == "" {
		r.report.warn(&Event{Event: "warning", Fingerprint: fp}, fmt.Sprintf(
			"keys of %s expire %d days after their issue: with --expires DATE programs warn in time", r.vendor.Name, int(life.Hours()/24)))
	}
	return nil
}

// confirm asks before the file is changed.
func (r *rotation) confirm(ctx context.Context, verified bool) error {
	if r.opts.yes {
		return nil
	}
	question := "Put the new key into " + r.target.place() + "?"
	if !verified {
		question = "The new key was not tried. " + question
	}
	return r.ask.Confirm(ctx, question)
}

// swap replaces the file. It checks the context first and not again: a swap that has begun is
// finished.
func (r *rotation) swap(ctx context.Context, content []byte, lines []int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.writeBackup(); err != nil {
		return err
	}
	if err := r.target.swap(content, r.next); err != nil {
		if r.opts.backup != "" {
			_ = os.Remove(r.opts.backup) // written a moment ago; the swap's error is the one to report
		}
		return err
	}
	r.changed, r.written = true, content
	text := r.target.place()
	if len(lines) > 0 {
		text += ", " + envfile.Describe(lines)
	}
	r.report.step(&Event{
		Event: "swapped", Fingerprint: r.next.Fingerprint(), Previous: r.target.present.Fingerprint(), Place: r.target.place(), Lines: lines,
	}, "swapped", text)
	if left := envfile.Mentions(content, r.target.present.Key.Reveal()); len(left) > 0 {
		r.report.warn(&Event{Event: "warning", Place: r.target.place(), Lines: left}, "the old key is still elsewhere in the file: "+envfile.Describe(left))
	}
	return nil
}

// writeBackup writes the old content into a new file, if --backup names one.
func (r *rotation) writeBackup() error {
	if r.opts.backup == "" {
		return nil
	}
	if err := r.target.readableFrom(filepath.Dir(absolute(r.opts.backup))); err != nil {
		return fmt.Errorf("--backup: %w", err)
	}
	f, err := os.OpenFile(r.opts.backup, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("--backup: %w", err)
	}
	_, err = f.Write(r.target.file.Content())
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = os.Remove(r.opts.backup) // the write's error is the one to report
		return fmt.Errorf("--backup: %w", err)
	}
	r.report.step(&Event{Event: "backup", Place: r.opts.backup}, "backup", r.opts.backup+"; it holds the old key, so delete it in the end; "+r.wayBack()+" goes back")
	return nil
}

// wayBack is the command that goes back to the backup, in the same file.
func (r *rotation) wayBack() string {
	command := "keyfit rotate " + r.vendor.Name + " --rollback " + cli.ShellQuote(absolute(r.opts.backup))
	switch {
	case r.opts.file != "":
		command += " --file " + cli.ShellQuote(absolute(r.opts.file))
	case r.opts.dotenv != defaultDotEnv:
		command += " --dotenv " + cli.ShellQuote(absolute(r.opts.dotenv))
	}
	return command
}

// absolute is a path for a command that is printed, and may be given in another directory.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// finish waits until the old key is idle, and revokes it or says how it is revoked.
func (r *rotation) finish(ctx, within context.Context) error {
	old := r.target.present.Fingerprint()
	if old == "" {
		r.report.done("done")
		return nil
	}
	if r.opts.leaked {
		return r.finishLeaked(within, old)
	}
	advice := revocationOf(r.vendor.Name)
	if len(r.opts.watch) == 0 && r.usage == nil {
		r.report.warn(&Event{Event: "unseen", Fingerprint: old}, "keyfit cannot see who uses the old key "+old+". Revoke it when "+advice.when+". Where programs serve Keyring.Status(): keyfit watch URL --old "+old)
		r.report.advise(old, advice.how)
		r.report.done("the new key is in place; the old one was not revoked")
		return nil
	}
	if err := r.awaitIdle(within, old); err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the old key %s was still in use after %s, or nobody could say", old, r.opts.timeout)
		}
		return err
	}
	r.report.step(&Event{Event: "unused", Fingerprint: old}, "unused", old+": it is safe to revoke the old key")
	if r.usage != nil {
		return r.revokeAtMock(ctx, within, old)
	}
	r.report.advise(old, advice.how)
	r.report.done("done")
	return nil
}

// awaitIdle returns nil as soon as, in one round, no service and no request at the mock uses
// the old key.
func (r *rotation) awaitIdle(ctx context.Context, old string) error {
	ticker := time.NewTicker(r.opts.every)
	defer ticker.Stop()
	for {
		idle := r.askServices(ctx, old)
		var err error
		if r.usage != nil {
			var unused bool
			unused, err = r.askMock(ctx, old)
			idle = idle && unused
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case idle:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
