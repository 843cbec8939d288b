package keyfit

import (
	"crypto/rand"
	"fmt"
	"net/http"
)

// identified returns the request itself, or a copy with a random idempotency key if the
// provider takes such keys and the request may need one. The key is made once for a call, so
// all attempts have the same.
func (c *Client) identified(req *http.Request) *http.Request {
	if !c.provider.IdempotencyKeys || req.Method != http.MethodPost && req.Method != http.MethodPatch {
		return req
	}
	field := c.provider.idempotencyHeader()
	if req.Header.Get(field) != "" {
		return req
	}
	out := req.WithContext(req.Context())
	if out.Header = req.Header.Clone(); out.Header == nil {
		out.Header = http.Header{}
	}
	out.Header.Set(field, randomUUID())
	return out
}

// randomUUID returns a UUID of version 4 (RFC 9562, section 5.4), which providers take for an
// idempotency key.
func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it does not fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
