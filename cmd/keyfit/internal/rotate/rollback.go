package rotate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keycheck"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/swapfile"
)

// readBackup reads the key to go back to from the file of an earlier --backup.
func (r *rotation) readBackup(ctx context.Context) (cred keyfit.Credential, from string, err error) {
	from = "--rollback " + r.opts.rollback
	if _, err := os.Stat(r.opts.rollback); err != nil {
		return cred, "", errors.New("--rollback: there is no such file; it takes the file that --backup wrote")
	}
	cred, err = r.target.source(r.opts.rollback).Credential(ctx)
	if err != nil {
		return cred, "", fmt.Errorf("--rollback: %w", err)
	}
	cred.Place = from
	return cred, from, nil
}

// expires is what becomes of the date beside the key: what --expires says, or what the backup has.
func (r *rotation) expires() string {
	switch {
	case r.opts.rollback == "" || r.target.keyOnly && !isJSON(r.target.file.Content()):
		return r.opts.expires
	case r.next.Expires.IsZero():
		return noExpiry
	}
	return r.next.Expires.UTC().Format(time.RFC3339Nano) // or what is read back is another moment
}

// undo puts the old content back, if the rotation failed after the swap and the flags or the
// person want that. The error says why it could not; it is nil as well if nobody wanted it.
func (r *rotation) undo(ctx context.Context) error {
	if !r.changed || r.opts.leaked || r.target.present.Fingerprint() == "" {
		return nil
	}
	// The rotation may have ended because ctx did: from here on a second signal counts.
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !r.opts.undo && (r.opts.yes || r.ask == nil || r.ask.Confirm(ctx, "Put the old key back into "+r.target.place()+"?") != nil) {
		return nil
	}
	if err := r.putBack(ctx); err != nil {
		return fmt.Errorf("the old key was not put back: %w", err)
	}
	old, next := r.target.present.Fingerprint(), r.next.Fingerprint()
	r.changed = false
	r.report.step(&Event{Event: "rolled_back", Fingerprint: old, Previous: next, Place: r.target.place()}, "rolled back", old+" is in "+r.target.place()+" again")
	return nil
}

// putBack replaces the file by its old content in one swap. It leaves the file alone if it is not
// as the rotation wrote it, or if the vendor refuses the old key.
func (r *rotation) putBack(ctx context.Context) error {
	file, err := swapfile.Open(r.target.file.Path())
	if err != nil {
		return err
	}
	if !bytes.Equal(file.Content(), r.written) {
		return errors.New("somebody else has changed the file meanwhile")
	}
	if verdict, _ := r.tryOld(ctx); verdict == keycheck.Refused {
		return errors.New("the vendor refuses it")
	}
	return file.Replace(r.target.file.Content(), nil)
}

// tryOld tries the old key once. The verdict is [keycheck.Unproven] if there is no call to try it
// with.
func (r *rotation) tryOld(ctx context.Context) (keycheck.Verdict, string) {
	v, c, err := r.client(r.target.present)
	if err != nil || v.Provider.Probe == "" {
		return keycheck.Unproven, ""
	}
	got := prove(ctx, v, c)
	return got.Verdict, got.Answer
}
