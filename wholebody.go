package keyfit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/keyfit/keyfit/internal/httpbody"
)

// whole reads the body of a good response to a typed call, as the last part of the attempt: if
// the body breaks off or stalls, the attempt has failed, and the retry loop decides as for a
// connection that broke before the headers. The response of any other call passes.
func (k *call) whole(resp *http.Response, err error) (*http.Response, error) {
	if err != nil || k.typed == nil || k.typed.maxBody <= 0 || resp.StatusCode >= http.StatusMultipleChoices || !k.succeeded() {
		return resp, err
	}
	content, err := k.readBody(resp)
	if err != nil {
		k.retry().header = resp.Header
		k.record(err, k.client.clock.Now()-k.sent-k.ring.engine.Clock().Lag(k.client.clock))
		_ = resp.Body.Close()
		return nil, err
	}
	_ = resp.Body.Close() // all of it is here: nothing to drain
	k.typed.content, resp.Body = content, http.NoBody
	if k.client.around != nil {
		resp.Body = io.NopCloser(bytes.NewReader(content)) // the middleware may read it too
	}
	return resp, nil
}

// readBody reads a body of at most maxBody bytes.
func (k *call) readBody(resp *http.Response) ([]byte, error) {
	sized := resp.ContentLength >= 0
	content, err := readContent(resp, k.typed.maxBody, k.bodyTime())
	if err == nil && !sized {
		err = endedIn(k.Context)
	}
	if err != nil && !errors.Is(err, ErrTooLarge) {
		err = k.redactor().Error(err)
	}
	return content, err
}

// endedIn returns an error if the context ended before a body whose length was not announced
// did. That end may not be the body's: the transport says goodbye to the server, whose handler
// stops and ends the response properly, and that end can still arrive.
func endedIn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("the response broke off: %w", err)
	}
	return nil
}

// readContent reads a body of at most limit bytes, without its codings if they are known.
func readContent(resp *http.Response, limit int64, bound httpbody.Bound) ([]byte, error) {
	_ = httpbody.Uncompress(resp) // else decodeContent says why not
	content, err := httpbody.Read(resp, max(limit, limit+1), bound)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the response broke off: %w", err)
	case int64(len(content)) > limit:
		return nil, fmt.Errorf("%w: more than %d bytes; see WithMaxResponseBytes", ErrTooLarge, limit)
	}
	return content, nil
}

// body returns the body of a good response, which [call.whole] has read unless a middleware of
// calls has another one.
func (k *call) body(resp *http.Response) ([]byte, error) {
	if k.client.around == nil {
		return k.typed.content, nil
	}
	content, err := k.readBody(resp)
	if err != nil {
		return nil, k.failure(err)
	}
	return content, nil
}

// bodyTime bounds the reading of a response for callers who set no bound, so that a stalled
// body does not block a goroutine for ever. The zero bound is none.
func (k *call) bodyTime() httpbody.Bound {
	if _, bounded := k.Deadline(); bounded || k.policy.AttemptTimeout > 0 {
		return httpbody.Bound{}
	}
	return httpbody.Bound{Stall: time.Minute, Total: 5 * time.Minute}
}
