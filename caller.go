package keyfit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/keyfit/keyfit/internal/httpbody"
	"github.com/keyfit/keyfit/internal/problem"
	"github.com/keyfit/keyfit/internal/redact"
)

// Caller is what [Get], [Send], [Pages] and [Items] need of a [*Client]. Code that takes a Caller
// can be tested with a fake, which returns responses without a server and needs no key:
//
//	type fake struct{}
//
//	func (fake) Provider() keyfit.Provider { return keyfit.IMKIT("app") }
//
//	func (fake) Do(req *http.Request) (*http.Response, error) {
//		return &http.Response{StatusCode: 404, Body: io.NopCloser(strings.NewReader(`{"error":"ROOM_NOT_FOUND"}`))}, nil
//	}
//
// The URL of the request is the path and query that the call was given. An error status
// becomes the typed error that the provider's responses give ([ErrorOf]); an error of Do is
// returned as it is, so a fake can also return one made by hand. Of the options, those that
// concern the request and [WithResponse] have an effect.
type Caller interface {
	// Do sends a request, or acts as if it did; see [Client.Do].
	Do(req *http.Request) (*http.Response, error)
	// Provider describes the API; see [Client.Provider].
	Provider() Provider
}

// sendThrough makes a typed call of a Caller that is no Client; value is a *T.
func sendThrough(ctx context.Context, c Caller, method, path string, body, value any, opts []CallOption) error {
	p := c.Provider()
	o := callConfig{maxBody: defaultMaxBody}
	req, err := o.request(ctx, method, path, body, value, opts)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	o.setIdempotencyKey(req, &p)
	defer watchBody(req).finish()
	resp, err := c.Do(req) //nolint:bodyclose // Drain closes it
	if err == nil && resp == nil {
		err = errors.New("the Caller returned neither a response nor an error")
	}
	if err != nil {
		return err
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	defer httpbody.Drain(resp)
	rd, redactor := &reading{}, redactorOf(o.secret()...)
	if resp.StatusCode >= http.StatusMultipleChoices || p.ErrorsInSuccess && isDocument(resp) {
		rd = p.readAnswer(resp.StatusCode, resp.Header, httpbody.Peek(resp, maxErrorBody+redactor.Reach()), redactor)
	}
	if o.response != nil {
		*o.response = Response{StatusCode: resp.StatusCode, Header: redactor.Header(resp.Header), Attempts: 1}
		if o.response.RequestID = p.requestID(resp.Header, problem.Problem{}, redactor); rd.err != nil {
			o.response.RequestID = rd.err.RequestID
		}
	}
	if e := rd.err; e != nil {
		e.Method, e.Path, e.Attempts = req.Method, redactor.Text(req.URL.EscapedPath()), 1
		return e.typed(rd.kind)
	}
	return o.decodeThrough(p.Name, req, resp, value, redactor)
}

// decodeThrough decodes the response of a Caller that is no Client; value is a *T.
func (cc *callConfig) decodeThrough(provider string, req *http.Request, resp *http.Response, value any, redactor redact.Redactor) error {
	if _, ok := value.(*struct{}); ok {
		return nil
	}
	content, err := readContent(resp, cc.maxBody, httpbody.Bound{Stall: time.Minute, Total: 5 * time.Minute})
	if err != nil {
		return &RequestError{Provider: provider, Method: req.Method, Path: redactor.Text(req.URL.EscapedPath()), StatusCode: resp.StatusCode, Attempts: 1, Err: redactor.Error(err)}
	}
	if e := decodeContent(resp, req.Method, content, value); e != nil {
		e.of(provider, req.Method, req.URL.EscapedPath(), redactor)
		return e
	}
	return nil
}
