package keyfit

import (
	"errors"
	"fmt"
	"net/http"
)

// maxRedirects is as net/http has it.
const maxRedirects = 10

var errTooManyRedirects = errors.New("stopped after 10 redirects")

// redirectGuard follows redirects within the provider's origin and stops at its border,
// before anything is sent: another host gets no key, no body and no request at all.
// net/http alone strips Authorization for another host name, and nothing for another port
// or another header (golang/go#4800).
func redirectGuard(home origin, user func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if to := originOf(req.URL); to != home {
			return fmt.Errorf("%w: a redirect leads to %s", ErrCrossOrigin, to)
		}
		if user != nil {
			return user(req, via)
		}
		if len(via) >= maxRedirects {
			return errTooManyRedirects
		}
		return nil
	}
}
