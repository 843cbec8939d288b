package keyfit

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// maxRedirects is as net/http has it.
const maxRedirects = 10

var errTooManyRedirects = errors.New("stopped after 10 redirects")

var errBadLocation = errors.New("its Location is not a URL")

// redirectable reports false for a redirect with a Location that cannot be parsed.
// net/http would say so too, and quote it, query and all.
func redirectable(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		_, err := resp.Location()
		return err == nil || errors.Is(err, http.ErrNoLocation)
	}
	return true
}

// redirectGuard follows redirects within the provider's origin and stops at its border,
// before anything is sent: another host gets no key, no body and no request at all.
// net/http alone strips Authorization for another host name, and nothing for another port
// or another header (golang/go#4800).
//
// scheme takes a key off the new URL that the provider put there, and user is the caller's
// own rule, nil for none. The answer that redirected stays reachable from the request that
// it caused, and from that request's answer, and is cleaned for that.
func redirectGuard(home origin, scheme Scheme, user func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if to := originOf(req.URL); to != home {
			return fmt.Errorf("%w: a redirect leads to %s", ErrCrossOrigin, to)
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
