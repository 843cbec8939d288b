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
	"time"

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
func Get[T any](ctx context.Context, c *Client, path string, opts ...CallOption) (T, error) {
	return Send[T](ctx, c, http.MethodGet, path, nil, opts...)
}

// Send sends a request with a body and decodes the response as [Get] does. The body is
// encoded as JSON, once for all attempts, with these exceptions: nil sends no body;
// url.Values is sent as a form; []byte and string are sent as they are; an io.Reader is
// streamed, and sent only once unless it is a *bytes.Reader, *bytes.Buffer or
// *strings.Reader. A reader that is an io.Closer is closed, also if nothing is sent.
func Send[T any](ctx context.Context, c *Client, method, path string, body any, opts ...CallOption) (T, error) {
	var value T
	o := callConfig{maxBody: c.maxBody}
	err := o.apply(opts)
	var req *http.Request
	if err == nil {
		req, err = c.newRequest(ctx, method, path, body, o)
	}
	if err != nil {
		if stream, ok := body.(io.Closer); ok {
			_ = stream.Close() // or the writer of a pipe would wait for ever
		}
		return value, fmt.Errorf("%s: %w", c.provider.Name, err)
	}
	k, resp, err := c.do(req, &o)
	if o.response != nil && k != nil {
		*o.response = k.response(resp)
	}
	if err != nil {
		return value, err
	}
	defer httpbody.Drain(resp)
	if err := k.answerError(resp); err != nil {
		return value, err
	}
	err = k.decode(resp, o.maxBody, &value)
	return value, err
}

// Pages yields the pages of a list, with one request for each; [Items] yields the items, and
// knows the usual ways of paging. next returns the link to the page after the given one, or ""
// after the last: a path, a query, or a URL within the provider's origin; see
// [Client.ResolveLink]. The options apply to every page, but a path of next that has a query
// replaces the query of the first. A query alone, "?cursor=x", replaces the parameters that it
// names, and keeps the others. Nothing more is yielded after an error. Leaving the loop stops
// the requests; ranging again starts over.
func Pages[T any](ctx context.Context, c *Client, path string, next func(T) string, opts ...CallOption) iter.Seq2[T, error] {
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
			following := c.afterPage(at, link)
			if following == at {
				var none T
				yield(none, fmt.Errorf("%s: paging does not advance: the next page is the same", c.provider.Name))
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

// newRequest builds the request of a typed call. Its errors hold no query.
func (c *Client) newRequest(ctx context.Context, method, path string, body any, o callConfig) (*http.Request, error) {
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
	if len(o.query) > 0 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += o.query.Encode()
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
	if isPlainPath(u) && u.Scheme == "" {
		u.Scheme, u.Host = c.base.Scheme, c.base.Host
		c.prefixed(u)
	}
	if contentType != "" && o.header.Get("Content-Type") == "" {
		o.setHeader("Content-Type", contentType)
	}
	req.URL, req.Header = u, o.header
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
	if resp != nil {
		redactor := k.redactor()
		r.Header = redactor.Header(resp.Header)
		r.RequestID = requestID(resp.Header, problem.Problem{}, redactor)
	}
	return r
}

// decode reads a success response into value, which is a *T.
func (k *call) decode(resp *http.Response, limit int64, value any) error {
	if _, ok := value.(*struct{}); ok {
		return nil
	}
	body, err := httpbody.Read(resp, max(limit, limit+1), k.bodyTime())
	if err != nil {
		return k.failure(fmt.Errorf("the response broke off: %w", err))
	}
	if int64(len(body)) > limit {
		return k.failure(fmt.Errorf("%w: more than %d bytes; see WithMaxResponseBytes", ErrTooLarge, limit))
	}
	_ = resp.Body.Close() // all of it is here: nothing to drain
	resp.Body = http.NoBody
	isJSON := strings.Contains(resp.Header.Get("Content-Type"), "json")
	switch v := value.(type) {
	case *[]byte:
		*v = body
		return nil
	case *string:
		if !isJSON {
			*v = string(body)
			return nil
		}
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff")) // RFC 8259, section 8.1, lets a parser ignore it
	if len(body) == 0 && (resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusResetContent) {
		return nil
	}
	if err := json.Unmarshal(body, value); err != nil {
		return k.decodeError(resp.StatusCode, body, isJSON, value, err)
	}
	return nil
}

// bodyTime bounds the reading of a response for callers who set no bound, so that a stalled
// body does not block a goroutine for ever. 0 means no bound.
func (k *call) bodyTime() time.Duration {
	if _, bounded := k.Deadline(); bounded || k.policy.AttemptTimeout > 0 {
		return 0
	}
	return 5 * time.Minute
}

// decodeError says which types were found and expected, and no value: the decoder's own
// text may quote the response.
func (k *call) decodeError(status int, body []byte, isJSON bool, value any, err error) error {
	e := &DecodeError{Provider: k.client.provider.Name, Method: k.method, Path: k.redactor().Text(k.path()), StatusCode: status}
	wrongType, isType := errors.AsType[*json.UnmarshalTypeError](err)
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case len(body) == 0:
		e.Reason = "the body is empty, and a Go " + strings.TrimPrefix(fmt.Sprintf("%T", value), "*") + " was asked for"
	case isType:
		kind, _, _ := strings.Cut(wrongType.Value, " ") // "number 12" would quote the value
		e.Field, e.Reason = wrongType.Field, fmt.Sprintf("found a JSON %s, wanted a Go %s", kind, wrongType.Type)
	case isSyntax && isJSON:
		e.Reason = fmt.Sprintf("broken JSON at byte %d of %d", syntax.Offset, len(body))
	case isSyntax:
		e.Reason = "the body is not JSON"
	default:
		e.Reason = fmt.Sprintf("the decoder of the type failed (%T)", err)
	}
	e.Field, e.Reason = k.redactor().Text(e.Field), k.redactor().Text(e.Reason)
	if clean := k.redactor().Error(err); clean == err { //nolint:errorlint // the very same value
		e.Err = err
	}
	return e
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

// Probe tests a credential of the client's own account with the provider's cheapest call,
// once, within the limit and before all other calls that wait for it. It has the form that
// [Verify] wants. It returns the typed error of a refusal, and an error if the provider
// documents no such call.
func (c *Client) Probe(ctx context.Context, cred Credential) error {
	if c.provider.Probe == "" {
		return fmt.Errorf("%s: no probe is known for this provider: give Verify a function of your own", c.provider.Name)
	}
	policy := c.policy
	policy.MaxAttempts = 1
	_, err := Get[struct{}](ctx, c, c.provider.Probe, WithSource(Static(cred)), WithRetry(policy), asProbe())
	return err
}
