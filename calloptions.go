package keyfit

import (
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// callConfig collects the options of a call.
type callConfig struct {
	query    url.Values
	header   http.Header
	keys     Source
	policy   *RetryPolicy
	priority *Priority
	maxBody  int64
	response *Response
	route    string
	secrets  []string

	idempotencyKey string  // "" for none
	curl           *string // for the command line of curl; nil for none

	sameAccount bool // keys is another key of the client's own account, so it shares the limit
}

// apply applies the options of a call in their order.
func (cc *callConfig) apply(opts []CallOption) error {
	for _, opt := range opts {
		if opt == nil {
			return errors.New("a call option is nil")
		}
		if err := opt.applyCall(cc); err != nil {
			return err
		}
	}
	return nil
}

func (cc *callConfig) addQuery(name string, values ...string) {
	if cc.query == nil {
		cc.query = url.Values{}
	}
	cc.query[name] = append(cc.query[name], values...)
}

func (cc *callConfig) setHeader(name, value string) {
	if cc.header == nil {
		cc.header = http.Header{}
	}
	cc.header[name] = []string{value}
}

// setIdempotencyKey sets the header of an idempotency key, which the provider names.
func (cc *callConfig) setIdempotencyKey(req *http.Request, p *Provider) {
	if cc.idempotencyKey == "" {
		return
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set(p.idempotencyHeader(), cc.idempotencyKey)
}

type callOption func(*callConfig) error

func (o callOption) applyCall(c *callConfig) error { return o(c) }

// Param adds a query parameter. Giving the same name again adds another value. An empty
// name is an error.
func Param(name, value string) CallOption {
	return callOption(func(c *callConfig) error {
		if name == "" {
			return errors.New("Param: the parameter has no name")
		}
		c.addQuery(name, value)
		return nil
	})
}

// Params adds query parameters to those that the call already has.
func Params(values url.Values) CallOption {
	return callOption(func(c *callConfig) error {
		for name, list := range values {
			c.addQuery(name, list...)
		}
		return nil
	})
}

// WithHeader sets a header of the request, in place of an earlier value. The scheme sets
// its own headers afterwards. A name or value that HTTP does not allow is an error.
func WithHeader(name, value string) CallOption {
	return callOption(func(c *callConfig) error {
		if !validToken(name) {
			return errors.New("WithHeader: the name is not a header name")
		}
		if strings.EqualFold(name, "Host") {
			return errors.New("WithHeader: the Host is that of the base URL")
		}
		c.setHeader(textproto.CanonicalMIMEHeaderKey(name), value)
		return wrapOption("WithHeader", validHeaderValue(value))
	})
}

// WithIfNoneMatch asks for the resource only if it is no longer the one with this entity tag,
// which is the ETag in [Response.Header] of an earlier call, sent as it is, with its quotes. If it
// still is, the call returns an error that matches [ErrNotModified], and what the caller has kept
// is current. An empty tag asks for the resource in any case. Source: RFC 9110, section 13.1.2.
func WithIfNoneMatch(etag string) CallOption {
	return callOption(func(c *callConfig) error {
		if etag == "" {
			return nil
		}
		c.setHeader("If-None-Match", etag)
		return wrapOption("WithIfNoneMatch", validHeaderValue(etag))
	})
}

// WithIdempotencyKey sends the Idempotency-Key header, or the one that the provider has for it
// ([Provider.IdempotencyHeader]), with the same value in all attempts, and lets a POST or PATCH
// be tried again as a GET is. Use it if the provider supports the header, with a key that is
// unique to the operation; [Provider.IdempotencyKeys] makes a random one for every call, which
// cannot tell a program's own second call from a new operation. An empty key is an error.
func WithIdempotencyKey(key string) CallOption {
	return callOption(func(c *callConfig) error {
		if key == "" {
			return errors.New("WithIdempotencyKey: the key is empty")
		}
		c.idempotencyKey = key
		return wrapOption("WithIdempotencyKey", validHeaderValue(key))
	})
}

// WithSecret names secrets that the call sends in its body, in a parameter or in a header: a
// token that is handed over, a password. An error, an event or the log of the call does not
// show them, in whatever usual form the provider repeats them, as it does not show the key. A
// secret of less than 4 bytes is not recognised.
func WithSecret(values ...string) CallOption {
	return callOption(func(c *callConfig) error {
		c.secrets = append(c.secrets, values...)
		return nil
	})
}

// secret returns the secrets of the call as credentials, for a redactor; cc may be nil.
func (cc *callConfig) secret() []Credential {
	if cc == nil {
		return nil
	}
	var creds []Credential
	for _, text := range cc.secrets {
		creds = append(creds, APIKey(text))
	}
	return creds
}

// Response describes the response to a typed call, apart from the decoded body.
type Response struct {
	StatusCode     int         // of the last response; 0 if none came
	Header         http.Header // without cookies, and with keys redacted; nil if no response came
	RequestID      string      // the provider's id of the exchange; "" if it gave none
	Attempts       int         // how many attempts the call made
	Generation     uint64      // of the key used; see [KeyStatus]
	KeyFingerprint string      // of the key used; see [Credential.Fingerprint]
}

// WithResponse fills r when the call ends, whether it succeeded or not. Concurrent calls
// must not share r, and a nil r is an error.
func WithResponse(r *Response) CallOption {
	return callOption(func(c *callConfig) error {
		if r == nil {
			return errors.New("WithResponse: the response is nil")
		}
		c.response = r
		return nil
	})
}

var errNoRoute = errors.New("WithRoute: the route has no name")

func validHeaderValue(v string) error {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f { // RFC 9110, section 5.5
			return errors.New("the value contains a line break or another control character")
		}
	}
	return nil
}
