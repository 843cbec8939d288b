package keyfit

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strings"
)

// isForbidden reports whether no rule may try the call again: nothing may be sent, or the
// failure is a decision of the client.
func isForbidden(err error) bool {
	for _, own := range []error{ErrInsecure, ErrCrossOrigin, ErrTooLarge, errTooManyRedirects} {
		if errors.Is(err, own) {
			return true
		}
	}
	_, limited := errors.AsType[*RateLimitError](err)
	_, unusable := errors.AsType[*InvalidKeyError](err)
	_, final := errors.AsType[*finalError](err)
	return limited || unusable || final
}

// isLasting reports whether another attempt would only repeat the error.
func isLasting(err error) bool {
	return !isTimeout(err) && (isTrustError(err) || isLocal(err) || isAnswered(err))
}

// isLocalText reports whether a text is one of net/http for a request that it does not send as it
// is, or for a response that it does not take, none of which has a type.
func isLocalText(text string) bool {
	return slices.ContainsFunc([]string{
		"net/http: invalid ", "net/http: can't write control character", "net/http: Transport.", "net/http: nil ",
		"net/http: server response headers exceeded", "http: ContentLength=", "http: Request.ContentLength=", "http: nil Request",
		"http: no Host in request URL", "http: invalid Host header", "http: Request.Write on Request with no Host",
		"http2: invalid ", "http2: request body larger than specified content length", "http2: request header list larger",
		"http2: response header list larger", "http2: unsupported scheme", "unsupported protocol scheme", "invalid proxy address",
		// Transports of tests that have no response for the request: httpmock, gock, go-vcr.
		"no responder found", "gock: cannot match any request", "requested interaction not found",
	}, func(begin string) bool { return strings.HasPrefix(text, begin) })
}

// isLocal reports whether our own side cannot or may not send the request: net/http refuses it,
// an address is none, the system forbids it, a test has no response for it.
func isLocal(err error) bool {
	_, address := errors.AsType[*net.AddrError](err)
	_, number := errors.AsType[*net.ParseError](err)
	_, network := errors.AsType[net.UnknownNetworkError](err)
	_, invalid := errors.AsType[net.InvalidAddrError](err)
	return address || number || network || invalid || errors.Is(err, fs.ErrPermission) || isLocalText(err.Error())
}

// isAnswered reports whether somebody has answered with a refusal that stands: a name server
// that knows no such host, a proxy that does not connect to it, the peer with a TLS alert, or the
// server that wants another protocol.
func isAnswered(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	if proxy, ok := errors.AsType[*ProxyError](err); ok {
		return !proxy.passing()
	}
	text := err.Error()
	if op, ok := errors.AsType[*net.OpError](err); ok {
		switch {
		case op.Op == "remote error", op.Op == "local error": // TLS alerts
			return !strings.HasSuffix(text, "bad record MAC") // damaged on the way
		case strings.HasPrefix(op.Op, "socks"):
			return strings.Contains(text, "authentication") || strings.Contains(text, "not allowed by ruleset")
		}
	}
	return strings.HasSuffix(text, "HTTP_1_1_REQUIRED") || strings.HasSuffix(text, "INADEQUATE_SECURITY")
}

// isTrustError reports whether the server failed to prove its identity, the two have no TLS in
// common, or the server does not speak it.
func isTrustError(err error) bool {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return verify || unknown || host || invalid || record || errors.Is(err, http.ErrSchemeMismatch) || strings.HasPrefix(err.Error(), "tls: ")
}
