package keyfit

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/keyfit/keyfit/internal/redact"
)

// maxRedirects is the limit of net/http.
const maxRedirects = 10

var errTooManyRedirects = errors.New("stopped after 10 redirects")

var errBadLocation = errors.New("its Location is not a URL")

// redirects follows the redirects of an attempt. Most responses are none, and pass.
type redirects struct {
	attempts *transport
	check    func(req *http.Request, via []*http.Request) error
}

// roundTrip makes an attempt and follows its redirects, each of which is an attempt of its
// own. The request of an error response or redirect leads [CheckResponse] to the call.
func (r *redirects) roundTrip(k *call, req *http.Request) (*http.Response, error) {
	return k.whole(r.followed(k, req))
}

func (r *redirects) followed(k *call, req *http.Request) (*http.Response, error) {
	resp, err := r.hop(k, req)
	if err != nil || resp.StatusCode < http.StatusMultipleChoices && k.succeeded() {
		return resp, err
	}
	resp.Request = k.request(req)
	if isRedirect(resp.StatusCode) {
		return r.follow(k, resp)
	}
	return resp, nil
}

// hop makes an attempt. A redirect to something that is not a URL fails here, because
// net/http would quote the Location with its query.
func (r *redirects) hop(k *call, req *http.Request) (*http.Response, error) {
	resp, err := r.attempts.roundTrip(k, req)
	if err != nil || !isRedirect(resp.StatusCode) {
		return resp, err
	}
	if _, err := resp.Location(); err != nil && !errors.Is(err, http.ErrNoLocation) {
		_ = resp.Body.Close()
		return nil, &finalError{"the redirect was not followed", errBadLocation}
	}
	return resp, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// RoundTrip is roundTrip for a request whose context is the call.
func (r *redirects) RoundTrip(req *http.Request) (*http.Response, error) {
	return r.roundTrip(callOf(req.Context()), req)
}

// follow lets net/http follow a redirect, by its rules for method, body and headers. It
// starts from the response that has been received, which net/http sees as the response to
// its first request.
func (r *redirects) follow(k *call, resp *http.Response) (*http.Response, error) {
	var replaced []*http.Cookie // set by the redirects so far
	seen := false
	hops := transportFunc(func(req *http.Request) (_ *http.Response, err error) {
		if seen {
			if resp, err = r.hop(k, r.withoutCookies(req, replaced)); err != nil {
				return nil, err
			}
		}
		seen = true
		replaced = append(replaced, resp.Cookies()...)
		return resp, nil
	})
	last, err := (&http.Client{Transport: hops, CheckRedirect: r.check}).Do(resp.Request)
	if err != nil {
		return nil, withoutURL(err) // the response of a refused redirect is closed already
	}
	k.cleanRequests(last)
	return last, nil
}

// cleanRequests takes the keys that a server has repeated in a Location out of the requests
// which can be reached from a response: out of their URLs, and the headers that net/http
// makes of these, Referer and Authorization. What was sent is not changed.
func (k *call) cleanRequests(last *http.Response) {
	redactor := k.redactor()
	for resp := last; resp != nil && resp.Request != nil; resp = resp.Request.Response {
		clean := resp.Request.WithContext(resp.Request.Context())
		clean.Header = make(http.Header, len(clean.Header))
		for name, values := range resp.Request.Header {
			clean.Header[name] = redactor.Texts(values)
		}
		if at := clean.URL.String(); redactor.Text(at) != at {
			u, err := url.Parse(redactor.Text(at))
			if err != nil { // the mark stands where no URL may have it
				u = &url.URL{Scheme: clean.URL.Scheme, Host: clean.URL.Host, Path: "/" + redact.Mark}
			}
			clean.URL = u
		}
		resp.Request = clean
	}
}

// withoutCookies returns the request without the caller's own cookies that have been
// replaced, if there is a jar that holds the new ones. [http.Client] does the same.
func (r *redirects) withoutCookies(req *http.Request, replaced []*http.Cookie) *http.Request {
	own := req.Cookies()
	if r.attempts.jar == nil || len(own) == 0 || len(replaced) == 0 {
		return req
	}
	req = req.WithContext(req.Context())
	req.Header = req.Header.Clone()
	req.Header.Del("Cookie")
	for _, cookie := range own {
		if !slices.ContainsFunc(replaced, func(c *http.Cookie) bool { return c.Name == cookie.Name }) {
			req.AddCookie(cookie)
		}
	}
	return req
}

type transportFunc func(*http.Request) (*http.Response, error)

func (tf transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return tf(req) }

// redirectGuard allows redirects within the provider's origin and below the base URL's path, and
// refuses others before anything is sent: another host receives no key, no body and no
// request at all. net/http itself removes Authorization for another host name only, and
// nothing for another port or in another header (golang/go#4800).
//
// scheme removes a key that the provider put into the new URL, and user is the caller's own
// rule; nil means none. The redirect response stays reachable from the request that it
// caused, and from that request's response, so its headers are redacted.
func redirectGuard(home *originCheck, scheme Scheme, user func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if to := originOf(req.URL); to != home.home {
			return fmt.Errorf("%w: a redirect leads to %s", ErrCrossOrigin, to)
		}
		if err := home.check(req.URL); err != nil {
			return fmt.Errorf("a redirect: %w", err)
		}
		if s, ok := scheme.(interface{ strip(*url.URL) }); ok {
			s.strip(req.URL)
		}
		switch {
		case user != nil:
			if err := user(req, via); errors.Is(err, http.ErrUseLastResponse) {
				return err
			} else if err != nil {
				return &finalError{"the redirect was not followed", err}
			}
		case len(via) >= maxRedirects:
			return errTooManyRedirects
		}
		req.Response.Header = callOf(req.Context()).redactor().Header(req.Response.Header) //nolint:gosec // this takes headers away, within one origin
		return nil
	}
}
