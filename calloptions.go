package keyfit

import (
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
)

// callConfig is what options say of a call.
type callConfig struct {
	query    url.Values
	header   http.Header
	keys     Source
	policy   *RetryPolicy
	priority *Priority
	maxBody  int64
	response *Response

	sameAccount bool // keys is another key of the client's own account
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

type callOption func(*callConfig) error

func (o callOption) applyCall(c *callConfig) error { return o(c) }

// Param adds a query parameter; given again with the same name it adds another value.
func Param(name, value string) CallOption {
	return callOption(func(c *callConfig) error {
		if name == "" {
			return errors.New("Param: the parameter has no name")
		}
		c.addQuery(name, value)
		return nil
	})
}

// Params adds query parameters.
func Params(values url.Values) CallOption {
	return callOption(func(c *callConfig) error {
		for name, list := range values {
			c.addQuery(name, list...)
		}
		return nil
	})
}

// WithHeader sets a header of the request. The scheme's own headers are set after it.
func WithHeader(name, value string) CallOption {
	return callOption(func(c *callConfig) error {
		if !validToken(name) {
			return errors.New("WithHeader: the name is not a header name")
		}
		c.setHeader(textproto.CanonicalMIMEHeaderKey(name), value)
		return wrapOption("WithHeader", validHeaderValue(value))
	})
}

// WithIdempotencyKey sends the Idempotency-Key header, the same in all attempts, and with
// it lets a POST or PATCH be tried again as a GET is. Use it where the provider honours
// the header, with a key that is unique to the operation.
func WithIdempotencyKey(key string) CallOption {
	return callOption(func(c *callConfig) error {
		if key == "" {
			return errors.New("WithIdempotencyKey: the key is empty")
		}
		c.setHeader("Idempotency-Key", key)
		return wrapOption("WithIdempotencyKey", validHeaderValue(key))
	})
}

// Response is what a typed call can tell about its answer beside the decoded body.
type Response struct {
	StatusCode     int
	Header         http.Header // without cookies and keys
	RequestID      string
	Attempts       int
	Generation     uint64 // of the key used
	KeyFingerprint string
}

// WithResponse fills r when the answer is there, whether it was an error or not.
func WithResponse(r *Response) CallOption {
	return callOption(func(c *callConfig) error {
		if r == nil {
			return errors.New("WithResponse: the response is nil")
		}
		c.response = r
		return nil
	})
}

func validHeaderValue(v string) error {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f { // RFC 9110, section 5.5
			return errors.New("the value has a line break or another control character in it")
		}
	}
	return nil
}
