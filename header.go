package keyfit

import (
	"maps"
	"net/http"
	"sync/atomic"
)

// dress gives a copy of a request the header that it goes out with: the caller's, the name
// of the program, and the key.
func (t *attemptTransport) dress(out *http.Request, with *key, wantsJSON bool) error {
	h := make(http.Header, len(out.Header)+3)
	maps.Copy(h, out.Header)
	if _, named := h["User-Agent"]; !named {
		h["User-Agent"] = t.agent
	}
	if _, given := h["Accept"]; wantsJSON && !given {
		h["Accept"] = []string{"application/json"}
	}
	out.Header = h
	if s, ok := t.scheme.(headerOnly); ok {
		return s.put(h, with.cred)
	}
	u := *out.URL // the scheme may change it
	out.URL = &u
	return t.scheme.Apply(out, with.cred)
}

// dressAlike is dress for requests that differ in nothing but their URL. Those that bring no
// header of their own have one in common, as long as the key is the same: to build it is
// half of what a call costs on this side. It is never changed, and given to nobody but
// net/http's own transport, which keeps the rule of [http.RoundTripper] not to change a
// request; a transport or middleware of others might not.
func (t *attemptTransport) dressAlike(out *http.Request, with *key, wantsJSON bool) error {
	if !t.keepsRequests || len(out.Header) > 0 {
		return t.dress(out, with, wantsJSON)
	}
	common := &t.common[0]
	if wantsJSON {
		common = &t.common[1]
	}
	if c := common.Load(); c != nil && c.key == with {
		out.Header = c.header
		return nil
	}
	if err := t.dress(out, with, wantsJSON); err != nil {
		return err
	}
	common.Store(&commonHeader{with, out.Header})
	return nil
}

// commonHeader is the header of all requests with a key that bring none of their own.
type commonHeader struct {
	key    *key
	header http.Header
}

type commonHeaders [2]atomic.Pointer[commonHeader] // without Accept, and with it
