package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/keyfit/keyfit"
)

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
	if life := r.vendor.provider.KeyLife; life > 0 && r.set.expires == "" && r.set.file == "" {
		r.say.warn(&rotateEvent{Event: "warning", Fingerprint: fp}, fmt.Sprintf(
			"keys of %s end %d days after their issue: with --expires DATE programs warn in time", r.vendor.name, int(life.Hours()/24)))
	}
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
