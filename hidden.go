package keyfit

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// This file keeps what leads to a key out of the reach of printers that walk over fields by
// reflection, exported or not: spew, pp, litter, the diff of a failed assertion. net/http
// keeps the bytes of a request in the write buffer of the connection that it was sent on, and
// a transport leads to its connections.
//
// No such printer looks into a function, or into the pointer of the package sync/atomic.

// hidden holds a value that leads to the pool. The zero value holds none.
type hidden[T any] func() T

func hide[T any](value T) hidden[T] { return func() T { return value } }

// hiddenBody is the body of a response, out of such a printer's reach: the body of net/http
// leads to the connection.
type hiddenBody struct{ body atomic.Pointer[io.ReadCloser] }

func (hb *hiddenBody) Read(p []byte) (int, error) { return (*hb.body.Load()).Read(p) }
func (hb *hiddenBody) Close() error               { return (*hb.body.Load()).Close() }

// writableBody is the body of a 101, which net/http promises to be writable.
type writableBody struct{ *hiddenBody }

func (wb writableBody) Write(p []byte) (int, error) { return writeTo(*wb.body.Load(), p) }

func writeTo(body io.ReadCloser, p []byte) (int, error) {
	if w, ok := body.(io.Writer); ok {
		return w.Write(p)
	}
	return 0, errors.ErrUnsupported
}

// bodyMemory is what the body of a response takes. A call has it for its first response, so
// nearly no response costs an allocation.
type bodyMemory struct {
	body   io.ReadCloser
	hidden hiddenBody
}

// hideBody hides the body of a response, and gives it one if it has none.
func (k *call) hideBody(resp *http.Response) {
	if resp.Body == nil || resp.Body == http.NoBody {
		resp.Body = http.NoBody
		return
	}
	m := &k.firstBody
	if m.body != nil {
		m = new(bodyMemory)
	}
	m.body = resp.Body
	m.hidden.body.Store(&m.body)
	resp.Body = &m.hidden
	if resp.StatusCode == http.StatusSwitchingProtocols {
		if _, ok := m.body.(io.Writer); ok {
			resp.Body = writableBody{&m.hidden}
		}
	}
}
