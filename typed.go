package keyfit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/keyfit/keyfit/internal/httpbody"
	"github.com/keyfit/keyfit/internal/problem"
)

// Get sends a GET request to path and decodes the JSON response into a T. The path may have
// a query of its own; [Param] adds to it.
//
// T may also be []byte or json.RawMessage (the body as it is), string (a JSON string, or
// the text of a response that is not JSON) or struct{} (the body is ignored).
//
// The error of a refused call is a [*MissingKeyError], [*InvalidKeyError],
// [*RateLimitError], [*PermissionError] or plain [*APIError]. A call without a response
// returns a [*RequestError], a response that is not a T a [*DecodeError], one that is too
// large an error that matches [ErrTooLarge], and a [WithSource] option without a key a
// [*NoKeyError].
//
// A response in gzip or deflate is decompressed, whoever asked for that; one in another charset
// than UTF-8 is converted, or is a *DecodeError that names the charset.
func Get[T any](ctx context.Context, c Caller, path string, opts ...CallOption) (T, error) {
	return Send[T](ctx, c, http.MethodGet, path, nil, opts...)
}

// Send sends a request with a body and decodes the response as [Get] does. The body is
// encoded as JSON, once for all attempts, with these exceptions: nil sends no body;
// url.Values is sent as a form; []byte and string are sent as they are; an io.Reader is
// streamed, and sent only once unless it is a *bytes.Reader, *bytes.Buffer or
// *strings.Reader. A reader that is an io.Closer is closed, also if nothing is sent.
//
// A good response without a body is the zero T, except to a GET: what was asked for is done.
func Send[T any](ctx context.Context, c Caller, method, path string, body any, opts ...CallOption) (T, error) {
	var value T
	var err error
	if client, ok := c.(*Client); ok {
		err = client.sendTyped(ctx, method, path, body, &value, opts)
	} else {
		err = sendThrough(ctx, c, method, path, body, &value, opts)
	}
	return value, err
}

// sendTyped makes a typed call; value is a *T.
func (c *Client) sendTyped(ctx context.Context, method, path string, body, value any, opts []CallOption) error {
	o := typedCall{callConfig: callConfig{maxBody: c.maxBody}}
	req, err := o.request(ctx, method, path, body, value, opts)
	if err != nil {
		return fmt.Errorf("%s: %w", c.provider.Name, err)
	}
	if isPlainPath(req.URL) && req.URL.Scheme == "" {
		req.URL.Scheme, req.URL.Host = c.base.Scheme, c.base.Host
		c.prefixed(req.URL)
	}
	o.setIdempotencyKey(req, &c.provider)
	if o.curl != nil {
		*o.curl, _ = c.curl(req, &o.callConfig)
	}
	if _, ignored := value.(*struct{}); ignored {
		o.maxBody = 0
	}
	k, resp, err := c.do(req, &o)
	if o.response != nil && k != nil {
		*o.response = k.response(resp)
	}
	if err != nil {
		return err
	}
	defer httpbody.Drain(resp)
	if err := k.answerError(resp); err != nil {
		return k.ends(resp.Header, err)
	}
	return k.ends(resp.Header, k.decode(resp, value))
}

// Pages yields the pages of a list, with one request for each; [Items] yields the items, and
// knows the usual ways of paging. next returns the link to the page after the given one, or ""
// after the last: a path, a query, or a URL within the provider's origin; see
// [Client.ResolveLink]. The options apply to every page, but a path of next that has a query
// replaces the query of the first. A query alone, "?cursor=x", replaces the parameters that it
// names, and keeps the others. Nothing more is yielded after an error. Leaving the loop stops
// the requests; ranging again starts over.
func Pages[T any](ctx context.Context, c Caller, path string, next func(T) string, opts ...CallOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		opts, first := opts, opts
		for at := path; at != ""; {
			page, err := Get[T](ctx, c, at, opts...)
			if !yield(page, err) || err != nil {
				return
			}
			link := next(page)
			if link == "" {
				return
			}
			following := afterPage(c, at, link)
			if following == at {
				var none T
				yield(none, fmt.Errorf("%s: paging does not advance: the next page is the same", c.Provider().Name))
				return
			}
			at = following
			if strings.HasPrefix(link, "?") {
				opts = withoutQuery(opts, at)
			} else if strings.Contains(at, "?") {
				opts = withoutQuery(first, "")
			}
		}
	}
}

