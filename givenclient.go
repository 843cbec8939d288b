package keyfit

import "net/http"

// givenClient is the transport of an http.Client that was given without one. As for net/http, that
// means the one that the client has when a request is sent, or else http.DefaultTransport as it is
// then: libraries for tests put theirs into either, before or after [New].
type givenClient struct{ client *http.Client }

func (given givenClient) transport() http.RoundTripper {
	if given.client.Transport != nil {
		return given.client.Transport
	}
	return http.DefaultTransport
}

// RoundTrip implements [http.RoundTripper].
func (given givenClient) RoundTrip(req *http.Request) (*http.Response, error) {
	return given.transport().RoundTrip(req)
}

// CloseIdleConnections is found by [http.Client.CloseIdleConnections].
func (given givenClient) CloseIdleConnections() {
	(&http.Client{Transport: given.transport()}).CloseIdleConnections()
}
