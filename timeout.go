package keyfit

import (
	"context"
	"errors"
	"io"
	"time"
)

// timeoutError is an attempt that exceeded its AttemptTimeout while the call still has
// time, before the headers of the response or in its body. It matches [ErrAttemptTimeout].
// It does not match context.DeadlineExceeded, which is the end of the caller's own context.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string { return "the attempt timed out after " + e.after.String() }

// Is matches [ErrAttemptTimeout].
func (e timeoutError) Is(target error) bool { return target == ErrAttemptTimeout }

// Timeout and Temporary make it a net.Error.
func (e timeoutError) Timeout() bool { return true }

// Temporary completes net.Error.
func (e timeoutError) Temporary() bool { return true }

// isTimeout reports whether an error is a timeout of any kind: of the context, of an
// attempt, of the network.
func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrAttemptTimeout) {
		return true
	}
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}

// Timeout reports whether the caller's deadline is too near for the wait, so that the error is
// a timeout for [net.Error].
func (e *RateLimitError) Timeout() bool { return e.Deadline }

// Temporary completes [net.Error]: a later call may succeed.
func (e *RateLimitError) Temporary() bool { return true }

// Timeout reports whether the context of the call ended while it waited for a key, by its
// deadline, so that the error is a timeout for [net.Error].
func (e *InvalidKeyError) Timeout() bool { return isTimeout(e.cause) }

// Temporary completes [net.Error].
func (e *InvalidKeyError) Temporary() bool { return e.Timeout() }

// Timeout reports whether the call ended by a timeout: of its context, of an attempt
// ([ErrAttemptTimeout]) or of the network. It makes the error a [net.Error], also through
// [Client.HTTPClient].
func (e *RequestError) Timeout() bool { return isTimeout(e.Err) }

// Temporary completes [net.Error].
func (e *RequestError) Temporary() bool { return e.Timeout() }

// timedBody is the body of an attempt with an AttemptTimeout. It releases the attempt's
// context when it is closed.
type timedBody struct {
	io.ReadCloser
	attempt, call context.Context //nolint:containedctx // which of them has ended says why a read failed
	after         time.Duration
	sized         bool // its length was announced
	done          context.CancelFunc
}

// Read says of a read that the end of the attempt has ended that it was that. An end after that
// of the attempt is the body's own only if its length was announced: see [endedIn].
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && (err != io.EOF || !b.sized) && errors.Is(b.attempt.Err(), context.DeadlineExceeded) && b.call.Err() == nil {
		err = timeoutError{b.after}
	}
	return n, err
}

// Write is for the body of a 101, as of [writableBody].
func (b *timedBody) Write(p []byte) (int, error) { return writeTo(b.ReadCloser, p) }

func (b *timedBody) Close() error {
	err := b.ReadCloser.Close()
	b.done()
	return err
}
