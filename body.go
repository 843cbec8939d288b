package keyfit

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// peekedBody is a response body whose beginning has been read and is given again.
type peekedBody struct {
	prefix []byte
	off    int
	rest   io.ReadCloser
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
func peek(resp *http.Response, limit int) []byte {
	if b, ok := resp.Body.(*peekedBody); ok {
		return b.prefix
	}
	if resp.Body == nil || resp.Body == http.NoBody {
		return nil
	}
	prefix, _ := readWithin(resp.Body, int64(limit), peekTime)
	resp.Body = &peekedBody{prefix: prefix, rest: resp.Body}
	return prefix
}

var errBodyStalled = errors.New("the answer's body stalled")

// readWithin reads up to limit bytes. After d it closes the body, which ends a read that
// hangs; 0 waits as long as the request's context does.
func readWithin(body io.ReadCloser, limit int64, d time.Duration) ([]byte, error) {
	if d <= 0 {
		return readShort(body, limit)
	}
	stalled := time.AfterFunc(d, func() { _ = body.Close() })
	content, err := readShort(body, limit)
	if !stalled.Stop() && err != nil {
		err = fmt.Errorf("%w for %s: %w", errBodyStalled, d, err)
	}
	return content, err
}

// readShort is io.ReadAll up to a limit. Where that is small it grows at most once, so that
// an error body without an end costs little more than what is kept of it.
func readShort(body io.Reader, limit int64) ([]byte, error) {
	content := make([]byte, 0, min(limit, 2<<10))
	for int64(len(content)) < limit {
		if len(content) == cap(content) {
			grown := limit
			if limit > maxErrorBody<<1 {
				grown = min(limit, 4*int64(cap(content)))
			}
			content = append(make([]byte, 0, grown), content...)
		}
		n, err := body.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		if errors.Is(err, io.EOF) {
			return content, nil
		}
		if err != nil {
			return content, err
		}
	}
	return content, nil
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
