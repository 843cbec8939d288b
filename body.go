package keyfit

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// peekedBody is a response body whose beginning has been read and is given again.
type peekedBody struct {
	prefix string
	off    int
	rest   io.ReadCloser
	found  *reading // what has been read from it; nil if it has not been looked at
}

func (b *peekedBody) Read(p []byte) (int, error) {
	if b.off < len(b.prefix) {
		n := copy(p, b.prefix[b.off:])
		b.off += n
		return n, nil
	}
	return b.rest.Read(p)
}

func (b *peekedBody) Close() error { return b.rest.Close() }

// peekTime bounds the reading of an error's body: an error whose body never comes is
// still an error.
const peekTime = 5 * time.Second

// peek returns the first bytes of a response's body and leaves the body as it was. A body
// that breaks off gives what came. Peeking again costs nothing.
func peek(resp *http.Response, limit int) string {
	if b, ok := resp.Body.(*peekedBody); ok {
		return b.prefix
	}
	if resp.Body == nil || resp.Body == http.NoBody {
		return ""
	}
	rest := resp.Body
	stalled := time.AfterFunc(peekTime, func() { _ = rest.Close() })
	defer stalled.Stop()
	prefix := readText(rest, limit)
	resp.Body = &peekedBody{prefix: prefix, rest: rest}
	return prefix
}

// readText reads the beginning of a body that is either short or cut at limit, up to an
// error if there is one. It grows at most once, so that an error body without an end costs
// little more than what is kept of it; and it makes a string, of which parts cost nothing.
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

var errBodyStalled = errors.New("the answer's body stalled")

// readWithin reads up to limit bytes of an answer. After d it closes the body, which ends a
// read that hangs; 0 waits as long as the request's context does.
func readWithin(resp *http.Response, limit int64, d time.Duration) ([]byte, error) {
	if d <= 0 {
		return readUpTo(resp, limit)
	}
	stalled := time.AfterFunc(d, func() { _ = resp.Body.Close() })
	content, err := readUpTo(resp, limit)
	if !stalled.Stop() && err != nil {
		err = fmt.Errorf("%w for %s: %w", errBodyStalled, d, err)
	}
	return content, err
}

// readUpTo is io.ReadAll for a body that says its length: a short one takes no more room
// than that. A long one is not believed before it comes.
func readUpTo(resp *http.Response, limit int64) ([]byte, error) {
	room := int64(512)
	if resp.ContentLength >= 0 && resp.ContentLength < room {
		room = resp.ContentLength + 1 // for the read that finds the end
	}
	content := make([]byte, 0, min(room, limit))
	for {
		n, err := resp.Body.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		switch {
		case err == io.EOF: // as io.ReadAll does: a wrapped one is a failure
			return content, nil
		case err != nil || int64(len(content)) == limit:
			return content, err
		case len(content) == cap(content):
			rest, err := io.ReadAll(io.LimitReader(resp.Body, limit-int64(len(content))))
			return append(content, rest...), err
		}
	}
}

// drain makes a connection reusable: what little is left of the body is read, and the
// body closed. A longer or slower rest costs the connection instead.
func drain(resp *http.Response) {
	if resp.Body == http.NoBody {
		return
	}
	stalled := time.AfterFunc(peekTime, func() { _ = resp.Body.Close() })
	defer stalled.Stop()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	_ = resp.Body.Close()
}
