package keyfit

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/internal/oneline"
)

// ProxyError is the refusal of a proxy to connect to the provider, which has seen nothing of the
// call. It is in a [RequestError]. Unless the status says that it may pass (429, 502, 503 …), the
// call is not tried again.
type ProxyError struct {
	StatusCode int    // of the proxy's response to CONNECT; 0 if it is not known
	Reason     string // in the words of the proxy
}

// Error returns one line.
func (e *ProxyError) Error() string {
	said := e.Reason
	if e.StatusCode != 0 {
		said = strings.TrimSpace(strconv.Itoa(e.StatusCode) + " " + said)
	}
	return "the proxy refused to connect to the provider: " + said
}

// passing reports whether the refusal may be over at the next attempt.
func (e *ProxyError) passing() bool {
	return e.StatusCode == http.StatusTooManyRequests || isPassing(e.StatusCode)
}

// proxyAnswered is for [http.Transport.OnProxyConnectResponse].
func proxyAnswered(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	_, reason, _ := strings.Cut(resp.Status, " ")
	return &ProxyError{StatusCode: resp.StatusCode, Reason: oneline.Text(reason, 100)}
}

// namedProxy names the proxy in an error that a transport of the caller's may have of it. Without
// OnProxyConnectResponse, net/http gives only the reason phrase of the response, as an error
// without a type.
func namedProxy(pool http.RoundTripper, req *http.Request, err error) error {
	if given, ok := pool.(givenClient); ok {
		pool = given.transport()
	}
	tr, ok := pool.(*http.Transport)
	if !ok || tr.Proxy == nil || req.URL.Scheme != "https" || !isReasonPhrase(err) {
		return err
	}
	proxy, failed := tr.Proxy(req)
	if failed != nil || proxy == nil || strings.HasPrefix(proxy.Scheme, "socks") {
		return err
	}
	refusal := &ProxyError{Reason: oneline.Text(err.Error(), 100)}
	for status := http.StatusBadRequest; status < 600; status++ {
		if http.StatusText(status) == refusal.Reason {
			refusal.StatusCode = status
		}
	}
	return refusal
}

// isReasonPhrase reports whether an error is nothing but a text, and none of those that net/http
// and its parts have.
func isReasonPhrase(err error) bool {
	if reflect.TypeOf(err) != reflect.TypeOf(errors.New("")) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	for _, of := range []string{"http: ", "http2: ", "net/http: ", "tls: ", "x509: ", "unsupported protocol scheme", "malformed "} {
		if strings.HasPrefix(err.Error(), of) {
			return false
		}
	}
	return true
}
