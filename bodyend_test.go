package keyfit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit"
)

// lateEnd is a body that ends properly once its request's context has ended: a server that
// stops when its client says goodbye, as net/http's do over TLS.
type lateEnd struct {
	ctx  context.Context
	left string
}

func (b *lateEnd) Read(p []byte) (int, error) {
	if b.left != "" {
		n := copy(p, b.left)
		b.left = b.left[n:]
		return n, nil
	}
	<-b.ctx.Done()
	return 0, io.EOF
}

func (b *lateEnd) Close() error { return nil }

// A body of unknown length is not whole because it ended: what ended it may be the end of the
// attempt, or of the call. Half a text would else be a result.
func TestABodyThatEndsAfterItsAttemptHasBrokenOff(t *testing.T) {
	t.Parallel()
	const half = "Lorem"
	for name, test := range map[string]struct {
		policy   keyfit.RetryPolicy
		deadline time.Duration
		length   int64
		want     string
		err      error
	}{
		"the attempt ends":               {policy: keyfit.RetryPolicy{AttemptTimeout: time.Second}, length: -1, want: "Lorem Fitsum"},
		"the attempt ends, once only":    {policy: keyfit.RetryPolicy{AttemptTimeout: time.Second, MaxAttempts: 1}, length: -1, err: keyfit.ErrAttemptTimeout},
		"the call ends":                  {deadline: time.Second, length: -1, err: context.DeadlineExceeded},
		"the call ends before the trial": {policy: keyfit.RetryPolicy{AttemptTimeout: time.Hour}, deadline: time.Second, length: -1, err: context.DeadlineExceeded},
		"of announced length":            {policy: keyfit.RetryPolicy{AttemptTimeout: time.Second}, length: int64(len(half)), want: half},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				first := true
				c := lastingClient(t, roundTripFunc(func(req *http.Request) (*http.Response, error) {
					resp := &http.Response{
						StatusCode: http.StatusOK, Request: req, ContentLength: test.length,
						Header: http.Header{"Content-Type": {"text/plain"}},
						Body:   &lateEnd{req.Context(), half},
					}
					if !first {
						ended, end := context.WithCancel(context.Background())
						end()
						resp.Body = &lateEnd{ended, "Lorem Fitsum"}
					}
					first = false
					return resp, nil
				}))
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				got, err := keyfit.Get[string](ctx, c, "/x", keyfit.WithRetry(test.policy))
				if got != test.want || !errors.Is(err, test.err) {
					t.Errorf("%q, %v; want %q, %v", got, err, test.want, test.err)
				}
			})
		})
	}
}
