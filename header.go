package keyfit

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/keyfit/keyfit/internal/keyring"
)

// headerSetter sets the headers of an outgoing request: the caller's, the User-Agent, and
// the key.
type headerSetter struct {
	scheme Scheme
	plain  headerOnly // the scheme, if it does not change the URL; else nil
	fields *keyFields
	agent  string         // the User-Agent
	shared *sharedHeaders // nil if each request needs the scheme
}

// newHeaderSetter returns the setter of a client that sends its requests through next, and keeps
// cookies in jar, which may be nil.
func newHeaderSetter(scheme Scheme, fields *keyFields, agent string, jar http.CookieJar, next http.RoundTripper) headerSetter {
	setter := headerSetter{scheme: scheme, fields: fields, agent: agent}
	if plain, ok := scheme.(headerOnly); ok {
		_, keepsRequests := next.(*http.Transport)
		setter.plain, setter.shared = plain, &sharedHeaders{copied: !keepsRequests || jar != nil}
	}
	return setter
}

// set sets the headers and the key of out, which is a copy of the caller's request.
func (setter *headerSetter) set(out *http.Request, with *keyring.Generation, wantsJSON bool) error {
	if setter.shared == nil || len(out.Header) > 0 || out.URL.User != nil {
		return setter.build(out, with, wantsJSON)
	}
	slot := setter.shared.of(wantsJSON)
	h := slot.Load()
	if h == nil || h.key != with {
		if err := setter.build(out, with, wantsJSON); err != nil {
			return err
		}
		h = newSharedHeader(with, out.Header)
		slot.Store(h)
	}
	if out.Header = h.header; setter.shared.copied {
		out.Header = h.copy()
	}
	return nil
}

// build creates a header map that belongs to this request alone.
func (setter *headerSetter) build(out *http.Request, with *keyring.Generation, wantsJSON bool) error {
	h := make(http.Header, len(out.Header)+3)
	maps.Copy(h, out.Header)
	removeFraming(h)
	if _, named := h["User-Agent"]; !named {
		h["User-Agent"] = []string{setter.agent}
	}
	if _, given := h["Accept"]; wantsJSON && !given {
		h["Accept"] = []string{"application/json"}
	}
	out.Header = h
	if u := out.URL.User; u != nil && h.Get("Authorization") == "" { // as http.Client does
		password, _ := u.Password()
		out.SetBasicAuth(u.Username(), password)
	}
	if setter.plain != nil {
		return setter.plain.put(h, credentialOf(with.Key))
	}
	return setter.apply(out, credentialOf(with.Key))
}

// apply applies a scheme that may change the URL, or anything.
func (setter *headerSetter) apply(out *http.Request, cred Credential) error {
	u := *out.URL
	out.URL = &u
	if _, known := setter.scheme.(fieldNamer); known {
		return setter.scheme.Apply(out, cred)
	}
	return setter.applyOwn(out, cred)
}

// applyOwn applies a scheme of the caller's own, and learns in which header fields the key is.
//
// The scheme gets a request of its own: it may keep it, and its URL and header, and change
// them after they have been checked, for example while it signs the next request.
func (setter *headerSetter) applyOwn(out *http.Request, cred Credential) error {
	before, at := out.Header, *out.URL
	own := out.WithContext(out.Context())
	own.Header = before.Clone()
	if err := setter.scheme.Apply(own, cred); err != nil {
		return err
	}
	*out = *own.WithContext(out.Context()) // without a trace of the scheme's, which would be told the key
	if out.Header = own.Header.Clone(); out.Header == nil {
		out.Header = make(http.Header)
	}
	removeFraming(out.Header)
	if own.URL != nil {
		u := *own.URL
		out.URL = &u
	}
	if out.URL == nil || *out.URL != at {
		setter.fields.learn(pathField)
	}
	for name, values := range out.Header {
		if old, had := before[name]; !had || !slices.Equal(old, values) {
			setter.fields.learn(name)
			removeOtherSpellings(out.Header, name)
		}
	}
	return nil
}

// fieldNamer is implemented by the schemes of this package, which know their header fields.
type fieldNamer interface{ fields() []string }

// keyFields are the header fields in which a scheme puts the key. Those of a scheme of the
// caller's own are learned from what it does.
type keyFields struct {
	mu    sync.RWMutex
	names []string
}

func newKeyFields(scheme Scheme) *keyFields {
	known, ok := scheme.(fieldNamer)
	if !ok {
		return new(keyFields)
	}
	return &keyFields{names: known.fields()}
}

// has reports whether the key is in this field.
func (kf *keyFields) has(name string) bool {
	kf.mu.RLock()
	defer kf.mu.RUnlock()
	return len(kf.names) >= maxKeyFields || slices.ContainsFunc(kf.names, func(of string) bool { return sameField(of, name) })
}

// maxKeyFields bounds what is learned of a scheme that uses ever new names; beyond it every
// field counts as one with the key.
const maxKeyFields = 32

func (kf *keyFields) learn(name string) {
	if kf.has(name) {
		return
	}
	kf.mu.Lock()
	defer kf.mu.Unlock()
	kf.names = append(kf.names, name)
}

// sharedHeaders caches the headers of requests that bring none of their own: with the same
// key, all of them have the same headers, and building these is half of what a call costs
// the client.
//
// The invariant: a header map shared by concurrent requests never changes. Three rules keep
// it, each of them decided in [newHeaderSetter] or [headerSetter.set]:
//
//   - The map is complete when it is stored, and nothing here writes to it afterwards.
//   - Only net/http's own transport receives it, which keeps the rule of
//     [http.RoundTripper] not to change a request. Middleware and other transports might
//     not keep it, and a cookie jar adds a header: with them each request gets a copy.
//   - It contains all that the scheme does to a request. A scheme that writes to the URL,
//     and one of the caller's own, which may sign each request, must be applied each time.
type sharedHeaders struct {
	copied bool                            // requests get a copy
	slots  [2]atomic.Pointer[sharedHeader] // without Accept, and with it
}

func (sh *sharedHeaders) of(wantsJSON bool) *atomic.Pointer[sharedHeader] {
	if wantsJSON {
		return &sh.slots[1]
	}
	return &sh.slots[0]
}

// sharedHeader is the header of the requests with a key. Each of its fields has one line: those
// of the schemes of this package, User-Agent and Accept.
type sharedHeader struct {
	key    *keyring.Generation
	header http.Header
	names  []string // of header
	lines  []string // in the order of names
}

func newSharedHeader(key *keyring.Generation, h http.Header) *sharedHeader {
	shared := &sharedHeader{key: key, header: h}
	for name, lines := range h {
		shared.names, shared.lines = append(shared.names, name), append(shared.lines, lines[0])
	}
	return shared
}

// copy returns a header of a request's own. It walks through no map, as [http.Header.Clone] does
// twice.
func (common *sharedHeader) copy() http.Header {
	h, lines := make(http.Header, len(common.names)), slices.Clone(common.lines)
	for i, name := range common.names {
		h[name] = lines[i : i+1 : i+1]
	}
	return h
}