// request applies the options of a typed call and builds its request, whose URL may be a path
// alone. If there is an error, the body is closed: the writer of a pipe would wait for ever.
// Its errors hold no query.
func (cc *callConfig) request(ctx context.Context, method, path string, body, value any, opts []CallOption) (*http.Request, error) {
	err := cc.apply(opts)
	if err == nil {
		err = checkDecodable(value)
	}
	var req *http.Request
	if err == nil {
		req, err = cc.newRequest(ctx, method, path, body)
	}
	if stream, ok := body.(io.ReadCloser); ok && err != nil {
		_ = stream.Close()
	}
	return req, err
}

func (cc *callConfig) newRequest(ctx context.Context, method, path string, body any) (*http.Request, error) {
	if ctx == nil {
		return nil, errors.New("the context is nil")
	}
	if !strings.HasPrefix(path, "/") && !strings.Contains(path, "://") {
		return nil, errors.New("the path must begin with a slash")
	}
	u, err := url.Parse(path)
	if err != nil {
		return nil, errors.New("the path cannot be parsed as a URL's")
	}
	if len(cc.query) > 0 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += cc.query.Encode()
	}
	reader, contentType, err := encode(body)
	if err != nil {
		return nil, err
	}
	req := (&http.Request{Method: method, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	if reader != nil || !validToken(method) { // net/http knows the readers that it can read again
		if req, err = http.NewRequestWithContext(ctx, method, "/", reader); err != nil {
			return nil, errors.New("the method is not valid")
		}
	}
	if contentType != "" && cc.header.Get("Content-Type") == "" {
		cc.setHeader("Content-Type", contentType)
	}
	req.URL, req.Header = u, cc.header
	return req, nil
}

func encode(body any) (io.Reader, string, error) {
	switch b := body.(type) {
	case nil:
		return nil, "", nil
	case io.Reader:
		return b, "application/octet-stream", nil
	case []byte:
		return bytes.NewReader(b), "application/octet-stream", nil
	case string:
		return strings.NewReader(b), "text/plain; charset=utf-8", nil
	case url.Values:
		return strings.NewReader(b.Encode()), "application/x-www-form-urlencoded", nil
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, "", fmt.Errorf("the body cannot be encoded as JSON: %w", err)
	}
	return bytes.NewReader(encoded), "application/json; charset=utf-8", nil
}

func (k *call) response(resp *http.Response) Response {
	r := Response{StatusCode: k.status, Attempts: k.attempts, Generation: k.generation(), KeyFingerprint: k.fingerprint()}
	var header http.Header
	switch {
	case resp != nil:
		header = resp.Header
	case k.trouble != nil:
		header = k.trouble.retry.header
	}
	if header != nil {
		redactor := k.redactor()
		r.Header = redactor.Header(header)
		r.RequestID = k.client.provider.requestID(header, problem.Problem{}, redactor)
	}
	return r
}

// asProbe marks the call as a probe of another key of the client's own account. The limit
// belongs to the account, so the probe shares what is left of it.
func asProbe() CallOption {
	return callOption(func(o *callConfig) error {
		first := PriorityProbe
		o.priority, o.sameAccount = &first, true
		return nil
	})
}

// Check asks the provider with its cheapest call whether the client's key works: a health check.
// It is a call like every other, with the keyring's current key, and heals as a call does: a
// refused key is replaced by a newer one or the previous one. It goes before all other calls that
// wait for the limit, but waits for a pause as they do: its error is a [*RateLimitError] if the
// context ends first, which says nothing about the key. It returns the typed error of a refusal,
// and an error if the provider documents no such call ([Provider.Probe]).
func (c *Client) Check(ctx context.Context) error {
	if c.provider.Probe == "" {
		return fmt.Errorf("%s: no probe is known for this provider: set Provider.Probe", c.provider.Name)
	}
	_, err := Get[struct{}](ctx, c, c.provider.Probe, WithPriority(PriorityProbe))
	return err
}

// Probe tests a credential of the client's own account with the provider's cheapest call,
// once, within the limit and before all other calls that wait for it. It has the form that
// [Verify] wants. It returns the typed error of a refusal, and an error if the provider
// documents no such call.
func (c *Client) Probe(ctx context.Context, cred Credential) error {
	if c.provider.Probe == "" {
		return fmt.Errorf("%s: no probe is known for this provider: give Verify a function of your own", c.provider.Name)
	}
	_, err := Get[struct{}](ctx, c, c.provider.Probe, WithSource(Static(cred)), WithMaxAttempts(1), asProbe())
	return err
}
