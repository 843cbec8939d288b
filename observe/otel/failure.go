package keyfitotel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"

	"github.com/keyfit/keyfit"
)

// failure is the error.type of how a call or an attempt has ended: its status, or one of a few
// words; "" if it has not failed.
func failure(status int, err error) string {
	limited, isLimited := errors.AsType[*keyfit.RateLimitError](err)
	answer, isAnswer := errors.AsType[*keyfit.APIError](err)
	_, isNone := errors.AsType[*keyfit.RequestError](err)
	switch {
	case err == nil && status < http.StatusBadRequest:
		return ""
	case err == nil:
		return strconv.Itoa(status)
	case isLimited && limited.Deadline:
		return "deadline"
	case errors.Is(err, keyfit.ErrNoUsableKey):
		return "no_usable_key"
	case isAnswer && !isNone && answer.StatusCode > 0:
		return strconv.Itoa(answer.StatusCode)
	case isLimited:
		return "rate_limited"
	}
	return kindOf(err)
}

// kindOf names an error that is none of the provider.
func kindOf(err error) string {
	for _, known := range []struct {
		err  error
		name string
	}{
		{context.Canceled, "canceled"},
		{keyfit.ErrAttemptTimeout, "timeout"},
		{context.DeadlineExceeded, "timeout"},
		{keyfit.ErrInsecure, "not_allowed"},
		{keyfit.ErrCrossOrigin, "not_allowed"},
		{keyfit.ErrNotAllowed, "not_allowed"},
		{keyfit.ErrTooLarge, "too_large"},
	} {
		if errors.Is(err, known.err) {
			return known.name
		}
	}
	if _, ok := errors.AsType[*keyfit.DecodeError](err); ok {
		return "decode"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "dns"
	}
	if isTLS(err) {
		return "tls"
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "timeout"
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return "connection"
	}
	return "_OTHER"
}

func isTLS(err error) bool {
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, other := errors.AsType[x509.HostnameError](err)
	return unverified || notTLS || alert || unknown || other
}

// gateRefusal is why the gate has let an attempt of the call not through, by the name of the count
// in [keyfit.Refusals]; "" if it has not refused one.
func gateRefusal(err error) string {
	limited, ok := errors.AsType[*keyfit.RateLimitError](err)
	switch {
	case !ok || limited.APIError == nil || limited.StatusCode != 0:
		return "" // the event of the attempt has told it
	case limited.Deadline:
		return "deadline"
	}
	return "max_wait"
}
