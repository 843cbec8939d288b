package keyfit

import (
	"maps"
	"net/http"
	"sync/atomic"

	"github.com/keyfit/keyfit/internal/keyring"
)

// headerSetter gives the copy of a request the header that it goes out with: the caller's,
// the name of the program, and the key.
type headerSetter struct {
	scheme Scheme
	agent  []string       // the value of User-Agent
	shared *sharedHeaders // nil if requests must not share a header
}

// set puts the header and the key on out, which is a copy of the caller's request.
func (setter *headerSetter) set(out *http.Request, with *keyring.Generation, wantsJSON bool) error {
	if setter.shared == nil || len(out.Header) > 0 {
		return setter.build(out, with, wantsJSON)
	}
	slot := setter.shared.of(wantsJSON)
	if h := slot.Load(); h != nil && h.key == with {
		out.Header = h.header
		return nil
	}
	if err := setter.build(out, with, wantsJSON); err != nil {
		return err
	}
	slot.Store(&sharedHeader{with, out.Header}) // from here on it is never changed
	return nil
}

// build makes a header that is the request's own.
func (setter *headerSetter) build(out *http.Request, with *keyring.Generation, wantsJSON bool) error {
	h := make(http.Header, len(out.Header)+3)
	maps.Copy(h, out.Header)
	if _, named := h["User-Agent"]; !named {
		h["User-Agent"] = setter.agent
	}
	if _, given := h["Accept"]; wantsJSON && !given {
		h["Accept"] = []string{"application/json"}
	}
	out.Header = h
	if scheme, ok := setter.scheme.(headerOnly); ok {
		return scheme.put(h, credentialOf(with.Key))
	}
	u := *out.URL // the scheme may change it
	out.URL = &u
	return setter.scheme.Apply(out, credentialOf(with.Key))
}

// sharedHeaders holds the header that all requests with the same key have in common which
// bring none of their own; to build it is half of what a call costs on this side.
//
// The invariant: a header map shared by concurrent requests is never changed. Three things
// keep it, and each of them is decided in [newSharedHeaders] or [headerSetter.set]:
//
//   - The map is complete when it is stored, and nothing here writes to it afterwards.
//   - It is given to net/http's own transport alone, which keeps the rule of
//     [http.RoundTripper] not to change a request. Middleware and other transports might
//     not, and nor does a cookie jar, which writes into the header.
//   - It holds all that the scheme does to a request. A scheme that writes to the URL, or
//     that is the caller's own and may sign each request, has to be asked each time.
type sharedHeaders [2]atomic.Pointer[sharedHeader] // without Accept, and with it

type sharedHeader struct {
	key    *keyring.Generation
	header http.Header
}

// newSharedHeaders returns nil if requests with this scheme, jar and transport must not
// share a header.
func newSharedHeaders(scheme Scheme, jar http.CookieJar, next http.RoundTripper) *sharedHeaders {
	_, keepsRequests := next.(*http.Transport)
	if _, inHeader := scheme.(headerOnly); !inHeader || !keepsRequests || jar != nil {
		return nil
	}
	return new(sharedHeaders)
}

func (sh *sharedHeaders) of(wantsJSON bool) *atomic.Pointer[sharedHeader] {
	if wantsJSON {
		return &sh[1]
	}
	return &sh[0]
}
