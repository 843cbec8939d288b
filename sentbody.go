package keyfit

import (
	"io"
	"net/http"
	"sync/atomic"
)

// sentBody is the body of a request that notes why it could not be read: that is the caller's
// side, and net/http reports it like a broken connection.
type sentBody struct {
	io.ReadCloser
	closed atomic.Bool
	failed atomic.Pointer[error]
}

// watchBody watches the body of a request, unless it writes itself: such bodies are in memory or
// files, for which net/http has faster ways.
func watchBody(out *http.Request) *sentBody {
	if out.Body == nil || out.Body == http.NoBody {
		return nil
	}
	if _, quick := out.Body.(io.WriterTo); quick {
		return nil
	}
	b := &sentBody{ReadCloser: out.Body}
	out.Body = b
	return b
}

// Read notes a failure, unless the transport has closed the body because it needs no more of it.
func (sb *sentBody) Read(p []byte) (int, error) {
	n, err := sb.ReadCloser.Read(p)
	if err != nil && err != io.EOF && !sb.closed.Load() {
		failure := err
		sb.failed.Store(&failure)
	}
	return n, err
}

func (sb *sentBody) Close() error {
	sb.closed.Store(true)
	return sb.ReadCloser.Close()
}

// finish closes a body that a careless transport or middleware has left open after its error: the
// writer of a pipe would wait for ever.
func (sb *sentBody) finish() {
	if sb != nil && !sb.closed.Load() {
		_ = sb.Close()
	}
}

// failure returns the error of the body in the place of the transport's, if it has failed.
func (sb *sentBody) failure(err error) error {
	if sb == nil {
		return err
	}
	if failed := sb.failed.Load(); failed != nil {
		return &finalError{"the body of the request could not be read", *failed}
	}
	return err
}
