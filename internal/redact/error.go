package redact

import (
	"context"
	"errors"
)

// Error returns err if its text holds no secret. Otherwise it returns an error with a clean
// text that still answers to [errors.Is], and no longer to [errors.Unwrap] or [errors.As],
// since what is underneath would print the secret.
func (r Redactor) Error(err error) error {
	if err == nil {
		return nil
	}
	if clean := r.Text(err.Error()); clean != err.Error() {
		return redactedError{text: clean, is: func(target error) bool { return errors.Is(err, target) }}
	}
	return err
}

// redactedError keeps the original behind a function, which no printer calls.
type redactedError struct {
	text string
	is   func(error) bool
}

func (e redactedError) Error() string        { return e.text }
func (e redactedError) Is(target error) bool { return e.is(target) }

// Timeout makes a deadline error a timeout of [net.Error], as the original was.
func (e redactedError) Timeout() bool { return e.is(context.DeadlineExceeded) }

// Temporary completes [net.Error].
func (e redactedError) Temporary() bool { return false }
