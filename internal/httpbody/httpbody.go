// Package httpbody reads the bodies of HTTP responses within bounds of size and time.
//
// A server may send more than was asked for, or stop in the middle and never end. [Peek]
// looks at the beginning of a body and leaves the body readable from the start, [Read] reads
// all of it up to a limit, [Drain] reads what little is left so that the connection can be
// used again. Read takes memory for what the server sent and not for its limit; Peek takes at
// most its limit. None waits for ever.
//
// A response belongs to one goroutine at a time, as with net/http: the functions must not be
// called for the same response concurrently.
package httpbody

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// stallLimit bounds [Peek] and [Drain]: an error response whose body never comes is still
// an error response.
const stallLimit = 5 * time.Second

// maxDrain is how much of a rest is worth reading for the sake of the connection.
const maxDrain = 4 << 10

// peeked is a body whose beginning has been read and is given again.
type peeked struct {
	prefix string
	off    int
	rest   io.ReadCloser
	note   any // see Attach
}

func (b *peeked) Read(p []byte) (int, error) {
	if b.off < len(b.prefix) {
		n := copy(p, b.prefix[b.off:])
		b.off += n
		return n, nil
	}
	return b.rest.Read(p)
}

func (b *peeked) Close() error { return b.rest.Close() }

// Peek returns the first limit bytes of a response's body and leaves the body as it was. A
// body that breaks off, or stalls for five seconds, gives what came. Peeking again costs
// nothing and returns what the first call returned, whatever the limit.
func Peek(resp *http.Response, limit int) string { return PeekWithin(resp, limit, stallLimit) }

// PeekWithin is [Peek] for a body that may stall for d; 0 means that the request's context
// alone ends the wait.
func PeekWithin(resp *http.Response, limit int, d time.Duration) string {
	if b, ok := resp.Body.(*peeked); ok {
		return b.prefix
	}
	if resp.Body == nil || resp.Body == http.NoBody {
		return ""
	}
	rest := resp.Body
	if d > 0 {
		stalled := time.AfterFunc(d, func() { _ = rest.Close() })
		defer stalled.Stop()
	}
	prefix := readText(rest, limit)
	resp.Body = &peeked{prefix: prefix, rest: rest}
	return prefix
}

// Attach keeps a note with the body of a response that was peeked at, so that what was
// concluded from the body need not be concluded again. Without a peek it does nothing. The
// note can be reached from the response, which programs print: it must hold no secret.
func Attach(resp *http.Response, note any) {
	if b, ok := resp.Body.(*peeked); ok {
		b.note = note
	}
}

// Attached returns the note of the last [Attach]; nil if there is none.
func Attached(resp *http.Response) any {
	if b, ok := resp.Body.(*peeked); ok {
		return b.note
	}
	return nil
}

// readText reads up to limit bytes, or up to an error. It grows at most once, so an error
// body without an end costs little more than what is kept of it; and it makes a string,
// parts of which cost nothing.
func readText(body io.Reader, limit int) string {
	var text strings.Builder
	chunk := make([]byte, min(limit, 2<<10))
	for text.Len() < limit {
		n, err := io.ReadFull(body, chunk[:min(len(chunk), limit-text.Len())])
		if text.Len() > 0 && n > 0 {
			text.Grow(limit - text.Len())
		}
		text.Write(chunk[:n])
		if err != nil {
			break
		}
	}
	return text.String()
}

// Bound says how long [Read] may take. A zero field is no bound.
type Bound struct {
	Stall time.Duration // without a byte
	Total time.Duration
}

// stalledError is a body that did not come within its bound. It is a timeout for net.Error.
type stalledError struct {
	what  string
	after time.Duration
	err   error
}

func (e *stalledError) Error() string {
	return fmt.Sprintf("the response body %s %s: %v", e.what, e.after, e.err)
}

func (e *stalledError) Unwrap() error { return e.err }

// Timeout and Temporary make it a net.Error.
func (e *stalledError) Timeout() bool { return true }

// Temporary completes net.Error.
func (e *stalledError) Temporary() bool { return true }

// Read returns up to limit bytes of a response's body. A body that exceeds the bound is closed,
// which ends a read that hangs with an error that says so and is a timeout; without a bound the
// request's context alone ends it. Read closes the body in no other case.
func Read(resp *http.Response, limit int64, bound Bound) ([]byte, error) {
	if bound.Stall <= 0 {
		return readAll(resp, limit, nil)
	}
	stalled := time.AfterFunc(bound.Stall, func() { _ = resp.Body.Close() })
	var end time.Time
	last := false // the whole has less time than one more wait
	content, err := readAll(resp, limit, func() {
		left := bound.Stall
		if end.IsZero() {
			end = time.Now().Add(bound.Total)
		} else if bound.Total > 0 && time.Until(end) < left {
			left, last = time.Until(end), true
		}
		if stalled.Stop() { // one that has gone off stays so
			stalled.Reset(max(left, 0))
		}
	})
	switch {
	case stalled.Stop() || err == nil:
		return content, err
	case last:
		return content, &stalledError{"took longer than", bound.Total, err}
	}
	return content, &stalledError{"stalled for", bound.Stall, err}
}

// readAll is [io.ReadAll] for a body that may announce its length: a short one takes no
// more room than that. An announced length that is long is not believed before it comes.
// progress, if there is any, is called when something has come and more is to come.
func readAll(resp *http.Response, limit int64, progress func()) ([]byte, error) {
	room := int64(512)
	if resp.ContentLength >= 0 && resp.ContentLength < room {
		room = resp.ContentLength + 1 // for the read that finds the end
	}
	content := make([]byte, 0, min(room, limit))
	for {
		n, err := resp.Body.Read(content[len(content):min(int64(cap(content)), limit)])
		content = content[:len(content)+n]
		switch {
		case err == io.EOF: // as io.ReadAll does: a wrapped one is a failure
			return content, nil
		case err != nil || int64(len(content)) == limit:
			return content, err
		case len(content) == cap(content):
			content = slices.Grow(content, min(len(content), 1<<20))
		}
		if n > 0 && int64(len(content)) != resp.ContentLength && progress != nil {
			progress()
		}
	}
}

// Drain makes a connection reusable: it reads what little is left of the body, and closes
// it. A longer or slower rest costs the connection instead.
func Drain(resp *http.Response) {
	if resp.Body == http.NoBody {
		return
	}
	stalled := time.AfterFunc(stallLimit, func() { _ = resp.Body.Close() })
	defer stalled.Stop()
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	_ = resp.Body.Close()
}
